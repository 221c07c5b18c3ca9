"""A gateway that caches answers against one that caches none, while several people read and write at random.

After each write its author must read from the caching gateway what the other one says, at once; everybody else, within
a second. Reads run beside the writes, so that answers are made from before and from after them.
"""

import asyncio
import dataclasses
import random
from dataclasses import dataclass
from typing import Any

from tests.caching.conftest import CachingGateway, until
from tests.support import Person
from tripgate.gateway.cache.answers import SETTLES_SECONDS

QUERIES = (
    "{ tags { nodes { name colour } totalCount } }",
    "{ trips { nodes { title costTotal items { nodes { title cost voteSummary { up mine } } } } } }",
    "query ($trip: UUID!) { trip(id: $trip) { title items { nodes { title place { name } } } votes { totalCount } } }",
    "query ($trip: UUID!) { tripItems(filter: { tripId: { eq: $trip } }) { totalCount nodes { title } } }",
    "{ places { nodes { name } } }",
    "{ profiles { nodes { displayName } } }",
    "query ($trip: UUID!) { collaborators(filter: { trip: { id: { eq: $trip } } }) { nodes { role userId } } }",
    "{ tripsGrouped(by: [STATUS]) { key { status } count } }",
)


@dataclass
class Group:
    """Three people around one trip, which the first one owns."""

    caching: CachingGateway
    plain: str
    people: list[Person]
    trip: str
    rolls: random.Random

    async def write(self, person: Person) -> None:
        """Something at random, which may be refused."""
        word = f"w{self.rolls.randrange(10**6)}"
        items = await self._items()
        item = self.rolls.choice(items) if items else None
        choices: list[tuple[str, dict[str, Any]]] = [
            ("mutation ($w: String!) { createTag(input: { name: $w }) { id } }", {"w": word}),
            ("mutation { deleteTags(filter: { id: { isNull: false } }, atMost: 100) { id } }", {}),
            ("mutation ($w: String!) { createPlace(input: { name: $w }) { id } }", {"w": word}),
            ("mutation ($w: String!) { updateMyProfile(patch: { displayName: $w }) { id } }", {"w": word}),
            ("mutation ($w: String!) { createTrip(input: { title: $w, items: [{ title: $w }] }) { id } }", {"w": word}),
            (
                """mutation ($t: UUID!, $w: String!) {
                     createTripItem(input: { tripId: $t, title: $w, cost: "2.50" }) { id } }""",
                {"t": self.trip, "w": word},
            ),
            (
                "mutation ($t: UUID!, $w: String!) { updateTrip(id: $t, patch: { title: $w }) { id } }",
                {"t": self.trip, "w": word},
            ),
        ]
        if item is not None:
            choices += [
                ("mutation ($i: UUID!) { castVote(tripItemId: $i, value: UP) { id } }", {"i": item}),
                ("mutation ($i: UUID!) { deleteTripItem(id: $i) { id } }", {"i": item}),
            ]
        query, variables = self.rolls.choice(choices)
        await person.post(query, **variables)

    async def change_membership(self) -> None:
        """Somebody comes or goes, behind every gateway's back."""
        who = self.rolls.choice(self.people[1:])
        if self.rolls.random() < 0.5:
            self.caching.sql("delete from public.collaborators where trip_id = %s and user_id = %s", self.trip, who.id)
        else:
            self.caching.sql(
                """insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')
                   on conflict do nothing""",
                self.trip,
                who.id,
            )

    async def read(self, person: Person) -> list[Any]:
        """All answers, from the gateway that the person talks to."""
        return [(await person.post(query, trip=self.trip))[1] for query in QUERIES]

    async def agree(self, person: Person, seconds: float) -> None:
        """Both gateways answer the same."""

        async def same() -> bool | None:
            plain = dataclasses.replace(person, url=self.plain)
            cached, made = await asyncio.gather(self.read(person), self.read(plain))
            if seconds == 0:
                assert cached == made
            return cached == made or None

        await until(same, seconds)

    async def _items(self) -> list[str]:
        owner = dataclasses.replace(self.people[0], url=self.plain)
        found = await owner.ask("query ($trip: UUID!) { trip(id: $trip) { items { nodes { id } } } }", trip=self.trip)
        return [node["id"] for node in found["trip"]["items"]["nodes"]]


async def test_both_say_the_same_whatever_happens(caching: CachingGateway, gateway: str) -> None:
    people = [await caching.newcomer() for _ in range(3)]
    group = Group(caching, gateway, people, await people[0].trip(title="Shared"), random.Random(7))
    cached_before = 0
    for _ in range(6):
        await asyncio.sleep(1.5 * SETTLES_SECONDS)
        for person in people:
            await group.read(person)
        caching.wire.clear()
        for person in people:
            await group.read(person)
        cached_before += len(people) * len(QUERIES) - len(caching.wire.requests)
        author = group.rolls.choice(people)
        reading = asyncio.gather(*(group.read(person) for person in people))
        if group.rolls.random() < 0.3:
            await asyncio.gather(reading, group.change_membership())
            author_seconds = 1.5
        else:
            await asyncio.gather(reading, group.write(author))
            author_seconds = 0
        await group.agree(author, author_seconds)
        for person in people:
            await group.agree(person, 1.5)
    assert cached_before > 60, "else nothing was tried"
