"""A child process of the benchmark that is told what to do in lines of JSON, and answers in lines of JSON."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.http1 import WrongAnswerError


class Child:
    """`python -m module`; a context manager that ends it."""

    def __init__(self, module: str, root: Path, env: Mapping[str, str]) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=root,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
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

    def tell(self, line: str) -> None:
        """Send a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self, event: str) -> dict[str, Any]:
        """Wait for an event; the rest of its line.

        Raises:
            WrongAnswerError: Another one came, or none: the child says why.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise WrongAnswerError(f"{self._module} ended by itself")
        heard: dict[str, Any] = json.loads(line)
        if heard.pop("event") != event:
            raise WrongAnswerError(heard.get("message", f"{self._module} said {line!r}"))
        return heard
