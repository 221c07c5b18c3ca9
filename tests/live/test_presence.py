"""Who is on a trip, where anybody who may join its topic directly may say anything about it."""

from typing import Any

import pytest

from tests.live.clients import Live, live
from tests.live.conftest import Party
from tests.live.direct import direct
from tests.support import Person
from tripgate.upstream.realtime import presence
from tripgate.upstream.realtime.presence import RemotePresence

PRESENCE = """subscription ($trip: UUID!) {
  tripPresence(tripId: $trip) { people { id } joined { id } left { id } }
}"""
SOMEBODY = "00000000-0000-4000-8000-000000000000"


def ids(people: list[dict[str, str]]) -> set[str]:
    return {person["id"] for person in people}


async def event(connection: Live, id_: str) -> dict[str, set[str]]:
    """The next event's ids by part."""
    found = (await connection.event(id_))["tripPresence"]
    return {part: ids(people) for part, people in found.items()}


async def join(party: Party, person: Person) -> None:
    party.sql(
        "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')", party.trip, person.id
    )


async def test_only_members_of_the_trip_are_shown(party: Party) -> None:
    async with live(party.owner) as owner, direct(party, party.editor) as editor:
        his = await owner.subscribe(PRESENCE, trip=party.trip)
        assert (await event(owner, his))["people"] == {party.owner.id}
        # A stranger whose profile the owner may see, since they are on another trip together, is no member of this one.
        other = await party.owner.trip(title="Another")
        party.sql(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')",
            other,
            party.stranger.id,
        )
        await editor.track([party.stranger.id, SOMEBODY])
        await owner.silence(his)
        await editor.track([party.stranger.id, party.editor.id])
        assert await event(owner, his) == {
            "people": {party.owner.id, party.editor.id},
            "joined": {party.editor.id},
            "left": set(),
        }


@pytest.mark.parametrize(
    "people",
    [["no-uuid"], [7, None, {}, ["x"]], {"a": "b"}, "people", None, [SOMEBODY.upper(), f"{SOMEBODY}\n", "(1,2)"]],
)
async def test_what_is_no_uuid_ends_nobodys_presence(party: Party, people: Any) -> None:
    async with live(party.owner) as owner, direct(party, party.editor) as editor:
        his = await owner.subscribe(PRESENCE, trip=party.trip)
        assert (await event(owner, his))["people"] == {party.owner.id}
        await editor.track(people)
        await owner.silence(his)
        await editor.track([*people, party.editor.id] if isinstance(people, list) else [party.editor.id])
        assert (await event(owner, his))["people"] == {party.owner.id, party.editor.id}


async def test_more_than_is_believed_ends_nobodys_presence(party: Party) -> None:
    async with live(party.owner) as owner, direct(party, party.editor) as editor:
        his = await owner.subscribe(PRESENCE, trip=party.trip)
        assert (await event(owner, his))["people"] == {party.owner.id}
        made_up = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(5_000)]
        await editor.track([*made_up, party.editor.id])
        await owner.silence(his)
        await editor.track([party.editor.id, *made_up])
        assert (await event(owner, his))["people"] == {party.owner.id, party.editor.id}


async def test_who_is_there_is_shown_although_nobody_heard_that_they_joined(party: Party) -> None:
    async with live(party.owner) as owner, live(party.stranger) as joined:
        his = await owner.subscribe(PRESENCE, trip=party.trip)
        assert (await event(owner, his))["people"] == {party.owner.id}
        # A replica's session fires no triggers, so no change is told.
        party.sql(
            "insert into public.collaborators (trip_id, user_id, role) select %s, %s, 'viewer'"
            " from set_config('session_replication_role', 'replica', false)",
            party.trip,
            party.stranger.id,
        )
        theirs = await joined.subscribe(PRESENCE, trip=party.trip)
        assert (await event(joined, theirs))["people"] == {party.owner.id, party.stranger.id}
        assert (await event(owner, his))["joined"] == {party.stranger.id}


async def test_who_is_removed_is_shown_no_longer_and_who_joins_is_shown(party: Party) -> None:
    async with live(party.owner) as owner, direct(party, party.editor) as editor:
        his = await owner.subscribe(PRESENCE, trip=party.trip)
        assert (await event(owner, his))["people"] == {party.owner.id}
        await editor.track([party.editor.id, party.stranger.id])
        assert (await event(owner, his))["people"] == {party.owner.id, party.editor.id}
        await join(party, party.stranger)
        assert await event(owner, his) == {
            "people": {party.owner.id, party.editor.id, party.stranger.id},
            "joined": {party.stranger.id},
            "left": set(),
        }
        # The editor's client says so still.
        party.sql("delete from public.collaborators where user_id = %s", party.editor.id)
        assert (await event(owner, his))["people"] == {party.owner.id, party.stranger.id}


async def test_one_member_can_still_say_that_another_is_there(party: Party) -> None:
    """As docs/security.md says: what a presence says is its client's word."""
    async with live(party.editor) as connection, direct(party, party.editor) as client:
        hers = await connection.subscribe(PRESENCE, trip=party.trip)
        assert (await event(connection, hers))["people"] == {party.editor.id}
        await client.track([party.owner.id])
        assert (await event(connection, hers))["people"] == {party.editor.id, party.owner.id}


class TestElsewhere:
    """How much is believed, by itself."""

    @staticmethod
    def said(client: str, people: list[str]) -> dict[str, Any]:
        return {client: {"metas": [{"phx_ref": client, "people": people}]}}

    @staticmethod
    def person(number: int) -> str:
        return f"{number:08x}-0000-4000-8000-000000000000"

    def test_bounds(self) -> None:
        found = RemotePresence()
        for client in range(20):
            people = [self.person(client * 10_000 + number) for number in range(2_000)]
            found.take("presence_diff", {"joins": self.said(str(client), people), "leaves": {}})
        assert len(found.people) == presence.MOST_PEOPLE
        for client in range(20):
            found.take("presence_diff", {"joins": {}, "leaves": self.said(str(client), [])})
        assert found.people == frozenset()
        for client in range(presence.MOST_CLIENTS + 5):
            found.take("presence_diff", {"joins": self.said(str(client), [self.person(client)]), "leaves": {}})
        assert len(found.people) == presence.MOST_CLIENTS

    def test_a_state_replaces_what_was_there(self) -> None:
        found = RemotePresence()
        found.take("presence_state", self.said("a", [self.person(1)]))
        found.take("presence_state", self.said("b", [self.person(2)]))
        assert found.people == {self.person(2)}

    def test_what_a_client_said_before_is_over(self) -> None:
        found = RemotePresence()
        found.take("presence_state", self.said("a", [self.person(1)]))
        found.take("presence_diff", {"joins": self.said("b", [self.person(2)]), "leaves": self.said("a", [])})
        assert found.people == {self.person(2)}

    @pytest.mark.parametrize(
        "payload",
        [{"joins": 1, "leaves": "x"}, {"joins": {"a": []}}, {"joins": {"a": {"metas": [1, None, {"people": 1}]}}}, {}],
    )
    def test_other_forms_are_passed_over(self, payload: dict[str, Any]) -> None:
        found = RemotePresence()
        found.take("presence_state", self.said("a", [self.person(1)]))
        found.take("presence_diff", payload)
        assert found.people == {self.person(1)}
