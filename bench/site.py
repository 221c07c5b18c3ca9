"""Everything that runs: the embedded Supabase, its data, and the servers that are compared."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.data import Caller, Volume, load
from tripgate.local.process import ServerProcess
from tripgate.local.stack import Stack, StackInfo, StackOptions

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
# Each server prints its address behind this mark, in small or capital letters.
MARK = "serving: "


class StartError(Exception):
    """A server did not start; the message holds the end of its log."""


@dataclass(frozen=True)
class Site:
    """A running Supabase with its data, where servers can be added."""

    stack: Stack
    info: StackInfo
    data_dir: Path
    callers: dict[str, Caller] = field(default_factory=dict)

    def start(self, name: str, module: str, arguments: tuple[str, ...], env: Mapping[str, str]) -> ServerProcess:
        """Start `python -m module arguments…` in front of PostgREST; `address` waits for it."""
        return self.stack.spawn(name, [sys.executable, "-m", module, *arguments], {**self._env(), **env})

    def address(self, process: ServerProcess) -> str:
        """The GraphQL address that a server announces.

        Raises:
            StartError: It ended, or said nothing for long.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            for line in process.log.read_text(errors="replace").splitlines() if process.log.exists() else ():
                if line.lower().startswith(MARK) or line.lower().startswith(f"tripgate {MARK}"):
                    return line.lower().partition(MARK)[2]
            time.sleep(0.05)
        raise StartError(f"{process.name} did not start:\n{process.last_lines()}")

    def _env(self) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "TRIPGATE_"))
        }
        return {
            **inherited,
            **child_env(),
            "SUPABASE_URL": self.info.api_url,
            "SUPABASE_PUBLISHABLE_KEY": self.info.publishable_key,
            "TRIPGATE_REST_URL": self.info.rest_url,
            "TRIPGATE_PORT": "0",
        }

    def versions(self) -> dict[str, str]:
        """The version of Postgres."""
        with psycopg.connect(self.info.admin_db_url) as connection:
            row = connection.execute("show server_version").fetchone()
        return {"postgres": str(row[0]) if row is not None else "unknown"}


def child_env() -> dict[str, str]:
    """What child processes need to find this package and to be heard at once."""
    return {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def prepare(stack: Stack, data_dir: Path) -> Site:
    """A stack that has started, as a place to measure at."""
    assert stack.info is not None
    return Site(stack, stack.info, data_dir)


def fill(site: Site, volume: Volume, progress: Callable[[str], None]) -> None:
    """Load the data, and sign the callers up."""
    info = site.info
    site.callers.update(load(info.admin_db_url, info.api_url, info.publishable_key, volume, progress))


def options(data_dir: Path) -> StackOptions:
    """The stack that is measured: this project's schema without the demo data, on free ports."""
    # The load of much data and long rounds may outlive the usual hour of a token.
    return StackOptions(project_dir=ROOT, data_dir=data_dir, api_port=0, seed=False, access_token_seconds=24 * 3600)
