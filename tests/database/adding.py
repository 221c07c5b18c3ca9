"""Adding tables that a test makes in its transaction; what is declared meanwhile is forgotten."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import pytest

from gql.catalog import catalog
from tripgate.commands.add import access, adding
from tripgate.commands.add.draft import RefusedError
from tripgate.commands.pg_catalog import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

ROOT = Path(__file__).parents[2]

SECURED: LiteralString = """
    alter table public.shelves enable row level security;
    create policy "People can view shelves" on public.shelves for select to authenticated using (true);
"""
SHELVES: LiteralString = """
    create table public.shelves (
        id uuid primary key default gen_random_uuid(),
        trip_id uuid not null references public.trips (id),
        title text not null,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
    );
"""


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test declares is gone afterwards."""
    for name in ("by_type", "_by_name", "_by_field"):
        monkeypatch.setattr(catalog, name, dict(getattr(catalog, name)))
    modules_before = set(sys.modules)
    yield
    for name in set(sys.modules) - modules_before:
        if name.endswith("would be"):
            del sys.modules[name]


def add(
    db: psycopg.Connection,
    name: str,
    *,
    type_name: str | None = None,
    domain: str | None = None,
    key: str | None = None,
) -> adding.Added:
    wanted = adding.wanted(ROOT, name, type_name, domain, key)
    return adding.added(ROOT, wanted, reading.read(db, ["public", wanted.schema.name]), access.asking(db))


def text(added: adding.Added, path: str) -> str:
    (found,) = [file.after for file in added.files if str(file.path).endswith(path)]
    return found


def refused(db: psycopg.Connection, name: str, **said: str) -> str:
    with pytest.raises(RefusedError) as error:
        add(db, name, **said)  # type: ignore[arg-type]
    return str(error.value)
