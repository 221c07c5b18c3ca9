"""A stack of its own, since these tests kill parts of it, and a gateway over it."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psycopg
import pytest

from tests.conftest import ROOT
from tests.support import Person, serving, stack_options
from tripgate.local import keys
from tripgate.local.stack import Stack, StackInfo


@pytest.fixture(scope="session")
def live_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stack keeps its data and keys."""
    return tmp_path_factory.mktemp("live") / "data"


@pytest.fixture(scope="session")
def live_stack(live_data_dir: Path) -> Iterator[Stack]:
    """An embedded Supabase without data."""
    with Stack(stack_options(ROOT, live_data_dir, seed=False)) as stack:
        yield stack


@pytest.fixture(scope="session")
def info(live_stack: Stack) -> StackInfo:
    """Its addresses and keys."""
    assert live_stack.info is not None
    return live_stack.info


@pytest.fixture(scope="session")
def signer(live_stack: Stack, live_data_dir: Path) -> keys.Signer:
    """Signs tokens as its Auth does."""
    assert live_stack.info is not None
    secrets = keys.load_or_create(live_data_dir / "keys.json")
    return keys.Signer(algorithm="ES256", private_jwk=secrets.private_jwk, jwt_secret=secrets.jwt_secret)


@pytest.fixture(scope="session")
async def live_gateway(info: StackInfo) -> AsyncGenerator[str, None]:
    """The address of a gateway over it."""
    async with serving(info) as url:
        yield url


@dataclass
class Party:
    """A shared trip with one item, and people around it."""

    trip: str
    item: str
    owner: Person
    editor: Person
    stranger: Person
    info: StackInfo

    def sql(self, statement: str, *values: object) -> None:
        """Do something behind the API's back."""
        with psycopg.connect(self.info.admin_db_url, autocommit=True) as connection:
            connection.execute(statement, values)


@pytest.fixture
async def party(http: aiohttp.ClientSession, live_gateway: str, info: StackInfo) -> Party:
    """A fresh trip each time, so that tests do not hear each other."""
    anonymous = Person(http, live_gateway)
    owner, editor, stranger = [await anonymous.sign_up() for _ in range(3)]
    trip = await owner.trip(title="Shared")
    made = await owner.ask(
        'mutation ($trip: UUID!) { createTripItem(input: { tripId: $trip, title: "Boat" }) { id } }', trip=trip
    )
    party = Party(trip, made["createTripItem"]["id"], owner, editor, stranger, info)
    party.sql("insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')", trip, editor.id)
    return party
