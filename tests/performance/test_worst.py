"""What the dearest requests take before they ask anything: bounded, whatever their shape, in instructions.

The shapes are made from the schema's own input types, as large as a body may be, right and wrong. `A_TENTH` is what the
gateway's Python does in a tenth of a second on one core of the machine that the published measurements are from.
"""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from resolvers.anonymous import allows_anonymous
from tests.performance.counting import CountedGateway
from tests.support import Person, examples
from tripgate.gateway.schema import graphql_schema
from tripgate.gateway.settings import Settings
from tripgate.local.stack import StackInfo

A_TENTH = 20_000_000
BODY = 256 * 1024
ID = "ada00000-0000-4000-8002-000000000001"
SCHEMA = graphql_schema()
PLAIN: dict[str, Any] = {
    "UUID": ID,
    "ID": "WyJUcmlwIiwiYWRhMDAwMDAtMDAwMC00MDAwLTgwMDItMDAwMDAwMDAwMDAxIl0",
    "String": "some text",
    "Int": 1,
    "Float": 1.5,
    "Boolean": False,
    "Decimal": "12.50",
    "Date": "2026-05-01",
    "DateTime": "2026-05-01T09:30:00Z",
    "JSON": {"a": [1, {"b": None}]},
}
_numbers = count(1)


def fields() -> list[tuple[str, str, GraphQLField]]:
    """Every root field with arguments that needs somebody: the kind of operation, its name and definition."""
    roots = (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type))
    return [
        (kind, name, field)
        for kind, root in roots
        if root is not None
        for name, field in root.fields.items()
        if field.args and not allows_anonymous(field)
    ]


FIELDS = {name: (kind, field) for kind, name, field in fields()}


class Shapes:
    """Fills input types with so many values, at random but the same for a seed."""

    def __init__(self, seed: int, values: int, *, mistaken: bool) -> None:
        self._random = random.Random(seed)
        self._left = values
        # What a seed prefers: wide or deep, one field of an object or many.
        self._width = self._random.choice([2, 30, 400, 1900])
        self._fields = self._random.choice([0, 1, 1, 2, 5])
        self._mistake = self._random.random() * 0.01 if mistaken else 0.0

    def value(self, type_: Any, depth: int = 0) -> Any:
        """A value of a type."""
        self._left -= 1
        if isinstance(type_, GraphQLNonNull):
            self._left += 1
            return self.value(type_.of_type, depth)
        if isinstance(type_, GraphQLList):
            found = []
            while self._left > 0 and len(found) < self._width and depth < 28:
                found.append(self.value(type_.of_type, depth + 1))
            return found
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_, depth)
        if self._random.random() < self._mistake:
            return {"no": "value"}
        if isinstance(type_, GraphQLEnumType):
            return next(iter(type_.values))
        return PLAIN[type_.name]

    def _object(self, type_: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        chosen = [name for name, field in type_.fields.items() if isinstance(field.type, GraphQLNonNull)]
        others = [name for name in type_.fields if name not in chosen]
        nesting = [
            name for name in others if isinstance(get_named_type(type_.fields[name].type), GraphQLInputObjectType)
        ]
        if self._left > 0 and depth < 28 and others:
            chosen += self._random.sample(others, min(self._fields, len(others)))
            if nesting and self._random.random() < 0.8:
                chosen.append(self._random.choice([*nesting, *({"and", "or", "not", "items"} & set(nesting))]))
        if type_.is_one_of:
            chosen = chosen[:1] or others[:1]
        found = {name: self.value(type_.fields[name].type, depth + 1) for name in dict.fromkeys(chosen)}
        if self._random.random() < self._mistake:
            found["noSuchField"] = 1
        return found


def selection(field: GraphQLField) -> str:
    """As little of a field's answer as can be asked for."""
    type_ = get_named_type(field.type)
    if not hasattr(type_, "fields"):
        return "" if not isinstance(type_, GraphQLObjectType) else "{ __typename }"
    return "{ totalCount nodes { __typename } }" if "pageInfo" in type_.fields else "{ __typename }"


def request(name: str, seed: int, values: int, times: int, *, mistaken: bool) -> tuple[str, dict[str, Any]]:
    """A document that asks a field so many times with the same variables, and these: within what a body may hold."""
    kind, field = FIELDS[name]
    while True:
        shapes = Shapes(seed, values, mistaken=mistaken)
        heavy = [
            key
            for key, argument in field.args.items()
            if isinstance(get_named_type(argument.type), GraphQLInputObjectType)
            or isinstance(argument.type, GraphQLList | GraphQLNonNull)
        ]
        variables = {key: shapes.value(field.args[key].type) for key in heavy}
        if len(orjson.dumps(variables)) < BODY - 4000:
            break
        values //= 2
    declared = ", ".join(f"${key}: {field.args[key].type}" for key in variables)
    given_ = ", ".join(f"{key}: ${key}" for key in variables)
    call = f"{name}{f'({given_})' if given_ else ''} {selection(field)}"
    asked = " ".join(f"a{number}: {call}" for number in range(times))
    return f"{kind} Worst{next(_numbers)}{f'({declared})' if declared else ''} {{ {asked} }}", variables


@dataclass(frozen=True)
class Counted:
    """Somebody who asks a counted gateway with the limits of production."""

    person: Person
    gateway: CountedGateway

    async def taken(self, document: str, variables: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The instructions of one request and its answer."""
        await self.gateway.begin()
        _, answer = await self.person.post(document, **variables)
        return (await self.gateway.end()).total(), answer


@pytest.fixture(scope="module")
async def counted(seeded: StackInfo, anonymous: Person) -> AsyncIterator[Counted]:
    given_settings = {
        "SUPABASE_URL": seeded.api_url,
        "SUPABASE_PUBLISHABLE_KEY": seeded.publishable_key,
        "rest_url": seeded.rest_url,
        "shutdown_timeout": 1,
        # Counted as in production, but these tests ask more often than one person may.
        "requests_per_person": 100_000,
        "requests_per_address": 100_000,
        "cost_per_person": 1_000_000_000,
    }
    person = await anonymous.sign_up()
    async with CountedGateway(Settings.model_validate(given_settings)) as gateway:
        person.url = gateway.url
        yield Counted(person, gateway)


@settings(max_examples=examples(6), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(sorted(FIELDS)),
    seed=st.integers(0, 2**20),
    values=st.sampled_from([50, 900, 7000, 7400, 60_000]),
    times=st.sampled_from([1, 1, 1, 3, 20]),
    mistaken=st.booleans(),
)
@example(name="places", seed=1, values=7400, times=1, mistaken=False)
@example(name="createTrips", seed=3, values=7400, times=1, mistaken=False)
async def test_no_request_takes_long_before_it_asks(
    counted: Counted, name: str, seed: int, values: int, times: int, mistaken: bool
) -> None:
    document, variables = request(name, seed, values, times, mistaken=mistaken)
    instructions, answer = await counted.taken(document, variables)
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert "INTERNAL_SERVER_ERROR" not in codes, answer
    assert instructions <= A_TENTH, (document[:300], orjson.dumps(variables)[:300], codes)


def repeated(inside: Any, times: int, *, name: str = "and") -> dict[str, Any]:
    """A filter of many, in lists no longer than they may be."""
    return {"and": [{name: [inside] * min(1500, times - start)} for start in range(0, times, 1500)]}


def denied(times: int) -> dict[str, Any]:
    """A filter that denies a denial, and so on."""
    filter_: dict[str, Any] = {}
    for _ in range(times):
        filter_ = {"not": filter_}
    return filter_


PLACES = "query ($f: PlaceFilter) { places(filter: $f) { totalCount } }"
LITERALS = """query ($x: String) {{ {} }}
  fragment F on Trip {{ items(filter: {{ or: [{} {{ title: {{ eq: $x }} }}] }}) {{ totalCount }} }}"""
WORST: dict[str, tuple[str, dict[str, Any]]] = {
    "empty filters": (PLACES, {"f": repeated({}, 7400)}),
    "empty filters and a mistake at their end": (PLACES, {"f": repeated({}, 7400) | {"nope": 1}}),
    "denials of denials": (PLACES, {"f": {"and": [denied(14)] * 1200}}),
    "thousands of conditions": (PLACES, {"f": repeated({"name": {"neq": "x"}}, 8000, name="or")}),
    "alternatives of one column": (PLACES, {"f": {"or": [{"name": {"eq": f"{n}"}} for n in range(2000)]}}),
    "a list in each of many conditions": (PLACES, {"f": {"and": [{"name": {"in": ["ü"] * 180}}] * 40}}),
    "as many conditions as may be": (PLACES, {"f": {"or": [{"name": {"icontains": "%_*\\" * 50}}] * 200}}),
    "relations in relations": (PLACES, {"f": {"and": [{"items": {"some": {"trip": {"items": {"none": {}}}}}}] * 66}}),
    "far too much": (PLACES, {"f": repeated({}, 64_000)}),
    "one variable in many places": (
        "query ($f: PlaceFilter!) { places(filter: { and: [" + "$f " * 700 + "] }) { totalCount } }",
        {"f": repeated({}, 7)},
    ),
    "literals beside a variable in a fragment": (
        LITERALS.format(" ".join(f"a{n}: trips {{ nodes {{ ...F }} }}" for n in range(8)), "{} " * 880),
        {"x": "a"},
    ),
    "inputs with all that comes along": (
        "mutation ($i: [CreateTripInput!]!) { createTrips(inputs: $i) { id } }",
        {"i": [{"title": "a", "items": [{"title": "b", "kind": "FOOD", "cost": "1.00", "dayNumber": 1}] * 9}] * 100},
    ),
    "the same to be deleted": (
        "mutation ($f: TripFilter!) { deleteTrips(filter: $f) { id } }",
        {"f": {"and": [{"or": [{"title": {"eq": "a"}}] * 150}] * 4}},
    ),
    "an order of one key": (
        "query ($o: [TripOrder!]) { trips(orderBy: $o) { totalCount } }",
        {"o": [{"title": "ASC"}] * 2000},
    ),
    "JSON": (
        "query ($j: JSON) { tripItems(filter: { details: { contains: $j } }) { totalCount } }",
        {"j": [[{"a": []}] * 800] * 4},
    ),
    "paths in JSON": (
        "query ($a: [JSONPathFilter!]) { tripItems(filter: { details: { at: $a } }) { totalCount } }",
        {"a": [{"path": ["a"] * 30, "eq": 1}] * 200},
    ),
    "identifiers": ("query ($n: [ID!]!) { nodes(nodeIds: $n) { __typename } }", {"n": [PLAIN["ID"]] * 2000}),
    "many operations": (
        "query A { viewer { id } } " + " ".join(f"query Q{n} {{ viewer {{ id }} }}" for n in range(240)),
        {},
    ),
    "a document of literals": ("{ trips(filter: { or: [" + "{} " * 900 + "] }) { totalCount } }", {}),
}


@pytest.mark.parametrize("name", WORST)
async def test_nor_do_these(counted: Counted, name: str) -> None:
    instructions, _ = await counted.taken(*WORST[name])
    assert instructions <= A_TENTH


@pytest.mark.parametrize("name", ["empty filters", "far too much", "the same to be deleted"])
async def test_nobody_takes_next_to_nothing(counted: Counted, name: str) -> None:
    document, variables = WORST[name]
    nobody = Counted(Person(counted.person.http, counted.person.url), counted.gateway)
    await nobody.taken(document, variables)  # the document itself is read once
    instructions, answer = await nobody.taken(document, variables)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    assert instructions <= A_TENTH / 1000
