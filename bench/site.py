"""Everything that runs: the embedded Supabase, its data, and the servers that are compared."""

import os
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bench.data import Caller, Volume, load
from tripgate.local.direct_login import make_direct_login
from tripgate.local.keys import load_or_create
from tripgate.local.postgrest import POOL
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

    def start(self, name: str, module: str, arguments: Sequence[str], env: Mapping[str, str]) -> ServerProcess:
        """Start `python -m module arguments…` in front of PostgREST; `address` waits for it."""
        return self.run(name, [sys.executable, "-m", module, *arguments], env)

    def run(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> ServerProcess:
        """Start any program with the addresses and keys of this site in its environment, and `env` on top."""
        return self.stack.spawn(name, command, {**self._env(), **env})

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
            "TRIPGATE_RATE_LIMITS": "false",
            "TRIPGATE_UPSTREAM_POOL": str(POOL),
            "TRIPGATE_PORT": "0",
        }

    @property
    def authenticator_url(self) -> str:
        """The database as the role that PostgREST connects as, for who does without PostgREST."""
        password = load_or_create(self.data_dir / "keys.json").passwords["authenticator"]
        address = urlsplit(self.info.db_url)
        return f"postgresql://authenticator:{password}@{address.hostname}:{address.port}{address.path}"

    @cached_property
    def login_url(self) -> str:
        """The database as a login that can be nothing but a caller."""
        return make_direct_login(self.info.db_url)

    def versions(self) -> dict[str, str]:
        """The versions of Postgres and PostgREST."""
        with psycopg.connect(self.info.admin_db_url) as connection:
            row = connection.execute("show server_version").fetchone()
        with urllib.request.urlopen(self.info.rest_url, timeout=30) as answer:
            server = str(answer.headers["Server"])
        return {
            "postgres": str(row[0]) if row is not None else "unknown",
            "postgrest": server.partition("/")[2].partition(" ")[0],
        }


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
