"""Runs `tripgate` in forks of one process that has loaded what it imports of others: half of what a start takes.

Nothing of the program itself is loaded before the fork, so each run may find another copy of it, or none of a package.
"""

import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PACKAGES = ("aiohttp.web", "click", "graphql", "jwt", "orjson", "psycopg", "pydantic_settings", "strawberry.federation")


class Preloaded:
    """The process; a context manager."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.cli.preloaded"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()

    def run(self, copy: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """What `python -m tripgate …` of this copy of the program says; `environment` is added to the tests' own."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.NamedTemporaryFile("r") as out, tempfile.NamedTemporaryFile("r") as errors:
            said = {"copy": str(copy), "arguments": arguments, "environment": {**os.environ, **environment}}
            json.dump({**said, "out": out.name, "errors": errors.name}, self._process.stdin)
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
            return subprocess.CompletedProcess(arguments, status, out.read(), errors.read())


def _serve() -> None:
    for package in PACKAGES:
        importlib.import_module(package)
    here = os.getcwd()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line), here)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def _become(run: dict[str, Any], here: str) -> None:
    """Be the program, as Python starts it; never returns."""
    for number, file in ((1, run["out"]), (2, run["errors"])):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(run["environment"], PYTHONPATH=run["copy"])
    os.chdir(run["copy"])
    sys.path[:] = [run["copy"], *(path for path in sys.path if path not in {"", here})]
    sys.argv[1:] = run["arguments"]
    runpy.run_module("tripgate", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    _serve()
