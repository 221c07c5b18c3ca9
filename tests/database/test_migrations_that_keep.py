"""Migrations of a filled database.

Those that only say otherwise what was there touch no row, and afterwards everybody may do what they might before.
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
# In the order in which they are applied.
KEEPING = ["policies_ask_helpers", "changes_told_by_scope", "an_index_that_no_query_uses"]


class Filled:
    """A filled database, which goes from migration to migration as one that people use does."""

    def __init__(self, server: Scratch) -> None:
        self._left = migrations.migration_files(ROOT)
        first = next(file for file in self._left if file.stem.endswith(KEEPING[0]))
        self.url = server.as_admin(server.database(self._until(first)))
        fill(self.url)

    def before(self, name: str) -> Path:
        """The migration of this name, once all before it have been applied."""
        (migration,) = (file for file in migrations.migration_files(ROOT) if file.stem.endswith(name))
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("set role postgres")
            for file in self._until(migration):
                connection.execute(file.read_bytes())
        return migration

    def _until(self, migration: Path) -> list[Path]:
        """Those before it that have not been applied."""
        before = [file for file in self._left if file < migration]
        self._left = [file for file in self._left if file >= migration]
        return before


@pytest.fixture(scope="module")
def filled() -> Iterator[Filled]:
    with scratch() as server:
        yield Filled(server)


@pytest.mark.parametrize("name", KEEPING)
def test_touches_no_row_and_keeps_what_everybody_may_do(filled: Filled, name: str) -> None:
    migration = filled.before(name)
    with psycopg.connect(filled.url) as db:
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


# Somebody who was there before the bell, with an open invitation of each kind and some that are not.
_INVITED = """
set local session_replication_role = replica;
insert into auth.users (id, instance_id, email, email_confirmed_at) values
    ('fffffff0-0000-4000-8000-000000000001', '00000000-0000-0000-0000-000000000000', 'early@people.example', now());
insert into public.profiles (id, display_name) values ('fffffff0-0000-4000-8000-000000000001', 'Early');
insert into public.invitations (trip_id, email, token_hash, invited_by, status, expires_at)
select id, 'early@people.example', encode(sha256(convert_to(title, 'UTF8')), 'hex'), user_id,
    case title when 'Trip 1' then 'revoked' else 'pending' end,
    now() + case title when 'Trip 2' then interval '-1 day' else interval '1 day' end
from public.trips
where user_id = md5('person 7')::uuid and title in ('Trip 1', 'Trip 2', 'Trip 3');
insert into public.membership_invitations (scope, scope_id, email, role, token_hash, invited_by)
select 'collection', id, 'early@people.example', 'viewer', encode(sha256(convert_to(name, 'UTF8')), 'hex'), user_id
from public.collections where user_id = md5('person 7')::uuid and name = 'Collection 1';
set local session_replication_role = origin;
"""


def test_invitations_that_are_open_when_it_comes_ring_once(filled: Filled) -> None:
    migration = filled.before("open_invitations_ring")
    with psycopg.connect(filled.url) as db:
        db.execute(_INVITED)
        assert told(db) == []
        for _ in range(2):
            db.execute("set local role postgres")
            db.execute(migration.read_bytes())
            db.execute("reset role")
            assert told(db) == [
                ("Early", "person7 invites you to plan “Trip 3” together"),
                ("Early", "person7 invites you to share the collection “Collection 1”"),
            ]
        db.rollback()


def told(db: psycopg.Connection) -> list[tuple[str, str]]:
    """Who has which invitation in their bell."""
    return db.execute(
        "select display_name, title from public.notifications join public.profiles on profiles.id = user_id"
        " where dedupe_key like 'invitation:%' order by title"
    ).fetchall()


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
    """Who may do what with the tables of that time, and each attempt undone."""
    found = {}
    tables = {name for (name,) in world.db.execute("select tablename from pg_tables where schemaname = 'public'")}
    for table, command, actor, _ in (case.values for case in CASES if case.values[0] in tables):
        with world.db.transaction(force_rollback=True):
            found[actor, command, table] = outcome_on_the_owners_row(world, table, command, actor)
    return found
