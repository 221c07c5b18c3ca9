"""`@stream`: a list begins with its first rows, and the others follow in a later part of the answer."""

import re

import pytest

from tests.incremental.parts import BY_ID, BY_PATH, parts, put_together
from tests.support import Person, Wire, serving
from tripgate.local.stack import StackInfo

LIST = '{ trips(first: 3) { nodes @stream(initialCount: 1, label: "more") { title } } }'

QUERIES = [
    LIST,
    "{ trips { nodes @stream { title } } }",
    "{ trips { edges @stream(initialCount: 2) { cursor node { title } } totalCount } }",
    "{ trips(orderBy: [{ title: DESC }], offset: 1) { nodes @stream(initialCount: 1) { title } } }",
    "{ trips(orderBy: [{ startDate: ASC_NULLS_FIRST }, { budget: DESC }]) { nodes @stream(initialCount: 1) { id } } }",
    "{ tripItems(orderBy: [{ place: { city: ASC } }]) { nodes @stream(initialCount: 3) { title place { city } } } }",
    "{ trips { nodes { title items { nodes @stream(initialCount: 1) { title } totalCount } } } }",
    "{ trips { nodes { items(orderBy: [{ cost: DESC }]) { edges @stream(initialCount: 2) { node { title } } } } } }",
    "{ trips { nodes { items(first: 3, offset: 1) { nodes @stream { title } } } } }",
    "{ trips { nodes { items(first: 4, offset: 1) { nodes @stream(initialCount: 2) { title } } } } }",
    "{ trips { nodes { items(orderBy: [{ place: { name: ASC } }]) { nodes @stream(initialCount: 1) { title } } } } }",
    "{ trips { nodes @stream(initialCount: 1) { title items { nodes @stream(initialCount: 2) { title } } } } }",
    "{ trips { nodes @stream(initialCount: 1) { title ... @defer { items { nodes { title } } } } } }",
    "{ trips { nodes { title ... @defer { items { nodes @stream(initialCount: 1) { title } } } } } }",
    "{ trips { ... @defer { nodes @stream(initialCount: 1) { title } } totalCount } }",
    "{ trips { nodes @stream(initialCount: 1) { title } ... @defer { pageInfo { hasNextPage endCursor } } } }",
    "{ trips(first: 3) { nodes @stream(initialCount: 1) { title } pageInfo { hasNextPage endCursor startCursor } } }",
    "{ trips(first: 2) { p: pageInfo { hasNextPage } edges @stream { cursor } pageInfo { hasPreviousPage } } }",
    "{ trips { nodes { items(first: 4) { nodes @stream(initialCount: 2) { title } pageInfo { endCursor } } } } }",
    "{ trips { ... @defer { items: nodes @stream(initialCount: 1) { title } pageInfo { endCursor } } } }",
    "{ trips { nodes { ... @defer { items { nodes @stream { title } pageInfo { endCursor hasNextPage } } } } } }",
    "{ viewer { trips { nodes @stream(initialCount: 1) { title items(first: 2) { nodes @stream { title } } } } } }",
    "{ trips { nodes { owner { trips { nodes @stream(initialCount: 1) { title } } } } } }",
    '{ searchPlaces(text: "k") { nodes @stream(initialCount: 1) { name } } }',
    "{ a: trips(first: 2) { nodes @stream(initialCount: 1) { id } } b: trips { x: nodes @stream { title } } }",
    "query { trips { ...T } } fragment T on TripConnection { nodes @stream(initialCount: 1) { title } }",
]


async def trip_with_items(person: Person, title: str, items: list[str]) -> None:
    """A new trip."""
    await person.ask(
        "mutation ($input: CreateTripInput!) { createTrip(input: $input) { id } }",
        input={"title": title, "items": [{"title": each} for each in items]},
    )


@pytest.mark.parametrize("accept", [BY_PATH, BY_ID])
@pytest.mark.parametrize("query", QUERIES)
async def test_all_parts_together_are_the_whole_answer(ada: Person, query: str, accept: str) -> None:
    whole = await ada.ask(query)
    assert whole == await ada.ask(re.sub(r"@(stream|defer)(\([^)]*\))?", "", query))
    found = await parts(ada, query, accept)
    assert len(found) > 1
    assert put_together(found) == whole


async def test_rows_that_follow_say_where_they_belong_by_path_or_by_an_id(newcomer: Person) -> None:
    for title in ("A", "B", "C"):
        await newcomer.trip(title=title)
    query = '{ trips(orderBy: [{ title: ASC }]) { nodes @stream(initialCount: 1, label: "more") { title } } }'
    first = {"trips": {"nodes": [{"title": "A"}]}}
    items = [{"title": "B"}, {"title": "C"}]
    assert await parts(newcomer, query, BY_PATH) == [
        {"data": first, "hasNext": True},
        {"incremental": [{"label": "more", "path": ["trips", "nodes", 1], "items": items}], "hasNext": False},
    ]
    assert await parts(newcomer, query, BY_ID) == [
        {"data": first, "pending": [{"id": "0", "path": ["trips", "nodes"], "label": "more"}], "hasNext": True},
        {"incremental": [{"id": "0", "items": items}], "completed": [{"id": "0"}], "hasNext": False},
    ]


async def test_what_is_put_off_in_rows_that_follow_is_found_there(newcomer: Person) -> None:
    for title in ("A", "B"):
        await newcomer.trip(title=title)
    query = (
        """{ trips(orderBy: [{ title: ASC }]) { nodes @stream(initialCount: 1) { title ... @defer { status } } } }"""
    )
    found = await parts(newcomer, query, BY_ID)
    announced = [each["path"] for part in found for each in part.get("pending", ())]
    assert announced == [["trips", "nodes", 0], ["trips", "nodes"], ["trips", "nodes", 1]]


async def test_in_rows_that_follow_lists_come_whole(newcomer: Person, wire: Wire) -> None:
    for title in ("A", "B"):
        await trip_with_items(newcomer, title, [f"{title}{number}" for number in range(3)])
    query = """{ trips(orderBy: [{ title: ASC }]) { nodes @stream(initialCount: 1) {
        items(orderBy: [{ title: ASC }]) { nodes @stream(initialCount: 1) { title } } } } }"""
    wire.clear()
    found = await parts(newcomer, query)
    assert len(wire.requests) == 3
    assert found[0]["data"] == {"trips": {"nodes": [{"items": {"nodes": [{"title": "A0"}]}}]}}
    pieces = [piece for part in found[1:] for piece in part["incremental"]]
    assert sorted(pieces, key=lambda piece: len(piece["path"])) == [
        {"path": ["trips", "nodes", 1], "items": [{"items": {"nodes": [{"title": f"B{n}"} for n in range(3)]}}]},
        {"path": ["trips", "nodes", 0, "items", "nodes", 1], "items": [{"title": "A1"}, {"title": "A2"}]},
    ]


async def test_the_page_is_told_of_with_the_first_rows(newcomer: Person, wire: Wire) -> None:
    for title in ("A", "B", "C", "D"):
        await newcomer.trip(title=title)
    query = """{ trips(first: 3, orderBy: [{ title: ASC }]) {
        nodes @stream(initialCount: 1) { title items { totalCount } } pageInfo { hasNextPage endCursor } } }"""
    whole = (await newcomer.ask(query))["trips"]
    wire.clear()
    first, last = await parts(newcomer, query)
    assert first["data"]["trips"] == {**whole, "nodes": whole["nodes"][:1]}
    assert whole["pageInfo"]["hasNextPage"] is True
    assert last["incremental"][0]["items"] == whole["nodes"][1:]
    # The page's own read reads nothing but keys.
    assert sorted("trip_items" in request for request in wire.requests) == [False, True, True]


async def test_a_list_that_has_no_more_rows_needs_no_further_part(newcomer: Person, wire: Wire) -> None:
    await newcomer.trip(title="A")
    wire.clear()
    query = "{ trips { nodes @stream(initialCount: 1) { title } } }"
    assert await parts(newcomer, query) == [{"data": {"trips": {"nodes": [{"title": "A"}]}}}]
    assert len(wire.requests) == 1


async def test_of_many_lists_those_go_on_that_have_more_by_one_request(newcomer: Person, wire: Wire) -> None:
    for title, items in (("A", 1), ("B", 3), ("C", 2)):
        await trip_with_items(newcomer, title, [f"{title}{number}" for number in range(items)])
    query = """{ trips(orderBy: [{ title: ASC }]) { nodes {
        items(orderBy: [{ title: ASC }]) { nodes @stream(initialCount: 1) { title } } } } }"""
    wire.clear()
    first, last = await parts(newcomer, query)
    lists = [trip["items"]["nodes"] for trip in first["data"]["trips"]["nodes"]]
    assert lists == [[{"title": "A0"}], [{"title": "B0"}], [{"title": "C0"}]]
    assert last["incremental"] == [
        {"path": ["trips", "nodes", 1, "items", "nodes", 1], "items": [{"title": "B1"}, {"title": "B2"}]},
        {"path": ["trips", "nodes", 2, "items", "nodes", 1], "items": [{"title": "C1"}]},
    ]
    assert len(wire.requests) == 2


async def test_the_rest_of_more_lists_than_one_request_reads_takes_several(newcomer: Person, wire: Wire) -> None:
    for number in range(25):
        await trip_with_items(newcomer, f"{number:02}", ["1", "2"])
    query = "{ trips(first: 30) { nodes { title items { nodes @stream(initialCount: 1) { title } } } } }"
    wire.clear()
    assert put_together(await parts(newcomer, query)) == await newcomer.ask(query)
    assert len(wire.requests) == 1 + 2 + 1


@pytest.mark.parametrize(
    "query",
    [
        "{ trips { nodes @stream(if: false) { title } } }",
        "query ($later: Boolean = false) { trips { nodes @stream(if: $later) { title } } }",
        "{ trips(first: 2) { nodes @stream(initialCount: 2) { title } } }",
        "{ trips(first: 2) { nodes @stream(initialCount: 9) { title } } }",
        "{ trips(first: 0) { nodes @stream { title } } }",
        "{ trips(last: 3) { nodes @stream(initialCount: 1) { title } } }",
        "{ trips(last: 3) { nodes @stream(initialCount: 1) { title } pageInfo { hasPreviousPage } } }",
        "{ trips { nodes @stream(initialCount: 1) { title } edges { cursor } } }",
        "{ trips { nodes { title labels @stream } } }",
        "{ tripsGrouped(by: [STATUS]) @stream { count } }",
    ],
)
async def test_what_no_read_could_begin_with_comes_whole(ada: Person, query: str) -> None:
    assert await parts(ada, query) == [{"data": await ada.ask(query)}]


async def test_how_many_rows_come_first_may_be_a_variable(ada: Person) -> None:
    query = "query ($first: Int, $later: Boolean) { trips { nodes @stream(initialCount: $first, if: $later) { id } } }"
    whole = (await ada.ask(query))["trips"]["nodes"]
    for given, first in (({}, 0), ({"first": 1}, 1), ({"first": 2, "later": True}, 2), ({"later": False}, len(whole))):
        found = await parts(ada, query, **given)
        assert found[0]["data"]["trips"]["nodes"] == whole[:first]


COUNTS = "initialCount of @stream takes a number from 0 on."


@pytest.mark.parametrize("accept", [BY_PATH, "application/json"])
@pytest.mark.parametrize("count", ["-1", "null"])
async def test_counts_in_a_document_that_are_none_are_refused_to_all(ada: Person, count: str, accept: str) -> None:
    (answer,) = await parts(ada, f"{{ trips {{ nodes @stream(initialCount: {count}) {{ id }} }} }}", accept)
    (error,) = answer["errors"]
    assert (error["message"], error["extensions"]["code"]) == (COUNTS, "GRAPHQL_VALIDATION_FAILED")


@pytest.mark.parametrize(
    ("count", "message"),
    [(-1, COUNTS), (None, "The variable $n is null, which @skip, @include, @defer and @stream do not take.")],
)
async def test_variables_that_are_no_counts_are_refused(ada: Person, count: int | None, message: str) -> None:
    (answer,) = await parts(ada, "query ($n: Int) { trips { nodes @stream(initialCount: $n) { id } } }", n=count)
    (error,) = answer["errors"]
    assert (error["message"], error["extensions"]["code"]) == (message, "BAD_USER_INPUT")


async def test_a_page_that_is_refused_fails_as_without_it(ada: Person) -> None:
    query = "{ trips(first: 9999) { nodes @stream(initialCount: 1) { id } } viewer { displayName } }"
    _, whole = await ada.post(query)
    assert await parts(ada, query) == [whole]


async def test_strangers_get_the_refusal_of_a_whole_answer(anonymous: Person) -> None:
    (answer,) = await parts(anonymous, LIST)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_it_costs_what_it_reads(seeded: StackInfo, ada: Person) -> None:
    async def codes(query: str, accept: str, most: int) -> list[str]:
        async with serving(seeded, max_cost=most) as url:
            found = await parts(Person(ada.http, url, ada.token), query, accept)
            return [error["extensions"]["code"] for error in found[0].get("errors", ())]

    at_root = "{ trips(first: 100) { nodes @stream(initialCount: 4) { id } } }"
    below = "{ trips(first: 20) { nodes { items(first: 6) { nodes @stream(initialCount: 2) { id } } } } }"
    paged = "{ trips(first: 100) { nodes @stream(initialCount: 4) { id } pageInfo { endCursor } } }"
    inside = "{ trips(first: 20) { nodes @stream(initialCount: 5) { items(first: 6) { nodes { id } } } } }"
    both = "{ trips(first: 20) { nodes @stream(initialCount: 5) { items(first: 6) { nodes @stream { id } } } } }"
    for query, accept, cost in (
        (at_root, "application/json", 1 + 100),
        (at_root, BY_PATH, (1 + 4) + (1 + 96)),
        (below, "application/json", 1 + 20 * (1 + 1 + 6)),
        (below, BY_PATH, 1 + 20 * (1 + 1 + 2) + 20 * (1 + 1 + 4)),
        (inside, BY_PATH, 1 + 5 * (1 + 1 + 6) + 1 + 15 * (1 + 1 + 6)),
        (paged, BY_PATH, (1 + 4) + (1 + 100) + (1 + 96)),
        (both, BY_PATH, 1 + 5 * (1 + 1) + 5 * (1 + 1 + 6) + 1 + 15 * (1 + 1 + 6)),
    ):
        assert await codes(query, accept, cost - 1) == ["COST_LIMIT_EXCEEDED"]
        assert await codes(query, accept, cost) == []


async def test_it_can_be_switched_off(seeded: StackInfo, ada: Person) -> None:
    async with serving(seeded, incremental=False) as url:
        (answer,) = await parts(Person(ada.http, url, ada.token), LIST)
    assert answer == {"data": await ada.ask(LIST)}
