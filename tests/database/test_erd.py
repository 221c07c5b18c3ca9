"""The diagrams in docs/ show the tables as they are, each once."""

from __future__ import annotations

import shutil
from pathlib import Path

from gql import pg_catalog
from tripgate.commands import erd

ROOT = Path(__file__).parents[2]


def test_the_diagrams_are_drawn_from_this_database() -> None:
    assert erd.stale(ROOT, pg_catalog.loaded()) == [], "run `make schema`"
    assert set(erd.drawn(ROOT, pg_catalog.loaded())) == set((ROOT / "docs/supabase/schema/diagrams").glob("*.mmd"))


def test_every_table_is_shown_once() -> None:
    shown = [
        line.split()[0].strip('"')
        for text in erd.drawn(ROOT, pg_catalog.loaded()).values()
        for line in text.splitlines()
        if line.endswith(" {")
    ]
    assert sorted(shown) == sorted(table.qualified.removeprefix("public.") for table in pg_catalog.loaded().stored)


def test_a_diagram_that_is_older_than_the_tables_is_told(tmp_path: Path) -> None:
    diagrams = tmp_path / "docs/supabase/schema/diagrams"
    shutil.copytree(ROOT / "docs/supabase/schema/diagrams", diagrams)
    shutil.copytree(ROOT / "supabase/schemas", tmp_path / "supabase/schemas")
    assert erd.stale(tmp_path, pg_catalog.loaded()) == []
    core = diagrams / "erd-core.mmd"
    core.write_text(core.read_text(encoding="utf-8").replace("uuid place_id FK", "uuid place_id"), encoding="utf-8")
    (diagrams / "erd-advanced.mmd").unlink()
    assert sorted(erd.stale(tmp_path, pg_catalog.loaded())) == [diagrams / "erd-advanced.mmd", core]


def test_tells_keys_and_how_many() -> None:
    tables = [f"public.{name}" for name in ("profiles", "user_preferences", "trip_items")]
    lines = erd.as_mermaid(pg_catalog.loaded(), tables).splitlines()
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
