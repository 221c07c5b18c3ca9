"""`_entities`: rows by their keys for a router, as whoever's token it forwards may see them."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from gql.catalog import catalog
from tests.support import Person, Wire, serving
from tripgate.gateway.schema import graphql_schema
from tripgate.local.stack import StackInfo

ENTITIES = "query ($representations: [_Any!]!) { _entities(representations: $representations) { %s } }"
TITLES = ENTITIES % "__typename ... on Trip { title } ... on Profile { displayName } ... on Tag { name }"
TYPES = sorted(table.type_name for table in catalog if graphql_schema().get_type(table.type_name) is not None)


def named(type_name: str, key: Any, **others: Any) -> dict[str, Any]:
    """A representation."""
    return {"__typename": type_name, "id": key, **others}


async def trips(person: Person) -> dict[str, str]:
    """The ids of the trips that somebody sees, by their titles."""
    return {row["title"]: row["id"] for row in (await person.ask("{ trips { nodes { id title } } }"))["trips"]["nodes"]}


async def test_rows_come_in_the_order_of_the_representations_by_one_request_for_each_type(
    router: Person, wire: Wire
) -> None:
    (first, first_id), (second, second_id), *_ = (await trips(router)).items()
    wire.clear()
    representations = [
        named("Trip", second_id),
        named("Profile", router.id),
        named("Trip", first_id),
        named("Trip", second_id, title="of another subgraph"),
        named("Trip", first_id.upper()),
    ]
    assert (await router.ask(TITLES, representations=representations))["_entities"] == [
        {"__typename": "Trip", "title": second},
        {"__typename": "Profile", "displayName": "Ada Lindqvist"},
        {"__typename": "Trip", "title": first},
        {"__typename": "Trip", "title": second},
        {"__typename": "Trip", "title": first},
    ]
    assert sorted(request.split("?")[0] for request in wire.requests) == ["GET /profiles", "GET /trips"]


async def test_what_the_token_does_not_show_is_null_like_what_is_not_there(
    ada: Person, router: Person, newcomer: Person
) -> None:
    hidden = await newcomer.trip(title="Nobody else's")
    representations = [named("Trip", hidden), named("Trip", str(uuid4()))]
    assert await router.post(TITLES, representations=representations) == (200, {"data": {"_entities": [None, None]}})
    owner = replace(newcomer, url=router.url)
    shown = (await owner.ask(TITLES, representations=representations))["_entities"]
    assert shown == [{"__typename": "Trip", "title": "Nobody else's"}, None]


@pytest.mark.parametrize("type_name", TYPES)
async def test_every_type_with_a_key_is_an_entity(router: Person, type_name: str) -> None:
    table = catalog[type_name]
    query = graphql_schema().query_type
    assert query is not None
    listed = table.plural if table.plural in query.fields else None
    key = table.key.field
    rows = [{key: str(uuid4())}]
    if listed is not None:
        rows = (await router.ask(f"{{ {listed}(first: 3) {{ nodes {{ {key} }} }} }}"))[listed]["nodes"]
    elif "userId" in table.columns:
        rows = [{key: router.id}]
    answered = await router.ask(
        ENTITIES % f"__typename ... on {type_name} {{ {key} nodeId }}",
        representations=[{"__typename": type_name, **row} for row in rows],
    )
    assert len(answered["_entities"]) == len(rows)
    for row, found in zip(rows, answered["_entities"], strict=True):
        assert found is None or (found["__typename"], found[key]) == (type_name, row[key])
        # What a function works out may be stored only once something is used.
        if listed is not None and found is not None:
            node = await router.ask("query ($id: ID!) { node(nodeId: $id) { __typename } }", id=found["nodeId"])
            assert node == {"node": {"__typename": type_name}}


async def test_relations_and_arguments_below(router: Person, wire: Wire) -> None:
    trip = (await trips(router))["Tokyo and Kyoto under the maples"]
    wire.clear()
    below = "id owner { displayName } items(first: $first) { nodes { title } totalCount }"
    query = """query Items__tripgate__1($representations: [_Any!]!, $first: Int) {
        _entities(representations: $representations) { ...on Trip { %s } } }"""
    found = await router.ask(query % below, representations=[named("Trip", trip)], first=2)
    wanted = await router.ask(f"query ($id: UUID!, $first: Int) {{ trip(id: $id) {{ {below} }} }}", id=trip, first=2)
    assert found["_entities"] == [wanted["trip"]]
    assert len(wire.requests) == 2


async def test_representations_that_stand_in_the_document(router: Person) -> None:
    (title, trip), *_ = (await trips(router)).items()
    query = f'{{ _entities(representations: [{{ __typename: "Trip", id: "{trip}" }}]) {{ ... on Trip {{ title }} }} }}'
    assert await router.ask(query) == {"_entities": [{"title": title}]}


async def test_none_is_no_request(router: Person, wire: Wire) -> None:
    wire.clear()
    assert await router.ask(TITLES, representations=[]) == {"_entities": []}
    assert wire.requests == []


@pytest.mark.parametrize(
    ("representation", "message"),
    [
        ("Trip", "representations[1] is not an object with `__typename` and a key."),
        ({"id": "x"}, "representations[1].__typename does not name an entity of this API."),
        (named("Query", "x"), "representations[1].__typename does not name an entity of this API."),
        (named("TripConnection", "x"), "representations[1].__typename does not name an entity of this API."),
        ({"__typename": ["Trip"]}, "representations[1].__typename does not name an entity of this API."),
        ({"__typename": "Trip"}, "representations[1] lacks `id`, the key of `Trip`."),
        (named("Trip", None), "representations[1] lacks `id`, the key of `Trip`."),
        (named("Trip", "maples"), "representations[1].id is no key that a `Trip` can have."),
        (named("Trip", 7), "representations[1].id is no key that a `Trip` can have."),
        (named("Trip", {"eq": "x"}), "representations[1].id is no key that a `Trip` can have."),
    ],
)
async def test_what_is_no_representation_is_refused_before_anything_is_asked(
    router: Person, wire: Wire, representation: Any, message: str
) -> None:
    wire.clear()
    status, body = await router.post(TITLES, representations=[named("Trip", str(uuid4())), representation])
    (error,) = body["errors"]
    # As `_entities` is never null, nothing else is there.
    assert (status, body["data"], error["path"]) == (200, None, ["_entities"])
    assert (error["message"], error["extensions"]) == (message, {"code": "BAD_USER_INPUT", "field": "representations"})
    assert wire.requests == []


@pytest.mark.parametrize("query", [TITLES, TITLES.replace("__typename", "__typename ... on Node { nodeId }")])
async def test_a_hundred_go_at_once_and_no_more(router: Person, wire: Wire, query: str) -> None:
    hundred = [named("Trip", str(uuid4())) for _ in range(100)]
    wire.clear()
    assert await router.ask(query, representations=hundred) == {"_entities": [None] * 100}
    assert len(wire.requests) == 1
    refusal = {
        "message": "The request has 101 representations; at most 100 go at once. Let other subgraphs answer smaller "
        "pages, or raise TRIPGATE_MAX_PAGE_SIZE.",
        "code": "BAD_USER_INPUT",
        "field": "representations",
        "limit": 100,
        "found": 101,
    }
    assert await router.refused(query, representations=[*hundred, hundred[0]]) == refusal
    twice = """query ($some: [_Any!]!, $others: [_Any!]!) {
        a: _entities(representations: $some) { __typename } b: _entities(representations: $others) { __typename } }"""
    assert await router.refused(twice, some=hundred[:50], others=hundred[49:]) == refusal
    assert len(wire.requests) == 1


async def test_each_costs_what_is_selected_of_its_type(seeded: StackInfo, router: Person) -> None:
    query = ENTITIES % "... on Trip { items(first: 60) { nodes { id } } } ... on Tag { name }"
    # Two trips with a page of 60 items each, a tag, and 1 for the ten values that all these are.
    representations = [*(named("Trip", str(uuid4())) for _ in range(2)), named("Tag", str(uuid4()))]
    cost = 2 * (1 + 1 + 60) + 1 + 1
    async with serving(seeded, federation=True, max_cost=cost - 1) as url:
        refused = await replace(router, url=url).refused(query, representations=representations)
    assert (refused["code"], refused["found"]) == ("COST_LIMIT_EXCEEDED", cost)
    async with serving(seeded, federation=True, max_cost=cost) as url:
        found = await replace(router, url=url).ask(query, representations=representations)
    assert found == {"_entities": [None, None, None]}


async def test_without_a_token_nobody_is_shown_anything(router: Person) -> None:
    trip = next(iter((await trips(router)).values()))
    status, body = await Person(router.http, router.url).post(TITLES, representations=[named("Trip", trip)])
    assert (status, body["data"], body["errors"][0]["extensions"]) == (200, None, {"code": "UNAUTHENTICATED"})


async def test_answers_are_not_kept(seeded: StackInfo, router: Person, newcomer: Person) -> None:
    trip = await newcomer.trip(title="First")
    async with serving(seeded, federation=True, cache=True) as url:
        owner = replace(newcomer, url=url)
        assert (await owner.ask(TITLES, representations=[named("Trip", trip)]))["_entities"][0]["title"] == "First"
        await newcomer.ask('mutation ($id: UUID!) { updateTrip(id: $id, patch: { title: "Next" }) { id } }', id=trip)
        assert (await owner.ask(TITLES, representations=[named("Trip", trip)]))["_entities"][0]["title"] == "Next"


async def test_graphql_core_answers_alike_where_it_runs_them(seeded: StackInfo, router: Person) -> None:
    (title, trip), *_ = (await trips(router)).items()
    query = TITLES.replace("{ _entities", "{ __schema { queryType { name } } _entities")
    async with serving(seeded, federation=True, introspection=True) as url:
        person = replace(router, url=url)
        representations = [named("Trip", trip), named("Profile", router.id), named("Trip", str(uuid4()))]
        assert (await person.ask(query, representations=representations))["_entities"] == [
            {"__typename": "Trip", "title": title},
            {"__typename": "Profile", "displayName": "Ada Lindqvist"},
            None,
        ]
        assert await person.code(query, representations=[named("Trip", "maples")]) == "BAD_USER_INPUT"
