"""`gql/pg_catalog.json` is what Postgres knows of the schemas, and its reader says so in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gql import pg_catalog
from gql.pg_catalog import Column, ForeignKey, Index, Policy, Trigger
from tripgate.cli import main
from tripgate.commands.pg_catalog import file, reading

if TYPE_CHECKING:
    import psycopg

ROOT = Path(__file__).parents[2]


def table(db: psycopg.Connection, name: str) -> pg_catalog.Table:
    """A table as the database has it by now."""
    found = reading.read(db, ["public"]).table(name)
    assert found is not None
    return found


class TestTheFile:
    def test_is_what_the_schemas_make(self, db: psycopg.Connection) -> None:
        found = reading.as_json(db, file.exposed(ROOT))
        written = {part: pg_catalog.raw()[part] for part in ("schemas", "tables", "functions", "platform")}
        assert written == json.loads(file.as_text(found)), "run `make schema`"

    def test_has_one_line_for_each_column(self) -> None:
        lines = pg_catalog.FILE.read_text(encoding="utf-8").splitlines()
        assert '        "id": {"type": "uuid", "default": "gen_random_uuid()", "comment": "The trip\'s id."},' in lines

    def test_is_known_to_be_older_than_a_changed_schema(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copytree(ROOT / "supabase", tmp_path / "supabase")
        shutil.copytree(ROOT / "releases", tmp_path / "releases")
        shutil.copytree(ROOT / "docs/supabase", tmp_path / "docs/supabase")
        for name in ("schema.graphql", "pyproject.toml"):
            shutil.copy(ROOT / name, tmp_path)
        monkeypatch.chdir(tmp_path)
        assert CliRunner().invoke(main, ["schema", "--check"]).exit_code == 0
        with (tmp_path / "supabase" / "schemas" / "002_core_rls.sql").open("a") as schema:
            schema.write('drop policy "People can view their own profile" on public.profiles;\n')
        told = CliRunner().invoke(main, ["schema", "--check"])
        assert (told.exit_code, told.output.strip()) == (
            1,
            "Error: supabase/schemas/002_core_rls.sql is not what gql/pg_catalog.json was read from. Run `make schema` "
            "and commit what it writes.",
        )

    def test_holds_the_schemas_that_the_project_exposes(self, tmp_path: Path) -> None:
        assert file.exposed(ROOT) == ["public"]
        assert file.exposed(tmp_path) == ["public"]
        (tmp_path / "supabase").mkdir()
        (tmp_path / "supabase" / "config.toml").write_text('[api]\nschemas = ["public", "graphql_public", "meetings"]')
        assert file.exposed(tmp_path) == ["public", "meetings"]


class TestReading:
    @pytest.fixture
    def shelves(self, db: psycopg.Connection) -> pg_catalog.Table:
        db.execute(
            """
            create type public.wood as enum ('oak', 'pine');
            create table public.shelves (
                id bigint generated always as identity primary key,
                trip_id uuid not null constraint fk_shelves_trip_id references public.trips (id) on delete cascade,
                wood public.wood default 'oak',
                width numeric(5, 1) not null constraint shelves_width_check check (width > 0),
                side text not null constraint shelves_side_check check (side in ('left', 'it''s right')),
                constraint shelves_trip_id_side_key unique (trip_id, side)
            );
            comment on table public.shelves is 'Where things stand.';
            comment on constraint shelves_width_check on public.shelves is 'A shelf has a width.';
            create index idx_shelves_width on public.shelves (width desc, side) where wood = 'oak';
            alter table public.shelves enable row level security;
            create policy "People can view shelves" on public.shelves for select to authenticated using (true);
            create trigger touch_shelves before update or insert on public.shelves
                for each row execute function private.set_updated_at();
            alter table public.shelves disable trigger touch_shelves;
            grant select, delete on public.shelves to authenticated;
            grant insert (trip_id, width, side), update (width) on public.shelves to authenticated;
            """
        )
        return table(db, "shelves")

    def test_columns(self, shelves: pg_catalog.Table) -> None:
        assert list(shelves.columns.values()) == [
            Column("id", "bigint", generated=True),
            Column("trip_id", "uuid"),
            Column("wood", "public.wood", nullable=True, default="'oak'::public.wood", labels=("oak", "pine")),
            Column("width", "numeric(5,1)"),
            Column("side", "text"),
        ]
        assert [name for name, column in shelves.columns.items() if column.filled] == ["id", "wood"]
        assert shelves.choices("wood") == {"oak", "pine"}
        assert shelves.choices("side") == {"left", "it's right"}
        assert shelves.choices("width") is None

    def test_keys(self, shelves: pg_catalog.Table) -> None:
        assert shelves.primary_key == ("id",)
        assert shelves.unique_keys == {frozenset({"trip_id", "side"})}
        assert shelves.is_unique("id")
        assert shelves.is_unique("side", "trip_id")
        assert not shelves.is_unique("trip_id")
        key = ForeignKey("fk_shelves_trip_id", ("trip_id",), "public.trips", ("id",), "cascade")
        assert shelves.foreign_keys == (key,)
        assert shelves.foreign_key("trip_id") == key
        assert shelves.foreign_key("side") is None

    def test_indexes_find_rows_only_by_what_they_begin_with(self, shelves: pg_catalog.Table) -> None:
        found = {index.name: index for index in shelves.indexes}
        assert found["idx_shelves_width"] == Index(
            "idx_shelves_width", ("width desc", "side"), where="(wood = 'oak'::public.wood)"
        )
        key = found["shelves_trip_id_side_key"]
        assert (key.unique, key.constraint, key.primary) == (True, True, False)
        assert shelves.index_behind("trip_id") == shelves.index_behind("side", "trip_id") == key
        assert shelves.index_behind("side") is None
        assert shelves.index_behind("width") is None  # it holds not all rows

    def test_who_may_do_what(self, shelves: pg_catalog.Table) -> None:
        assert shelves.rls
        assert shelves.policies == (Policy("People can view shelves", "select", ("authenticated",)),)
        assert [each.name for each in shelves.policies_for("select")] == ["People can view shelves"]
        assert shelves.policies_for("update") == ()
        assert shelves.granted("authenticated", "insert") == {"trip_id", "width", "side"}
        assert shelves.granted("authenticated", "update") == {"width"}
        assert shelves.granted("anon", "select") == set()
        assert shelves.may("authenticated", "delete")
        assert not shelves.may("authenticated", "update")

    def test_checks_triggers_and_comments(self, shelves: pg_catalog.Table) -> None:
        assert shelves.comment == "Where things stand."
        assert shelves.checks["shelves_width_check"].comment == "A shelf has a width."
        assert shelves.checks["shelves_width_check"].columns == ("width",)
        touch = Trigger("touch_shelves", "private.set_updated_at", "before", ("insert", "update"), "row", off=True)
        assert shelves.triggers == {"touch_shelves": touch}

    def test_choices_may_be_numbers(self, db: psycopg.Connection) -> None:
        assert table(db, "votes").choices("value") == {"-1", "0", "1"}
        assert table(db, "trips").choices("title") is None

    def test_views_and_functions(self, db: psycopg.Connection) -> None:
        db.execute(
            """
            create view public.late with (security_invoker = true) as select id, title from public.trips;
            create function public.length_of(public.trips) returns integer language sql stable as 'select 1';
            create function public.add(a integer, b integer default 1) returns integer
                language sql immutable security definer set search_path = '' as 'select a + b';
            grant execute on function public.add to authenticated;
            """
        )
        found = reading.read(db, ["public"])
        late = found.tables["public.late"]
        assert (late.view, late.invoker, late.rls, list(late.columns)) == (True, True, False, ["id", "title"])
        assert late not in found.stored
        assert found.tables["public.trips"].functions["length_of"].returns == "integer"
        (add,) = found.named("add")
        assert (add.signature, add.names, add.defaults) == ("public.add(integer,integer)", ("a", "b"), 1)
        assert (add.definer, add.volatility, add.settings) == (True, "immutable", ('search_path=""',))
        assert "authenticated" in add.roles

    def test_what_the_project_has_put_on_the_platforms_tables(self, db: psycopg.Connection) -> None:
        found = reading.read(db, ["public"]).platform
        assert found["auth.users"].triggers["on_auth_user_created"].function == "private.handle_new_user"
        assert found["realtime.messages"].rls
        assert found["realtime.messages"].policies_for("select")
        assert "auth.sessions" not in found

    def test_only_the_schemas_that_are_asked_for(self, db: psycopg.Connection) -> None:
        db.execute("create schema meetings; create table meetings.rooms (id uuid primary key)")
        assert "meetings.rooms" not in reading.read(db, ["public"]).tables
        found = reading.read(db, ["meetings"])
        assert list(found.tables) == ["meetings.rooms"]
        assert found.table("rooms", schema="meetings") is found.table("meetings.rooms")
