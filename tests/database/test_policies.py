"""Who may do what to whose rows: every table, command and actor."""

from __future__ import annotations

import itertools
import uuid
from typing import TYPE_CHECKING, LiteralString, get_args

import pytest
from psycopg import sql

from tests.database.callers import AGAINST_POLICY, NOT_GRANTED, Actor, Belongings, World, role

if TYPE_CHECKING:
    import psycopg

N, P = NOT_GRANTED, AGAINST_POLICY

# The rows are the owner's, the numbers how many of them the actor reaches. "insert" adds a row for the owner.
MAY_AND_MAY_NOT: list[tuple[str, str, int | str, int | str, int | str, int | str, int | str, int | str]] = [
    # table, command           owner editor viewer stranger anonymous service
    ("profiles", "select",          1, 1, 1, 0, N, 1),
    ("profiles", "insert",          N, N, N, N, N, 1),
    ("profiles", "update",          1, 0, 0, 0, N, 1),
    ("profiles", "delete",          N, N, N, N, N, 1),
    ("user_preferences", "select",  1, 0, 0, 0, N, 1),
    ("user_preferences", "insert",  N, N, N, N, N, 1),
    ("user_preferences", "update",  1, 0, 0, 0, N, 1),
    ("user_preferences", "delete",  N, N, N, N, N, 1),
    ("places", "select",            1, 1, 1, 0, N, 1),
    ("places", "insert",            1, P, P, P, N, 1),
    ("places", "update",            1, 0, 0, 0, N, 1),
    ("places", "delete",            1, 0, 0, 0, N, 1),
    ("trips", "select",             1, 1, 1, 0, N, 1),
    ("trips", "insert",             1, P, P, P, N, 1),
    ("trips", "update",             1, 1, 0, 0, N, 1),
    ("trips", "delete",             1, 0, 0, 0, N, 1),
    ("trip_items", "select",        1, 1, 1, 0, N, 1),
    ("trip_items", "insert",        1, 1, P, P, N, 1),
    ("trip_items", "update",        1, 1, 0, 0, N, 1),
    ("trip_items", "delete",        1, 1, 0, 0, N, 1),
    ("saved_places", "select",      1, 0, 0, 0, N, 1),
    ("saved_places", "insert",      1, P, P, P, N, 1),
    ("saved_places", "update",      1, 0, 0, 0, N, 1),
    ("saved_places", "delete",      1, 0, 0, 0, N, 1),
    ("collections", "select",       1, 0, 0, 0, N, 1),
    ("collections", "insert",       1, P, P, P, N, 1),
    ("collections", "update",       1, 0, 0, 0, N, 1),
    ("collections", "delete",       1, 0, 0, 0, N, 1),
    ("collection_places", "select", 1, 0, 0, 0, N, 1),
    ("collection_places", "insert", 1, P, P, P, N, 1),
    ("collection_places", "update", 1, 0, 0, 0, N, 1),
    ("collection_places", "delete", 1, 0, 0, 0, N, 1),
    ("tags", "select",              1, 0, 0, 0, N, 1),
    ("tags", "insert",              1, P, P, P, N, 1),
    ("tags", "update",              1, 0, 0, 0, N, 1),
    ("tags", "delete",              1, 0, 0, 0, N, 1),
    ("place_tags", "select",        1, 0, 0, 0, N, 1),
    ("place_tags", "insert",        1, P, P, P, N, 1),
    ("place_tags", "update",        N, N, N, N, N, 1),
    ("place_tags", "delete",        1, 0, 0, 0, N, 1),
    ("collaborators", "select",     1, 1, 1, 0, N, 1),
    ("collaborators", "insert",     N, N, N, N, N, 1),
    ("collaborators", "update",     1, 0, 0, 0, N, 1),
    ("collaborators", "delete",     1, 0, 0, 0, N, 1),
    ("invitations", "select",       1, 0, 0, 0, N, 1),
    ("invitations", "insert",       1, P, P, P, N, "23502"),
    ("invitations", "update",       1, 0, 0, 0, N, 1),
    ("invitations", "delete",       N, N, N, N, N, 1),
    ("votes", "select",             1, 1, 1, 0, N, 1),
    ("votes", "insert",             1, P, P, P, N, 1),
    ("votes", "update",             1, 0, 0, 0, N, 1),
    ("votes", "delete",             1, 0, 0, 0, N, 1),
]  # fmt: skip

STATEMENTS: dict[str | tuple[str, str], LiteralString] = {
    "select": "select * from public.{} where id = %s",
    "delete": "delete from public.{} where id = %s",
    ("profiles", "insert"): "insert into public.profiles (id, display_name) values (%s, 'Olga again')",
    ("profiles", "update"): "update public.profiles set display_name = 'Someone else' where id = %s",
    ("user_preferences", "insert"): "insert into public.user_preferences (user_id) values (%s)",
    ("user_preferences", "update"): "update public.user_preferences set locale = 'fi' where id = %s",
    ("places", "insert"): "insert into public.places (user_id, name) values (%s, 'Lighthouse') returning *",
    ("places", "update"): "update public.places set name = 'Elsewhere' where id = %s",
    ("trips", "insert"): "insert into public.trips (user_id, title) values (%s, 'Another week') returning *",
    ("trips", "update"): "update public.trips set title = 'Cancelled!' where id = %s",
    ("trip_items", "insert"): "insert into public.trip_items (trip_id, title) values (%s, 'Drop anchor') returning *",
    ("trip_items", "update"): "update public.trip_items set title = 'Sink' where id = %s",
    ("saved_places", "insert"): "insert into public.saved_places (user_id, name) values (%s, 'A bench') returning *",
    ("saved_places", "update"): "update public.saved_places set notes = 'Gone' where id = %s",
    ("collections", "insert"): "insert into public.collections (user_id, name) values (%s, 'Benches') returning *",
    ("collections", "update"): "update public.collections set name = 'Taken' where id = %s",
    ("collection_places", "insert"): (
        "insert into public.collection_places (user_id, collection_id, place_id) values (%s, %s, %s) returning *"
    ),
    ("collection_places", "update"): "update public.collection_places set notes = 'Taken' where id = %s",
    ("tags", "insert"): "insert into public.tags (user_id, name) values (%s, 'calm') returning *",
    ("tags", "update"): "update public.tags set name = 'taken' where id = %s",
    ("place_tags", "insert"): (
        "insert into public.place_tags (user_id, place_id, tag_id) values (%s, %s, %s) returning *"
    ),
    ("place_tags", "update"): "update public.place_tags set place_id = place_id where id = %s",
    ("collaborators", "insert"): "insert into public.collaborators (trip_id, user_id) values (%s, %s) returning *",
    ("collaborators", "update"): "update public.collaborators set role = 'editor' where id = %s",
    # Nobody may select the hash of the token, so every statement names its columns.
    ("invitations", "select"): "select id, email, status from public.invitations where id = %s",
    ("invitations", "insert"): (
        "insert into public.invitations (trip_id, email, token_hash)"
        " values (%s, 'new@people.example', repeat('ab', 32)) returning id, email, status"
    ),
    ("invitations", "update"): "update public.invitations set status = 'revoked' where id = %s",
    ("votes", "insert"): "insert into public.votes (trip_item_id, user_id, value) values (%s, %s, 0) returning *",
    ("votes", "update"): "update public.votes set value = -1 where id = %s",
}

# What an inserted row refers to.
PARENTS = {
    "profiles": ("profiles",),
    "user_preferences": ("profiles",),
    "places": ("profiles",),
    "trips": ("profiles",),
    "trip_items": ("trips",),
    "saved_places": ("profiles",),
    "collections": ("profiles",),
    "collection_places": ("profiles", "collections", "places"),
    "tags": ("profiles",),
    "place_tags": ("profiles", "places", "tags"),
    "collaborators": ("trips", "companion"),
    "invitations": ("trips",),
    "votes": ("trip_items", "profiles"),
}
# Where there is room for another row only without the one that is there.
UNIQUE = {"profiles", "user_preferences", "collection_places", "place_tags", "collaborators", "votes"}

TABLES = list(dict.fromkeys(table for table, *_ in MAY_AND_MAY_NOT))

CASES = [
    pytest.param(table, command, actor, outcome, id=f"{actor}-{command}-{table}")
    for table, command, *outcomes in MAY_AND_MAY_NOT
    for actor, outcome in zip(get_args(Actor), outcomes, strict=True)
]


@pytest.mark.parametrize(("table", "command", "actor", "outcome"), CASES)
def test_actor_on_the_owners_row(world: World, table: str, command: str, actor: Actor, outcome: int | str) -> None:
    assert outcome_on_the_owners_row(world, table, command, actor) == outcome


def outcome_on_the_owners_row(world: World, table: str, command: str, actor: Actor) -> int | str:
    """How many of the owner's rows the command reaches when the actor sends it, or how it is refused."""
    keys = [getattr(world.owner, table)]
    if command == "insert":
        if table in UNIQUE:
            world.db.execute(about("delete from public.{} where id = %s", table), keys)
        keys = [getattr(world.owner, parent) for parent in PARENTS[table]]
        if table == "invitations":
            world.attempt(actor, "select public.announce_invitation(%s, 'new@people.example')", *keys)
    statement = STATEMENTS.get((table, command)) or about(STATEMENTS[command], table)
    return world.attempt(actor, statement, *keys)


def about(statement: LiteralString, table: str) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(table))


def test_the_matrix_covers_every_table_and_command(db: psycopg.Connection) -> None:
    tables = [name for (name,) in db.execute("select tablename from pg_tables where schemaname = 'public'")]
    covered = [(table, command) for table, command, *_ in MAY_AND_MAY_NOT]
    assert sorted(covered) == sorted(itertools.product(tables, ("select", "insert", "update", "delete")))


@pytest.mark.parametrize("table", TABLES)
def test_people_see_their_own_rows_and_no_others(world: World, table: str) -> None:
    mine, theirs = getattr(world.owner, table), getattr(world.stranger, table)
    with world.acting_as("owner") as db:
        visible = {row[0] for row in db.execute(about("select id from public.{}", table))}
    assert mine in visible
    assert theirs not in visible


@pytest.mark.parametrize("table", TABLES)
def test_a_token_of_nobody_sees_nothing(world: World, table: str) -> None:
    with role(world.db, "authenticated", {"role": "authenticated"}):
        assert world.db.execute(about("select id from public.{}", table)).fetchall() == []
    with role(world.db, "authenticated", {"role": "authenticated", "sub": str(uuid.uuid4())}):
        assert world.db.execute(about("select id from public.{}", table)).fetchall() == []


class TestCreating:
    def test_a_row_belongs_to_its_caller_unless_said_otherwise(self, world: World) -> None:
        with world.acting_as("owner") as db:
            trip = db.execute("insert into public.trips (title) values ('Mine') returning user_id").fetchone()
            place = db.execute("insert into public.places (name) values ('Mine') returning user_id").fetchone()
        assert trip == place == (world.owner.profiles,)

    def test_the_caller_may_choose_the_id(self, world: World) -> None:
        assert world.attempt("owner", "insert into public.trips (id, title) values (%s, 'Mine')", uuid.uuid4()) == 1

    def test_a_new_trip_can_be_read_back_in_the_same_statement(self, world: World) -> None:
        with world.acting_as("owner") as db:
            row = db.execute("insert into public.trips (title) values ('Fresh') returning title, status").fetchone()
        assert row == ("Fresh", "planning")

    def test_items_can_follow_their_trip_in_one_transaction(self, world: World) -> None:
        with world.acting_as("owner") as db:
            trip = db.execute("insert into public.trips (title) values ('Fresh') returning id").fetchone()
            assert trip is not None
            items = db.execute(
                "insert into public.trip_items (trip_id, title) select %s, 'Item ' || n from generate_series(1, 3) n"
                " returning id",
                trip,
            )
            assert items.rowcount == 3

    def test_one_item_too_many_undoes_the_whole_statement(self, world: World) -> None:
        statement = "insert into public.trip_items (trip_id, title) values (%s, 'Mine'), (%s, 'Theirs')"
        assert world.attempt("owner", statement, world.owner.trips, world.stranger.trips) == AGAINST_POLICY
        assert items_of(world, world.owner) == ["Hoist the sails"]

    def test_nobody_can_plan_for_a_trip_that_does_not_exist(self, world: World) -> None:
        statement = "insert into public.trip_items (trip_id, title) values (%s, 'Lost')"
        assert world.attempt("owner", statement, uuid.uuid4()) == AGAINST_POLICY


class TestPlacesOfItems:
    ADD = "insert into public.trip_items (trip_id, place_id, title) values (%s, %s, 'Swim')"
    MOVE = "update public.trip_items set place_id = %s where id = %s"

    def test_an_item_may_name_its_writers_place(self, world: World) -> None:
        assert world.attempt("owner", self.ADD, world.owner.trips, world.owner.places) == 1
        assert world.attempt("owner", self.MOVE, world.owner.places, world.owner.trip_items) == 1

    def test_an_item_may_name_no_place(self, world: World) -> None:
        assert world.attempt("owner", self.ADD, world.owner.trips, None) == 1
        assert world.attempt("owner", self.MOVE, None, world.owner.trip_items) == 1

    def test_an_item_may_not_name_a_strangers_place(self, world: World) -> None:
        assert world.attempt("owner", self.ADD, world.owner.trips, world.stranger.places) == AGAINST_POLICY
        assert world.attempt("owner", self.MOVE, world.stranger.places, world.owner.trip_items) == AGAINST_POLICY

    def test_a_place_that_does_not_exist_looks_like_a_strangers(self, world: World) -> None:
        assert world.attempt("owner", self.ADD, world.owner.trips, uuid.uuid4()) == AGAINST_POLICY

    def test_deleting_a_place_leaves_the_item_without_one(self, world: World) -> None:
        assert world.attempt("owner", "delete from public.places where id = %s", world.owner.places) == 1
        left = world.db.execute("select place_id from public.trip_items where id = %s", (world.owner.trip_items,))
        assert left.fetchone() == (None,)


class TestChanging:
    def test_an_item_may_move_between_its_owners_trips(self, world: World) -> None:
        second = uuid.uuid4()
        world.attempt("owner", "insert into public.trips (id, title) values (%s, 'Second')", second)
        statement = "update public.trip_items set trip_id = %s where id = %s"
        assert world.attempt("owner", statement, second, world.owner.trip_items) == 1

    def test_an_item_may_not_move_into_a_strangers_trip(self, world: World) -> None:
        statement = "update public.trip_items set trip_id = %s where id = %s"
        assert world.attempt("owner", statement, world.stranger.trips, world.owner.trip_items) == AGAINST_POLICY

    def test_a_statement_without_a_filter_reaches_only_ones_own(self, world: World) -> None:
        assert world.attempt("owner", "update public.trips set title = 'Renamed'") == 1
        assert world.attempt("owner", "delete from public.trips") == 1
        left = world.db.execute("select title from public.trips where id = %s", (world.stranger.trips,))
        assert left.fetchone() == ("A week at sea",)

    def test_deleting_a_trip_takes_its_items_along(self, world: World) -> None:
        assert world.attempt("owner", "delete from public.trips where id = %s", world.owner.trips) == 1
        assert items_of(world, world.owner) == []

    @pytest.mark.parametrize("table", ["places", "trips"])
    @pytest.mark.parametrize("column", ["id", "user_id", "created_at", "updated_at"])
    def test_keys_owners_and_times_never_change(self, world: World, table: str, column: str) -> None:
        assign = sql.SQL("update public.{0} set {1} = {1} where id = %s")
        statement = assign.format(sql.Identifier(table), sql.Identifier(column))
        assert world.attempt("owner", statement, getattr(world.owner, table)) == NOT_GRANTED


@pytest.mark.parametrize("actor", ["owner", "anonymous"])
def test_callers_cannot_empty_a_table(world: World, actor: Actor) -> None:
    assert world.attempt(actor, "truncate public.trips cascade") == NOT_GRANTED


def test_deleting_an_account_takes_everything_along(db: psycopg.Connection, world: World) -> None:
    db.execute("delete from auth.users where id = %s", (world.owner.profiles,))
    for table in TABLES:
        left = db.execute(about("select 1 from public.{} where id = %s", table), (getattr(world.owner, table),))
        assert left.fetchone() is None, table


def items_of(world: World, person: Belongings) -> list[str]:
    rows = world.db.execute("select title from public.trip_items where trip_id = %s order by title", (person.trips,))
    return [title for (title,) in rows]
