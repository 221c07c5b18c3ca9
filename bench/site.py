"""Everything that runs: the embedded Supabase, its data, and the servers that are compared, started when needed."""

import os
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

import tripgate
from bench.contenders import PG_GRAPHQL, POSTGRAPHILE, Contender
from bench.cpu import Tree
from bench.data import Caller, Tokens, load
from bench.node import installed
from bench.workloads import Workload
from tripgate.local.direct_login import make_direct_login
from tripgate.local.keys import load_or_create
from tripgate.local.postgrest import POOL
from tripgate.local.stack import Stack, StackInfo, StackOptions

# The program and its schema; those of another tree when instructions are compared.
ROOT = Path(tripgate.__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent.parent
START_SECONDS = 60
# Each server prints its address behind this mark, in small or capital letters.
MARK = "serving: "
# As the platform sets it up: one function of the API, asked through PostgREST.
_PG_GRAPHQL = """
create extension pg_graphql;
grant usage on schema graphql to anon, authenticated;
comment on schema public is '@graphql({"inflect_names": true, "max_rows": 1000})';
comment on table public.trips is '@graphql({"aggregate": {"enabled": true}})';
create function public.graphql(query text, variables jsonb) returns jsonb language sql
    as 'select graphql.resolve(query, variables)';
grant execute on function public.graphql to authenticated;
notify pgrst, 'reload schema';
"""


class StartError(Exception):
    """A server did not start; the message holds the end of its log."""


def options(data_dir: Path) -> StackOptions:
    """The stack that is measured: this project's schema without the demo data, on free ports."""
    return StackOptions(project_dir=ROOT, data_dir=data_dir, api_port=0, seed=False, access_token_seconds=24 * 3600)


class Site:
    """A running Supabase with its data, where servers are added."""

    def __init__(self, stack: Stack, data_dir: Path, progress: Callable[[str], None]) -> None:
        assert stack.info is not None
        self.info: StackInfo = stack.info
        self.tokens = Tokens(data_dir, self.info.api_url)
        self.callers: dict[str, Caller] = {}
        self.progress = progress
        self._stack = stack
        self._servers: dict[tuple[object, ...], tuple[str, str]] = {}  # name and address of each
        self._ways: dict[str, str] = {}
        self._password = load_or_create(data_dir / "keys.json").passwords["authenticator"]
        # What the gateway reads Postgres with when it does without PostgREST.
        self._reader = make_direct_login(self.info.db_url)
        with psycopg.connect(self.info.admin_db_url, autocommit=True) as connection:
            found = connection.execute("select from pg_available_extensions where name = 'pg_graphql'").fetchall()
            self.lacking = [] if found else [PG_GRAPHQL]  # contenders that cannot be had here
            if found:
                connection.execute(_PG_GRAPHQL)

    def fill(self, people: int) -> None:
        """Load the data."""
        self.callers = load(self.info.admin_db_url, self.tokens, people, self.progress)

    def addresses(self, delay_ms: float = 0.0) -> dict[str, str]:
        """Where PostgREST and Postgres are, so much further away."""
        address = urlsplit(self._away(self.info.db_url, delay_ms))
        database = f"{address.hostname}:{address.port}{address.path}"
        return {
            "rest": self._away(self.info.rest_url, delay_ms),
            "reader": self._away(self._reader, delay_ms),
            "authenticator": f"postgresql://authenticator:{self._password}@{database}",
        }

    def server(self, contender: Contender, workload: Workload, label: str = "") -> tuple[str, str]:
        """Name and address of a contender under the workload's conditions; it is started unless it runs.

        Args:
            label: Tells the servers of one part of the benchmark from those of others.

        Raises:
            StartError: It does not start.
            NodeError: It cannot be fetched.
        """
        addresses = self.addresses(workload.delay_ms)
        if contender.is_postgrest:
            return "postgrest", addresses["rest"]
        env = {name: value.format(**addresses) for name, value in contender.env.items()}
        if contender.is_gateway:
            env.update(workload.settings)
        key = (label, contender.name, *sorted(env.items()))
        if key not in self._servers:
            name = f"bench_{len(self._servers)}_{contender.name}"
            command = [sys.executable, "-m", *contender.python]
            if contender == POSTGRAPHILE:
                command = list(map(str, installed(self.progress)))
                env |= {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}
            self._servers[key] = (name, self.run(name, command, env))
        return self._servers[key]

    def url(self, contender: Contender, workload: Workload, label: str = "") -> str:
        """The address alone."""
        return self.server(contender, workload, label)[1]

    def trees(self, contender: Contender, workload: Workload, label: str = "") -> dict[str, Tree]:
        """What works for a contender: PostgREST, Postgres and, if it has one, its own server, the `gateway`."""
        names = {"postgrest": "postgrest", "postgres": "postgres"}
        if not contender.is_postgrest:
            names["gateway"] = self.server(contender, workload, label)[0]
        return {key: self.tree(name) for key, name in names.items()}

    def tree(self, name: str) -> Tree:
        """The processes of a server of the stack, or of one that was added."""
        return Tree(self._stack.pid(name))

    def ways(self) -> list[Tree]:
        """The processes that delay what passes through them."""
        return [self.tree(f"bench_way_{number}") for number in range(len(self._ways))]

    def run(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> str:
        """Start a program with the addresses and keys of this site in its environment; the address it announces.

        Raises:
            StartError: It ended, or said nothing for long.
        """
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("SUPABASE_", "TRIPGATE_"))}
        common = {
            "PYTHONPATH": str(HERE),
            "PYTHONUNBUFFERED": "1",
            "SUPABASE_URL": self.info.api_url,
            "SUPABASE_PUBLISHABLE_KEY": self.info.publishable_key,
            "TRIPGATE_UPSTREAM_POOL": str(POOL),
            "TRIPGATE_PORT": "0",
        }
        process = self._stack.spawn(name, command, {**inherited, **common, **env})
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            for line in process.log.read_text(errors="replace").splitlines():
                if line.lower().startswith((MARK, f"tripgate {MARK}")):
                    return line.lower().partition(MARK)[2]
            time.sleep(0.02)
        raise StartError(f"{name} did not start:\n{process.last_lines()}")

    def versions(self) -> dict[str, str]:
        """The versions of Postgres and PostgREST."""
        with psycopg.connect(self.info.admin_db_url) as connection:
            (version,) = connection.execute("show server_version").fetchone() or ("unknown",)
        with urllib.request.urlopen(self.info.rest_url, timeout=30) as answer:
            server = str(answer.headers["Server"])
        return {"postgres": version, "postgrest": server.partition("/")[2].partition(" ")[0]}

    def _away(self, url: str, delay_ms: float) -> str:
        if not delay_ms:
            return url
        address = urlsplit(url)
        key = f"{address.hostname} {address.port} {delay_ms}"
        if key not in self._ways:
            name = f"bench_way_{len(self._ways)}"
            self._ways[key] = self.run(name, [sys.executable, "-m", "bench.delay", *key.split()], {})
        port = urlsplit(self._ways[key]).port
        return address._replace(netloc=address.netloc.replace(f":{address.port}", f":{port}")).geturl()
