"""Live queries of what no topic tells: each hears what its declaration says, and owns up to reading again and again."""

from contextlib import suppress
from typing import Any

from tests.live.clients import Live, live
from tests.scopes.conftest import Neighbours


async def payload(connection: Live, seconds: float = 60.0) -> Any:
    """The next answer, as it was sent."""
    message = await connection.message(seconds)
    assert message["type"] == "next", message
    return message["payload"]


async def quiet(connection: Live) -> None:
    """Return once nothing more is sent."""
    with suppress(TimeoutError):
        while True:
            await payload(connection, 0.5)


async def test_what_migrations_alone_change_is_followed_without_a_topic(neighbours: Neighbours) -> None:
    neighbours.sql("insert into public.grades values ('a', 'Good') on conflict do nothing")
    async with live(neighbours.one) as connection:
        await connection.subscribe("subscription { grades { nodes { words } } }")
        assert await payload(connection) == {"data": {"grades": {"nodes": [{"words": "Good"}]}}}
        await quiet(connection)  # read once more when all that could be told is heard
        neighbours.wire.clear()
        await quiet(connection)
        assert neighbours.wire.requests == []


async def test_what_is_declared_to_be_polled_is_and_says_so(neighbours: Neighbours) -> None:
    neighbours.sql("insert into public.counters values ('a', 'One') on conflict (code) do update set words = 'One'")
    async with live(neighbours.one) as connection:
        await connection.subscribe("subscription { counters { nodes { words } } }")
        polled = {"live": {"pollSeconds": 5.0}}
        assert await payload(connection) == {"data": {"counters": {"nodes": [{"words": "One"}]}}, "extensions": polled}
        neighbours.sql("update public.counters set words = 'Two'")
        assert (await payload(connection))["data"] == {"counters": {"nodes": [{"words": "Two"}]}}


async def test_a_view_is_followed_by_what_is_told_of_the_tables_behind_it(neighbours: Neighbours) -> None:
    async with live(neighbours.one) as connection:
        await connection.subscribe("subscription { clubTitles { nodes { title } } }")
        assert await payload(connection) == {"data": {"clubTitles": {"nodes": [{"title": "Chess"}]}}}
        await quiet(connection)
        neighbours.sql("update public.clubs set title = 'Draughts' where number = %s", neighbours.club)
        assert await payload(connection) == {"data": {"clubTitles": {"nodes": [{"title": "Draughts"}]}}}
