"""Counts what a gateway does for a request: bytecode instructions, which no other program on the machine changes.

The gateway runs in a thread of its own, over real sockets, and only that thread is counted. The event loop is left out,
since how often it turns is up to chance; so is what runs as C, which has no instructions of Python's.
"""

import asyncio
import itertools
import sys
import sysconfig
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Self

from aiohttp import web

from tripgate.gateway.app import application
from tripgate.gateway.settings import Settings

ROOT = Path(__file__).parents[2]
_LIBRARY = f"{sysconfig.get_path('stdlib')}/"
_PACKAGES = f"{sysconfig.get_path('purelib')}/"
_LEFT_OUT = (f"{_LIBRARY}asyncio/", f"{_LIBRARY}selectors.py", f"{_LIBRARY}threading.py", __file__)
_OURS = tuple(f"{ROOT}/{name}/" for name in ("gql", "resolvers", "tripgate"))
_TURNS = 8


@dataclass(frozen=True)
class Way:
    """The functions that a request passed through, in order.

    A coroutine counts again each time that it goes on after an `await`.

    Attributes:
        steps: The file below the repository, and the function.
    """

    steps: list[tuple[str, str]]

    @property
    def stays(self) -> list[str]:
        """The files in the order in which they were entered, each once for as long as it was not left."""
        return [file for file, _ in itertools.groupby(file for file, _ in self.steps)]

    @property
    def returns(self) -> int:
        """How often a file was entered that had been left before."""
        return len(self.stays) - len(set(self.stays))

    def entries(self, file: str, *functions: str) -> int:
        """How often one of these functions of a file was begun, or went on."""
        return sum(step in {(file, function) for function in functions} for step in self.steps)

    def __str__(self) -> str:
        """One line for each stay."""
        groups = itertools.groupby(self.steps, lambda step: step[0])
        return "\n".join(f"{file}: {', '.join(function for _, function in steps)}" for file, steps in groups)


class CountedGateway:
    """A gateway in a thread, with a count for each module; an async context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        # The number of each module, in a list, so that its counters share it.
        self._counts: dict[str, list[int]] = {}
        self._counters: dict[CodeType, Any] = {}
        self._steps: list[tuple[str, str]] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        self._thread.start()
        await asyncio.to_thread(self._started.wait)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        await asyncio.to_thread(self._thread.join)

    async def begin(self) -> None:
        """Count from now on."""
        for each in self._counts.values():
            each[0] = 0
        await self._run(lambda: sys.settrace(self._entered))

    async def follow(self) -> None:
        """Write down from now on which functions of ours are entered."""
        self._steps.clear()
        await self._run(lambda: sys.settrace(self._stepped_in))

    async def way(self) -> Way:
        """What has been written down since `follow`, once nothing is left to do."""
        await self.end()
        return Way(list(self._steps))

    async def end(self) -> Counter[str]:
        """The instructions of each module since `begin`, once nothing is left to do."""
        await self._run(lambda: None)
        await self._run(lambda: sys.settrace(None))
        return Counter({module: count for module, (count,) in self._counts.items() if count})

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        runner = web.AppRunner(application(self._settings), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        self.url = f"http://{host}:{port}/graphql"
        self._started.set()
        await self._stopping.wait()
        await runner.cleanup()

    async def _run(self, call: Any) -> None:
        """Call it in the gateway's thread, after all that is ready there and what follows from that."""
        done = threading.Event()

        def turn(left: int) -> None:
            if left:
                self._loop.call_soon(turn, left - 1)
            else:
                call()
                done.set()

        self._loop.call_soon_threadsafe(turn, _TURNS)
        await asyncio.to_thread(done.wait)

    def _entered(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        """A function begins, or goes on after an `await`."""
        code = frame.f_code
        if code not in self._counters:
            module = _module(code.co_filename)
            self._counters[code] = None if module is None else self._counter(module)
        counter = self._counters[code]
        if counter is not None:
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
        return counter

    def _counter(self, module: str) -> Any:
        """What is called for every instruction of a module, and so does as little as can be."""
        count = self._counts.setdefault(module, [0])

        def stepped(_frame: FrameType, event: str, _argument: Any) -> Any:
            if event == "opcode":
                count[0] += 1
            return stepped

        return stepped

    def _stepped_in(self, frame: FrameType, _event: str, _argument: Any) -> None:
        code = frame.f_code
        if code.co_filename.startswith(_OURS):
            self._steps.append((code.co_filename.removeprefix(f"{ROOT}/"), code.co_name))


def _module(file: str) -> str | None:
    """How a file is called in a budget: our own by their paths, others by their packages; `None` to leave it out."""
    if file.startswith(_LEFT_OUT):
        return None
    if file.startswith(_PACKAGES):
        return file.removeprefix(_PACKAGES).partition("/")[0]
    if file.startswith(f"{ROOT}/"):
        return file.removeprefix(f"{ROOT}/")
    return "made at run time" if file.startswith("<") else "standard library"
