"""The load generator seen from the benchmark: a child process that is told what to send."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from bench.http1 import Exchange, WrongAnswerError


@dataclass(frozen=True)
class Load:
    """What one measured stretch of load gave. Latencies in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float


class Generator:
    """The child process; a context manager that ends it."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"],
            cwd=root,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Generator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

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
        self._tell(
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
        self._hear("warm")
        warmed()
        self._tell("go")
        done = self._hear("done")
        del done["event"]
        return Load(**done)

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self, event: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise WrongAnswerError("the load generator ended by itself")
        heard: dict[str, Any] = json.loads(line)
        if heard["event"] != event:
            raise WrongAnswerError(heard.get("message", f"the load generator said {line!r}"))
        return heard
