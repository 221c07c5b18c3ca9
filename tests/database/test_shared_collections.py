"""Collections that several people share: who sees what of them and of each other, how one leaves, what is told."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

from tests.database.callers import AGAINST_POLICY, NOT_GRANTED, Actor, World
from tests.database.test_broadcasts import brief, listens, sent, topics
from tests.database.test_sharing import seen

if TYPE_CHECKING:
    from psycopg import Connection

PUT: LiteralString = "insert into public.collection_places (collection_id, place_id) values (%s, %s) returning id"
LEAVE: LiteralString = "delete from public.collection_members where collection_id = %s and user_id = auth.uid()"


@pytest.fixture(autouse=True)
def share_the_collection_alone(world: World) -> None:
    """The editor and the viewer see nothing of the owner's but by the collection."""
    world.db.execute("delete from public.collaborators where trip_id = %s", (world.owner.trips,))
    world.db.execute("delete from realtime.messages")


def new_place(world: World, actor: Actor, name: str) -> uuid.UUID:
    with world.acting_as(actor) as db:
        return one(db, "insert into public.places (name) values (%s) returning id", name)


def one(db: Connection, statement: LiteralString, *values: object) -> uuid.UUID:
    row = db.execute(statement, values).fetchone()
    assert row is not None
    return uuid.UUID(str(row[0]))


class TestPeople:
    def test_those_who_share_a_collection_see_each_other(self, world: World) -> None:
        everyone = {world.owner.profiles, world.editor.profiles, world.viewer.profiles, world.owner.companion}
        for actor in ("owner", "editor", "viewer"):
            assert seen(world, actor, "profiles") == everyone, actor
        assert seen(world, "stranger", "profiles").isdisjoint(everyone)

    def test_two_collections_of_one_owner_do_not_introduce_their_people(self, world: World) -> None:
        with world.acting_as("owner") as db:
            second = one(db, "insert into public.collections (name) values ('Second') returning id")
        join(world, second, world.stranger.profiles, "editor")
        assert world.viewer.profiles not in seen(world, "stranger", "profiles")
        assert world.owner.profiles in seen(world, "stranger", "profiles")
        assert world.owner.collections not in seen(world, "stranger", "collections")

    @pytest.mark.parametrize("actor", ["editor", "viewer"])
    def test_who_has_left_sees_nothing_of_it_and_is_seen_no_longer(self, world: World, actor: Actor) -> None:
        person = getattr(world, actor).profiles
        mine = new_place(world, "editor", "Reef")
        world.attempt("editor", PUT, world.owner.collections, mine)
        assert world.attempt(actor, LEAVE, world.owner.collections) == 1
        assert seen(world, actor, "profiles") == {person}
        for table in ("collections", "collection_places", "collection_members"):
            assert seen(world, actor, table) == set(), table
        assert seen(world, actor, "places") == ({mine} if actor == "editor" else set())
        assert person not in seen(world, "owner", "profiles")
        assert world.attempt(actor, PUT, world.owner.collections, mine) == AGAINST_POLICY


class TestMembers:
    def test_only_the_owner_removes_another_or_changes_a_role(self, world: World) -> None:
        member = world.viewer.collection_members
        promote = "update public.collection_members set role = 'editor' where id = %s"
        remove = "delete from public.collection_members where id = %s"
        for actor in ("editor", "viewer", "stranger"):
            assert world.attempt(actor, promote, member) == 0
        for actor in ("editor", "stranger"):
            assert world.attempt(actor, remove, member) == 0
        assert world.attempt("owner", promote, member) == 1
        assert world.attempt("viewer", PUT, world.owner.collections, new_place(world, "viewer", "Reef")) == 1
        assert world.attempt("owner", remove, member) == 1
        assert seen(world, "viewer", "collections") == set()

    def test_nobody_joins_by_themselves(self, world: World) -> None:
        join_ = "insert into public.collection_members (collection_id, user_id) values (%s, auth.uid())"
        for actor in ("owner", "editor", "viewer", "stranger"):
            assert world.attempt(actor, join_, world.owner.collections) == NOT_GRANTED

    def test_an_owner_is_never_a_member(self, world: World) -> None:
        with pytest.raises(psycopg.errors.CheckViolation) as refusal:
            join(world, world.owner.collections, world.owner.profiles, "editor")
        assert refusal.value.diag.constraint_name == "collection_members_user_id_check"
        assert refusal.value.diag.message_hint == "Whoever owns it takes part already."


class TestPlaces:
    def test_a_place_in_it_is_seen_by_those_who_share_it_and_nothing_else_of_its_keeper(self, world: World) -> None:
        new_place(world, "owner", "Secret cove")
        for actor in ("editor", "viewer"):
            assert seen(world, actor, "places") == {world.owner.places}
            for table in ("saved_places", "tags", "place_tags", "trips", "user_preferences"):
                assert not seen(world, actor, table) & {getattr(world.owner, table)}, table
        assert world.owner.places not in seen(world, "stranger", "places")
        find = "select id from public.search_places('harbour')"
        assert (world.attempt("viewer", find), world.attempt("stranger", find)) == (1, 1)

    def test_an_editor_puts_in_a_place_of_their_own_which_all_then_see_and_may_take_out(self, world: World) -> None:
        place = new_place(world, "editor", "Reef")
        assert place not in seen(world, "owner", "places")
        assert world.attempt("editor", PUT, world.owner.collections, place) == 1
        for actor in ("owner", "viewer"):
            assert place in seen(world, actor, "places")
        take_out = "delete from public.collection_places where place_id = %s"
        assert world.attempt("viewer", take_out, place) == 0
        assert world.attempt("owner", take_out, place) == 1
        assert place not in seen(world, "viewer", "places")

    def test_a_viewer_changes_nothing(self, world: World) -> None:
        assert (
            world.attempt("viewer", PUT, world.owner.collections, new_place(world, "viewer", "Reef")) == AGAINST_POLICY
        )
        order = "update public.collection_places set order_index = 7 where id = %s"
        assert world.attempt("viewer", order, world.owner.collection_places) == 0
        assert world.attempt("editor", order, world.owner.collection_places) == 1
        rename = "update public.collections set name = 'Mine' where id = %s"
        for actor in ("editor", "viewer"):
            assert world.attempt(actor, rename, world.owner.collections) == 0

    def test_nobody_shows_on_what_they_are_shown(self, world: World) -> None:
        """Who sees a place of somebody else's may keep it in a collection of their own, but shows it to nobody."""
        with world.acting_as("viewer") as db:
            mine = one(db, "insert into public.collections (name) values ('Mine') returning id")
        assert world.attempt("viewer", PUT, mine, world.owner.places) == 1
        join(world, mine, world.stranger.profiles, "editor")
        assert world.attempt("stranger", "select id from public.collection_places where collection_id = %s", mine) == 1
        assert world.owner.places not in seen(world, "stranger", "places")
        assert world.attempt("stranger", PUT, mine, world.owner.places) == AGAINST_POLICY

    def test_the_keeper_of_a_place_shows_it_where_somebody_else_has_put_it_before(self, world: World) -> None:
        place = world.owner.places
        with world.acting_as("viewer") as db:
            mine = one(db, "insert into public.collections (name) values ('Mine') returning id")
        put = (
            "insert into public.collection_places (collection_id, place_id, notes, order_index) values (%s, %s, %s, %s)"
        )
        assert world.attempt("viewer", put, mine, place, "By the sea", 7) == 1
        join(world, mine, world.owner.profiles, "viewer")
        join(world, mine, world.stranger.profiles, "viewer")
        assert place not in seen(world, "stranger", "places")
        assert world.attempt("owner", PUT, mine, place) == AGAINST_POLICY
        world.db.execute("update public.collection_members set role = 'editor' where collection_id = %s", (mine,))
        assert world.attempt("owner", PUT, mine, place) == 1
        entries = "select user_id, order_index, notes from public.collection_places where collection_id = %s"
        assert world.db.execute(entries, (mine,)).fetchall() == [(world.owner.profiles, 7, "By the sea")]
        assert place in seen(world, "stranger", "places")
        # It is there for all by now, so nobody else puts it in once more.
        assert world.attempt("viewer", PUT, mine, place) == "23505"

    def test_so_does_the_keeper_who_puts_it_in_or_changes_what_is_written_there(self, world: World) -> None:
        """As upserts write it."""
        place = world.owner.places
        with world.acting_as("viewer") as db:
            mine = one(db, "insert into public.collections (name) values ('Mine') returning id")
        assert world.attempt("viewer", PUT, mine, place) == 1
        join(world, mine, world.owner.profiles, "editor")
        upsert = """
            insert into public.collection_places (collection_id, place_id, notes) values (%s, %s, 'Windy')
            on conflict (collection_id, place_id) do update set notes = excluded.notes
        """
        entries = "select user_id, order_index, notes from public.collection_places where collection_id = %s"
        for _ in range(2):
            assert world.attempt("owner", upsert, mine, place) == 1
            assert world.db.execute(entries, (mine,)).fetchall() == [(world.owner.profiles, 0, "Windy")]
        # Of others it changes the notes, and leaves the entry its keeper's.
        assert world.attempt("viewer", upsert, mine, place) == 1
        assert world.db.execute(entries, (mine,)).fetchall() == [(world.owner.profiles, 0, "Windy")]

    def test_nobody_puts_a_place_there_in_anothers_name(self, world: World) -> None:
        """Or they would be shown it."""
        put = "insert into public.collection_places (collection_id, place_id, user_id) values (%s, %s, %s)"
        place = new_place(world, "owner", "Secret cove")
        assert world.attempt("editor", put, world.owner.collections, place, world.owner.profiles) == AGAINST_POLICY
        assert world.attempt("editor", PUT, world.owner.collections, place) == AGAINST_POLICY

    def test_a_place_of_it_is_not_named_on_a_trip_whose_people_would_see_it_then(self, world: World) -> None:
        name = "insert into public.trip_items (trip_id, place_id, title) values (%s, %s, 'Swim')"
        assert world.attempt("viewer", name, world.viewer.trips, world.owner.places) == AGAINST_POLICY


class TestWhatIsTold:
    def test_changes_of_the_collection_its_places_and_its_members(self, world: World) -> None:
        owner = world.owner
        world.attempt("owner", "update public.collections set name = 'Bays' where id = %s", owner.collections)
        world.attempt("editor", PUT, owner.collections, new_place(world, "editor", "Reef"))
        world.attempt("viewer", LEAVE, owner.collections)
        topic = f"collection:{owner.collections}"
        told = [("DELETE", "collection_members"), ("INSERT", "collection_places"), ("UPDATE", "collections")]
        assert brief(sent(world, topic)) == told
        assert brief(sent(world, f"user:{world.viewer.profiles}")) == [("DELETE", "collection_members")]
        assert topics(world) == {topic, f"user:{world.viewer.profiles}", f"user:{world.editor.profiles}"}

    def test_a_place_and_a_person_by_their_keys_alone(self, world: World) -> None:
        owner = world.owner
        world.attempt("owner", "update public.places set notes = 'Under the mat' where id = %s", owner.places)
        world.attempt("viewer", "update public.profiles set display_name = 'V' where id = %s", world.viewer.profiles)
        place, profile = sorted(sent(world, f"collection:{owner.collections}"), key=lambda each: each[1])
        assert (place[1], place[2]["record"], place[2]["old_record"]) == ("places", None, {"id": str(owner.places)})
        assert (profile[1], profile[2]["record"], profile[2]["old_record"]) == (
            "profiles",
            None,
            {"id": str(world.viewer.profiles)},
        )

    def test_of_a_deleted_collection_only_the_collection_is_told_there(self, world: World) -> None:
        world.attempt("owner", "delete from public.collections where id = %s", world.owner.collections)
        assert brief(sent(world, f"collection:{world.owner.collections}")) == [("DELETE", "collections")]

    @pytest.mark.parametrize(
        ("actor", "hears"),
        [("owner", True), ("editor", True), ("viewer", True), ("stranger", False), ("anonymous", False)],
    )
    @pytest.mark.parametrize("extension", ["broadcast", "presence"])
    def test_who_may_listen(self, world: World, actor: Actor, hears: bool, extension: str) -> None:
        assert listens(world, actor, f"collection:{world.owner.collections}", extension) is hears

    def test_who_has_left_hears_no_more(self, world: World) -> None:
        assert world.attempt("viewer", LEAVE, world.owner.collections) == 1
        assert not listens(world, "viewer", f"collection:{world.owner.collections}", "broadcast")


def join(world: World, collection: uuid.UUID, person: uuid.UUID, as_role: str) -> None:
    world.db.execute(
        "insert into public.collection_members (collection_id, user_id, role) values (%s, %s, %s)",
        (collection, person, as_role),
    )
