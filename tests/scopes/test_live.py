"""Live changes and presence in several scopes, whose roots have numbers and texts for keys."""

from typing import Any

import aiohttp

from tests.live.clients import live
from tests.scopes.conftest import Neighbours
from tests.support import Person

CLUB = "subscription ($club: BigInt!) { clubChanges(clubNumber: $club) { operation id club { number title } } }"
EVENTS = """subscription ($club: BigInt!) {
  clubEventChanges(clubNumber: $club) { operation id clubEvent { id title price club { number title } } }
}"""
OF_MEETINGS = """subscription ($club: BigInt!) {
  meetingClubEventChanges(clubNumber: $club) { operation meetingClubEvent { title club { title } } }
}"""
ROOM = "subscription ($room: String!) { roomChanges(roomCode: $room) { operation id room { code title } } }"
NOTES = """subscription ($room: String!) {
  roomNoteChanges(roomCode: $room) { operation id roomNote { code words room { code title } } }
}"""
REMINDERS = "subscription { reminderChanges { operation id reminder { words } } }"
COUPLE = """subscription ($couple: BigInt!) {
  householdCoupleChanges(coupleId: $couple) { operation id householdCouple { name } }
}"""
IN_COUPLE = "subscription ($couple: BigInt!) { couplePresence(coupleId: $couple) { people { id } } }"
IN_ROOM = "subscription ($room: String!) { roomPresence(roomCode: $room) { people { id } joined { id } left { id } } }"
IN_CLUB = "subscription ($club: BigInt!) { clubPresence(clubNumber: $club) { people { id } } }"


async def test_the_argument_is_called_after_the_scope_and_its_key(http: aiohttp.ClientSession, gateway: str) -> None:
    data = await Person(http, gateway).ask(
        "{ __schema { subscriptionType { fields { name args { name description type { name ofType { name } } } } } } }"
    )
    fields = {
        field["name"]: [
            # What need not be given has its type itself.
            (each["name"], (each["type"]["ofType"] or each["type"])["name"], each["description"])
            for each in field["args"]
        ]
        for field in data["__schema"]["subscriptionType"]["fields"]
        if field["name"].endswith(("Changes", "Presence"))
    }
    club, room = [("clubNumber", "BigInt", "The club.")], [("roomCode", "String", "The room.")]
    expected = {
        "tripChanges": [("tripId", "UUID", "The trip.")],
        "tripItemChanges": [("tripId", "UUID", "The trip.")],
        "collaboratorChanges": [("tripId", "UUID", "The trip.")],
        "tripPresence": [("tripId", "UUID", "The trip.")],
        "voteChanges": [("tripId", "UUID", "The trip.")],
        "clubChanges": club,
        "clubEventChanges": club,
        "meetingClubEventChanges": club,
        "clubPresence": club,
        "roomChanges": room,
        "roomNoteChanges": room,
        "roomPresence": room,
        # One's own, so there is nothing to name.
        "reminderChanges": [],
        "householdCoupleChanges": [("coupleId", "BigInt", "The couple.")],
        "couplePresence": [("coupleId", "BigInt", "The couple.")],
    }
    assert {name: fields.get(name) for name in expected} == expected


async def test_changes_of_a_row_with_a_number_for_its_key(neighbours: Neighbours) -> None:
    club = neighbours.club
    async with live(neighbours.one) as connection:
        itself = await connection.subscribe(CLUB, club=club)
        events = await connection.subscribe(EVENTS, club=club)
        await neighbours.until_following(connection, itself, events)
        neighbours.sql("update public.clubs set title = 'Go' where number = %s", club)
        assert await connection.event(itself) == {
            "clubChanges": {"operation": "UPDATE", "id": club, "club": {"number": club, "title": "Go"}}
        }
        neighbours.sql(
            "insert into public.club_events (id, club_number, title, price) values (%s, %s, 'Final', 12.5)", club, club
        )
        assert await connection.event(events) == {
            "clubEventChanges": {
                "operation": "INSERT",
                "id": club,
                "clubEvent": {
                    "id": club,
                    "title": "Final",
                    "price": "12.50",
                    "club": {"number": club, "title": "Go"},
                },
            }
        }
        neighbours.sql("delete from public.club_events where id = %s", club)
        assert await connection.event(events) == {
            "clubEventChanges": {"operation": "DELETE", "id": club, "clubEvent": None}
        }
        neighbours.sql("delete from public.clubs where number = %s", club)
        assert await connection.event(itself) == {"clubChanges": {"operation": "DELETE", "id": club, "club": None}}
        assert [await connection.ending(itself), await connection.ending(events)] == ["complete", "complete"]


async def test_changes_of_two_tables_of_one_name_are_told_apart_and_read_across_schemas(neighbours: Neighbours) -> None:
    club = neighbours.club
    async with live(neighbours.one) as connection:
        events = await connection.subscribe(EVENTS, club=club)
        of_meetings = await connection.subscribe(OF_MEETINGS, club=club)
        await neighbours.until_following(connection, events, of_meetings)
        for schema, title in (("meetings", "first"), ("public", "other"), ("meetings", "second")):
            neighbours.sql(f"insert into {schema}.club_events (club_number, title) values (%s, %s)", club, title)
        for title in ("first", "second"):
            assert await connection.event(of_meetings) == {
                "meetingClubEventChanges": {
                    "operation": "INSERT",
                    "meetingClubEvent": {"title": title, "club": {"title": "Chess"}},
                }
            }
        told = await connection.event(events)
        assert told["clubEventChanges"]["clubEvent"]["title"] == "other"


async def test_changes_of_a_row_with_a_text_for_its_key(neighbours: Neighbours) -> None:
    room, note = neighbours.room, f"{neighbours.room}, too"
    async with live(neighbours.other) as connection:
        itself = await connection.subscribe(ROOM, room=room)
        notes = await connection.subscribe(NOTES, room=room)
        await neighbours.until_following(connection, itself, notes)
        neighbours.sql("insert into public.room_notes (code, room_code, words) values (%s, %s, 'Hush')", note, room)
        assert await connection.event(notes) == {
            "roomNoteChanges": {
                "operation": "INSERT",
                "id": note,
                "roomNote": {"code": note, "words": "Hush", "room": {"code": room, "title": "Attic"}},
            }
        }
        neighbours.sql("update public.rooms set title = 'Cellar' where code = %s", room)
        assert await connection.event(itself) == {
            "roomChanges": {"operation": "UPDATE", "id": room, "room": {"code": room, "title": "Cellar"}}
        }
        neighbours.sql("delete from public.rooms where code = %s", room)
        assert await connection.event(itself) == {"roomChanges": {"operation": "DELETE", "id": room, "room": None}}


async def test_who_is_in_the_one_and_not_in_the_other_follows_the_one(neighbours: Neighbours) -> None:
    neighbours.joins_club(neighbours.other)
    async with live(neighbours.one) as one, live(neighbours.other) as other:
        refused = await one.subscribe(NOTES, room=neighbours.room)
        assert (await one.failure(refused)) == (
            "FORBIDDEN",
            "You may not follow this room, or there is no such room.",
        )
        of_nothing = await one.subscribe(EVENTS, club="1")
        assert (await one.failure(of_nothing)) == (
            "FORBIDDEN",
            "You may not follow this club, or there is no such club.",
        )
        events = await other.subscribe(EVENTS, club=neighbours.club)
        notes = await other.subscribe(NOTES, room=neighbours.room)
        await neighbours.until_following(other, events, notes)
        # Out of the club, and still in the room.
        neighbours.leaves_club(neighbours.other)
        assert await other.ending(events) == "FORBIDDEN"
        neighbours.sql("insert into public.club_events (club_number, title) values (%s, 'Secret')", neighbours.club)
        neighbours.sql(
            "insert into public.room_notes (code, room_code, words) values (%s, %s, 'Still here')",
            f"{neighbours.room}, again",
            neighbours.room,
        )
        assert (await other.event(notes))["roomNoteChanges"]["roomNote"]["words"] == "Still here"


async def test_who_is_present_where(neighbours: Neighbours) -> None:
    neighbours.joins_room(neighbours.one)
    async with live(neighbours.one) as one, live(neighbours.other) as other:
        ones = await one.subscribe(IN_ROOM, room=neighbours.room)
        alone = [{"id": neighbours.one.id}]
        assert await one.event(ones) == {"roomPresence": {"people": alone, "joined": alone, "left": []}}
        in_club = await one.subscribe(IN_CLUB, club=neighbours.club)
        assert await one.event(in_club) == {"clubPresence": {"people": alone}}
        await other.subscribe(IN_ROOM, room=neighbours.room)
        found = (await one.event(ones))["roomPresence"]
        assert {each["id"] for each in found["people"]} == {neighbours.one.id, neighbours.other.id}
        assert found["joined"] == [{"id": neighbours.other.id}]
        refused = await other.subscribe(IN_CLUB, club=neighbours.club)
        assert await other.ending(refused) == "FORBIDDEN"


async def test_a_root_in_another_schema(neighbours: Neighbours) -> None:
    couple, one, other = neighbours.club, neighbours.one, neighbours.other
    neighbours.sql("insert into household.couples (id, name) values (%s, 'Us')", couple)
    join = "insert into household.couple_members (couple_id, user_id) values (%s, %s)"
    neighbours.sql(join, couple, one.id)
    async with live(one) as ones, live(other) as others:
        assert (await others.failure(await others.subscribe(COUPLE, couple=couple))) == (
            "FORBIDDEN",
            "You may not follow this couple, or there is no such couple.",
        )
        there = await ones.subscribe(IN_COUPLE, couple=couple)
        assert await ones.event(there) == {"couplePresence": {"people": [{"id": one.id}]}}
        mine = await ones.subscribe(COUPLE, couple=couple)
        await neighbours.until_following(ones, mine)
        neighbours.sql("update household.couples set name = 'We' where id = %s", couple)
        assert await ones.event(mine) == {
            "householdCoupleChanges": {"operation": "UPDATE", "id": couple, "householdCouple": {"name": "We"}}
        }
        neighbours.sql(join, couple, other.id)
        theirs = await others.subscribe(IN_COUPLE, couple=couple)
        assert {each["id"] for each in (await others.event(theirs))["couplePresence"]["people"]} == {one.id, other.id}
        # Who joined had everybody admitted anew: this comes once that is over, which the deletion must not meet.
        neighbours.sql("update household.couples set name = 'All' where id = %s", couple)
        assert (await ones.event(mine))["householdCoupleChanges"]["householdCouple"] == {"name": "All"}
        neighbours.sql("delete from household.couples where id = %s", couple)
        assert (await ones.event(mine))["householdCoupleChanges"]["operation"] == "DELETE"
        assert await ones.ending(mine) == "complete"


async def test_what_is_a_persons_is_told_to_that_person_alone_whoever_sees_them(neighbours: Neighbours) -> None:
    one, other = neighbours.one, neighbours.other
    assert await other.ask("query ($id: UUID!) { profile(id: $id) { id } }", id=one.id) == {"profile": {"id": one.id}}
    async with live(one) as ones, live(other) as others:
        mine, theirs = await ones.subscribe(REMINDERS), await others.subscribe(REMINDERS)
        await neighbours.until_following(others, theirs)
        await neighbours.until_following(ones, mine)
        neighbours.sql("insert into public.reminders (user_id, words) values (%s, 'Call')", one.id)
        neighbours.sql("insert into public.reminders (user_id, words) values (%s, 'Theirs')", other.id)
        heard = {"Wake up"}
        while "Theirs" not in heard:
            heard.add((await others.event(theirs))["reminderChanges"]["reminder"]["words"])
        assert "Call" not in heard
        event: dict[str, Any] = (await ones.event(mine))["reminderChanges"]
        assert (event["operation"], event["reminder"]) == ("INSERT", {"words": "Call"})
        await ones.silence(mine)
