"""How much is cached and for how long, whatever happens: the cache by itself, with a clock that tests turn."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from gql.scope import Scope
from tripgate.gateway.cache import answers
from tripgate.gateway.cache.answers import AnswerCache, CacheLimits
from tripgate.gateway.documents import Documents
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.schema import graphql_schema
from tripgate.gateway.staleness import scope_topics
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.frames import Change, Operation
from tripgate.upstream.realtime.listener import OnChange, TopicListener
from tripgate.upstream.realtime.relay import Relay

DOCUMENTS = Documents(graphql_schema(), size=100, limits=Limits(), hide_suggestions=False, introspection=True)
TAGS = "query ($name: String) { tags(filter: { name: { eq: $name } }) { nodes { name } } }"
TRIPS = "{ trips { nodes { title } } }"
ADA = Caller("ada", "token-of-ada", expires_at=4_102_444_800)

ROOMY = CacheLimits(1_000_000, 60, 100)


@dataclass
class Air:
    """What can be heard: the relay, as far as topic listeners are concerned."""

    listeners: dict[str, TopicListener] = field(default_factory=dict)
    joins: bool = True

    def listen(self, topic: str, caller: Caller, on_change: OnChange) -> TopicListener:
        listener = self.listeners[topic] = TopicListener(topic, caller, on_change, asyncio.Semaphore(1))
        listener.joined_event = asyncio.Event()
        if self.joins:
            listener.joined_event.set()
        return listener

    def leave(self, listener: TopicListener) -> None:
        del self.listeners[listener.topic]


@dataclass
class Bench:
    """A cache, what it hears, and a clock."""

    now: float = 1000.0
    air: Air = field(default_factory=Air)
    trips: list[str] = field(default_factory=lambda: ["t1", "t2"])
    made: int = 0
    limits: CacheLimits = ROOMY

    def __post_init__(self) -> None:
        self.cache = AnswerCache(cast(Relay, self.air), self.row_keys, self.limits, clock=lambda: self.now)

    async def row_keys(self, _: Scope, caller: Caller, these: frozenset[str] | None, most: int) -> list[str]:
        return [trip for trip in self.trips if these is None or trip in these][:most]

    async def ask(self, query: str = TAGS, caller: Caller = ADA, made: Any = None, **variables: Any) -> bool:
        """Whether the answer was one that is cached."""
        before = self.made

        async def make() -> dict[str, Any]:
            self.made += 1
            if callable(made):
                await made()
            return {"data": made if isinstance(made, str) else self.made}

        operation = DOCUMENTS.operation(query, None)
        await self.cache.answer(operation, operation.prepare(variables, caller), caller, make)
        await asyncio.sleep(0)  # what listens begins to
        await asyncio.sleep(0)
        return self.made == before

    def tell(self, topic: str, table: str, operation: Operation = Operation.UPDATE) -> None:
        """Realtime tells of a change."""
        self.air.listeners[topic].push(Change(table, operation, "1", {}, ""))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """One of each test's own."""
    bench = Bench()
    yield bench
    bench.cache.close()
    assert bench.air.listeners == {}, "nobody is listened for any more"


async def heard(bench: Bench) -> None:
    """Ask until the answer about all trips is cached."""
    for _ in range(3):
        await bench.ask(TRIPS)
    assert await bench.ask(TRIPS)


async def test_an_answer_ends_with_its_time(bench: Bench) -> None:
    assert [await bench.ask(), await bench.ask()] == [False, True]
    bench.now += 59.9
    assert await bench.ask()
    bench.now += 0.1
    assert not await bench.ask()


async def test_no_answer_is_cached_longer_than_the_setting_says() -> None:
    bench = Bench(limits=CacheLimits(1_000_000, 5, 100))
    assert [await bench.ask(), await bench.ask()] == [False, True]
    bench.now += 5
    assert not await bench.ask()
    bench.cache.close()


async def test_no_answer_outlives_its_token(bench: Bench) -> None:
    ending = replace(ADA, token="ending", expires_at=time.time() + 2)
    assert [await bench.ask(caller=ending), await bench.ask(caller=ending)] == [False, True]
    bench.now += 2
    assert not await bench.ask(caller=ending)


async def test_the_time_counts_from_when_it_was_asked_for(bench: Bench) -> None:
    async def slowly() -> None:
        bench.now += 50

    await bench.ask(made=slowly)
    assert await bench.ask()
    bench.now += 10
    assert not await bench.ask()


async def test_what_was_not_asked_for_the_longest_goes_first() -> None:
    bench = Bench(limits=CacheLimits(20_000, 60, 100))
    large = "x" * 1000
    for number in range(10):
        await bench.ask(name=str(number), made=large)
    assert len(bench.cache) == 9
    assert bench.cache.bytes <= 20_000
    assert await bench.ask(name="1", made=large), "and is now the last to go"
    assert not await bench.ask(name="0", made=large)
    assert not await bench.ask(name="2", made=large)
    assert await bench.ask(name="1", made=large)
    bench.cache.clear()
    assert (len(bench.cache), bench.cache.bytes) == (0, 0)
    bench.cache.close()


async def test_one_answer_does_not_push_all_others_out(bench: Bench) -> None:
    await bench.ask(name="small")
    await bench.ask(name="large", made="x" * 200_000)
    assert await bench.ask(name="small")
    assert not await bench.ask(name="large")


async def test_a_read_that_began_before_the_persons_write_is_not_cached(bench: Bench) -> None:
    async def written_meanwhile() -> None:
        bench.cache.write_begins(ADA)
        bench.cache.written("ada", [])

    await bench.ask(made=written_meanwhile)
    assert not await bench.ask()


async def test_a_read_that_began_before_somebody_elses_write_of_the_table_is_not_cached(bench: Bench) -> None:
    query = "{ savedPlaces { nodes { name } } }"

    async def written_meanwhile() -> None:
        bench.cache.written("somebody", ["places"])

    await bench.ask(query, made=written_meanwhile)
    assert [await bench.ask(query), await bench.ask(query)] == [False, True]
    bench.cache.written("somebody", ["profiles"])
    assert await bench.ask(query), "it has not looked at those"
    bench.cache.written("somebody", ["places"])
    assert not await bench.ask(query)


async def test_after_a_write_that_was_not_answered_nothing_is_cached_until_it_cannot_happen_any_more(
    bench: Bench,
) -> None:
    bench.cache.written("ada", [], uncertain=True)
    assert [await bench.ask(), await bench.ask()] == [False, False]
    bench.now += answers.UNCERTAIN_SECONDS
    assert [await bench.ask(), await bench.ask()] == [False, True]


async def test_a_change_ends_what_looked_at_its_table_on_its_trip(bench: Bench) -> None:
    one = "query ($id: UUID!) { trip(id: $id) { title } }"
    votes = "query ($id: UUID!) { votes(filter: { tripId: { eq: $id } }) { totalCount } }"
    id_ = "00000000-0000-4000-8000-000000000001"
    bench.trips = [id_, "t2"]
    await heard(bench)
    for query in (one, votes):
        await bench.ask(query, id=id_)
        assert await bench.ask(query, id=id_)
    bench.tell("trip:t2", "trips")
    bench.now += answers.SETTLES_SECONDS
    assert [await bench.ask(one, id=id_), await bench.ask(votes, id=id_)] == [True, True]
    assert not await bench.ask(TRIPS), "all trips are concerned"
    bench.tell(f"trip:{id_}", "votes")
    assert [await bench.ask(one, id=id_), await bench.ask(votes, id=id_)] == [True, False]
    bench.tell(f"user:{ADA.user_id}", "collaborators", Operation.DELETE)
    assert not await bench.ask(one, id=id_)


async def test_what_is_read_just_after_a_change_was_heard_of_is_not_cached(bench: Bench) -> None:
    await heard(bench)
    bench.tell("trip:t1", "trips")
    assert [await bench.ask(TRIPS), await bench.ask(TRIPS)] == [False, False]
    bench.now += answers.SETTLES_SECONDS
    assert [await bench.ask(TRIPS), await bench.ask(TRIPS)] == [False, True]


async def test_what_is_made_while_a_change_is_heard_of_is_not_cached(bench: Bench) -> None:
    await heard(bench)
    bench.now += 30

    async def changed_meanwhile() -> None:
        bench.tell("trip:t2", "trip_items")

    await bench.ask(TRIPS, made=changed_meanwhile)
    bench.now += answers.SETTLES_SECONDS
    assert not await bench.ask(TRIPS)


async def test_while_a_topic_is_not_joined_nothing_that_needs_it_is_cached_or_shown(bench: Bench) -> None:
    await heard(bench)
    listener = bench.air.listeners["trip:t2"]
    listener.joined_event.clear()
    listener.disconnected()
    bench.now += answers.SETTLES_SECONDS
    assert [await bench.ask(TRIPS), await bench.ask(TRIPS)] == [False, False]
    assert [await bench.ask(), await bench.ask()] == [False, True], "tags need none"
    listener.joined_event.set()
    assert [await bench.ask(TRIPS), await bench.ask(TRIPS)] == [False, True]


async def test_a_person_with_too_many_trips_caches_only_what_names_its_trip(bench: Bench) -> None:
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(scope_topics.MOST_ROWS + 1)]
    bench.trips = ids
    assert [await bench.ask(TRIPS) for _ in range(4)] == [False] * 4
    one = "query ($id: UUID!) { trip(id: $id) { title } }"
    for id_ in ids:
        for _ in range(3):
            await bench.ask(one, id=id_)
        assert await bench.ask(one, id=id_)
    assert len(bench.air.listeners) == scope_topics.MOST_ROWS + 1, "one of them the person's own"


async def test_no_more_topics_are_joined_than_the_setting_says() -> None:
    bench = Bench(limits=CacheLimits(1_000_000, 60, 2))
    assert [await bench.ask(TRIPS) for _ in range(4)] == [False] * 4
    assert len(bench.air.listeners) == 2
    bench.cache.close()
    assert bench.air.listeners == {}


async def test_who_has_not_asked_for_long_is_listened_for_no_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_SWEEP_SECONDS", 0.01)
    await heard(bench)
    await asyncio.sleep(0.05)
    assert bench.air.listeners
    bench.now += 61
    await asyncio.sleep(0.05)
    assert bench.air.listeners == {}


async def test_a_token_that_ended_listens_no_more_and_a_newer_one_does(bench: Bench) -> None:
    ending = replace(ADA, token="ending", expires_at=time.time() + 0.05)
    for _ in range(3):
        await bench.ask(TRIPS, ending)
    await asyncio.sleep(0.06)
    newer = replace(ADA, token="newer", expires_at=4_102_444_800)
    assert [await bench.ask(TRIPS, newer) for _ in range(4)][-1]
    assert {listener.caller.token for listener in bench.air.listeners.values()} == {"newer"}
