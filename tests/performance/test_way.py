"""The way of a request through our modules: how often it comes back to one that it had left.

Whoever reads the code follows that way. Each stage hands what it made to the next, so a stage is entered once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import cycle

import pytest

from tests.live.clients import Live, live
from tests.performance.counting import CountedGateway, Way
from tests.support import Person
from tripgate.gateway.settings import Settings
from tripgate.local.stack import StackInfo

TIMES = 3

PROFILE = "query ($id: UUID!) { profile(id: $id) { id displayName avatarPath } }"
CREATE = "mutation ($input: CreateTripInput!) { createTrip(input: $input) { %s } }"
ITEM = 'mutation ($trip: UUID!) { createTripItem(input: { tripId: $trip, title: "Boat" }) { id } }'
VOTE = "mutation ($id: UUID!, $value: VoteValue!) { castVote(tripItemId: $id, value: $value) { id } }"
VOTES = """subscription ($trip: UUID!) {
  voteChanges(tripId: $trip) { operation id vote { value user { displayName } tripItem { title } } }
}"""


@dataclass(frozen=True)
class Traveller:
    """Somebody who asks a gateway whose steps are written down, and whose friend asks another."""

    person: Person
    elsewhere: Person
    gateway: CountedGateway

    async def way_of(self, query: str, **variables: object) -> Way:
        """The way of one request, when everything is warm."""
        for _ in range(3):
            await self.person.ask(query, **variables)

        async def ask() -> None:
            await self.person.ask(query, **variables)

        return await self.shortest(ask)

    async def shortest(self, happens: Callable[[], Awaitable[None]]) -> Way:
        """The way of what happens: the shortest of several, as a timer may come in between, or Supabase be slow."""
        ways = []
        for _ in range(TIMES):
            await self.gateway.follow()
            await happens()
            ways.append(await self.gateway.way())
        return min(ways, key=lambda way: way.returns)


@pytest.fixture(scope="module")
async def traveller(seeded: StackInfo, anonymous: Person) -> AsyncIterator[Traveller]:
    settings = Settings.model_validate(
        {
            "SUPABASE_URL": seeded.api_url,
            "SUPABASE_PUBLISHABLE_KEY": seeded.publishable_key,
            "rest_url": seeded.rest_url,
            "shutdown_timeout": 1,
        }
    )
    elsewhere = await anonymous.sign_up()
    async with CountedGateway(settings) as gateway:
        person = Person(elsewhere.http, gateway.url, elsewhere.token, id=elsewhere.id)
        yield Traveller(person, elsewhere, gateway)


def once_each(way: Way) -> bool:
    """Whether each stage was entered once."""
    stages = [("parsing.py", "parse"), ("admission/admission.py", "admit"), ("operation.py", "prepare")]
    return [way.entries(f"tripgate/gateway/{file}", function) for file, function in stages] == [1, 1, 1]


async def test_a_warm_query(traveller: Traveller) -> None:
    way = await traveller.way_of(PROFILE, id=traveller.person.id)
    assert way.returns < 20, f"{way.returns}\n{way}"
    assert once_each(way), way


@pytest.mark.parametrize("answer", ["id title", "id title owner { displayName }"])
async def test_a_create(traveller: Traveller, answer: str) -> None:
    way = await traveller.way_of(CREATE % answer, input={"title": "A trip"})
    assert way.returns < 60, f"{way.returns}\n{way}"
    assert once_each(way), way


async def test_a_delivered_vote(traveller: Traveller) -> None:
    trip = await traveller.elsewhere.trip()
    item = (await traveller.elsewhere.ask(ITEM, trip=trip))["createTripItem"]["id"]
    async with live(traveller.person) as connection:
        votes = await connection.subscribe(VOTES, trip=trip)
        await _until_following(traveller.elsewhere, connection, votes, item)
        values = cycle(["UP", "DOWN"])

        async def vote() -> None:
            value = next(values)
            await traveller.elsewhere.ask(VOTE, id=item, value=value)
            assert (await connection.event(votes))["voteChanges"]["vote"]["value"] == value

        way = await traveller.shortest(vote)
    assert way.returns < 20, f"{way.returns}\n{way}"


@pytest.mark.parametrize("transport", ["http", "websocket"])
async def test_what_is_refused_is_looked_at_once(traveller: Traveller, transport: str) -> None:
    await traveller.gateway.follow()
    if transport == "http":
        assert await traveller.person.code(PROFILE, id="no id") == "BAD_USER_INPUT"
    else:
        async with live(traveller.person) as connection:
            assert await connection.ending(await connection.subscribe(PROFILE, id="no id")) == "BAD_USER_INPUT"
    assert once_each(await traveller.gateway.way())


async def _until_following(voter: Person, connection: Live, votes: str, item: str) -> None:
    """Vote until that is heard: a subscription says nothing when it begins."""
    for attempt in range(50):
        await voter.ask(VOTE, id=item, value=("UP", "DOWN")[attempt % 2])
        try:
            await connection.event(votes, 0.3)
        except TimeoutError:
            continue
        await connection.silence(votes)
        return
    raise AssertionError("the subscription never began")
