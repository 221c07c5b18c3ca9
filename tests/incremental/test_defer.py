"""`@defer`: what is put off comes in a later part of the answer, and all parts together are the answer."""

import re

import pytest

from tests.incremental.parts import BY_ID, BY_PATH, asking, parts, put_together
from tests.support import Person, Wire, serving
from tripgate.local.stack import StackInfo

LIST = '{ trips(first: 2) { nodes { title ... @defer(label: "items") { items(first: 1) { nodes { title } } } } } }'

QUERIES = [
    LIST,
    "{ viewer { id } ... @defer { trips { nodes { title } totalCount } } }",
    "{ trips { nodes { title } ... @defer { totalCount aggregate { sum { budget } } } } }",
    "{ trips { totalCount ... @defer { nodes { title } pageInfo { endCursor hasNextPage } } } }",
    "{ trips { edges { cursor node { id ... @defer { owner { displayName } } } } } }",
    "{ trips { nodes { items { nodes { title ... @defer { votes: voteSummary { score } place { name } } } } } } }",
    "{ trips { nodes { id ... @defer { items { totalCount } } items { nodes { id } } } } }",
    "{ trips { nodes { id ... @defer { title ... @defer { items { nodes { title } } } } } } }",
    "{ trips { nodes { owner { id ... @defer { displayName trips: __typename } } } } }",
    "query { trips { nodes { ...F @defer } } } fragment F on Trip { title items { nodes { ...G @defer } } } "
    "fragment G on TripItem { title place { name } }",
    "{ trips { nodes { ... @defer { items { nodes { id } } } ... @defer { items { nodes { title } } } } } }",
    "{ trips { ... @defer { nodes { id } } ... @defer { nodes { title } totalCount } } }",
    "{ viewer { id } ... @defer { trips { nodes { id } } } ... @defer { trips { totalCount } viewer { bio: id } } }",
    "{ ... @defer { trips { nodes { id ... @defer { title } } ... @defer { totalCount } } } }",
    "{ a: trips(first: 1) { nodes { id ... @defer { title } } } b: trips(last: 1) { nodes { ... @defer { title } } } }",
]


@pytest.mark.parametrize("accept", [BY_PATH, BY_ID])
@pytest.mark.parametrize("query", QUERIES)
async def test_all_parts_together_are_the_whole_answer(ada: Person, query: str, accept: str) -> None:
    whole = await ada.ask(query)
    assert whole == await ada.ask(re.sub(r"@defer(\([^)]*\))?", "", query))
    found = await parts(ada, query, accept)
    assert len(found) > 1
    assert put_together(found) == whole


async def test_parts_say_their_path_or_are_announced_by_an_id(newcomer: Person) -> None:
    ids = [await newcomer.trip(title=title) for title in ("A", "B")]
    query = '{ trips(orderBy: [{ title: ASC }]) { nodes { title ... @defer(label: "rest") { id } } } }'
    first = {"trips": {"nodes": [{"title": "A"}, {"title": "B"}]}}
    paths = [["trips", "nodes", 0], ["trips", "nodes", 1]]
    assert await parts(newcomer, query, BY_PATH) == [
        {"data": first, "hasNext": True},
        {
            "incremental": [
                {"label": "rest", "path": path, "data": {"id": id_}} for path, id_ in zip(paths, ids, strict=True)
            ],
            "hasNext": False,
        },
    ]
    assert await parts(newcomer, query, BY_ID) == [
        {
            "data": first,
            "pending": [{"id": str(n), "path": path, "label": "rest"} for n, path in enumerate(paths)],
            "hasNext": True,
        },
        {
            "incremental": [{"id": str(n), "data": {"id": id_}} for n, id_ in enumerate(ids)],
            "completed": [{"id": "0"}, {"id": "1"}],
            "hasNext": False,
        },
    ]


async def test_a_fragment_of_several_places_is_announced_once_and_completed_with_the_last(ada: Person) -> None:
    query = "{ trips(first: 1) { nodes { items { nodes { id } } ... @defer { title items { nodes { title } } } } } }"
    first, *later = await parts(ada, query, BY_ID)
    assert first["pending"] == [{"id": "0", "path": ["trips", "nodes", 0]}]
    assert [part.get("completed", []) for part in later][-1] == [{"id": "0"}]
    pieces = [one for part in later for one in part["incremental"]]
    assert {tuple(one.get("subPath", ())) for one in pieces} == {
        (),
        *(("items", "nodes", n) for n in range(len(pieces) - 1)),
    }


async def test_a_field_that_two_fragments_put_off_is_read_once_and_ends_both(ada: Person) -> None:
    query = """{ trips(first: 1) { nodes {
        ... @defer(label: "a") { items { nodes { id } } } ... @defer(label: "b") { items { nodes { title } } } } } }"""
    first, last = await parts(ada, query, BY_ID)
    assert [each["label"] for each in first["pending"]] == ["a", "b"]
    assert len(last["incremental"]) == 1
    assert last["completed"] == [{"id": "0"}, {"id": "1"}]


@pytest.mark.parametrize(
    "accept",
    ["application/json", "application/graphql-response+json", "*/*", "multipart/*, application/json",
     "multipart/mixed;deferSpec=1, application/json", "multipart/mixed;q=0.5, application/json",
     "multipart/mixed;q=0, application/json"],
)  # fmt: skip
async def test_who_does_not_ask_for_parts_gets_the_whole_answer(ada: Person, accept: str) -> None:
    (answer,) = await parts(ada, LIST, accept)
    assert answer == {"data": await ada.ask(LIST)}


async def test_a_client_that_takes_everything_gets_parts_that_say_their_path(ada: Person) -> None:
    urqls = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
    assert await parts(ada, LIST, urqls) == await parts(ada, LIST, BY_PATH)


@pytest.mark.parametrize(
    "query",
    [
        "{ trips { nodes { title } } }",
        "{ trips { nodes { ... @defer(if: false) { title } } } }",
        "query ($later: Boolean = false) { trips { nodes { ... @defer(if: $later) { title } } } }",
        '{ trip(id: "00000000-0000-4000-8000-000000000000") { id ... @defer { title } } }',
        "{ trips(first: 0) { nodes { id ... @defer { title } } } }",
        "{ trips { edges { ... @defer { cursor } } pageInfo { ... @defer { endCursor } } } }",
        "{ __schema { queryType { ... @defer { name } } } trips { nodes { ... @defer { id } } } }",
    ],
)
async def test_what_is_not_put_off_comes_whole(ada: Person, query: str) -> None:
    assert await parts(ada, query) == [{"data": await ada.ask(query)}]


async def test_whether_something_is_put_off_may_depend_on_a_variable(ada: Person) -> None:
    query = "query ($later: Boolean!) { trips { nodes { id ... @defer(if: $later) { title } } } }"
    assert [len(await parts(ada, query, later=later)) for later in (True, False, True)] == [2, 1, 2]


async def test_without_such_a_variable_it_is_put_off(ada: Person) -> None:
    query = "query ($later: Boolean) { trips { nodes { id ... @defer(if: $later) { title } } } }"
    assert len(await parts(ada, query)) == 2


async def test_null_for_such_a_variable_is_refused(ada: Person) -> None:
    query = "query ($later: Boolean = true) { trips { nodes { ... @defer(if: $later) { title } } } }"
    (answer,) = await parts(ada, query, later=None)
    assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": "later"}
    assert "@defer" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ('mutation { ... @defer { createTag(input: { name: "x" }) { id } } }', "root mutation type"),
        ("subscription { ... @defer { tripChanges(tripId: 1) { __typename } } }", "root subscription type"),
        ('{ trips { nodes { ... @defer(label: "a") { id } ... @defer(label: "a") { title } } } }', "unique"),
        ("query ($a: String) { trips { nodes { ... @defer(label: $a) { id } } } }", "static"),
        ("{ trips @stream { nodes { id } } }", "non-list"),
    ],
)
async def test_what_means_nothing_is_refused(ada: Person, query: str, says: str) -> None:
    _, body = await ada.post(query)
    assert any(says in error["message"] for error in body["errors"]), body
    assert {error["extensions"]["code"] for error in body["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


async def test_below_a_mutation_all_comes_at_once(newcomer: Person) -> None:
    query = 'mutation { createTrip(input: { title: "T" }) { id ... @defer { title } } }'
    (answer,) = await parts(newcomer, query)
    assert answer["data"]["createTrip"]["title"] == "T"


async def test_strangers_get_the_refusal_of_a_whole_answer(anonymous: Person) -> None:
    (answer,) = await parts(anonymous, LIST)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_several_rows_are_one_read_each_fragment(ada: Person, wire: Wire) -> None:
    wire.clear()
    await parts(ada, "{ trips { nodes { title ... @defer { items { nodes { title place { name } } } } } } }")
    first, later = wire.requests
    assert "trip_items" not in first
    assert "id.in.(" in later


async def test_a_part_costs_what_it_reads(seeded: StackInfo, ada: Person) -> None:
    query = "{ trips(first: 10) { nodes { id ... @defer { items(first: 10) { nodes { title } } } } } }"

    async def codes(accept: str, most: int) -> list[str]:
        async with serving(seeded, max_cost=most) as url:
            found = await parts(Person(ada.http, url, ada.token), query, accept)
            return [error["extensions"]["code"] for error in found[0].get("errors", ())]

    whole = 1 + 10 * (1 + 1 + 10)
    for accept, cost in (("application/json", whole), (BY_PATH, 11 + 10 * (1 + 1 + 10))):
        assert await codes(accept, cost - 1) == ["COST_LIMIT_EXCEEDED"]
        assert await codes(accept, cost) == []


@pytest.mark.parametrize(
    ("accept", "format_"),
    [
        ("multipart/mixed", "deferSpec=20220824"),
        ("multipart/mixed;deferSpec=20220824", "deferSpec=20220824"),
        ("multipart/mixed;incrementalSpec=v0.2", "incrementalSpec=v0.2"),
    ],
)
async def test_who_takes_parts_alone_gets_them(ada: Person, accept: str, format_: str) -> None:
    async with asking(ada, LIST, accept) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == f"multipart/mixed;boundary=graphql;{format_}"
    assert put_together(await parts(ada, LIST, accept)) == await ada.ask(LIST)
    # Where nothing turns out to be put off, the answer is whole.
    whole = "query ($later: Boolean!) { viewer { id } ... @defer(if: $later) { trips { totalCount } } }"
    async with asking(ada, whole, accept, later=False) as response:
        assert (response.status, response.content_type) == (200, "application/json")
        assert await response.json() == {"data": await ada.ask(whole, later=False)}


@pytest.mark.parametrize(
    "accept",
    [
        "multipart/mixed",
        "multipart/mixed;deferSpec=20220824",
        "multipart/mixed;incrementalSpec=v0.2",
        "multipart/mixed;subscriptionSpec=1.0",
        "multipart/mixed;deferSpec=20220824;q=0",
        "multipart/mixed;deferSpec=1",
    ],
)
async def test_what_has_no_parts_is_refused_to_who_takes_nothing_else_and_does_not_run(
    newcomer: Person, accept: str
) -> None:
    create = 'mutation { createTrip(input: { title: "Not made" }) { id } }'
    for query in ("{ viewer { id } }", create):
        async with asking(newcomer, query, accept) as response:
            assert (response.status, response.content_type) == (406, "application/json")
    assert await newcomer.ask("{ trips { totalCount } }") == {"trips": {"totalCount": 0}}


async def test_it_can_be_switched_off(seeded: StackInfo, ada: Person) -> None:
    async with serving(seeded, incremental=False) as url:
        (answer,) = await parts(Person(ada.http, url, ada.token), LIST)
    assert answer == {"data": await ada.ask(LIST)}


async def test_cached_answers_are_whole_and_parts_are_read_each_time(seeded: StackInfo, ada: Person) -> None:
    async with serving(seeded, cache=True) as url:
        reader = Person(ada.http, url, ada.token)
        whole = await reader.ask(LIST)
        assert put_together(await parts(reader, LIST)) == whole
        assert await reader.ask(LIST) == whole


async def test_more_rows_than_an_address_names_are_read_by_several_requests(newcomer: Person, wire: Wire) -> None:
    for title in ("A", "B"):
        trip_id = await newcomer.trip(title=title)
        await newcomer.ask(
            "mutation ($inputs: [CreateTripItemInput!]!) { createTripItems(inputs: $inputs) { id } }",
            inputs=[{"tripId": trip_id, "title": f"{title}{number}"} for number in range(60)],
        )
    query = "{ trips { nodes { items(first: 60) { nodes { id ... @defer { title } } } } } }"
    whole = await newcomer.ask(query)
    wire.clear()
    assert put_together(await parts(newcomer, query)) == whole
    assert len(wire.requests) == 3
