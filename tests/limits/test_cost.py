"""What operations cost, by the rules of `docs/limits.md`."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import examples
from tripgate.gateway.documents import Documents
from tripgate.gateway.limits.bounds import Limits, PageSizes
from tripgate.gateway.limits.cost import cost_exceeded, estimated
from tripgate.gateway.operation import RequestError
from tripgate.gateway.schema import graphql_schema
from tripgate.upstream.caller import Caller

ID = "ada00000-0000-4000-8002-000000000001"
SOMEBODY = Caller("ada", "a token")
DOCUMENTS = Documents(
    graphql_schema(),
    size=500,
    limits=Limits(cost=10**9, conditions=10**9),
    hide_suggestions=False,
    introspection=True,
)


def cost_of(query: str, pages: PageSizes | None = None, **variables: Any) -> int:
    """What the only operation of a document costs under these variables."""
    operation = DOCUMENTS.operation(query, None)
    prepared = operation.prepare(variables, SOMEBODY)
    return estimated(prepared.roots, prepared.values, pages or PageSizes()).cost


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ __typename }", 0),
        ("mutation { __typename }", 0),
        ("{ viewer { id displayName } }", 1),
        (f'{{ trip(id: "{ID}") {{ title owner {{ displayName }} }} }}', 1),
        (f'{{ trip(id: "{ID}") {{ title durationDays costTotal }} }}', 1 + 2),
        ("{ trips { nodes { id } } }", 1 + 20),
        ("{ trips { nodes { __typename durationDays } } }", 1 + 20 * 2),
        ("{ trips(first: 7) { nodes { id } } }", 1 + 7),
        ("{ trips(last: 7) { edges { cursor node { id } } } }", 1 + 7),
        ("{ trips(first: 7) { pageInfo { hasNextPage } } }", 1 + 7),
        ("{ trips(first: 0) { nodes { id items { nodes { id } } } } }", 1),
        ("{ trips { __typename } }", 1),
        ("{ trips { totalCount } }", 1 + 5),
        ("{ trips { totalCount aggregate { count max { budget } } } }", 1 + 5 + 5),
        ("{ trips(first: 10) { nodes { items(first: 10) { nodes { id } } } } }", 1 + 10 * (1 + 1 + 10)),
        ("{ trips(first: 10) { nodes { items(first: 10) { totalCount } } } }", 1 + 10 * (1 + 1 + 5)),
        ("{ trips(first: 3) { nodes { owner { id } } edges { node { owner { id } } } } }", 1 + 3),
        ("{ tripItems(first: 3) { nodes { id voteSummary { score mine } } } }", 1 + 3 * (1 + 1)),
        ("{ trips { nodes { items { nodes { votes { nodes { user { displayName } } } } } } } }", 8841),
        ("{ a: trips(first: 3) { nodes { id } } b: trips(first: 4) { nodes { id } } }", 1 + 3 + 1 + 4),
        ("{ trips(first: 100) { nodes { items(first: 100) { nodes { id } } } } }", 10_201),
        ("{ trips(first: 3) { nodes { images(first: 4) { nodes { url } } } } }", 1 + 3 * (1 + 1 + 4)),
        (
            "{ trips(first: 3) { nodes { images(first: 4) { nodes { url a: url(transform: { width: 1 }) "
            "b: url(transform: { width: 2 }) c: url(transform: null) } } } } }",
            1 + 3 * (1 + 1 + 4 * (1 + 2 * 10)),
        ),
        (f'{{ trip(id: "{ID}") {{ owner {{ a: avatarUrl(transform: {{ width: 1 }}) }} }} }}', 1),
        ('{ searchPlaces(text: "sushi", first: 5) { nodes { id } } }', 1 + 5),
        (f'{{ distanceInMetres(fromPlaceId: "{ID}", toPlaceId: "{ID}") }}', 1),
        ("{ tripsGrouped(by: [STATUS], first: 4) { key { status } count max { budget } } }", 5 + 4),
        ("{ tripsGrouped(by: [STATUS]) { count } }", 5 + 100),
        ('{ nodes(nodeIds: ["a", "b"]) { nodeId } }', 2),
        ('{ node(nodeId: "a") { ... on Trip { items(first: 2) { nodes { id } } } ... on Tag { id } } }', 1 + 1 + 2),
        ("{ __schema { types { name } } viewer { id } }", 1000 + 1),
        ('{ __type(name: "Trip") { name } }', 100),
    ],
)
def test_reads(query: str, expected: int) -> None:
    assert cost_of(query) == expected


@pytest.mark.parametrize(
    ("filter_", "order", "relations", "others"),
    [
        ('{ title: { eq: "x" } }', "[{ title: ASC }]", 0, 1),
        ("{}", "[]", 0, 0),
        ('{ owner: { displayName: { eq: "x" } } }', "[]", 1, 1),
        ("{ items: { some: { kind: { eq: FOOD } }, none: {} } }", "[]", 2, 1),
        ('{ items: { some: { place: { name: { eq: "x" } } } } }', "[]", 2, 1),
        ("{ and: [{ items: { some: {} } }, { not: { owner: {} } }], or: [{ votes: { some: {} } }] }", "[]", 3, 0),
        ("{}", "[{ owner: { displayName: ASC } }, { title: DESC }]", 1, 0),
        ("{ items: { some: {} } }", "[{ owner: { displayName: ASC } }]", 2, 0),
    ],
)
def test_conditions_of_filters_and_orders(filter_: str, order: str, relations: int, others: int) -> None:
    assert cost_of(f"{{ trips(first: 2, filter: {filter_}, orderBy: {order}) {{ nodes {{ id }} }} }}") == (
        1 + 2 + 5 * relations + others
    )


def test_tests_of_nested_rows_are_made_for_each_parent() -> None:
    query = "{ trips(first: 3) { nodes { items(first: 2, filter: { place: {} }) { nodes { id } } } } }"
    assert cost_of(query) == 1 + 3 * (1 + (1 + 5 + 2))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('createTrip(input: { title: "a" }) { id }', 5 + 1),
        ('createTrip(input: { title: "a" }) { items(first: 3) { nodes { id } } }', 5 + 1 + 1 + 3),
        ('createTrip(input: { title: "a", items: [{ title: "b" }, { title: "c" }] }) { id }', 3 * 5 + 1),
        ('createTrips(inputs: [{ title: "a", items: [{ title: "b" }] }, { title: "c" }]) { id }', 3 * 5 + 2),
        ("createTrips(inputs: []) { id }", 1),
        (f'updateTrip(id: "{ID}", patch: {{ title: "a" }}) {{ owner {{ id }} }}', 5 + 1),
        ('updateTrips(filter: { id: { isNull: false } }, patch: { title: "a" }) { id }', 5 + 1 + 1),
        ('updateTrips(filter: { items: { some: {} } }, patch: { title: "a" }, atMost: 30) { id }', 30 * 5 + 5 + 30),
        ("deleteTrips(filter: { id: { isNull: false } }, atMost: 30) { owner { id } }", 30 * 5 + 1 + 30),
        (f'deleteTrip(id: "{ID}") {{ id }}', 5 + 1),
        ('signIn(input: { email: "a", password: "b" }) { session { accessToken } user { id } }', 5 + 1),
        ('sendMagicLink(email: "a")', 5 + 1),
    ],
)
def test_writes(query: str, expected: int) -> None:
    assert cost_of(f"mutation {{ {query} }}") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f'tripItemChanges(tripId: "{ID}") {{ operation }}', 1),
        (f'tripItemChanges(tripId: "{ID}") {{ tripItem {{ votes(first: 9) {{ nodes {{ id }} }} }} }}', 1 + 1 + 9),
        (f'tripPresence(tripId: "{ID}") {{ people {{ id }} }}', 1 + 20),
    ],
)
def test_an_event_of_a_subscription(query: str, expected: int) -> None:
    assert cost_of(f"subscription {{ {query} }}") == expected


def test_what_a_row_refers_to_comes_along_up_to_five() -> None:
    aliases = [f"p{number}: place {{ id }}" for number in range(6)]
    for selected, each in ((aliases[:5], 1), (aliases, 2), (["place { owner { id } }", *aliases[:4]], 2)):
        assert cost_of(f"{{ tripItems(first: 3) {{ nodes {{ {' '.join(selected)} }} }} }}") == 1 + 3 * each


def test_variables_count_with_what_they_are() -> None:
    query = """query ($first: Int = 5, $filter: TripFilter, $with: Boolean!) {
      trips(first: $first, filter: $filter) { nodes { votes(first: 2) @include(if: $with) { nodes { id } } } } }"""
    plain = {"with": False}
    assert cost_of(query, **plain) == 1 + 5
    assert cost_of(query, first=50, **plain) == 1 + 50
    assert cost_of(query, first=None, **plain) == 1 + 20
    assert cost_of(query, filter={"items": {"some": {}}}, **plain) == 1 + 5 + 5
    assert cost_of(query, **{"with": True}) == 1 + 5 * (1 + 1 + 2)


def test_a_picture_in_another_size_costs_more_wherever_the_size_is_said() -> None:
    images = "images(first: 3) { nodes { url(transform: $size) } }"
    query = f"query ($size: ImageTransform) {{ trips(first: 1) {{ nodes {{ {images} }} }} }}"
    assert cost_of(query) == cost_of(query, size=None) == 1 + 1 + 1 + 3
    assert cost_of(query, size={"width": 1}) == 1 + 1 + 1 + 3 * (1 + 10)


def test_fragments_cost_what_they_select() -> None:
    plain = "{ trips(first: 3) { nodes { votes { nodes { id } } } } }"
    spread = """{ ...A } fragment A on Query { trips(first: 3) { ...B ...B } }
                fragment B on TripConnection { nodes { ...C } } fragment C on Trip { ... { votes { nodes { id } } } }"""
    assert cost_of(spread) == cost_of(plain)


def test_sizes_that_are_refused_anyway_count_as_the_largest() -> None:
    query = "query ($first: Int) { trips(first: $first) { nodes { id } } }"
    assert cost_of(query, first=1_000_000) == 1 + 100
    assert cost_of(query, first=-5) == 1
    assert cost_of(query, PageSizes(largest=10), first=50) == 1 + 10
    assert cost_of(query, PageSizes(default=20, largest=10)) == 1 + 10
    inputs = [{"title": "a"}] * 150
    create = "mutation ($inputs: [CreateTripInput!]!) { createTrips(inputs: $inputs) { id } }"
    assert cost_of(create, inputs=inputs) == 150 * 5 + 100


@settings(max_examples=examples(20), deadline=None)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=3))
def test_pages_inside_each_other(sizes: list[int]) -> None:
    levels = ["trips", "items", "votes"][: len(sizes)]
    query, expected = "id", 0
    for name, size in reversed(list(zip(levels, sizes, strict=True))):
        query = f"{name}(first: {size}) {{ nodes {{ {query} }} }}"
        expected = 1 + size * (1 + expected)
    assert cost_of(f"{{ {query} }}") == expected


def test_a_field_whose_arguments_do_not_fit_costs_one() -> None:
    query = 'query ($ids: [ID!] = ["a", "b", "c"]) { nodes(nodeIds: $ids) { nodeId } }'
    assert cost_of(query) == 3
    assert cost_of(query, ids=None) == 1


def test_type_names_cost_nothing_wherever_they_stand() -> None:
    assert cost_of("{ trips(first: 2) { nodes { __typename votes(first: 3) { nodes { id } } } } }") == 1 + 2 * (1 + 4)


def test_the_refusal_says_what_to_do() -> None:
    error = cost_exceeded(11, 10)
    assert {"message": error.message, **error.extensions} == {
        "message": "The operation may cost 11; at most 10 is allowed. Ask for smaller pages, or for fewer lists inside "
        "each other.",
        "code": "COST_LIMIT_EXCEEDED",
        "limit": 10,
        "found": 11,
    }


def test_the_example_of_the_documentation() -> None:
    page = (Path(__file__).parent.parent.parent / "docs/limits.md").read_text()
    ((query, told),) = re.findall(r"```graphql\n(.*?)```.*?the query 1 .*? = (\d+)\.", page, flags=re.DOTALL)
    assert cost_of(query) == int(told)


def test_the_limit_is_exact() -> None:
    query = "query ($first: Int) { trips(first: 99) { nodes { items(first: $first) { nodes { id } } } } }"
    documents = Documents(
        graphql_schema(), size=1, limits=Limits(cost=1 + 99 * (2 + 50)), hide_suggestions=False, introspection=False
    )
    operation = documents.operation(query, None)
    assert operation.prepare({"first": 50}, SOMEBODY).cost == 5149
    for _ in range(2):
        with pytest.raises(RequestError) as caught:
            operation.prepare({"first": 51}, SOMEBODY)
        assert caught.value.code == "COST_LIMIT_EXCEEDED"
    assert operation.prepare({"first": 50}, SOMEBODY).cost == 5149
