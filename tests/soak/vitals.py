"""What a gateway's process holds: memory, descriptors, tasks, subscribers, live queries."""

from dataclasses import dataclass
from statistics import median

import aiohttp
import psutil
from prometheus_client.parser import text_string_to_metric_families

GAUGES = {
    "tripgate_tasks": "tasks",
    "tripgate_subscribers": "subscribers",
    "tripgate_realtime_topics": "topics",
    "tripgate_live_queries": "queries",
}


@dataclass(frozen=True)
class Vitals:
    """One look. `memory` is the resident set in MB; of `descriptors`, `pooled` are kept ready for the next reads."""

    memory: float
    descriptors: int
    tasks: int
    subscribers: int
    topics: int
    queries: int
    pooled: int

    @classmethod
    async def of(cls, pid: int, http: aiohttp.ClientSession, url: str) -> "Vitals":
        """Look at a process and at what it says of itself."""
        async with http.get(url.replace("/graphql", "/metrics"), headers={"Accept": "text/plain"}) as response:
            text = await response.text()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        found = {GAUGES[sample.name]: int(sample.value) for sample in samples if sample.name in GAUGES}
        ready = {"state": "idle"}
        pooled = [each for each in samples if each.name == "tripgate_database_connections" and each.labels == ready]
        found["pooled"] = int(sum(each.value for each in pooled))
        process = psutil.Process(pid)
        return cls(memory=process.memory_info().rss / 1e6, descriptors=process.num_fds(), **found)

    def __str__(self) -> str:
        return (
            f"{self.memory:.0f} MB, {self.descriptors} descriptors ({self.pooled} to Postgres), {self.tasks} tasks, "
            f"{self.subscribers} subscribers, {self.topics} topics, {self.queries} live queries"
        )


def growth(looks: list[Vitals]) -> float:
    """By what share memory is greater in the last fifth than in the second: the first is warming up."""
    fifth = max(1, len(looks) // 5)
    early, late = looks[fifth : 2 * fifth], looks[-fifth:]
    return median(each.memory for each in late) / median(each.memory for each in early) - 1
