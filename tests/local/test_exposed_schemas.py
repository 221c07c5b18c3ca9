"""Which Postgres schemas PostgREST serves: those of the project's `config.toml`."""

from pathlib import Path

import pytest

from gql.catalog import catalog
from tripgate.gateway.schema import schema
from tripgate.local.errors import LocalStackError
from tripgate.local.postgrest import exposed_schemas

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "supabase").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "schemas"),
    [
        (None, ("public",)),
        ("", ("public",)),
        ("[api]\nport = 1\n", ("public",)),
        ('[api]\nschemas = ["public", "household"]\n', ("public", "household")),
    ],
)
def test_they_are_the_projects(project: Path, text: str | None, schemas: tuple[str, ...]) -> None:
    if text is not None:
        (project / "supabase" / "config.toml").write_text(text)
    assert exposed_schemas(project) == schemas


@pytest.mark.parametrize(
    "text", ["api = 1", "[api]\nschemas = []", '[api]\nschemas = "public"', "[api", '[api]\nschemas = ["a b"]']
)
def test_what_is_no_list_of_names_is_refused(project: Path, text: str) -> None:
    (project / "supabase" / "config.toml").write_text(text)
    with pytest.raises(LocalStackError, match=r"config\.toml"):
        exposed_schemas(project)


def test_the_declared_ones_are_exposed() -> None:
    assert schema() is not None  # declares every type
    assert exposed_schemas(ROOT) == catalog.schemas()
