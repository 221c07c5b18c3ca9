"""Cached answers that depend on several scopes: each ends with what is told in its own, and with nobody else's."""

import asyncio
import re
from typing import Any

from tests.caching.conftest import until
from tests.scopes.conftest import Neighbours
from tests.support import Person

CLUBS = "{ clubs { nodes { title } } }"
CLUB = "query ($club: BigInt!) { club(number: $club) { title events { nodes { title } } } }"
EVENTS = "query ($club: BigInt!) { clubEvents(filter: { clubNumber: { eq: $club } }) { nodes { title } } }"
OF_MEETINGS = "query ($club: BigInt!) { club(number: $club) { meetingEvents { nodes { title } } } }"
ROOMS = "{ rooms { nodes { title } } }"
ROOM = "query ($room: String!) { room(code: $room) { title notes { nodes { words } } } }"
BOTH = "{ clubs { nodes { title } } rooms { nodes { title } } }"
COUPLES = "{ householdCouples { nodes { name } } }"
REMINDERS = "{ reminders { nodes { words } } }"


BESIDE = re.compile(
    r"GET /(clubs\?select=number::text&|rooms\?select=code&|couples\?select=id::text&)"
    r'|GET /\w+ select row_to_json\(r\) from \(select t1\."(number|code|id)"(::text as "\w+")? from '
)
"""How the reads begin that tell which rows to listen to, over either backend."""


async def asked(neighbours: Neighbours, person: Person, query: str, **variables: Any) -> tuple[Any, bool]:
    """The answer, and whether it was a cached one: nobody was asked."""
    neighbours.wire.clear()
    data = await person.ask(query, **variables)
    # Which rows to listen to is asked beside the answer, not for it.
    return data, not [line for line in neighbours.wire.requests if not BESIDE.match(line)]


async def until_cached(neighbours: Neighbours, person: Person, query: str, **variables: Any) -> Any:
    """The answer, once its topics have been joined and it is a cached one."""

    async def cached() -> Any:
        data, was_cached = await asked(neighbours, person, query, **variables)
        return data if was_cached else None

    return await until(cached)


async def until_answered(neighbours: Neighbours, person: Person, wanted: Any, query: str, **variables: Any) -> None:
    """Ask until the answer is another than before, as it must be soon."""

    async def answered() -> bool | None:
        data, _ = await asked(neighbours, person, query, **variables)
        return True if data == wanted else None

    await until(answered, 3)


async def test_an_answer_ends_with_what_is_told_in_its_scope_and_with_nothing_else(neighbours: Neighbours) -> None:
    other = neighbours.other
    neighbours.joins_club(other)
    assert await until_cached(neighbours, other, CLUBS) == {"clubs": {"nodes": [{"title": "Chess"}]}}
    assert await until_cached(neighbours, other, ROOMS) == {"rooms": {"nodes": [{"title": "Attic"}]}}
    neighbours.sql("update public.clubs set title = 'Go' where number = %s", neighbours.club)
    await until_answered(neighbours, other, {"clubs": {"nodes": [{"title": "Go"}]}}, CLUBS)
    assert (await asked(neighbours, other, ROOMS))[1], "the room knows nothing of the club"


async def test_an_answer_ends_with_changes_of_its_own_schemas_table_alone(neighbours: Neighbours) -> None:
    one, club = neighbours.one, neighbours.club
    here, there = {"clubEvents": {"nodes": [{"title": "Opening"}]}}, {"nodes": [{"title": "Opening"}]}
    assert await until_cached(neighbours, one, EVENTS, club=club) == here
    assert await until_cached(neighbours, one, OF_MEETINGS, club=club) == {"club": {"meetingEvents": there}}
    neighbours.sql("update meetings.club_events set title = 'Closing' where club_number = %s", club)
    ended = {"club": {"meetingEvents": {"nodes": [{"title": "Closing"}]}}}
    await until_answered(neighbours, one, ended, OF_MEETINGS, club=club)
    assert (await asked(neighbours, one, EVENTS, club=club)) == (here, True)


async def test_an_answer_about_rows_of_two_scopes_ends_with_either(neighbours: Neighbours) -> None:
    other = neighbours.other
    neighbours.joins_club(other)
    clubs, rooms = {"clubs": {"nodes": [{"title": "Chess"}]}}, {"rooms": {"nodes": [{"title": "Attic"}]}}
    assert await until_cached(neighbours, other, BOTH) == {**clubs, **rooms}
    neighbours.sql("update public.rooms set title = 'Cellar' where code = %s", neighbours.room)
    cellar = {"rooms": {"nodes": [{"title": "Cellar"}]}}
    await until_answered(neighbours, other, {**clubs, **cellar}, BOTH)
    await until_cached(neighbours, other, BOTH)
    neighbours.sql("update public.clubs set title = 'Go' where number = %s", neighbours.club)
    await until_answered(neighbours, other, {"clubs": {"nodes": [{"title": "Go"}]}, **cellar}, BOTH)


async def test_an_answer_that_names_its_row_by_a_number_or_a_text(neighbours: Neighbours) -> None:
    one, other, club, room = neighbours.one, neighbours.other, neighbours.club, neighbours.room
    opening = {"nodes": [{"title": "Opening"}]}
    assert await until_cached(neighbours, one, CLUB, club=club) == {"club": {"title": "Chess", "events": opening}}
    assert await until_cached(neighbours, one, EVENTS, club=club) == {"clubEvents": opening}
    welcome = {"nodes": [{"words": "Welcome"}]}
    assert await until_cached(neighbours, other, ROOM, room=room) == {"room": {"title": "Attic", "notes": welcome}}
    neighbours.sql("update public.club_events set title = 'Final' where club_number = %s", club)
    final = {"nodes": [{"title": "Final"}]}
    await until_answered(neighbours, one, {"clubEvents": final}, EVENTS, club=club)
    await until_answered(neighbours, one, {"club": {"title": "Chess", "events": final}}, CLUB, club=club)
    neighbours.sql("update public.room_notes set words = 'Hush' where room_code = %s", room)
    hush = {"nodes": [{"words": "Hush"}]}
    await until_answered(neighbours, other, {"room": {"title": "Attic", "notes": hush}}, ROOM, room=room)


async def test_a_root_that_another_leads_to_is_listened_to_as_well(neighbours: Neighbours) -> None:
    other, room, hall = neighbours.other, neighbours.room, f"{neighbours.room}: hall"
    neighbours.sql("insert into public.rooms (code, title) values (%s, 'Hall')", hall)
    neighbours.sql("insert into public.room_guests (room_code, user_id) values (%s, %s)", hall, other.id)
    neighbours.sql("update public.rooms set behind_code = %s where code = %s", hall, room)
    query = "query ($room: String!) { room(code: $room) { behind { title } } }"
    assert await until_cached(neighbours, other, query, room=room) == {"room": {"behind": {"title": "Hall"}}}
    neighbours.sql("update public.rooms set title = 'Lobby' where code = %s", hall)
    await until_answered(neighbours, other, {"room": {"behind": {"title": "Lobby"}}}, query, room=room)


async def test_who_joins_or_leaves_sees_it_in_that_scope_alone(neighbours: Neighbours) -> None:
    other = neighbours.other
    assert await until_cached(neighbours, other, CLUBS) == {"clubs": {"nodes": []}}
    assert await until_cached(neighbours, other, ROOMS) == {"rooms": {"nodes": [{"title": "Attic"}]}}
    neighbours.joins_club(other)
    await until_answered(neighbours, other, {"clubs": {"nodes": [{"title": "Chess"}]}}, CLUBS)
    assert (await asked(neighbours, other, ROOMS))[1]
    await until_cached(neighbours, other, CLUBS)
    neighbours.leaves_club(other)
    await until_answered(neighbours, other, {"clubs": {"nodes": []}}, CLUBS)
    assert (await asked(neighbours, other, ROOMS))[1]


async def test_naming_a_row_that_one_may_not_see_is_cached_by_nobodys_topic(neighbours: Neighbours) -> None:
    for _ in range(3):
        data, cached = await asked(neighbours, neighbours.one, ROOM, room=neighbours.room)
        assert (data, cached) == ({"room": None}, False)
        await asyncio.sleep(0.1)


async def test_a_root_in_another_schema(neighbours: Neighbours) -> None:
    one, couple = neighbours.one, neighbours.club
    assert await until_cached(neighbours, one, COUPLES) == {"householdCouples": {"nodes": []}}
    neighbours.sql("insert into household.couples (id, name) values (%s, 'Us')", couple)
    neighbours.sql("insert into household.couple_members (couple_id, user_id) values (%s, %s)", couple, one.id)
    await until_answered(neighbours, one, {"householdCouples": {"nodes": [{"name": "Us"}]}}, COUPLES)
    await until_cached(neighbours, one, COUPLES)
    neighbours.sql("update household.couples set name = 'We' where id = %s", couple)
    await until_answered(neighbours, one, {"householdCouples": {"nodes": [{"name": "We"}]}}, COUPLES)


async def test_a_root_of_ones_own_making_is_listened_to(neighbours: Neighbours) -> None:
    one = neighbours.one
    await until_cached(neighbours, one, CLUBS)
    made = await one.ask('mutation { createClub(input: { title: "Draughts" }) { number } }')
    both = {"clubs": {"nodes": [{"title": "Chess"}, {"title": "Draughts"}]}}
    assert await until_cached(neighbours, one, CLUBS) == both
    neighbours.sql("update public.clubs set title = 'Ludo' where number = %s", made["createClub"]["number"])
    await until_answered(neighbours, one, {"clubs": {"nodes": [{"title": "Chess"}, {"title": "Ludo"}]}}, CLUBS)


async def test_what_is_a_persons_alone_ends_with_what_their_own_topic_tells(neighbours: Neighbours) -> None:
    one = neighbours.one
    assert await until_cached(neighbours, one, REMINDERS) == {"reminders": {"nodes": [{"words": "Wake up"}]}}
    neighbours.sql("update public.reminders set words = 'Sleep' where user_id = %s", one.id)
    await until_answered(neighbours, one, {"reminders": {"nodes": [{"words": "Sleep"}]}}, REMINDERS)
