"""What the database tells of changes, to whom, and who may listen."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from tests.database.callers import AGAINST_POLICY, NOT_GRANTED, Actor, World, address_of

if TYPE_CHECKING:
    from collections.abc import Sequence

Sent = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def silence(world: World) -> None:
    """Forget what was sent while the world was made."""
    world.db.execute("delete from realtime.messages")


def sent(world: World, topic: str) -> Sent:
    """Operation, table and payload of each message on a topic, by table; those of one table in no certain order."""
    rows = world.db.execute(
        "select event, payload ->> 'table', payload, private, extension from realtime.messages"
        " where topic = %s order by 2, 1",
        (topic,),
    ).fetchall()
    assert all(private and extension == "broadcast" for *_, private, extension in rows)
    assert all(payload["operation"] == event and payload["schema"] == "public" for event, _, payload, *_ in rows)
    return [(event, table, payload) for event, table, payload, *_ in rows]


def brief(messages: Sent) -> list[tuple[str, str]]:
    return [(event, table) for event, table, _ in messages]


def on_trip(world: World) -> str:
    return f"trip:{world.owner.trips}"


class TestChanges:
    def test_a_change_is_sent_once_with_both_rows(self, world: World) -> None:
        world.attempt("editor", "update public.trips set title = 'Renamed' where id = %s", world.owner.trips)
        ((event, table, payload),) = sent(world, on_trip(world))
        assert (event, table) == ("UPDATE", "trips")
        assert payload["record"]["title"] == "Renamed"
        assert payload["old_record"]["title"] == "A week at sea"
        assert topics(world) == {on_trip(world)}

    def test_items_and_votes_are_sent_to_their_trip(self, world: World) -> None:
        item = uuid.uuid4()
        world.attempt(
            "editor",
            "insert into public.trip_items (id, trip_id, title) values (%s, %s, 'Dive')",
            item,
            world.owner.trips,
        )
        world.attempt("viewer", "insert into public.votes (trip_item_id, value) values (%s, -1)", item)
        item_sent, vote_sent = sent(world, on_trip(world))
        assert item_sent[:2] == ("INSERT", "trip_items")
        assert item_sent[2]["record"]["id"] == str(item)
        assert item_sent[2]["old_record"] is None
        assert vote_sent[:2] == ("INSERT", "votes")
        assert vote_sent[2]["record"] | {"value": -1, "user_id": str(world.viewer.profiles)} == vote_sent[2]["record"]

    @pytest.mark.parametrize("table", ["trip_items", "votes", "collaborators"])
    def test_a_deletion_tells_the_id_and_nothing_else(self, world: World, table: str) -> None:
        key = getattr(world.owner, table)
        world.attempt("owner", sql.SQL("delete from public.{} where id = %s").format(sql.Identifier(table)), key)
        (payload,) = [payload for _, of, payload in sent(world, on_trip(world)) if of == table]
        assert payload["old_record"] == {"id": str(key)}
        assert payload["record"] is None

    def test_what_is_seen_on_a_trip_and_is_somebodys_own_is_told_there_by_its_key_alone(self, world: World) -> None:
        owner = world.owner
        world.db.execute("update public.trip_items set place_id = %s where id = %s", (owner.places, owner.trip_items))
        world.db.execute("delete from realtime.messages")
        world.attempt(
            "owner", "update public.places set notes = 'The key is under the mat' where id = %s", owner.places
        )
        ((event, table, payload),) = sent(world, on_trip(world))
        assert (event, table) == ("UPDATE", "places")
        assert (payload["record"], payload["old_record"]) == (None, {"id": str(owner.places)})
        ((event, table, payload),) = sent(world, f"user:{owner.profiles}")
        assert (event, table) == ("UPDATE", "places")
        assert payload["record"]["notes"] == "The key is under the mat"

    def test_a_deleted_item_takes_its_votes_along(self, world: World) -> None:
        world.attempt("owner", "delete from public.trip_items where id = %s", world.owner.trip_items)
        assert brief(sent(world, on_trip(world))) == [("DELETE", "trip_items"), ("DELETE", "votes")]

    def test_of_a_deleted_trip_only_the_trip_is_sent(self, world: World) -> None:
        world.attempt("owner", "delete from public.trips where id = %s", world.owner.trips)
        ((event, table, payload),) = sent(world, on_trip(world))
        assert (event, table, payload["old_record"]) == ("DELETE", "trips", {"id": str(world.owner.trips)})

    def test_a_deleted_account_takes_its_trips_along(self, world: World) -> None:
        world.db.execute("delete from auth.users where id = %s", (world.owner.profiles,))
        # The places went first.
        assert brief(sent(world, on_trip(world))) == [("UPDATE", "trip_items"), ("DELETE", "trips")]

    def test_an_item_goes_from_one_trip_and_comes_to_the_other(self, world: World) -> None:
        second = uuid.uuid4()
        world.attempt("owner", "insert into public.trips (id, title) values (%s, 'Second')", second)
        world.attempt(
            "owner", "update public.trip_items set trip_id = %s where id = %s", second, world.owner.trip_items
        )
        assert brief(sent(world, on_trip(world))) == [("DELETE", "trip_items"), ("DELETE", "votes")]
        assert brief(sent(world, f"trip:{second}")) == [
            ("INSERT", "trip_items"),
            ("INSERT", "trips"),
            ("INSERT", "votes"),
        ]

    def test_a_change_that_is_refused_is_not_sent(self, world: World) -> None:
        world.attempt("viewer", "insert into public.trip_items (trip_id, title) values (%s, 'Dive')", world.owner.trips)
        world.attempt("owner", "update public.trip_items set day_number = 0 where id = %s", world.owner.trip_items)
        assert topics(world) == set()


class TestOnesOwnStream:
    def test_joining_and_leaving(self, world: World) -> None:
        person = world.stranger.profiles
        collaborator = uuid.uuid4()
        world.db.execute(
            "insert into public.collaborators (id, trip_id, user_id) values (%s, %s, %s)",
            (collaborator, world.owner.trips, person),
        )
        world.attempt("stranger", "delete from public.collaborators where id = %s", collaborator)
        left, joined = sent(world, f"user:{person}")
        assert joined[:2] == ("INSERT", "collaborators")
        assert joined[2]["record"]["trip_id"] == str(world.owner.trips)
        assert (left[0], left[2]["old_record"]) == (
            "DELETE",
            {"id": str(collaborator), "trip_id": str(world.owner.trips)},
        )
        assert brief(sent(world, on_trip(world))) == [("DELETE", "collaborators"), ("INSERT", "collaborators")]

    def test_invitations_without_the_hash_of_their_token(self, world: World) -> None:
        invite = "insert into public.invitations (trip_id, email, token_hash) values (%s, %s, repeat('ab', 32))"
        given = world.owner.trips, address_of(world.stranger.profiles)
        assert world.attempt("owner", "select public.announce_invitation(%s, %s)", *given) == 1
        assert world.attempt("owner", invite, *given) == 1
        invited, rung = sent(world, f"user:{world.stranger.profiles}")
        assert rung[:2] == ("INSERT", "notifications")
        event, table, payload = invited
        assert (event, table) == ("INSERT", "invitations")
        columns = world.db.execute(
            "select attname from pg_attribute where attrelid = 'public.invitations'::regclass and attnum > 0"
        )
        assert set(payload["record"]) == {name for (name,) in columns} - {"token_hash"}
        assert "abab" not in str(payload)
        assert sent(world, on_trip(world)) == []


TOPICS = ("trip:{owner.trips}", "user:{owner.profiles}", "trip:{unknown}", "trip:", "trip:not-a-uuid", "", "anything")


class TestListening:
    @pytest.mark.parametrize(
        ("actor", "heard"),
        [
            ("owner", [True, True, False, False, False, False, False]),
            ("editor", [True, False, False, False, False, False, False]),
            ("viewer", [True, False, False, False, False, False, False]),
            ("stranger", [False] * 7),
            ("anonymous", [False] * 7),
        ],
    )
    @pytest.mark.parametrize("extension", ["broadcast", "presence"])
    def test_who_hears_what(self, world: World, actor: Actor, extension: str, heard: Sequence[bool]) -> None:
        assert [listens(world, actor, topic, extension) for topic in topics_to_try(world)] == list(heard)

    @pytest.mark.parametrize(
        ("actor", "outcome"),
        [("owner", 1), ("editor", 1), ("viewer", 1), ("stranger", AGAINST_POLICY), ("anonymous", AGAINST_POLICY)],
    )
    def test_those_on_a_trip_are_seen_there(self, world: World, actor: Actor, outcome: int | str) -> None:
        assert says(world, actor, on_trip(world), "presence") == outcome

    @pytest.mark.parametrize("actor", ["owner", "viewer", "stranger", "anonymous"])
    def test_nobody_tells_a_change_that_the_database_did_not(self, world: World, actor: Actor) -> None:
        for topic in topics_to_try(world):
            assert says(world, actor, topic, "broadcast") == AGAINST_POLICY

    def test_who_is_removed_hears_no_more(self, world: World) -> None:
        assert listens(world, "viewer", on_trip(world), "broadcast")
        world.attempt("owner", "delete from public.collaborators where id = %s", world.viewer.collaborators)
        assert not listens(world, "viewer", on_trip(world), "broadcast")

    def test_messages_are_never_changed_or_removed_by_callers(self, world: World) -> None:
        world.attempt("owner", "update public.trips set title = 'Renamed' where id = %s", world.owner.trips)
        assert world.attempt("owner", "update realtime.messages set event = 'other'") == 0
        assert world.attempt("owner", "delete from realtime.messages") == NOT_GRANTED


def topics(world: World) -> set[str]:
    return {topic for (topic,) in world.db.execute("select topic from realtime.messages")}


def topics_to_try(world: World) -> list[str]:
    return [topic.format(owner=world.owner, unknown=uuid.uuid4()) for topic in TOPICS]


def listens(world: World, actor: Actor, topic: str, extension: str) -> bool:
    """As the Realtime server asks: does the actor see a message on the channel's topic?"""
    message = uuid.uuid4()
    world.db.execute(
        "insert into realtime.messages (id, topic, extension, private) values (%s, %s, %s, true)",
        (message, topic, extension),
    )
    with world.acting_as(actor) as db:
        db.execute("select set_config('realtime.topic', %s, true)", (topic,))
        return db.execute("select 1 from realtime.messages where id = %s", (message,)).rowcount == 1


def says(world: World, actor: Actor, topic: str, extension: str) -> int | str:
    """As the Realtime server asks: may the actor write a message on the channel's topic?"""
    try:
        with world.acting_as(actor) as db:
            db.execute("select set_config('realtime.topic', %s, true)", (topic,))
            return db.execute(
                "insert into realtime.messages (topic, extension, private) values (%s, %s, true)", (topic, extension)
            ).rowcount
    except psycopg.errors.InsufficientPrivilege as refusal:
        return AGAINST_POLICY if "row-level security" in str(refusal) else NOT_GRANTED
