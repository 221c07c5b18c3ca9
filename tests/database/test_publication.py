"""Publication `supabase_realtime`: who listens to `postgres_changes` hears of the tables that the seed lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.database.callers import role

if TYPE_CHECKING:
    import psycopg

SCHEMA = Path(__file__).parents[2] / "supabase" / "schemas" / "001_core_tables.sql"


def published(db: psycopg.Connection) -> set[str]:
    rows = db.execute(
        "select tablename from pg_publication_tables where pubname = 'supabase_realtime' and schemaname = 'public'"
    )
    return {name for (name,) in rows}


@pytest.fixture
def statement() -> bytes:
    """What the schema file says of the publication."""
    _, heading, rest = SCHEMA.read_text(encoding="utf-8").partition("-- Realtime --")
    assert heading
    return f"{heading}{rest}".encode()


def test_holds_the_tables_of_stage_1(db: psycopg.Connection) -> None:
    assert {"trips", "trip_items"} <= published(db)


def test_tells_of_every_kind_of_change(db: psycopg.Connection) -> None:
    row = db.execute("select pubinsert, pubupdate, pubdelete from pg_publication where pubname = 'supabase_realtime'")
    assert row.fetchone() == (True, True, True)


class TestTheStatement:
    """Whatever a hosted project has made of the publication, the schema applies."""

    def test_may_meet_tables_that_are_in_it_already(self, db: psycopg.Connection, statement: bytes) -> None:
        before = published(db)
        with role(db, "postgres"):
            db.execute(statement)
        assert published(db) == before

    def test_may_meet_a_publication_of_all_tables(self, db: psycopg.Connection, statement: bytes) -> None:
        db.execute("drop publication supabase_realtime")
        db.execute("create publication supabase_realtime for all tables")
        db.execute("alter publication supabase_realtime owner to supabase_admin")
        with role(db, "postgres"):
            db.execute(statement)
        assert {"trips", "trip_items", "places"} <= published(db)

    def test_makes_the_publication_where_there_is_none(self, db: psycopg.Connection, statement: bytes) -> None:
        db.execute("drop publication supabase_realtime")
        with role(db, "postgres"):
            db.execute(statement)
        assert published(db) == {"trips", "trip_items"}
