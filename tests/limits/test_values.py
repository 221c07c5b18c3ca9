"""How many values an operation may bring along, wherever they stand and whoever carries them."""

import dataclasses
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from graphql.execution.values import VariableValues

from tests.live.clients import live
from tests.support import Person, Wire, serving
from tripgate.gateway.documents import Documents
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.limits.cost import VALUES
from tripgate.gateway.operation import RequestError
from tripgate.gateway.schema import graphql_schema
from tripgate.local.stack import StackInfo
from tripgate.planner.selection import Coerced
from tripgate.upstream.caller import ANONYMOUS, Caller

PLACES = "query ($f: PlaceFilter) { places(filter: $f) { totalCount } }"
TRIP = "ada00000-0000-4000-8002-000000000001"
SOMEBODY = Caller("ada", "a token")
SIGN_IN = {"message": "Sign in to do this.", "code": "UNAUTHENTICATED"}
DOCUMENTS = Documents(
    graphql_schema(), size=100, limits=Limits(input_values=100), hide_suggestions=True, introspection=True
)


def wide(objects: int) -> dict[str, Any]:
    """A filter of so many empty ones: the objects, the lists around them, and their names."""
    return {"and": [{"or": [{}] * min(1000, objects - start)} for start in range(0, objects, 1000)]}


def size(query: str, **variables: Any) -> int:
    return DOCUMENTS.operation(query, None).size(variables)


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("{ trips { totalCount } }", {}, 0),
        ('{ trips(first: 2, filter: { title: { in: ["a", "b"] } }) { totalCount } }', {}, 1 + 5),
        # A variable is one value in the document, and brings along what it holds.
        (PLACES, {}, 1),
        (PLACES, {"f": None}, 1),
        (PLACES, {"f": {"name": {"eq": "a"}}}, 1 + 2),
        (PLACES, {"f": {"or": [{}, {}, {"name": {"in": ["a"] * 7}}]}}, 1 + 1 + 3 + 1 + 1 + 7),
        # Wherever it stands.
        (
            "query ($f: PlaceFilter!) { a: places(filter: { and: [$f, $f] }) { totalCount } "
            "b: places(filter: $f) { totalCount } }",
            {"f": {"name": {"eq": "a"}}},
            (2 + 2) + 1 + 3 * 2,
        ),
        (
            "query ($f: TripItemFilter) { a: trips { ...F } b: trips { ...F } c: trips { ...F } } "
            "fragment F on TripConnection { nodes { items(filter: $f) { totalCount } } }",
            {"f": {"title": {"eq": "a"}}},
            3 * (1 + 2),
        ),
        # A default too, where nothing else is given.
        (
            'query ($f: PlaceFilter = { name: { eq: "a" } }) { places(filter: $f) { totalCount } }',
            {},
            3 + 1 + 3,
        ),
        ("query ($b: Boolean = true) { trips { totalCount @include(if: $b) } }", {"b": True}, 1 + 1),
        (
            f'mutation ($d: JSON) {{ updateTripItem(id: "{TRIP}", patch: {{ details: {{ a: $d }} }}) {{ id }} }}',
            {"d": [[1, 2], {"a": {"b": 3}}]},
            4 + 2 + 2 + 1 + 1,
        ),
    ],
)
def test_what_counts(query: str, variables: dict[str, Any], expected: int) -> None:
    assert size(query, **variables) == expected


def test_the_limit_is_exact() -> None:
    assert size(PLACES, f={"name": {"in": ["a"] * 97}}) == 100
    with pytest.raises(RequestError) as caught:
        size(PLACES, f={"name": {"in": ["a"] * 98}})
    assert caught.value.code == "INPUT_TOO_LARGE"
    literal = "{{ places(filter: {{ name: {{ in: [{}] }} }}) {{ totalCount }} }}"
    assert size(literal.format('"a" ' * 97)) == 100
    spread = "fragment F on TripConnection { nodes { items(filter: { title: { in: [%s] } }) { totalCount } } }"
    for query in (
        literal.format('"a" ' * 98),
        "{ a: trips { ...F } b: trips { ...F } } " + spread % ('"a" ' * 48),
    ):
        with pytest.raises(RequestError) as caught:
            DOCUMENTS.operation(query, None)
        assert caught.value.code == "INPUT_TOO_LARGE"


def test_every_ten_values_cost_one() -> None:
    operation = DOCUMENTS.operation(PLACES, None)

    def cost(values: int) -> int:
        return operation.prepare({"f": {"name": {"in": ["a"] * values}}}, SOMEBODY).cost

    plain = 1 + 5 + 1  # the page, its total and the condition
    assert [cost(values) for values in (6, 7, 16, 17, 97)] == [plain, plain + 1, plain + 1, plain + 2, plain + 10]
    assert VALUES == 10


def test_what_is_refused_costs_what_reading_it_did() -> None:
    operation = DOCUMENTS.operation(PLACES, None)
    assert operation.cost_of_reading({"f": {"name": {"no": "a"}}}) == 1
    assert operation.cost_of_reading({"f": {"name": {"no": ["a"] * 50}}}) == 1 + 5
    assert operation.cost_of_reading({"f": wide(1000)}) == 1 + 10


def refusal(name: str) -> dict[str, Any]:
    return {
        "message": f"With the variable ${name}, the operation has more than the 7500 values that are allowed in its "
        "arguments, each counted wherever it is used. Ask in several operations.",
        "code": "INPUT_TOO_LARGE",
        "limit": 7500,
        "field": name,
    }


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (PLACES, {"f": wide(8000)}),
        (PLACES, {"f": {"and": [{"not": {"not": {"not": {"not": {}}}}}] * 1800}}),
        (PLACES, {"f": {"and": [{"name": {"in": ["a"] * 1900}}] * 4}}),
        ("query ($f: PlaceFilter!) { places(filter: { and: [" + "$f " * 800 + "] }) { totalCount } }", {"f": wide(8)}),
        (
            "query ($f: JSON) { tripItems(filter: { details: { contains: $f } }) { totalCount } }",
            {"f": [[0] * 1900] * 4},
        ),
        (
            "mutation ($f: [CreateTripInput!]!) { createTrips(inputs: $f) { id } }",
            {"f": [{"title": "a", "items": [{"title": "b"}] * 50}] * 100},
        ),
        ("mutation ($f: TripFilter!) { deleteTrips(filter: $f, atMost: 9) { id } }", {"f": wide(8000)}),
    ],
)
async def test_more_values_than_allowed_are_refused(
    ada: Person, wire: Wire, query: str, variables: dict[str, Any]
) -> None:
    wire.clear()
    assert await ada.refused(query, **variables) == refusal("f")
    assert wire.requests == []


async def test_two_thousand_alternatives_are_not_too_many(ada: Person) -> None:
    filter_ = {"or": [{"name": {"eq": f"{number:x}"}} for number in range(2000)]}
    assert await ada.ask(PLACES, f=filter_) == {"places": {"totalCount": 0}}


@pytest.fixture(scope="module")
async def narrow(seeded: StackInfo, wire: Wire, ada: Person) -> AsyncIterator[Person]:
    """Ada, over a gateway that takes a hundred values and questions by any way."""
    async with serving(seeded, rest_url=wire.url, max_input_values=100, get_queries=True) as url:
        yield dataclasses.replace(ada, url=url)


async def test_by_whatever_way_they_come(narrow: Person, wire: Wire) -> None:
    much = {"f": {"name": {"in": ["a"] * 100}}}
    headers = {"Authorization": f"Bearer {narrow.token}"}
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(PLACES.encode()).hexdigest()}}
    persisted = {"extensions": extensions, "variables": much}
    named = {"query": f"query A {{ __typename }} {PLACES.replace('query', 'query B')}", "operationName": "B"}
    wire.clear()
    for body in (persisted | {"query": PLACES}, persisted, named | {"variables": much}):
        async with narrow.http.post(narrow.url, json=body, headers=headers) as response:
            (error,) = (await response.json())["errors"]
            assert error["extensions"] == {"code": "INPUT_TOO_LARGE", "limit": 100, "field": "f"}
    params = {"query": PLACES, "variables": orjson.dumps(much).decode()}
    async with narrow.http.get(narrow.url, params=params, headers=headers) as response:
        assert (await response.json())["errors"][0]["extensions"]["code"] == "INPUT_TOO_LARGE"
    stream = {**headers, "Accept": "text/event-stream"}
    async with narrow.http.post(narrow.url, json={"query": PLACES, "variables": much}, headers=stream) as response:
        assert "INPUT_TOO_LARGE" in await response.text()
    async with live(narrow) as client:
        assert await client.ending(await client.subscribe(PLACES, **much)) == "INPUT_TOO_LARGE"
        follow = "subscription ($id: UUID!) { tripItemChanges(tripId: $id) { operation } }"
        assert await client.ending(await client.subscribe(follow, id=[TRIP] * 100)) == "INPUT_TOO_LARGE"
    assert wire.requests == []
    assert await narrow.ask(PLACES, f={"name": {"in": ["a"] * 97}}) == {"places": {"totalCount": 0}}


MUCH = {"f": wide(64_000)}


@pytest.mark.parametrize(
    ("query", "data"),
    [
        (PLACES, {"places": None}),
        ("query ($f: TripFilter) { viewer { id trips(filter: $f) { totalCount } } }", {"viewer": None}),
        (
            "query ($f: TripFilter) { __typename viewer { ...F } myPreferences { __typename } } "
            "fragment F on Profile { trips(filter: $f) { totalCount } }",
            {"__typename": "Query", "viewer": None, "myPreferences": None},
        ),
        (
            f'query ($f: TripItemFilter) {{ trip(id: "{TRIP}") {{ items(filter: $f) {{ totalCount }} }} }}',
            {"trip": None},
        ),
        ("mutation ($f: TripFilter!) { deleteTrips(filter: $f) { id } }", {"deleteTrips": None}),
    ],
)
async def test_who_is_not_signed_in_is_refused_before_anything_is_read(
    anonymous: Person, wire: Wire, query: str, data: Any
) -> None:
    wire.clear()
    status, body = await anonymous.post(query, **MUCH)
    assert (status, body["data"]) == (200, data)
    told = [{"message": error["message"], **error["extensions"]} for error in body.get("errors", ())]
    assert told == ([] if "viewer" in data else [SIGN_IN])
    assert wire.requests == []


async def test_the_rest_of_a_mutation_is_not_run(anonymous: Person) -> None:
    query = """mutation ($f: TripFilter!) {
      __typename a: deleteTrips(filter: $f) { id } b: deleteTrips(filter: $f) { id } signOut }"""
    _, body = await anonymous.post(query, **MUCH)
    assert body["data"] == {"__typename": "Mutation", "a": None, "b": None, "signOut": None}
    assert [(error["path"], error["extensions"]["code"]) for error in body["errors"]] == [
        (["a"], "UNAUTHENTICATED"),
        (["b"], "NOT_RUN"),
        (["signOut"], "NOT_RUN"),
    ]


async def test_conditions_still_decide_what_is_asked(anonymous: Person) -> None:
    query = """query ($f: PlaceFilter, $with: Boolean = true) {
      __typename places(filter: $f) @include(if: $with) { totalCount } }"""
    assert (await anonymous.post(query, **MUCH))[1]["data"] == {"__typename": "Query", "places": None}
    assert await anonymous.ask(query, **MUCH, **{"with": False}) == {"__typename": "Query"}
    assert await anonymous.code(query, **MUCH, **{"with": "yes"}) == "BAD_USER_INPUT"


async def test_by_whatever_way_who_is_not_signed_in_comes(anonymous: Person, wire: Wire) -> None:
    follow = f"""subscription ($f: VoteFilter) {{
      tripItemChanges(tripId: "{TRIP}") {{ tripItem {{ votes(filter: $f) {{ totalCount }} }} }} }}"""
    wire.clear()
    for query in (PLACES, follow):
        headers = {"Accept": "text/event-stream"}
        async with anonymous.http.post(anonymous.url, json={"query": query, "variables": MUCH}, headers=headers) as got:
            assert '"UNAUTHENTICATED"' in await got.text()
    async with live(anonymous) as client:
        assert await client.ending(await client.subscribe(follow, **MUCH)) == "UNAUTHENTICATED"
        await client.subscribe(PLACES, **MUCH)
        assert (await client.message())["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert wire.requests == []


async def test_who_signs_in_may_say_more_than_that(anonymous: Person, ada: Person) -> None:
    query = """mutation ($f: TripFilter!) {
      signIn(input: { email: "ada@tripgate.example", password: "tripgate-demo" }) { user { id } }
      deleteTrips(filter: $f) { id } }"""
    _, body = await anonymous.post(query, f={"id": {"in": [TRIP] * 100}})
    assert body["data"] == {"signIn": {"user": {"id": ada.id}}, "deleteTrips": None}
    assert [error["extensions"]["code"] for error in body["errors"]] == ["UNAUTHENTICATED"]


async def test_mistakes_in_few_variables_are_reported_to_anybody(anonymous: Person) -> None:
    assert await anonymous.code("query ($id: UUID!) { trip(id: $id) { id } }", id="x") == "BAD_USER_INPUT"


def test_nothing_is_coerced_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = DOCUMENTS.operation(PLACES, None)
    with monkeypatch.context() as patched:
        patched.setattr(type(operation), "_coerced", lambda *_, **__: pytest.fail("coerced"))
        roots = operation.closed_to_anonymous(ANONYMOUS, MUCH)
    assert roots is not None
    assert [root.name for root in roots] == ["places"]


def test_arguments_are_coerced_once_for_measuring_and_planning_and_not_cached() -> None:
    names = ", ".join(['"a"'] * 60)
    filter_ = f"{{ city: {{ eq: $city }}, name: {{ in: [{names}] }} }}"
    query = f"query ($city: String) {{ places(filter: {filter_}) {{ totalCount }} }}"
    operation = DOCUMENTS.operation(query, None)
    first = operation.prepare({"city": "Rome"}, SOMEBODY)
    assert isinstance(first.values, Coerced)
    (root,) = first.roots
    assert root.arguments(first.values) is root.arguments(first.values)
    second = operation.prepare({"city": "Rome"}, SOMEBODY)
    assert type(second.values) is VariableValues
    assert second.values == first.values
    assert second.plans is first.plans
