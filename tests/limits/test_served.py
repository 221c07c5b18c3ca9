"""The limits as clients meet them: each with its code and its numbers, and nothing is sent to Supabase."""

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.live.clients import live
from tests.support import Person, Wire, serving
from tripgate.local.stack import StackInfo

TRIP = "ada00000-0000-4000-8002-000000000001"
PAGES = "query ($trips: Int, $items: Int) { trips(first: $trips) { nodes { items(first: $items) { nodes { id } } } } }"

HUNDREDS = "{ trips(first: 100) { nodes { items(first: 100) { nodes { id } } } } }"


@pytest.fixture(scope="module")
async def explorer(seeded: StackInfo, wire: Wire, ada: Person) -> AsyncIterator[Person]:
    """Ada, over a gateway in development, where the schema may be asked for."""
    async with serving(seeded, rest_url=wire.url, development=True) as url:
        yield dataclasses.replace(ada, url=url)


def doubling(links: int) -> str:
    """A document whose fragments each contain the next twice."""
    parts = [f"fragment F{number} on Profile {{ ...F{number + 1} ...F{number + 1} }}" for number in range(links)]
    return " ".join(["{ viewer { ...F0 } }", *parts, f"fragment F{links} on Profile {{ id }}"])


def deep(inside: str) -> str:
    """A document with nine fields around these."""
    return "{ " + "trips(first: 1) { nodes { owner { " * 3 + inside + " } } }" * 3 + " }"


def nested(levels: int) -> dict[str, Any]:
    """A filter that denies a denial, and so on."""
    filter_: dict[str, Any] = {}
    for _ in range(levels - 1):
        filter_ = {"not": filter_}
    return filter_


@pytest.mark.parametrize(
    ("query", "code", "limit", "found"),
    [
        (f"{{ {'a ' * 2000} }}", "QUERY_TOO_LARGE", 2000, None),
        ("{ viewer { id } }" + " " * 66_000, "QUERY_TOO_LARGE", 65_536, 66_017),
        (deep("trips(first: 1) { nodes { owner { id } } }"), "QUERY_TOO_DEEP", 12, 13),
        ("{ viewer " * 300 + "}" * 300, "QUERY_TOO_DEEP", 12, None),
        (doubling(18), "TOO_MANY_SELECTIONS", 1000, 3 * 2**18),
        (f"{{ {'__typename ' * 900} }}", "TOO_MANY_SELECTIONS", None, None),
        (f"{{ {' '.join(f't{i}: __typename' for i in range(21))} }}", "TOO_MANY_ROOT_FIELDS", 20, 21),
        (f"{{ viewer {{ {' '.join(f't{i}: id' for i in range(31))} }} }}", "TOO_MANY_ALIASES", 30, 31),
        (f"{{ viewer {{ id {'@include(if: true) ' * 51} }} }}", "TOO_MANY_DIRECTIVES", 50, 51),
        (f"{{ trips(filter: {'{ not: ' * 40} {{}} {'}' * 40}) {{ totalCount }} }}", "INPUT_TOO_LARGE", 32, 41),
        (HUNDREDS, "COST_LIMIT_EXCEEDED", 10_000, 10_201),
        (
            'mutation { updateTrips(filter: { id: { isNull: false } }, patch: { title: "x" }, atMost: 100) '
            "{ items(first: 100) { nodes { id } } } }",
            "COST_LIMIT_EXCEEDED",
            10_000,
            500 + 1 + 100 * (2 + 100),
        ),
    ],
)
async def test_documents(ada: Person, wire: Wire, query: str, code: str, limit: int | None, found: int | None) -> None:
    wire.clear()
    error = await ada.refused(query)
    error.pop("message")
    expected = {"code": code, "limit": limit, "found": found}
    assert error == {name: value for name, value in expected.items() if value is not None}
    assert wire.requests == []


async def test_the_deepest_document(ada: Person) -> None:
    await ada.ask(deep("trips(first: 1) { nodes { id } }"))


async def test_messages_say_what_to_do(ada: Person) -> None:
    assert (await ada.refused(PAGES, trips=100, items=100))["message"] == (
        "The operation may cost 10201; at most 10000 is allowed. "
        "Ask for smaller pages, or for fewer lists inside each other."
    )
    assert (await ada.refused(doubling(18)))["message"] == (
        "The document selects 786432 fields and fragments, each fragment counted wherever it is spread; "
        "at most 1000 are allowed."
    )


async def test_statuses(ada: Person) -> None:
    for query in (doubling(18), HUNDREDS):
        for media_type, status in (("application/json", 200), ("application/graphql-response+json", 400)):
            headers = {"Authorization": f"Bearer {ada.token}", "Accept": media_type}
            async with ada.http.post(ada.url, json={"query": query}, headers=headers) as response:
                assert response.status == status
                assert "data" not in await response.json()


async def test_variables(ada: Person, wire: Wire) -> None:
    wire.clear()
    query = "query ($filter: TripFilter) { trips(filter: $filter) { totalCount } }"
    error = await ada.refused(query, filter=nested(33))
    assert (error["code"], error["limit"], error["field"]) == ("INPUT_TOO_LARGE", 32, "filter")
    error = await ada.refused(query, filter=nested(900))
    assert (error["code"], error["limit"], error["field"]) == ("INPUT_TOO_LARGE", 32, "filter")
    error = await ada.refused(query, filter={"title": {"in": ["x"] * 2001}})
    assert {name: error[name] for name in ("code", "limit", "found", "field")} == {
        "code": "INPUT_TOO_LARGE",
        "limit": 2000,
        "found": 2001,
        "field": "filter",
    }
    assert wire.requests == []
    assert (await ada.ask(query, filter=nested(32)))["trips"]["totalCount"] >= 0


async def test_mistakes_that_are_reported(ada: Person) -> None:
    _, body = await ada.post(f"{{ {' '.join(f'wrong{i}' for i in range(15))} viewer {{ {'x y z ' * 5} }} }}")
    assert len(body["errors"]) == 21
    assert body["errors"][-1]["message"] == "Too many validation errors, error limit reached. Validation aborted."
    assert {error["extensions"]["code"] for error in body["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


async def test_the_cost_follows_the_variables_of_one_document(ada: Person) -> None:
    for trips, items, refused in ((5, 5, False), (100, 100, True), (5, 5, False), (100, 97, False), (100, 98, True)):
        _, body = await ada.post(PAGES, trips=trips, items=items)
        codes = [error["extensions"]["code"] for error in body.get("errors", ())]
        assert codes == (["COST_LIMIT_EXCEEDED"] if refused else [])


async def test_a_page_beyond_the_largest_is_refused_as_such(ada: Person) -> None:
    assert await ada.code("{ trips(first: 1000) { nodes { id } } }") == "BAD_USER_INPUT"


async def test_a_write_that_is_too_dear_writes_nothing(newcomer: Person, wire: Wire) -> None:
    wire.clear()
    create = """mutation ($inputs: [CreateTripInput!]!) {
      createTrips(inputs: $inputs) { items(first: 100) { nodes { id } } } }"""
    inputs = [{"title": f"Trip {number}"} for number in range(100)]
    assert await newcomer.code(create, inputs=inputs) == "COST_LIMIT_EXCEEDED"
    assert wire.requests == []


async def test_subscriptions_are_held_to_the_same(ada: Person, wire: Wire) -> None:
    dear = """subscription ($id: UUID!) { tripItemChanges(tripId: $id) { tripItem { trip {
      items(first: 100) { nodes { votes(first: 100) { nodes { id } } } } } } } }"""
    too_deep = (
        f"subscription {{ tripItemChanges(tripId: 1) {{ tripItem {'{ trip { owner' * 6} {{ id }} {'} }' * 6} }} }}"
    )
    wire.clear()
    async with live(ada) as client:
        assert await client.ending(await client.subscribe(dear, id=TRIP)) == "COST_LIMIT_EXCEEDED"
        assert await client.ending(await client.subscribe(too_deep)) == "QUERY_TOO_DEEP"
    headers = {"Authorization": f"Bearer {ada.token}", "Accept": "text/event-stream"}
    async with ada.http.post(ada.url, json={"query": dear, "variables": {"id": TRIP}}, headers=headers) as response:
        assert "COST_LIMIT_EXCEEDED" in await response.text()
    assert wire.requests == []


async def explained(person: Person, query: str) -> dict[str, Any]:
    """The extensions of an answer whose request asks for its explanation."""
    headers = {"Authorization": f"Bearer {person.token}"}
    body = {"query": query, "extensions": {"explain": True}}
    async with person.http.post(person.url, json=body, headers=headers) as response:
        return dict((await response.json()).get("extensions", {}))


async def test_the_cost_is_shown_to_those_who_ask(explorer: Person, ada: Person) -> None:
    query = "{ trips(first: 3) { nodes { id votes(first: 2) { nodes { id } } } totalCount } }"
    told = {"requested": 1 + 3 * (1 + 1 + 2) + 5, "limit": 10_000}
    assert (await explained(explorer, query))["cost"] == told
    assert (await explained(explorer, query))["cost"] == told
    assert (await explained(explorer, "mutation { updateMyProfile(patch: {}) { id } }"))["cost"]["requested"] == 6
    assert "extensions" not in (await explorer.post(query))[1]
    assert await explained(ada, query) == {}  # in production


def rows(answer: Any) -> int:
    """The objects that stand for rows in an answer: those that have an id."""
    if isinstance(answer, dict):
        return ("id" in answer) + sum(map(rows, answer.values()))
    return sum(map(rows, answer)) if isinstance(answer, list) else 0


async def test_no_answer_has_lists_of_more_rows_than_its_cost(explorer: Person) -> None:
    for query in (
        "{ trips { nodes { id items { nodes { id votes { nodes { id } } } } collaborators { nodes { id } } } } }",
        "{ viewer { id trips(first: 1) { nodes { id } } } places { edges { node { id items { nodes { id } } } } } }",
    ):
        cost = (await explained(explorer, query))["cost"]["requested"]
        assert 1 < rows(await explorer.ask(query)) <= cost


async def test_introspection(explorer: Person) -> None:
    fields = "{ fields { type { fields { type { fields { name } } } } } }"
    assert await explorer.refused(f"{{ __schema {{ types {fields} }} }}") == {
        "message": "The operation nests 4 lists inside each other below __schema or __type; at most 3 are allowed.",
        "code": "INTROSPECTION_TOO_LARGE",
        "limit": 3,
        "found": 4,
    }


@pytest.fixture(scope="module")
async def strict(seeded: StackInfo, ada: Person) -> AsyncIterator[Person]:
    """Ada, over a gateway whose every limit is set low."""
    low = {"max_tokens": 100, "max_document_length": 1024, "max_depth": 4, "max_selections": 12, "max_root_fields": 2}
    low |= {"max_aliases": 3, "max_directives": 3, "max_introspection_depth": 3, "max_introspection_lists": 1}
    low |= {"max_introspection_selections": 10, "max_input_depth": 5, "max_input_list": 10}
    low |= {"max_validation_errors": 1, "max_cost": 100}
    async with serving(seeded, introspection=True, **low) as url:
        yield dataclasses.replace(ada, url=url)


@pytest.mark.parametrize(
    ("passes", "refused", "code"),
    [
        (f"{{ {'__typename ' * 6} }}", f"{{ {'__typename ' * 99} }}", "QUERY_TOO_LARGE"),
        ("{ __typename }".ljust(1024), "{ __typename }".ljust(1025), "QUERY_TOO_LARGE"),
        (
            "{ trips { nodes { owner { id } } } }",
            "{ trips { nodes { owner { trips { __typename } } } } }",
            "QUERY_TOO_DEEP",
        ),
        (f"{{ {'__typename ' * 12} }}", f"{{ {'__typename ' * 13} }}", "TOO_MANY_SELECTIONS"),
        ("{ a: __typename b: __typename }", "{ a: __typename b: __typename __typename }", "TOO_MANY_ROOT_FIELDS"),
        ("{ viewer { a: id b: id c: id } }", "{ viewer { a: id b: id c: id d: id } }", "TOO_MANY_ALIASES"),
        (
            "{ viewer { id @skip(if: true) email: id @skip(if: true) } }",
            "{ viewer { a: id @skip(if: true) b: id @skip(if: true) @include(if: true) id @skip(if: true) } }",
            "TOO_MANY_DIRECTIVES",
        ),
        (
            '{ __type(name: "Trip") { ofType { name } } }',
            '{ __type(name: "Trip") { ofType { ofType { name } } } }',
            "INTROSPECTION_TOO_LARGE",
        ),
        (
            '{ __type(name: "Trip") { fields { name } } }',
            '{ __type(name: "Trip") { fields { args { name } } } }',
            "INTROSPECTION_TOO_LARGE",
        ),
        (
            f'{{ __type(name: "Trip") {{ {"name " * 10} }} }}',
            f'{{ __type(name: "Trip") {{ {"name " * 11} }} }}',
            "INTROSPECTION_TOO_LARGE",
        ),
        (
            f"{{ trips(filter: {'{ not: ' * 4} {{}} {'}' * 4}) {{ totalCount }} }}",
            f"{{ trips(filter: {'{ not: ' * 5} {{}} {'}' * 5}) {{ totalCount }} }}",
            "INPUT_TOO_LARGE",
        ),
        (
            f"{{ trips(filter: {{ status: {{ in: [{'BOOKED ' * 10}] }} }}) {{ totalCount }} }}",
            f"{{ trips(filter: {{ status: {{ in: [{'BOOKED ' * 11}] }} }}) {{ totalCount }} }}",
            "INPUT_TOO_LARGE",
        ),
        ("{ trips(first: 99) { nodes { id } } }", "{ trips(first: 100) { nodes { id } } }", "COST_LIMIT_EXCEEDED"),
    ],
)
async def test_each_is_a_setting(strict: Person, passes: str, refused: str, code: str) -> None:
    await strict.ask(passes)
    assert await strict.code(refused) == code
