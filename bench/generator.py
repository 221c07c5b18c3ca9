"""The load generator seen from the benchmark: a child process that is told what to send."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.child import Child
from bench.http1 import Exchange


@dataclass(frozen=True)
class Load:
    """What one measured stretch of load gave. Latencies in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float


class Generator(Child):
    """The child process; a context manager that ends it."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        super().__init__("bench.load", root, env)

    def run(
        self,
        url: str,
        exchanges: Sequence[Exchange],
        *,
        connections: int,
        warm_seconds: float,
        seconds: float,
        warmed: Callable[[], None],
    ) -> Load:
        """Load one server.

        Args:
            warmed: Called between the warm-up and what is measured, while nothing is under way.

        Raises:
            WrongAnswerError: An answer was not the expected one, or the server did not answer.
        """
        parts = urlsplit(url)
        self.tell(
            json.dumps(
                {
                    "host": parts.hostname,
                    "port": parts.port,
                    "connections": connections,
                    "warm_seconds": warm_seconds,
                    "seconds": seconds,
                    "exchanges": [{"request": each.request.decode(), "body": each.body.decode()} for each in exchanges],
                }
            )
        )
        self.hear("warm")
        warmed()
        self.tell("go")
        return Load(**self.hear("done"))
