"""`tripgate add`: whom it supposes to do what, what it says of what the SQL lacks, and what it refuses."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gql.catalog import catalog
from tests.database.adding import ROOT, SECURED, SHELVES, add, forgotten, refused, text
from tripgate.cli import main
from tripgate.commands.add import modules
from tripgate.commands.add.render import Part

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

__all__ = ["forgotten"]


class TestActors:
    def test_what_is_usual_is_written_with_values_that_the_checks_take_and_refuse(self, db: psycopg.Connection) -> None:
        db.execute(
            """
            create table public.shelves (
                id uuid primary key default gen_random_uuid(),
                trip_id uuid not null references public.trips (id),
                user_id uuid not null default auth.uid() references public.profiles (id),
                title text not null check (char_length(title) <= 100 and title ~ '\\S'),
                currency text not null check (currency ~ '^[A-Z]{3}$'),
                width integer not null check (width between 3 and 9),
                kind text not null check (kind in ('wood', 'glass')),
                place_id uuid,
                check (place_id is not null or width > 4)
            );
            grant select on public.shelves to authenticated;
            grant insert (trip_id, title, currency, width, kind) on public.shelves to authenticated;
            grant update (title) on public.shelves to authenticated;
            """
            + SECURED
        )
        said = tomllib.loads(text(add(db, "shelves"), "access/shelves.toml"))
        row = said["row"]
        assert row.pop("width") in range(3, 10)
        assert row == {
            "trip_id": "$trips",
            "user_id": "$profiles",
            "title": "A sample",
            "currency": "EUR",
            "kind": "wood",
        }
        assert "user_id" not in said["insert"]
        assert said["change"] == {"title": "sample"}
        assert {command: cells.split() for command, cells in said["may"].items()} == {
            "select": ["1", "1", "1", "0", "N", "1"],
            "insert": ["1", "P", "P", "P", "N", "1"],
            "update": ["1", "0", "0", "0", "N", "1"],
            "delete": ["N", "N", "N", "N", "N", "1"],
        }
        assert said["refused"]["shelves_title_check"] == [{"title": ""}, {"title": "\t"}]
        assert {value["width"] in range(3, 10) for value in said["refused"]["shelves_width_check"]} == {False}
        assert said["refused"]["shelves_kind_check"][0] == {"kind": ""}

    def test_a_row_that_is_somebodys_and_need_not_be_in_a_scope_is_put_into_none(self, db: psycopg.Connection) -> None:
        db.execute(
            """
            create table public.trip_notes (
                id uuid primary key default gen_random_uuid(),
                trip uuid references public.trips (id),
                user_id uuid default auth.uid() references public.profiles (id),
                body text
            );
            grant select on public.trip_notes to authenticated;
            alter table public.trip_notes enable row level security;
            create policy "People can view notes" on public.trip_notes for select to authenticated using (true);
            """
        )
        added = add(db, "trip_notes")
        assert tomllib.loads(text(added, "access/trip_notes.toml"))["row"] == {"user_id": "$profiles"}
        assert 'crud("TripNote")' in text(added, "resolvers/trip_notes.py").replace(", writes=False", "")
        assert '@table("trip_notes", unheard=POLLED)\n' in text(added, "types/trip_notes.py")
        assert added.notes == (
            "trip may be null and each row is somebody's own (user_id), so changes are told to nobody. If those of "
            'rows with a trip shall be told to all who share it, write scope=TRIP.via("trip") into @table(…) in place '
            'of unheard=POLLED, with `from gql.types.scopes import TRIP`, and changes="…" into crud(…).',
        )


class TestLacking:
    def test_what_the_sql_leaves_out_is_said_with_the_sql_to_write(self, db: psycopg.Connection) -> None:
        db.execute(SHELVES + "grant select, delete on public.shelves to authenticated, anon;")
        said = {lack.text: lack.sql for lack in add(db, "shelves").lacks}
        assert said == {
            "Row level security is off: whoever is granted it sees and changes every row.": (
                "alter table public.shelves enable row level security;"
            ),
            "Role anon is granted rights on it.": "revoke all on public.shelves from anon, public;",
            "No policy lets signed-in people select rows, so nobody sees a row.": (
                'create policy "People can view shelves of their trips" on public.shelves\n'
                "    for select to authenticated\n"
                "    using (trip_id = any (array(select private.my_trip_ids())));"
            ),
            "No policy lets signed-in people delete rows, so every delete is refused.": (
                'create policy "People can remove shelves of their trips" on public.shelves\n'
                "    for delete to authenticated\n"
                "    using (trip_id = any (array(select private.my_editable_trip_ids())));"
            ),
            "No index begins with trip_id, created_at desc, which lists are in the order of.": (
                "create index idx_shelves_trip_id_created_at on public.shelves (trip_id, created_at desc);"
            ),
            "The API describes itself by the SQL's comments, and there is none here:": (
                "comment on table public.shelves is '….';\n"
                + "\n".join(
                    f"comment on column public.shelves.{name} is '….';"
                    for name in ("id", "trip_id", "title", "created_at", "updated_at")
                )
            ),
            "Nobody is granted to insert, so there is no createShelf. If there should be one:": (
                "grant insert (trip_id, title) on public.shelves to authenticated;"
            ),
            "Nobody is granted to update, so there is no updateShelf. If there should be one:": (
                "grant update (trip_id, title) on public.shelves to authenticated;"
            ),
        }

    def test_the_sql_that_is_said_makes_it_whole(self, db: psycopg.Connection) -> None:
        db.execute(SHELVES)
        beginning = refused(db, "shelves").partition("\n\n")[2]
        db.execute(beginning.encode())
        for lack in add(db, "shelves").lacks:
            db.execute(lack.sql.replace("….", "A shelf.").encode())
        for name in ("by_type", "_by_name", "_by_field"):
            found = getattr(catalog, name)
            for key in [key for key, each in found.items() if each.name == "shelves"]:
                del found[key]
        assert add(db, "shelves").lacks == []


class TestRefusing:
    def test_what_is_not_there(self, db: psycopg.Connection) -> None:
        db.execute(SHELVES)
        assert refused(db, "shelfs", type_name="Shelf") == (
            "There is no table shelfs: a file of supabase/schemas must make it first. Did you mean shelves?"
        )

    def test_what_is_declared_already(self, db: psycopg.Connection) -> None:
        assert refused(db, "trips") == "trips is declared already: type Trip in gql/types/trips.py."
        assert refused(db, "public.trips") == refused(db, "trips")

    def test_keys_that_name_no_row(self, db: psycopg.Connection) -> None:
        db.execute(
            """
            create table public.shelves (a uuid, b uuid, primary key (a, b));
            create table public.boxes (a uuid);
            create table public.bags (id integer primary key);
            grant select on public.shelves, public.boxes, public.bags to authenticated;
            """
        )
        assert refused(db, "shelves") == (
            "The primary key of shelves is a and b, and the API names a row by one column. Give it a column "
            "`id uuid not null default gen_random_uuid()` as primary key, and make (a, b) unique."
        )
        assert refused(db, "boxes").startswith("The primary key of boxes is missing, and")
        assert (
            refused(db, "bags") == "bags.id is integer, and a key of the API is uuid, text or bigint. Change its type."
        )

    def test_names_that_are_taken_or_none(self, db: psycopg.Connection) -> None:
        db.execute(SHELVES + "grant select on public.shelves to authenticated;")
        assert refused(db, "shelves", type_name="Trip").startswith("The API has a type Trip already: ")
        assert refused(db, "shelves", type_name="a shelf") == (
            "a shelf is no name of a type: give one with --type, in CamelCase."
        )
        assert refused(db, "shelves", domain="a-b") == (
            "a-b is no name of a module: give one with --domain, in lower case."
        )
        assert refused(db, "elsewhere.shelves").startswith("No schema elsewhere is declared: give it a prefix")

    def test_one_row_called_like_all(self, db: psycopg.Connection) -> None:
        db.execute("create table public.news (id uuid primary key); grant select on public.news to authenticated;")
        assert refused(db, "news", type_name="News") == (
            "One row and all of news would both be the root field news: name the row with --type."
        )

    def test_without_a_clone_or_for_another_one(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        done = CliRunner().invoke(main, ["add", "shelves"])
        assert done.exit_code == 1
        assert "run it in a clone of Tripgate" in done.output
        for folder in ("gql/types", "supabase/schemas"):
            (tmp_path / folder).mkdir(parents=True)
        done = CliRunner().invoke(main, ["add", "shelves"])
        assert (done.exit_code, "run the one in here" in done.output) == (1, True)

    def test_a_database_that_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(ROOT)
        done = CliRunner().invoke(main, ["add", "shelves", "--database-url", "postgresql://nobody@127.0.0.1:1/x"])
        assert done.exit_code == 1
        assert done.output.startswith("Error: The database does not answer: ")


class TestModules:
    def test_imports_go_where_the_linter_wants_them(self) -> None:
        before = (
            '"""A module."""\n\nfrom uuid import UUID\n\n'
            "from gql.declare import (\n    NEVER,\n    table,\n)\n\nX = 1\n"
        )
        needed = {
            "gql.declare": frozenset({"column", "REQUIRED"}),
            "strawberry": frozenset[str](),
            "enum": frozenset({"Enum"}),
        }
        assert modules.with_imports(before, needed) == (
            '"""A module."""\n\nfrom enum import Enum\nfrom uuid import UUID\n\nimport strawberry\n\n'
            "from gql.declare import (\n    NEVER,\n    REQUIRED,\n    column,\n    table,\n)\n\nX = 1\n"
        )

    @pytest.mark.parametrize(
        ("before", "reason"),
        [
            ('"""A."""\nimport os  # noqa: F401\n', "comments or other lines stand between its imports"),
            ('"""A."""\n\nfrom uuid import UUID\n\nX = 1\n', "it has no DOMAIN = domain(…)"),
            ('"""A."""\n\nDOMAIN = domain(\n    # why\n    crud("A"),\n)\n', "its DOMAIN holds comments"),
        ],
    )
    def test_what_cannot_be_changed_safely_is_left_alone(self, before: str, reason: str) -> None:
        part = Part("More.", {"resolvers.declared.crud": frozenset({"crud"})}, "", ('crud("B")',))
        with pytest.raises(modules.CannotEditError, match=reason.replace("(", r"\(").replace(")", r"\)")):
            modules.with_fields(before, part)
