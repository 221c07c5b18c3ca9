"""A gateway, and people who share a trip there."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psycopg
import pytest

from tests.support import Person, serving
from tripgate.local import keys
from tripgate.local.stack import StackInfo


@pytest.fixture(scope="session")
def info(seeded: StackInfo) -> StackInfo:
    """The stack's addresses and keys."""
    return seeded


@pytest.fixture(scope="session")
def signer(seeded: StackInfo, seeded_data_dir: Path) -> keys.Signer:
    """Signs tokens as its Auth does."""
    secrets = keys.load_or_create(seeded_data_dir / "keys.json")
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

    @classmethod
    async def of(cls, http: aiohttp.ClientSession, gateway: str, info: StackInfo) -> "Party":
        """New people with a new trip."""
        anonymous = Person(http, gateway)
        owner, editor, stranger = [await anonymous.sign_up() for _ in range(3)]
        trip = await owner.trip(title="Shared")
        made = await owner.ask(
            'mutation ($trip: UUID!) { createTripItem(input: { tripId: $trip, title: "Boat" }) { id } }', trip=trip
        )
        party = cls(trip, made["createTripItem"]["id"], owner, editor, stranger, info)
        party.sql(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')", trip, editor.id
        )
        return party

    def sql(self, statement: str, *values: object) -> None:
        """Do something behind the API's back."""
        with psycopg.connect(self.info.admin_db_url, autocommit=True) as connection:
            connection.execute(statement, values)


@pytest.fixture
async def party(http: aiohttp.ClientSession, live_gateway: str, info: StackInfo) -> Party:
    """A fresh trip each time, so that tests do not hear each other."""
    return await Party.of(http, live_gateway, info)
