"""What the API's writes are held to: exactly the rows that were meant, and the caller's own rights in trees of rows."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, LiteralString, get_args

import psycopg
import pytest

from resolvers.declared.writes_many import DeleteMany, UpdateMany
from tests.database.callers import AGAINST_POLICY, NOT_GRANTED, Actor, World
from tripgate.gateway.schema import MUTATIONS

if TYPE_CHECKING:
    from tests.database.callers import Belongings

MISSED = "PT412"


class TestExpectRows:
    """`X-Exactly`, as PostgREST tells it."""

    def send(
        self,
        world: World,
        actor: Actor,
        statement: LiteralString,
        *values: object,
        exactly: object,
        path: str = "/trips",
    ) -> int | str:
        world.db.execute(
            "select set_config('request.headers', %s, true), set_config('request.path', %s, true)",
            (json.dumps({"x-exactly": str(exactly)}), path),
        )
        return world.attempt(actor, statement, *values)

    @pytest.mark.parametrize(("exactly", "outcome"), [(1, 1), (0, MISSED), (2, MISSED), ("", MISSED), ("x", MISSED)])
    def test_more_or_fewer_rows_are_refused(self, world: World, exactly: object, outcome: int | str) -> None:
        for statement in (
            "update public.trips set title = 'x' where id = %s",
            "delete from public.trips where id = %s",
        ):
            assert self.send(world, "owner", statement, world.owner.trips, exactly=exactly) == outcome

    def test_rows_that_a_policy_passes_over_are_missed(self, world: World) -> None:
        both = [world.owner.trips, world.editor.trips]
        update: LiteralString = "update public.trips set title = 'x' where id = any (%s)"
        delete: LiteralString = "delete from public.trips where id = any (%s)"
        assert self.send(world, "editor", update, both, exactly=2) == 2
        assert self.send(world, "editor", delete, both, exactly=2) == MISSED
        assert self.send(world, "viewer", update, [world.owner.trips], exactly=1) == MISSED
        assert self.send(world, "stranger", delete, [world.owner.trips], exactly=1) == MISSED
        assert self.send(world, "stranger", delete, [world.owner.trips], exactly=0) == 0

    def test_only_the_requests_own_statement_counts(self, world: World) -> None:
        # Behind the trip go two items, a vote and more, by cascade, and a trigger writes to the table itself.
        world.db.execute("insert into public.trip_items (trip_id, title) values (%s, 'b')", (world.owner.trips,))
        world.db.execute(
            """
            create function private.touch_trips() returns trigger language plpgsql security definer as $$
            begin
                update public.trips set description = 'touched' where id <> new.id;
                return null;
            end
            $$;
            create trigger touch_trips after update on public.trips
                for each row when (pg_trigger_depth() = 0) execute function private.touch_trips();
            """
        )
        update: LiteralString = "update public.trips set title = 'x' where id = %s"
        assert self.send(world, "owner", update, world.owner.trips, exactly=1) == 1
        delete: LiteralString = "delete from public.trips where id = %s"
        assert self.send(world, "owner", delete, world.owner.trips, exactly=1) == 1

    def test_what_stands_before_the_path_does_not_matter(self, world: World) -> None:
        update: LiteralString = "update public.trips set title = 'x' where id = %s"
        assert self.send(world, "owner", update, world.owner.trips, exactly=2, path="/rest/v1/trips") == MISSED
        assert self.send(world, "owner", update, world.owner.trips, exactly=1, path="/rest/v1/trips") == 1

    @pytest.mark.parametrize("path", ["", "/", "/trip_items", "/rpc/move_trip_item", "/xtrips", "/trips/x"])
    def test_other_paths_are_not_held_to_anything(self, world: World, path: str) -> None:
        update: LiteralString = "update public.trips set title = 'x' where id = %s"
        assert self.send(world, "owner", update, world.owner.trips, exactly=7, path=path) == 1

    @pytest.mark.parametrize("headers", ["", "{}", '{"x-other": "7"}'])
    def test_without_the_header_nothing_is_asked(self, world: World, headers: str) -> None:
        world.db.execute(
            "select set_config('request.headers', %s, true), set_config('request.path', '/trips', true)", (headers,)
        )
        update: LiteralString = "update public.trips set title = 'x' where id = %s"
        assert world.attempt("owner", update, world.owner.trips) == 1
        assert world.attempt("viewer", update, world.owner.trips) == 0

    def test_an_underscore_is_no_wildcard(self, world: World) -> None:
        update: LiteralString = "update public.trip_items set title = 'x' where id = %s"
        assert self.send(world, "owner", update, world.owner.trip_items, exactly=7, path="/trip_items") == MISSED
        assert self.send(world, "owner", update, world.owner.trip_items, exactly=7, path="/tripXitems") == 1

    def test_every_write_by_filter_is_held_to_it(self, db: psycopg.Connection) -> None:
        fields = [field for domain in MUTATIONS for field in domain.__strawberry_definition__.fields]  # type: ignore[attr-defined]
        wanted = {(field.table.name, "updates") for field in fields if isinstance(field, UpdateMany)}
        wanted |= {(field.table.name, "deletes") for field in fields if isinstance(field, DeleteMany)}
        rows = db.execute(
            "select relname, substring(tgname from '^expect_' || relname || '_(updates|deletes)$')"
            " from pg_trigger join pg_class on pg_class.oid = tgrelid"
            " where tgfoid = 'private.expect_rows'::regproc and tgenabled = 'O'"
        )
        assert {(table, event) for table, event in rows} == wanted
        assert {("trips", "updates"), ("trips", "deletes")} <= wanted


def tree(*parts: tuple[str, list[dict[str, Any]]]) -> str:
    return json.dumps([{"table": table, "rows": rows} for table, rows in parts])


INSERT: LiteralString = "select public.insert_tree(%s::jsonb)"


def a_trip(owner: Belongings | None = None, **item: Any) -> str:
    """A trip with one item."""
    trip = str(uuid.uuid4())
    root = {"id": trip, "title": "Rome", **({} if owner is None else {"user_id": str(owner.profiles)})}
    return tree(("trips", [root]), ("trip_items", [{"title": "Forum", "trip_id": trip, **item}]))


class TestInsertTree:
    def test_who_may_call_it(self, world: World) -> None:
        outcome = {actor: world.attempt(actor, INSERT, a_trip()) for actor in get_args(Actor)}
        assert outcome == {
            "owner": 1,
            "editor": 1,
            "viewer": 1,
            "stranger": 1,
            "anonymous": NOT_GRANTED,
            "service": NOT_GRANTED,
        }

    def test_it_has_the_callers_rights_and_finds_no_name_by_luck(self, db: psycopg.Connection) -> None:
        row = db.execute(
            "select prosecdef, proconfig from pg_proc where oid = 'public.insert_tree(jsonb)'::regprocedure"
        ).fetchone()
        assert row == (False, ['search_path=""'])

    def test_rows_belong_to_the_caller_and_leave_out_what_has_a_default(self, world: World) -> None:
        trips = [str(uuid.uuid4()) for _ in range(3)]
        rows = [
            {"id": trips[0], "title": "a", "status": "booked"},
            {"id": trips[1], "title": "b", "currency": "GBP", "budget": "12.50"},
            {"id": trips[2], "title": "c", "status": "completed", "description": None},
        ]
        assert world.attempt("owner", INSERT, tree(("trips", rows))) == 1
        made = world.db.execute(
            "select user_id, title, status, currency, budget::text from public.trips"
            " where id = any (%s::uuid[]) order by title",
            (trips,),
        )
        assert made.fetchall() == [
            (world.owner.profiles, "a", "booked", "EUR", None),
            (world.owner.profiles, "b", "planning", "GBP", "12.50"),
            (world.owner.profiles, "c", "completed", "EUR", None),
        ]

    def test_policies_hold(self, world: World) -> None:
        for_another = a_trip(world.stranger)
        assert world.attempt("owner", INSERT, for_another) == AGAINST_POLICY
        item = tree(("trip_items", [{"trip_id": str(world.owner.trips), "title": "x"}]))
        found = {actor: world.attempt(actor, INSERT, item) for actor in ("owner", "editor", "viewer", "stranger")}
        assert found == {"owner": 1, "editor": 1, "viewer": AGAINST_POLICY, "stranger": AGAINST_POLICY}
        assert world.attempt("owner", INSERT, a_trip(place_id=str(world.stranger.places))) == AGAINST_POLICY
        theirs = tree(("place_tags", [{"place_id": str(world.owner.places), "tag_id": str(world.stranger.tags)}]))
        assert world.attempt("owner", INSERT, theirs) == AGAINST_POLICY

    @pytest.mark.parametrize("column", ["created_at", "updated_at"])
    def test_grants_hold(self, world: World, column: str) -> None:
        assert world.attempt("owner", INSERT, a_trip(**{column: "2001-01-01T00:00:00Z"})) == NOT_GRANTED

    def test_all_or_none(self, world: World) -> None:
        before = world.db.execute("select count(*) from public.trips").fetchone()
        assert world.attempt("owner", INSERT, a_trip(cost="-1")) == "23514"
        assert world.attempt("owner", INSERT, a_trip(title=None)) == "23502"
        assert world.attempt("owner", INSERT, a_trip(kind="nonsense")) == "23514"
        assert world.attempt("owner", INSERT, a_trip(day_number="one")) == "22P02"
        assert world.db.execute("select count(*) from public.trips").fetchone() == before

    @pytest.mark.parametrize(
        "table",
        [
            "profiles",  # which the caller may read, and not insert
            "collaborators",
            "trips_by_start_date",
            "private.announced_invitations",
            "private.trip_people",
            # Roles of the API may insert into these, but nobody through the API of tables.
            "realtime.messages",
            "storage.objects",
            "auth.users",
            "pg_class",
            "pg_catalog.pg_class",
            "tripgate.public.trips",
            ".trips",
            "trips.",
            "Trips",
            'trips" (id) values (gen_random_uuid()); --',
            "",
            None,
        ],
    )
    def test_what_the_caller_may_not_insert_is_refused(self, world: World, table: str) -> None:
        row = {"id": str(uuid.uuid4()), "trip_item_id": str(world.owner.trip_items), "value": 1, "name": "x"}
        assert world.attempt("owner", INSERT, tree((table, [row]))) == NOT_GRANTED

    def test_any_table_takes_what_it_would_take_by_itself(self, world: World) -> None:
        """Those of a new row's relations are not all there are: the rights are the same as for one row at a time."""
        item = str(world.stranger.trip_items)
        vote = {"trip_item_id": str(world.owner.trip_items), "value": 1}
        assert world.attempt("viewer", INSERT, tree(("votes", [vote]), ("public.tags", [{"name": "new"}]))) == 1
        assert world.attempt("owner", INSERT, tree(("votes", [{**vote, "trip_item_id": item}]))) == AGAINST_POLICY

    @pytest.mark.parametrize(
        "column",
        [
            "nothing",
            "title) select gen_random_uuid(); --",
            'title"',
            "title, user_id",
            "Title",
            "ctid",
            "tableoid",
            "",
            "*",
            "%I",
        ],
    )
    def test_names_that_are_no_columns_are_refused(self, world: World, column: str) -> None:
        row = {"id": str(uuid.uuid4()), "title": "x", column: "y"}
        assert world.attempt("owner", INSERT, tree(("trips", [row]))) == "42703"

    @pytest.mark.parametrize("value", ["'); drop table public.trips; --", "$1", "%s", "\\", '"', "🧳"])
    def test_values_are_values(self, world: World, value: str) -> None:
        id_ = str(uuid.uuid4())
        assert world.attempt("owner", INSERT, tree(("trips", [{"id": id_, "title": value}]))) == 1
        assert world.db.execute("select title from public.trips where id = %s", (id_,)).fetchone() == (value,)

    @pytest.mark.parametrize(
        ("given", "outcome"),
        [
            ([], 1),
            (None, 1),
            ([{"table": "trips", "rows": []}], 1),
            ([{"table": "trips"}], 1),
            ([{"table": "trips", "rows": [{}]}], "42703"),
            ([{"table": "trips", "rows": ["x"]}], "22023"),
            ([{"table": "trips", "rows": {"id": 1}}], "22023"),
            ({"table": "trips"}, "22023"),
            (["trips"], NOT_GRANTED),
        ],
    )
    def test_other_shapes(self, world: World, given: object, outcome: int | str) -> None:
        before = world.db.execute("select count(*) from public.trips").fetchone()
        assert world.attempt("owner", INSERT, None if given is None else json.dumps(given)) == outcome
        assert world.db.execute("select count(*) from public.trips").fetchone() == before
