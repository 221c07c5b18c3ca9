"""A Supabase whose logins, settings and server these tests may change."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import psycopg
import pytest

from tests.support import stack_options
from tripgate.local.direct_login import make_direct_login
from tripgate.local.stack import Stack, StackInfo
from tripgate.planner.plan import FunctionCall
from tripgate.upstream.caller import Caller
from tripgate.upstream.postgres.backend import PostgresBackend, fault
from tripgate.upstream.postgres.pool import Pool
from tripgate.upstream.postgres.transaction import Answer
from tripgate.upstream.resilience.policy import Policy, PolicyLimits

PROJECT = Path(__file__).parents[2]
ADA, BEN = "ada00000-0000-4000-8000-000000000001", "be400000-0000-4000-8000-000000000002"


@dataclass
class Own:
    """The stack, the address of the gateway's login in it, and the database past all policies."""

    stack: Stack
    info: StackInfo
    url: str

    def run(self, *statements: str) -> None:
        """Run these as the superuser."""
        with psycopg.connect(self.info.admin_db_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture(scope="package")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """A stack of these tests' own."""
    data = tmp_path_factory.mktemp("postgres") / "data"
    with Stack(stack_options(PROJECT, data)) as stack:
        assert stack.info is not None
        yield Own(stack, stack.info, make_direct_login(stack.info.db_url))


async def claims_of(token: str) -> bytes:
    """The claims of whoever's id is the token."""
    return orjson.dumps({"sub": token, "role": "authenticated", "aud": "authenticated"})


def caller(user_id: str) -> Caller:
    """Somebody signed in."""
    return Caller(user_id, user_id)


def backend_of(url: str, *, size: int = 2, named: bool = True, **limits: float) -> tuple[PostgresBackend, Pool]:
    """A backend over this login, without a gateway."""
    pool = Pool(url, size=size, named=named, search_path="public, extensions")
    policy: Policy[Answer] = Policy("database", PolicyLimits(connections=size, **limits), fault)  # type: ignore[arg-type]
    return PostgresBackend(pool, claims_of, policy), pool


@pytest.fixture
async def backend(own: Own) -> AsyncIterator[PostgresBackend]:
    """A backend of two connections."""
    made, pool = backend_of(own.url)
    yield made
    pool.close()


async def called(backend: PostgresBackend, function: str, who: Caller, **arguments: str) -> object:
    """What a function answers them."""
    prepared = backend.prepare(FunctionCall(function, tuple(arguments.items())))
    (value,) = (await backend.fetch(prepared, who, None)).rows
    return value
