"""graphql-codegen and the Relay compiler type the documents of a small frontend, and the types hold.

What must and must not type-check stands in `frontend/codegen/uses.ts` and `frontend/relay/uses.ts`.
"""

import json
import re
import shutil
from pathlib import Path

import pytest
from graphql import parse, validate

from tests.tooling.deno import FRONTEND, run_deno
from tripgate.gateway.edge.persisted import read_manifest
from tripgate.gateway.schema import graphql_schema


def test_graphql_codegen(frontend: Path) -> None:
    run_deno(frontend, "task", "codegen")
    run_deno(frontend, "check", "--frozen", "codegen")
    manifest = read_manifest(frontend / "codegen/generated/persisted-documents.json", lambda _: None)
    assert [validate(graphql_schema(), parse(text)) for text in manifest.values()] == 5 * [[]]
    found = "".join(manifest.values())
    names = re.findall(r"\b(?:query|mutation|subscription) (\w+)", found)
    assert sorted(names) == ["AnyNode", "ItemChanges", "RenameTrip", "TripDetail", "TripList"]


def test_graphql_codegen_for_clients_that_hand_on_null_beside_an_error(frontend: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(frontend, tmp_path / "frontend")
    config = (folder / "codegen.ts").read_text()
    assert "errorHandlingClient: true" in config
    (folder / "codegen.ts").write_text(config.replace("errorHandlingClient: true", "errorHandlingClient: false"))
    run_deno(folder, "task", "codegen")
    with pytest.raises(AssertionError, match=r"TS18047.*'trips' is possibly 'null'"):
        run_deno(folder, "check", "--frozen", "codegen")


def test_the_relay_compiler(frontend: Path) -> None:
    run_deno(frontend, "task", "relay")
    run_deno(frontend, "check", "--frozen", "relay")
    # A fragment's next page is asked for by the identifier that every type has.
    assert "node(nodeId: $nodeId)" in (frontend / "relay/generated/documentsTripItemsQuery.graphql.ts").read_text()


def test_the_packages_are_pinned_by_version_and_digest() -> None:
    text = (FRONTEND / "deno.lock").read_text()
    lock = json.loads(text)
    wanted = json.loads((FRONTEND / "deno.json").read_text())["imports"].values()
    assert set(wanted) == set(lock["specifiers"])
    assert all(re.search(r"@\d+\.\d+\.\d+$", each) for each in wanted)
    assert all(package["integrity"].startswith("sha512-") for package in lock["npm"].values())
    # Which registry serves them is the user's choice.
    assert "://" not in text
