"""Who may do what to whose rows: every table, command and actor."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, LiteralString

import pytest
from psycopg import sql

from gql import pg_catalog
from gql.catalog import catalog
from tests.database import access
from tests.database.callers import AGAINST_POLICY, NOT_GRANTED, ROLES, Actor, Belongings, World, insertion, role
from tripgate.gateway.schema import graphql_schema  # noqa: F401 - declares every type

if TYPE_CHECKING:
    import psycopg

TABLES = list(access.loaded())
# Rows of the program, which are nobody's.
OF_ALL = {"ai_agents"}
CASES = [
    pytest.param(table, command, actor, outcome, id=f"{actor}-{command}-{table}")
    for table, said in access.loaded().items()
    for (command, actor), outcome in said.may.items()
]


@pytest.mark.parametrize(("table", "command", "actor", "outcome"), CASES)
def test_actor_on_the_owners_row(world: World, table: str, command: str, actor: Actor, outcome: int | str) -> None:
    assert outcome_on_the_owners_row(world, table, command, actor) == outcome


def outcome_on_the_owners_row(world: World, table: str, command: str, actor: Actor) -> int | str:
    """How many of the owner's rows the command reaches when the actor sends it, or how it is refused."""
    said = access.loaded()[table]
    key = [world.owner[table]]
    if command == "insert":
        return inserted(world, said, actor)
    readable = said.table.granted(ROLES[actor], "select")
    parts = {
        "table": sql.Identifier(said.table.schema, said.table.name),
        "key": sql.Identifier(*said.table.primary_key),
        # Some columns are nobody's to read.
        "columns": sql.SQL(", ").join(map(sql.Identifier, sorted(readable))) if readable else sql.SQL("*"),
        "changes": sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(each)) for each in said.change),
    }
    if command == "update":
        changed = list(world.values(world.owner, said.change).values())
        return world.attempt(
            actor, sql.SQL("update {table} set {changes} where {key} = %s").format(**parts), *changed, *key
        )
    statement = "select {columns} from {table} where {key} = %s" if command == "select" else DELETE
    return world.attempt(actor, sql.SQL(statement).format(**parts), *key)


DELETE: LiteralString = "delete from {table} where {key} = %s"


def inserted(world: World, said: access.Access, actor: Actor) -> int | str:
    """What comes of one more row for the owner; the one that is there makes room where it must."""
    named = sql.Identifier(said.table.schema, said.table.name)
    values = world.values(world.owner, said.insert)
    if said.replaces:
        key = sql.Identifier(*said.table.primary_key)
        world.db.execute(sql.SQL(DELETE).format(table=named, key=key), [world.owner[said.name]])
    if said.before:
        first = re.sub(r"\$[\w.]+", "%s", said.before)
        given = [world.value(world.owner, each) for each in re.findall(r"\$[\w.]+", said.before)]
        world.attempt(actor, sql.SQL(first), *given)  # type: ignore[arg-type]
    statement = insertion(said.table, values)
    # What may be read is read back, as the API does.
    if readable := sorted(said.table.granted(ROLES[actor], "select")):
        back = sql.SQL(", ").join(map(sql.Identifier, readable))
        statement = sql.SQL("{} returning {}").format(statement, back)
    return world.attempt(actor, statement, *values.values())


def about(statement: LiteralString, table: str) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(table))


def test_every_table_says_who_may_do_what() -> None:
    named = {table.qualified for table in pg_catalog.loaded().stored}
    assert {said.table.qualified for said in access.loaded().values()} == named, "write tests/database/access/….toml"


def test_a_file_must_say_something_of_every_actor() -> None:
    text = "change = { packed = true }\n[may]\n" + "".join(
        f'{command} = "1 P 0 N 23514"\n' for command in ("select", "insert", "update", "delete")
    )
    with pytest.raises(AssertionError, match="select must say something of each of owner"):
        access.parsed("packing_items", text)
    said = access.parsed("packing_items", text.replace("N", "0 N"))
    row = ["1", AGAINST_POLICY, "0", "0", NOT_GRANTED, "23514"]
    assert [str(said.may["delete", actor]) for actor in ROLES] == row


def test_the_files_tell_when_a_policy_lets_in_too_many(world: World) -> None:
    world.db.execute("create policy too_open on public.tags to authenticated using (true) with check (true)")
    others = set()
    for (command, actor), outcome in access.loaded()["tags"].may.items():
        with world.db.transaction(force_rollback=True):
            if outcome_on_the_owners_row(world, "tags", command, actor) != outcome:
                others.add((command, actor))
    commands = ("select", "insert", "update", "delete")
    assert others == {(command, actor) for command in commands for actor in ("editor", "viewer", "stranger")}


def keys(name: str) -> sql.Composed:
    """The query for the keys of all rows."""
    table = access.loaded()[name].table
    return sql.SQL("select {} from {}").format(
        sql.Identifier(*table.primary_key), sql.Identifier(table.schema, table.name)
    )


# Views of other schemas' rows have tests by actor of their own.
SHARED = [each.name for each in catalog if each.name in TABLES and each.scope is not None and each.scope.members]


@pytest.mark.parametrize("table", SHARED)
def test_whoever_takes_part_may_read_what_is_told_there(table: str) -> None:
    """Live changes carry whole rows, which no policy looks at again: who may follow a trip hears of all of them."""
    said = access.loaded()[table]
    assert {actor: said.may["select", actor] for actor in ("owner", "editor", "viewer")} == {
        "owner": 1,
        "editor": 1,
        "viewer": 1,
    }
    column = catalog.named(table).scope_path[0]
    assert column in (said.row or {}) or not said.table.columns[column].nullable, f"say the row's {column}"


@pytest.mark.parametrize("table", sorted({*TABLES} - OF_ALL))
def test_people_see_their_own_rows_and_no_others(world: World, table: str) -> None:
    mine, theirs = world.owner[table], world.stranger[table]
    with world.acting_as("owner") as db:
        visible = {row[0] for row in db.execute(keys(table))}
    assert mine in visible
    assert theirs not in visible


@pytest.mark.parametrize("table", sorted({*TABLES} - OF_ALL))
def test_a_token_of_nobody_sees_nothing(world: World, table: str) -> None:
    with role(world.db, "authenticated", {"role": "authenticated"}):
        assert world.db.execute(keys(table)).fetchall() == []
    with role(world.db, "authenticated", {"role": "authenticated", "sub": str(uuid.uuid4())}):
        assert world.db.execute(keys(table)).fetchall() == []


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
    stays = {
        relation
        for relation, person, does in db.execute("select relation, person, does from private.leaving()")
        if (does, person) == ("anonymise", "user_id")
    }
    db.execute("delete from auth.users where id = %s", (world.owner.profiles,))
    for table in TABLES:
        stored = access.loaded()[table].table
        if stored.qualified in stays or table in OF_ALL:
            continue
        (key,) = stored.primary_key
        row = sql.SQL("select 1 from {} where {} = %s").format(
            sql.Identifier(stored.schema, stored.name), sql.Identifier(key)
        )
        assert db.execute(row, (world.owner[table],)).fetchone() is None, table


def items_of(world: World, person: Belongings) -> list[str]:
    rows = world.db.execute("select title from public.trip_items where trip_id = %s order by title", (person.trips,))
    return [title for (title,) in rows]
