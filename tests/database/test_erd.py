"""The diagrams in docs/ show the database as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tripgate.local import erd
from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    import psycopg

    from tests.database.conftest import Database

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("diagram", erd.DIAGRAMS)
def test_is_drawn_from_this_database(stack: Database, diagram: str) -> None:
    drawn = erd.as_mermaid(stack.admin_db_url, erd.DIAGRAMS[diagram])
    assert (ROOT / diagram).read_text(encoding="utf-8") == drawn, "run `make schema`"


def test_every_table_is_shown_once(db: psycopg.Connection) -> None:
    tables = [name for (name,) in db.execute("select tablename from pg_tables where schemaname = 'public'")]
    assert sorted(table for shown in erd.DIAGRAMS.values() for table in shown) == sorted(tables)


def test_tells_keys_and_how_many(stack: Database) -> None:
    lines = erd.as_mermaid(stack.admin_db_url, ["profiles", "user_preferences", "trip_items"]).splitlines()
    for line in (
        '    "auth.users" ||--o| profiles : "id"',
        '    profiles ||--o| user_preferences : "user_id"',
        '    trips ||--o{ trip_items : "trip_id"',
        '    places |o--o{ trip_items : "place_id"',
        "        uuid user_id FK, UK",
        '        uuid place_id FK "may be null"',
    ):
        assert line in lines
    assert "    trips {" not in lines


def test_refuses_a_table_that_does_not_exist(stack: Database) -> None:
    with pytest.raises(LocalStackError, match="do not exist: voyages"):
        erd.as_mermaid(stack.admin_db_url, ["trips", "voyages"])
