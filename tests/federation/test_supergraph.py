"""Apollo's own packages judge: `@apollo/composition`, `@apollo/subgraph` and `@apollo/gateway` from npm, under Deno."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gql.catalog import catalog
from tests.federation.test_service import printed
from tests.support import Person, Wire
from tests.tooling.deno import run_deno
from tripgate.gateway.schema import build_schema

SCRIPTS = Path(__file__).with_name("javascript")
PAGE = (Path(__file__).parents[2] / "docs" / "federation.md").read_text()
RUN = ("run", "--frozen", "--no-prompt", "--allow-env", "--allow-read", "--allow-sys", "--allow-net=127.0.0.1")

# What composition remarks on: reviews know half of a page, and nothing takes the enum of a directive.
HINTS = {"INCONSISTENT_OBJECT_VALUE_TYPE_FIELD", "UNUSED_ENUM_TYPE"}


@pytest.fixture(scope="module")
def sdl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that `tripgate schema --federation` prints."""
    path = tmp_path_factory.mktemp("subgraph") / "tripgate.graphql"
    path.write_text(printed())
    return path


def run(script: str, *arguments: object) -> Any:
    """What a script prints."""
    return json.loads(run_deno(SCRIPTS, *RUN, script, *map(str, arguments)).splitlines()[-1])


def test_it_composes_with_a_subgraph_that_adds_to_a_type(sdl: Path) -> None:
    composed = run("compose.js", sdl, "reviews.graphql")
    assert composed["errors"] == []
    assert {hint.partition(":")[0] for hint in composed["hints"]} == HINTS
    assert composed["entities"] == sorted([table.type_name, table.key.field] for table in catalog)


async def test_what_the_page_shows_is_so(sdl: Path, tmp_path: Path, router: Person) -> None:
    other, query = re.findall(r"^```graphql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (variables,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    reviews = tmp_path / "reviews.graphql"
    reviews.write_text(other)
    composed = await asyncio.to_thread(run, "compose.js", sdl, reviews)
    assert composed["errors"] == []
    assert await router.ask(query, **json.loads(variables)) == {
        "_entities": [{"title": "A long weekend in Rome", "owner": {"displayName": "Ada Lindqvist"}}]
    }


def test_its_root_fields_are_those_of_apollos_own_subgraphs(sdl: Path) -> None:
    schema = build_schema(federation=True)._schema
    assert schema.query_type is not None
    entities, service = schema.query_type.fields["_entities"], schema.query_type.fields["_service"]
    union = schema.type_map["_Entity"]
    assert run("subgraph.js", sdl) == {
        "_entities": str(entities.type),
        "_service": str(service.type),
        "representations": [f"{name}: {argument.type}" for name, argument in entities.args.items()],
        "entities": sorted(type_.name for type_ in union.types),
    }


async def test_a_query_through_apollos_gateway(router: Person, newcomer: Person, wire: Wire) -> None:
    found = await router.ask("{ trips(first: 3) { nodes { id title owner { displayName } } } }")
    first, second, third = found["trips"]["nodes"]
    hidden = await newcomer.trip(title="Nobody else's")
    stars = {first["id"]: 5, hidden: 1, second["id"]: 3, str(uuid4()): 2}
    reviews = json.dumps([{"stars": number, "of": {"id": key}} for key, number in stars.items()])

    async def asked(query: str, authorization: str = f"Bearer {router.token}") -> Any:
        wire.clear()
        return await asyncio.to_thread(run, "gateway.js", router.url, authorization, reviews, query)

    # From reviews to trips: all by one request, the caller's token alone decides, and what it hides is like nothing.
    answer = await asked("{ reviews { stars of { id title owner { displayName } } } }")
    assert answer["errors"] == []
    assert answer["data"]["reviews"] == [
        {"stars": 5, "of": first},
        {"stars": 1, "of": None},
        {"stars": 3, "of": second},
        {"stars": 2, "of": None},
    ]
    assert answer["asked"] == [[{"__typename": "Trip", "id": key} for key in stars]]
    assert [request.split("?")[0] for request in wire.requests] == ["GET /trips"]

    # From trips to reviews, and back.
    answer = await asked("{ trips(first: 3) { nodes { title reviews { stars of { title } } } } }")
    assert answer["errors"] == []
    assert answer["data"]["trips"]["nodes"] == [
        {"title": first["title"], "reviews": [{"stars": 5, "of": {"title": first["title"]}}]},
        {"title": second["title"], "reviews": [{"stars": 3, "of": {"title": second["title"]}}]},
        {"title": third["title"], "reviews": []},
    ]

    # Without a token.
    answer = await asked("{ reviews { stars of { title } } }", "")
    assert [each["of"] for each in answer["data"]["reviews"]] == [None] * 4
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAUTHENTICATED"}


def test_the_packages_are_pinned_by_version_and_digest() -> None:
    text = (SCRIPTS / "deno.lock").read_text()
    lock = json.loads(text)
    imports = json.loads((SCRIPTS / "deno.json").read_text())["imports"]
    assert set(imports.values()) == set(lock["specifiers"])
    assert all(re.search(r"@\d+\.\d+\.\d+$", each) for each in lock["specifiers"])
    assert all(package["integrity"].startswith("sha512-") for package in lock["npm"].values())
    assert "://" not in text
