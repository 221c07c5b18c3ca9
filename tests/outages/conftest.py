"""A stack of its own, since these tests kill parts of it: whatever else needs it goes on, and comes back."""

from collections.abc import AsyncGenerator, Iterator

import aiohttp
import pytest

from tests.conftest import ROOT
from tests.faults.conftest import Database
from tests.live.conftest import Party
from tests.support import Person, serving, stack_options
from tripgate.local.stack import Stack, StackInfo


@pytest.fixture(scope="package")
def breakable_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An embedded Supabase without data."""
    with Stack(stack_options(ROOT, tmp_path_factory.mktemp("outages") / "data", seed=False)) as stack:
        yield stack


@pytest.fixture(scope="package")
def info(breakable_stack: Stack) -> StackInfo:
    """Its addresses and keys."""
    assert breakable_stack.info is not None
    return breakable_stack.info


@pytest.fixture(scope="package")
async def breakable_gateway(info: StackInfo) -> AsyncGenerator[str, None]:
    """The address of a gateway over it, with nothing special about it."""
    async with serving(info) as url:
        yield url


@pytest.fixture(scope="package")
async def somebody(http: aiohttp.ClientSession, breakable_gateway: str) -> Person:
    """Somebody with an account there."""
    return await Person(http, breakable_gateway).sign_up()


@pytest.fixture(scope="package")
def database(info: StackInfo) -> Database:
    """The stack's database."""
    return Database(info.admin_db_url)


@pytest.fixture
async def party(http: aiohttp.ClientSession, breakable_gateway: str, info: StackInfo) -> Party:
    """A fresh trip each time, so that tests do not hear each other."""
    return await Party.of(http, breakable_gateway, info)
