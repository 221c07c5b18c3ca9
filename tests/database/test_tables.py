"""The rules that every table of the API keeps, those to come included, and that each rule can tell.

What a table looks like stands in `gql/pg_catalog.json`, for everybody to read in its diff.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

import pytest

from gql import pg_catalog
from gql.pg_catalog import Table
from gql.table import KEYS
from tripgate.commands.pg_catalog import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from uuid import UUID

    import psycopg

    from tests.database.callers import World

INSTANT = "timestamp with time zone"
SENTENCE = re.compile(r"[A-Z0-9](?!.*\b(column|table|row|foreign key)\b)[^\n]*[^\s.]\.")


def key_of_one_column(table: Table) -> Iterator[str]:
    types = [table.columns[name].type for name in table.primary_key]
    if len(types) != 1 or types[0] not in KEYS:
        yield f"its primary key is of {types}"


def times(table: Table) -> Iterator[str]:
    for name in ("created_at", "updated_at"):
        column = table.columns.get(name)
        if column is None or (column.type, column.nullable, column.default) != (INSTANT, False, "now()"):
            yield f"it has no {name} of type {INSTANT}, not null, by default now()"


def updated_at_moves_on(table: Table) -> Iterator[str]:
    trigger = table.triggers.get(f"set_{table.name}_updated_at")
    want = ("private.set_updated_at", "before", ("update",), "row", False)
    if trigger is None or (trigger.function, trigger.when, trigger.on, trigger.each, trigger.off) != want:
        yield f"it has no trigger set_{table.name}_updated_at"


def secured(table: Table) -> Iterator[str]:
    if not table.rls:
        yield "row level security is off"


def described(table: Table) -> Iterator[str]:
    comments = {table.name: table.comment, **{name: column.comment for name, column in table.columns.items()}}
    for name, comment in comments.items():
        if not SENTENCE.fullmatch(comment or ""):
            yield f"{name} is described by {comment!r}, which is no sentence"


def sentences_of_checks(table: Table) -> Iterator[str]:
    """They are told to people."""
    for check in table.checks.values():
        if not re.fullmatch(r"[A-Z].{10,150}\.", check.comment or "") or check.name in str(check.comment):
            yield f"{check.name} says {check.comment!r}, which is no sentence for people"


def named(table: Table) -> Iterator[str]:
    for key in table.foreign_keys:
        if key.name != f"fk_{table.name}_{'_'.join(key.columns)}":
            yield key.name
    for index in table.indexes:
        if index.primary:
            good = index.name == f"{table.name}_pkey"
        elif index.constraint:
            good = index.name == f"{table.name}_{'_'.join(index.columns)}_key"
        else:
            good = index.name.startswith(f"idx_{table.name}_")
        if not good:
            yield index.name
    for check in table.checks.values():
        if check.name not in {f"{table.name}_{column}_check" for column in check.columns}:
            yield check.name


def foreign_keys_indexed(table: Table) -> Iterator[str]:
    for key in table.foreign_keys:
        if table.index_behind(*key.columns) is None:
            yield f"no index begins with {key.columns}"


def policies_named_by_sentences(table: Table) -> Iterator[str]:
    for policy in table.policies:
        if not re.fullmatch(r"[A-Z]\w+( \w+){3,}", policy.name):
            yield policy.name


def policies_for_signed_in_people(table: Table) -> Iterator[str]:
    for policy in table.policies:
        if policy.to != ("authenticated",):
            yield f"{policy.name} is for {policy.to}"


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        broken: What of a table breaks it.
        breaks: Statements after which the table `shelves` does.
    """

    broken: Callable[[Table], Iterable[str]]
    breaks: LiteralString


RULES = [
    Rule(key_of_one_column, "alter table public.shelves drop constraint shelves_pkey"),
    Rule(times, "alter table public.shelves alter updated_at drop not null"),
    Rule(updated_at_moves_on, "alter table public.shelves disable trigger set_shelves_updated_at"),
    Rule(secured, "alter table public.shelves disable row level security"),
    Rule(described, "comment on column public.shelves.trip_id is 'A column'"),
    Rule(sentences_of_checks, "comment on constraint shelves_width_check on public.shelves is null"),
    Rule(named, "alter table public.shelves rename constraint fk_shelves_trip_id to shelves_trip"),
    Rule(foreign_keys_indexed, "drop index public.idx_shelves_trip_id"),
    Rule(policies_named_by_sentences, "create policy select_shelves on public.shelves to authenticated using (true)"),
    Rule(policies_for_signed_in_people, 'create policy "Everybody can see a shelf" on public.shelves using (true)'),
]
BY_NAME = [pytest.param(rule, id=rule.broken.__name__) for rule in RULES]


@pytest.mark.parametrize("rule", BY_NAME)
@pytest.mark.parametrize("table", [pytest.param(each, id=each.qualified) for each in pg_catalog.loaded().stored])
def test_a_table_keeps_the_rules(table: Table, rule: Rule) -> None:
    assert list(rule.broken(table)) == []


@pytest.mark.parametrize("rule", BY_NAME)
def test_a_rule_finds_what_breaks_it(db: psycopg.Connection, rule: Rule) -> None:
    db.execute(
        """
        create table public.shelves (
            id bigint generated always as identity primary key,
            trip_id uuid not null constraint fk_shelves_trip_id references public.trips (id),
            width integer not null constraint shelves_width_check check (width > 0),
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now()
        );
        create index idx_shelves_trip_id on public.shelves (trip_id);
        alter table public.shelves enable row level security;
        create trigger set_shelves_updated_at before update on public.shelves
            for each row execute function private.set_updated_at();
        comment on table public.shelves is 'Where things stand.';
        comment on column public.shelves.id is 'The number of the shelf.';
        comment on column public.shelves.trip_id is 'Where it is taken along.';
        comment on column public.shelves.width is 'How wide it is.';
        comment on column public.shelves.created_at is 'When it was made.';
        comment on column public.shelves.updated_at is 'When it last changed.';
        comment on constraint shelves_width_check on public.shelves is 'A shelf has a width.';
        """
    )
    assert list(rule.broken(shelves(db))) == []
    db.execute(rule.breaks)
    assert list(rule.broken(shelves(db))) != []


def shelves(db: psycopg.Connection) -> Table:
    return reading.read(db, ["public"]).tables["public.shelves"]


def test_a_view_is_described_in_one_sentence() -> None:
    views = [table for table in pg_catalog.loaded().tables.values() if table.view]
    assert {view.name: view.comment for view in views if not SENTENCE.fullmatch(view.comment or "")} == {}


class TestUpdatedAt:
    def test_starts_equal_to_created_at(self, db: psycopg.Connection, trip: UUID) -> None:
        row = db.execute("select created_at = updated_at from public.trips where id = %s", (trip,)).fetchone()
        assert row == (True,)

    def test_moves_on_with_every_change_even_within_a_transaction(self, db: psycopg.Connection, trip: UUID) -> None:
        seen = []
        for title in ("First", "Second", "Second"):
            row = db.execute(
                "update public.trips set title = %s where id = %s returning updated_at, created_at", (title, trip)
            ).fetchone()
            assert row is not None
            seen.append(row)
        times = [updated for updated, _ in seen]
        assert times == sorted(set(times))
        assert len({created for _, created in seen}) == 1

    @pytest.fixture
    def trip(self, world: World) -> UUID:
        return world.owner.trips
