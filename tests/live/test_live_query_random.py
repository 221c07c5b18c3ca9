"""One live query, whatever happens in whichever order: its readers get what there is, never older, never twice."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from graphql.execution.values import VariableValues
from hypothesis import given, settings
from hypothesis import strategies as st

from resolvers.declared.live import LiveRead
from tests.support import examples
from tripgate.gateway.live.query import Follower, LiveQuery, Pace
from tripgate.gateway.staleness.dependencies import Dependencies
from tripgate.upstream.caller import Caller
from tripgate.upstream.resilience.bulkhead import Bulkhead

ADA = Caller("ada", "a token", None, None)
PACE = Pace(window=0.001, poll=0.02, retry_seconds=1.0)


@dataclass
class World:
    """A number that is written and read, and what hears of its changes. It is the `Ears` of the query, and the read."""

    heard: bool
    value: int = 0
    joined: bool = False
    running: int = 0
    pauses: list[float] = field(default_factory=list)
    query: LiveQuery | None = None

    def hears(self, caller: Caller, dependencies: Dependencies) -> bool:
        return self.joined

    async def run(self, *_: Any) -> int:
        assert self.running == 0, "two reads of one query at once"
        self.running += 1
        seen = self.value
        await asyncio.sleep(self.pauses.pop() if self.pauses else 0)
        self.running -= 1
        return seen

    def step(self, step: str) -> None:
        assert self.query is not None
        match step:
            case "write":
                self.value += 1
                if self.joined:
                    self.query.changed()
            case "deaf":
                self.joined = False
                self.query.changed()  # as a RESYNC says
            case "hears":
                self.joined = True


def followed(world: World) -> LiveQuery:
    """The live query of the number."""
    read = object.__new__(LiveRead)
    read.read = world  # type: ignore[assignment]
    selected: Any = SimpleNamespace(key="number", declaration=read)
    context: Any = SimpleNamespace(caller=ADA)
    depends = Dependencies(0, frozenset({"numbers"}), by_topic=True, scopes=(), heard=world.heard)
    bulkhead = Bulkhead(width=1, queue=10)
    world.query = LiveQuery(
        context, selected, VariableValues({}, {}), depends, world, PACE, bulkhead, cost=1, charge=None
    )
    return world.query


async def taken(follower: Follower, into: list[int]) -> None:
    """Read to the end, slowly or not."""
    async for payload in follower:
        into.append(payload["data"]["number"])
        await asyncio.sleep(0)


@settings(max_examples=examples(40), deadline=None)
@given(
    heard=st.booleans(),
    steps=st.lists(st.tuples(st.sampled_from(["write", "write", "write", "deaf", "hears", "joins"]), st.booleans())),
    pauses=st.lists(st.sampled_from([0.0, 0.0005, 0.003]), max_size=20),
)
def test_the_last_answer_is_what_there_is_and_none_is_older_than_one_before(
    heard: bool, steps: list[tuple[str, bool]], pauses: list[float]
) -> None:
    async def scenario() -> None:
        world = World(heard, pauses=pauses)
        query = followed(world)
        answers: list[list[int]] = []
        readers: list[tuple[Follower, asyncio.Task[None]]] = []

        def join() -> None:
            follower = Follower(ADA, lambda _: None)
            query.readers[follower] = None
            if query.fresh is not None:
                follower.offer(query.fresh)
            elif query.answer is not None:
                query.changed()
            answers.append([])
            readers.append((follower, asyncio.create_task(taken(follower, answers[-1]))))

        join()
        for step, waits in steps:
            if step == "joins":
                join()
            else:
                world.step(step)
            await asyncio.sleep(0.002 if waits else 0)
        try:
            async with asyncio.timeout(60):
                while any(not seen or seen[-1] != world.value for seen in answers):  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
        finally:
            query.close()
            for follower, task in readers:
                follower.end()
                await task
                follower.close()
        for seen in answers:
            assert seen == sorted(seen)

    asyncio.run(scenario())


def test_an_answer_that_is_older_than_one_that_was_sent_is_kept_back() -> None:
    async def scenario() -> None:
        world = World(heard=True, joined=True)
        query = followed(world)
        follower = Follower(ADA, lambda _: None)
        query.readers[follower] = None
        assert (await anext(follower))["data"] == {"number": 0}
        old = query.answer
        world.step("write")
        assert (await anext(follower))["data"] == {"number": 1}
        assert old is not None
        follower.offer(old)  # as the query of another token could
        follower.end()
        assert [payload async for payload in follower] == []
        query.close()
        follower.close()

    asyncio.run(scenario())
