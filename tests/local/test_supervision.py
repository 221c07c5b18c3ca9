"""Nothing that a stack starts outlives it, however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest

from tests.local.conftest import open_directory
from tripgate.local.stack import LocalStackError, Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPERVISOR = Path(__file__).with_name("supervisor_for_test.py")


def runs(process: psutil.Process) -> bool:
    """True unless it has ended; a zombie has, and only waits for its parent to notice."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def processes_of(data_dir: Path) -> list[str]:
    """The command lines that name this data directory."""
    return [command(process) for process in psutil.process_iter() if str(data_dir) in command(process)]


class Supervisor:
    """A stack in a process of its own, like a terminal's foreground job."""

    def __init__(self, project: Path, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, str(SUPERVISOR), str(project), str(data_dir)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.info: dict[str, Any] = json.loads(self.line())
        self.family: list[psutil.Process] = []
        while not any("sleep" in command(process) and not self.is_guard(process) for process in self.family):
            self.family = psutil.Process(self.process.pid).children(recursive=True)

    @staticmethod
    def is_guard(process: psutil.Process) -> bool:
        return "guard.py" in command(process)

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def survivors(self, seconds: float = 60) -> list[str]:
        """What still runs after so long: by process number, and by the data directory in the command line."""
        deadline = time.monotonic() + seconds
        while any(runs(process) for process in self.family) and time.monotonic() < deadline:
            time.sleep(0.02)
        return [command(process) for process in self.family if runs(process)] + processes_of(self.data_dir)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def same_data_dir() -> Iterator[Path]:
    """The data directory of all that end badly, since each start but the first is a recovery."""
    with open_directory() as directory:
        yield directory / "data"


@pytest.fixture
def supervisor(project: Path, same_data_dir: Path) -> Iterator[Supervisor]:
    started = Supervisor(project, same_data_dir)
    yield started
    started.close()
    assert started.survivors() == []


def test_after_kill_9_nothing_runs_and_no_write_is_lost(supervisor: Supervisor, project: Path) -> None:
    with psycopg.connect(supervisor.info["db_url"], autocommit=True) as connection:
        connection.execute("insert into announcements values (2, 'committed')")
        supervisor.process.kill()
        supervisor.process.wait()
        # No pause: a start at once waits until the old servers are gone.
        with Stack(StackOptions(project, supervisor.data_dir, api_port=0)) as stack:
            assert stack.info is not None
            assert not [process for process in supervisor.family if runs(process)]
            with psycopg.connect(stack.info.db_url) as later:
                rows = later.execute("select body from announcements order by id").fetchall()
    assert rows == [("Welcome",), ("committed",)]
    assert supervisor.survivors() == []


def test_after_ctrl_c_nothing_runs(supervisor: Supervisor) -> None:
    os.killpg(supervisor.process.pid, signal.SIGINT)
    supervisor.process.wait(20)
    # The stack itself stopped them in order, so nothing is left by now.
    assert supervisor.survivors(seconds=0) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot tie a process to its parent's death")
def test_when_even_the_guards_are_killed_nothing_runs_and_the_data_recover(
    supervisor: Supervisor, project: Path
) -> None:
    guards = [process for process in supervisor.family if supervisor.is_guard(process)]
    # Suspended first, or one that is quick would stop its server in order.
    for guard in guards:
        guard.suspend()
    supervisor.process.kill()
    supervisor.process.wait()
    for guard in guards:
        with contextlib.suppress(psutil.NoSuchProcess):
            guard.kill()
    assert supervisor.survivors() == []
    # The number in the lock file that Postgres left now belongs to a program that has nothing to do with it.
    pid_file = supervisor.data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n" + pid_file.read_text().split("\n", 1)[1])
    with Stack(StackOptions(project, supervisor.data_dir, api_port=0)):
        pass


def test_a_server_that_ends_on_its_own_is_reported(supervisor: Supervisor) -> None:
    for process in supervisor.family:
        if "sleep" in command(process) and not supervisor.is_guard(process):
            process.kill()
    assert json.loads(supervisor.line()) == ["extra", 128 + signal.SIGKILL]
    supervisor.process.wait(20)
    assert supervisor.survivors() == []


def test_a_start_that_fails_leaves_nothing_running_and_nothing_half_made(
    project: Path, data_dir: Path, tmp_path: Path
) -> None:
    schemas = tmp_path / "supabase" / "schemas"
    schemas.mkdir(parents=True)
    (schemas / "001_right.sql").write_text("create table public.announcements (id int);")
    (schemas / "002_wrong.sql").write_text("select 1;\nselect\n  nonsense;\n")
    with pytest.raises(LocalStackError, match=r'002_wrong\.sql, line 3: column "nonsense" does not exist'):
        Stack(StackOptions(tmp_path, data_dir, api_port=0)).start()
    assert processes_of(data_dir) == []
    with Stack(StackOptions(project, data_dir, api_port=0)) as stack:
        assert stack.info is not None
        with psycopg.connect(stack.info.db_url) as connection:
            assert connection.execute("select body from announcements").fetchall() == [("Welcome",)]
