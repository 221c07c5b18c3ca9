"""`_service`, and what there is of federation where it is off: nothing."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from graphql import GraphQLObjectType, build_schema, parse

from tests.support import Person, serving
from tripgate.cli import main
from tripgate.gateway.app import application
from tripgate.gateway.federation import subgraph_sdl
from tripgate.gateway.schema import build_schema as built
from tripgate.gateway.schema import schema
from tripgate.gateway.settings import Settings, SettingsError, load
from tripgate.local.stack import StackInfo

SDL = "{ _service { sdl } }"


def printed() -> str:
    result = CliRunner().invoke(main, ["schema", "--federation"])
    assert result.exit_code == 0, result.output
    return result.output


async def test_it_tells_the_schema_to_whoever_composes_also_where_introspection_is_off(router: Person) -> None:
    nobody = Person(router.http, router.url)
    assert (await nobody.ask(SDL))["_service"]["sdl"] == printed()
    assert await nobody.ask("{ a: _service { __typename text: sdl } }") == {
        "a": {"__typename": "_Service", "text": printed()}
    }
    assert await nobody.code("{ __schema { queryType { name } } }") == "INTROSPECTION_DISABLED"
    # A token that has expired keeps nobody from composing.
    assert (await Person(router.http, router.url, token="e30.e30.e30").ask(SDL))["_service"]["sdl"] == printed()


async def test_it_is_told_alike_where_answers_are_cached(seeded: StackInfo, router: Person) -> None:
    async with serving(seeded, federation=True, cache=True) as url:
        for person in (Person(router.http, url), Person(router.http, url, router.token)):
            assert (await person.ask(SDL))["_service"]["sdl"] == printed()


async def test_it_costs_what_asking_for_the_schema_does(seeded: StackInfo, router: Person) -> None:
    async with serving(seeded, federation=True, max_cost=1999) as url:
        refused = await Person(router.http, url).refused("{ a: _service { sdl } b: _service { sdl } }")
    assert (refused["code"], refused["found"]) == ("COST_LIMIT_EXCEEDED", 2000)


@pytest.mark.parametrize(
    "query",
    [SDL, "{ _entities(representations: []) { __typename } }", "query ($r: _Any = 1) { viewer { id @skip(if: $r) } }"],
)
async def test_unless_switched_on_nothing_of_it_exists(ada: Person, query: str) -> None:
    _, body = await ada.post(query)
    assert {error["extensions"]["code"] for error in body["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
    assert not {"_Any", "_Entity", "_Service"} & set(schema()._schema.type_map)


def test_the_printed_subgraph_is_the_schema_with_keys() -> None:
    text = printed()
    assert text.startswith(
        'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])\n'
    )
    assert 'type Trip implements Node @cacheControl(maxAge: 30, scope: PRIVATE) @key(fields: "id") {' in text
    assert "type PageInfo @cacheControl(inheritMaxAge: true) @shareable {" in text
    _, _, without_link = text.partition("\n\n")
    without_keys = without_link.replace(' @key(fields: "id")', "").replace(" @shareable", "")
    subgraph, plain = build_schema(without_keys), build_schema(f"{schema()}")
    assert set(subgraph.type_map) == set(plain.type_map)
    for name, type_ in plain.type_map.items():
        if isinstance(type_, GraphQLObjectType):
            found = subgraph.type_map[name]
            assert isinstance(found, GraphQLObjectType)
            assert {key: (str(field.type), field.description) for key, field in found.fields.items()} == {
                key: (str(field.type), field.description) for key, field in type_.fields.items()
            }


def test_a_subgraphs_own_root_fields_are_not_told() -> None:
    # Every router knows them, and composition refuses what it does not know.
    assert subgraph_sdl(f"{built(federation=True)}") == subgraph_sdl(f"{built()}")
    assert parse(printed())


@pytest.mark.parametrize("other", ["--check", "--update", "--release"])
def test_printing_it_is_one_thing(other: str) -> None:
    result = CliRunner().invoke(main, ["schema", "--federation", other])
    assert result.exit_code == 2
    assert "Give one of --check, --update, --release and --federation." in result.output


def test_a_schema_of_ones_own_must_be_a_subgraph(seeded: StackInfo) -> None:
    given = {"SUPABASE_URL": seeded.api_url, "SUPABASE_PUBLISHABLE_KEY": seeded.publishable_key, "federation": True}
    with pytest.raises(SettingsError, match=r"build_schema\(…, federation=True\)"):
        application(Settings.model_validate(given), schema=schema())


def test_trusted_documents_are_the_routers_business(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = tmp_path / "documents.json"
    manifest.write_text("{}")
    for name, value in {
        "SUPABASE_URL": "https://project.supabase.co",
        "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x",
        "TRIPGATE_FEDERATION": "true",
        "TRIPGATE_TRUSTED_DOCUMENTS": str(manifest),
        "TRIPGATE_TRUSTED_DOCUMENTS_ONLY": "true",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="let the router trust documents instead"):
        load()
