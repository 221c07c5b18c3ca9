"""The sample frontend, ready for its tools."""

import shutil
from pathlib import Path

import pytest

from tests.tooling.deno import FRONTEND
from tripgate.gateway.schema import schema


@pytest.fixture(scope="session")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the frontend that holds the schema, as one would keep it there."""
    folder = tmp_path_factory.mktemp("tooling") / "frontend"
    shutil.copytree(FRONTEND, folder)
    (folder / "schema.graphql").write_text(str(schema()))
    return folder
