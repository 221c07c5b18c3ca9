"""A trip that several people plan, for tests of who may do what on it."""

from dataclasses import dataclass

import psycopg
import pytest

from tests.gateway.inviting import Trip
from tests.support import Person
from tripgate.local.stack import StackInfo


@dataclass
class Team:
    """A trip with the items a, b and c, who is on it, and a stranger with an equal trip."""

    trip: str
    items: list[str]
    owner: Person
    editor: Person
    viewer: Person
    stranger: Person
    strangers_trip: str


@pytest.fixture
async def team(seeded: StackInfo, anonymous: Person) -> Team:
    """Four people who have just signed up, three of them on one trip."""
    owner, editor, viewer, stranger = [await anonymous.sign_up() for _ in range(4)]
    trip, items = await _plan(owner)
    strangers_trip, _ = await _plan(stranger)
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        for person, role in ((editor, "editor"), (viewer, "viewer")):
            connection.execute(
                "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, %s)", [trip, person.id, role]
            )
    return Team(trip, items, owner, editor, viewer, stranger, strangers_trip)


async def _plan(person: Person) -> tuple[str, list[str]]:
    trip = await person.trip(title="Shared")
    made = await person.ask(
        "mutation ($inputs: [CreateTripItemInput!]!) { createTripItems(inputs: $inputs) { id } }",
        inputs=[{"tripId": trip, "title": title, "orderIndex": index} for index, title in enumerate("abc")],
    )
    return trip, [item["id"] for item in made["createTripItems"]]


@pytest.fixture
async def trip(seeded: StackInfo, anonymous: Person) -> Trip:
    owner = await anonymous.sign_up()
    return Trip(seeded, owner, await owner.trip(title="Lofoten"))


@pytest.fixture
async def guest(anonymous: Person) -> Person:
    return await anonymous.sign_up()


@pytest.fixture
async def stranger(anonymous: Person) -> Person:
    return await anonymous.sign_up()
