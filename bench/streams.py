"""How soon people see what an agent says: from the provider's chunk to the client, over two gateways.

The fake of the provider sends by the clock, so when each chunk was sent is known: its books say when the first was.
"""

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from bench.contenders import TRIPGATE
from bench.load import WrongAnswerError, percentile
from bench.report import LIVE, Target
from bench.site import Site
from bench.usage import customers
from bench.workloads import POINT

RUNS, PER_SECOND, SECONDS = 20, 50, 10
MOST_MS = 500.0
_CHUNK = 4
"""Characters of a chunk: a token of the fake's."""
SAID = """subscription ($run: UUID!) {
  aiMessageChanges(runId: $run) { operation id delta offset aiMessage { role content status } }
}"""


@dataclass
class _Follower:
    """Who follows one run: the text so far, and when it was how long."""

    text: str = ""
    arrivals: list[tuple[float, int]] = field(default_factory=list)

    def take(self, change: dict[str, Any]) -> bool:
        """One event; whether the agent has said all. Raises WrongAnswerError for a piece that does not follow."""
        row = change["aiMessage"]
        if row is not None and row["role"] == "USER":
            return False
        if change["operation"] not in {"INSERT", "UPDATE"} or (row is None and change["offset"] != len(self.text)):
            raise WrongAnswerError(f"streams: {change} behind {len(self.text)} characters")
        self.text = self.text + change["delta"] if row is None else row["content"]
        self.arrivals.append((time.time(), len(self.text)))
        return row is not None and row["status"] == "COMPLETE"

    def delays(self, began: float, from_length: int) -> list[float]:
        """Milliseconds from when each chunk behind the first so many characters was sent until it was here."""
        found, chunk = [], -(-from_length // _CHUNK)
        for at, length in self.arrivals:
            while (chunk + 1) * _CHUNK <= length:
                found.append((at - began - chunk / PER_SECOND) * 1000)
                chunk += 1
        return found


def measure(site: Site) -> tuple[list[tuple[str, ...]], Target]:
    """A table and its target.

    Raises:
        WrongAnswerError: Somebody heard something else than what is kept in the end.
    """
    site.progress(f"agents: {RUNS} answers of {PER_SECOND} chunks a second, over two gateways")
    people = customers(site.info.admin_db_url)[:RUNS]
    urls = [site.server(TRIPGATE, replace(POINT, settings={}), f"streams {at}")[1] for at in range(2)]
    delays = sorted(asyncio.run(_follow_all(site, urls, people)))
    p50, p99 = (percentile(delays, share) for share in (0.5, 0.99))
    rows = [
        ("provider to client", "chunks", "p50 ms", "p99 ms", "most ms"),
        (f"{RUNS} runs, {2 * RUNS} who follow", f"{len(delays):,}", f"{p50:.0f}", f"{p99:.0f}", f"{delays[-1]:.0f}"),
    ]
    return rows, Target(
        LIVE, "agents: provider to client, p99", f"under {MOST_MS:g} ms", f"{p99:.0f} ms", p99 < MOST_MS
    )


async def _follow_all(site: Site, urls: list[str], people: list[str]) -> list[float]:
    text = "".join(f"{number:03} " for number in range(PER_SECOND * SECONDS))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await control(session, site, "DELETE", "ai/calls")
        script = {"times": RUNS, "text": text, "chunksPerSecond": PER_SECOND}
        await control(session, site, "POST", "ai/scripts", [script])
        tokens = [site.tokens.of(person) for person in people]
        heard = await asyncio.gather(*(_one(session, site, urls, token, text) for token in tokens))
        calls = (await control(session, site, "GET", "ai/calls"))["calls"]
    began = {call["run"]: call["streamedAt"] for call in calls}
    # What the row held when it was told first was not waited for.
    return [
        delay
        for run, followers in heard
        for each in followers
        for delay in each.delays(began[run], each.arrivals[0][1])
    ]


async def _one(
    session: aiohttp.ClientSession, site: Site, urls: list[str], token: str, text: str
) -> tuple[str, list[_Follower]]:
    run = await begin(session, site, token, "Count.")
    followers = await asyncio.gather(*(_followed(session, url, token, run) for url in urls))
    if any(each.text != text for each in followers):
        raise WrongAnswerError(f"streams: {[len(each.text) for each in followers]} characters of {len(text)}")
    return run, followers


async def begin(session: aiohttp.ClientSession, site: Site, token: str, prompt: str) -> str:
    """The id of a run of the assistant that goes on. Raises WrongAnswerError."""
    headers = {"apikey": site.info.publishable_key, "Authorization": f"Bearer {token}"}
    body = {"agent_key": "assistant", "prompt": prompt}
    async with session.post(f"{site.info.api_url}/functions/v1/run-ai-agent", json=body, headers=headers) as answer:
        if answer.status != 202:
            raise WrongAnswerError(f"streams: {answer.status} {(await answer.text())[:300]}")
        return str((await answer.json())["run"]["id"])


async def _followed(session: aiohttp.ClientSession, url: str, token: str, run: str) -> _Follower:
    follower = _Follower()
    address = url.replace("http", "ws", 1)
    async with (
        asyncio.timeout(SECONDS + 60),
        session.ws_connect(address, protocols=("graphql-transport-ws",)) as socket,
    ):
        await socket.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        await socket.receive_json()
        payload = {"query": SAID, "variables": {"run": run}}
        await socket.send_json({"type": "subscribe", "id": "1", "payload": payload})
        while True:
            message = await socket.receive_json()
            if message["type"] == "ping":
                await socket.send_json({"type": "pong"})
                continue
            if message["type"] != "next" or message["payload"].get("errors"):
                raise WrongAnswerError(f"streams: {str(message)[:300]}")
            if follower.take(message["payload"]["data"]["aiMessageChanges"]):
                return follower


async def control(session: aiohttp.ClientSession, site: Site, method: str, path: str, body: Any = None) -> Any:
    """What the fake of the provider is told, or asked. Raises WrongAnswerError."""
    url = f"{site.info.api_url}/providers/control/{path}"
    async with session.request(method, url, json=body, headers={"apikey": site.info.secret_key}) as answer:
        text = await answer.text()
        if answer.status >= 300:
            raise WrongAnswerError(f"streams: {path}: {answer.status} {text[:300]}")
        return await answer.json() if text else None
