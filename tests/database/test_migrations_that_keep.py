"""Migrations that only say otherwise what was there.

On a filled database they touch no row, and afterwards everybody may do what they might before.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from tests.database.callers import World
from tests.database.test_policies import CASES, outcome_on_the_owners_row
from tests.database.volume import fill
from tripgate.local import migrations
from tripgate.local.scratch import Scratch, scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
KEEPING = ["policies_ask_helpers", "changes_told_by_scope", "an_index_that_no_query_uses"]


@pytest.fixture(scope="module")
def server() -> Iterator[Scratch]:
    with scratch() as server:
        yield server


@pytest.mark.parametrize("name", KEEPING)
def test_touches_no_row_and_keeps_what_everybody_may_do(server: Scratch, name: str) -> None:
    (migration,) = (ROOT / "supabase" / "migrations").glob(f"*_{name}.sql")
    earlier = [file for file in migrations.migration_files(ROOT) if file < migration]
    url = server.as_admin(server.database(earlier))
    fill(url)
    with psycopg.connect(url) as db:
        world = World(db)
        rows, rights = versions(db), outcomes(world)
        assert rights["owner", "select", "trips"] == 1
        assert rights["viewer", "update", "trips"] == 0
        db.execute("set local role postgres")
        db.execute(migration.read_bytes())
        db.execute("reset role")
        assert versions(db) == rows
        assert outcomes(world) == rights
        db.rollback()


def versions(db: psycopg.Connection) -> dict[str, tuple[int, str]]:
    """Of each table, how many rows it has and a digest of their versions: where each lies, and who wrote it last."""
    found = {}
    tables = "select schemaname, tablename from pg_tables where schemaname in ('public', 'private', 'auth', 'realtime')"
    for name in db.execute(tables).fetchall():
        digest = sql.SQL("select count(*), md5(string_agg(ctid || ' ' || xmin, ',' order by ctid)) from {}")
        row = db.execute(digest.format(sql.Identifier(*name))).fetchone()
        assert row is not None
        found[".".join(name)] = row
    return found


def outcomes(world: World) -> dict[tuple[str, str, str], int | str]:
    """Who may do what, and each attempt undone."""
    found = {}
    for table, command, actor, _ in (case.values for case in CASES):
        with world.db.transaction(force_rollback=True):
            found[actor, command, table] = outcome_on_the_owners_row(world, table, command, actor)
    return found
