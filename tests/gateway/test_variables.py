"""Variables that are absent or null: what is asked then is refused, or means what it says."""

from typing import Any

import orjson
import pytest

from tests.live.clients import live
from tests.support import Person, Wire

TRIP = "ada00000-0000-4000-8002-000000000001"

NULL_CONDITIONS = [
    "query ($b: Boolean = true) { viewer @skip(if: $b) { id } }",
    "query ($b: Boolean = true) { trips { nodes { id title @include(if: $b) } } }",
    "query ($b: Boolean = true) { viewer { ...F } } fragment F on Profile { id @skip(if: $b) }",
    'query ($b: Boolean = true) { node(nodeId: "WyJUcmlwIiwiYSJd") { ... on Trip @skip(if: $b) { id } } }',
    "query ($b: Boolean = true) { __schema @skip(if: $b) { description } }",
    "mutation ($b: Boolean = true) { updateMyProfile(patch: {}) { id @skip(if: $b) } }",
    'mutation ($b: Boolean = true) { requestPasswordReset(email: "a@b.c") @include(if: $b) }',
]
FOLLOW = f"""subscription ($b: Boolean = true) {{
  tripItemChanges(tripId: "{TRIP}") {{ operation @skip(if: $b) tripItem {{ id }} }} }}"""
NULL_CONDITION = {
    "message": "The variable $b is null, but @skip and @include take true or false.",
    "code": "BAD_USER_INPUT",
    "field": "b",
}

ABSENT_IN_JSON = [
    "query ($x: String) { tripItems(filter: { details: { contains: { seat: $x } } }) { totalCount } }",
    "query ($x: String) { tripItems(filter: { details: { containedBy: { seats: [$x] } } }) { totalCount } }",
    "query ($x: JSON) { trips { nodes { items(filter: { details: { contains: [{ a: $x }] } }) { totalCount } } } }",
    "query ($x: JSON) { tripItemsGrouped(by: [KIND], filter: { details: { contains: { a: $x } } }) { count } }",
    f'mutation ($x: Int) {{ createTripItem(input: {{ tripId: "{TRIP}", title: "", details: {{ a: $x }} }}) {{ id }} }}',
    f'mutation ($x: Int) {{ updateTripItem(id: "{TRIP}", patch: {{ details: [$x] }}) {{ id }} }}',
    "mutation ($x: Int) { deleteTripItems(filter: { details: { contains: { a: $x } } }, atMost: 50) { id } }",
]


async def streamed(person: Person, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The first answer of an event stream."""
    headers = {"Authorization": f"Bearer {person.token}", "Accept": "text/event-stream"}
    body = {"query": query, "variables": variables}
    async with person.http.post(person.url, json=body, headers=headers) as response:
        text = await response.text()
    found: dict[str, Any] = orjson.loads(text.split("data: ", 1)[1].split("\n", 1)[0])
    return found


async def by_socket(person: Person, query: str, variables: dict[str, Any]) -> Any:
    """The first message about an operation on a WebSocket: its payload."""
    async with live(person) as client:
        await client.subscribe(query, **variables)
        return (await client.message())["payload"]


@pytest.mark.parametrize("query", NULL_CONDITIONS)
async def test_null_is_no_condition(ada: Person, wire: Wire, query: str) -> None:
    wire.clear()
    assert await ada.refused(query, b=None) == NULL_CONDITION
    assert wire.requests == []


@pytest.mark.parametrize("query", [NULL_CONDITIONS[1], FOLLOW])
async def test_nor_is_it_over_other_transports(ada: Person, wire: Wire, query: str) -> None:
    wire.clear()
    (error,) = (await streamed(ada, query, {"b": None}))["errors"]
    assert {"message": error["message"], **error["extensions"]} == NULL_CONDITION
    (error,) = await by_socket(ada, query, {"b": None})
    assert {"message": error["message"], **error["extensions"]} == NULL_CONDITION
    assert wire.requests == []


async def test_a_condition_without_a_value_takes_its_default(ada: Person) -> None:
    assert await ada.ask(NULL_CONDITIONS[0]) == {}
    assert await ada.ask(NULL_CONDITIONS[2], b=False) == {"viewer": {"id": ada.id}}


async def test_only_conditions_of_the_operation_that_runs_count(ada: Person) -> None:
    both = """
      query One($b: String) { trips(filter: { search: $b }) { nodes { title } } viewer { ...On } }
      query Two($b: Boolean!) { viewer { ...F } }
      fragment F on Profile { id @skip(if: $b) }
      fragment On on Profile { id }
    """
    headers = {"Authorization": f"Bearer {ada.token}"}
    body = {"query": both, "operationName": "One", "variables": {"b": None}}
    async with ada.http.post(ada.url, json=body, headers=headers) as response:
        (error,) = (await response.json())["errors"]
    # The filter's own refusal of null, and not the fragment's of a condition.
    assert error["message"] == "filter.search is null. Leave it out, or test for null with isNull."


@pytest.mark.parametrize("query", ABSENT_IN_JSON)
async def test_json_with_a_variable_that_is_not_given_is_refused(ada: Person, wire: Wire, query: str) -> None:
    wire.clear()
    error = await ada.refused(query)
    assert error["code"] == "BAD_USER_INPUT"
    assert "the variable $x, which stands in a JSON value, was not given" in error["message"]
    assert wire.requests == []


async def test_so_it_is_over_other_transports(ada: Person, wire: Wire) -> None:
    wire.clear()
    for errors in (
        (await streamed(ada, ABSENT_IN_JSON[0], {}))["errors"],
        (await by_socket(ada, ABSENT_IN_JSON[0], {}))["errors"],
    ):
        assert [error["extensions"]["code"] for error in errors] == ["BAD_USER_INPUT"]
    assert wire.requests == []


async def test_json_with_variables_of_any_type_is_stored_as_json(newcomer: Person) -> None:
    trip = await newcomer.trip()
    create = """
      mutation (
        $trip: UUID!, $text: String, $number: Int = 7, $amount: Decimal, $day: Date, $at: DateTime, $id: UUID
        $kind: TripItemKind, $more: JSON, $patch: TripItemPatch, $null: String
      ) {
        createTripItem(input: { tripId: $trip, title: "t", details: {
          text: $text, number: $number, amount: $amount, day: $day, at: $at, ids: [$id, $id], kind: $kind, more: $more
          patch: $patch, null: $null
        } }) { details }
      }"""
    given = {
        "text": "a",
        "amount": "12.50",
        "day": "2026-05-01",
        "at": "2026-05-01T09:30:00+00:00",
        "id": trip,
        "kind": "FOOD",
        "more": {"list": [1, 2.5, None, True]},
        "patch": {"kind": "FOOD", "cost": "1.00"},
        "null": None,
    }
    kept = {name: value for name, value in given.items() if name != "id"}
    data = await newcomer.ask(create, trip=trip, **given)
    assert data["createTripItem"]["details"] == {**kept, "number": 7, "ids": [trip, trip]}


MISFITS = [
    ("mutation ($it: CreateTripItemInput!) { createTripItem(input: $it) { id } }", "cost", {"it": {"cost": "much"}}),
    ("mutation ($it: [CreateTripItemInput!]!) { createTripItems(inputs: $it) { id } }", "cost", {"it": [{"cost": []}]}),
    (
        "mutation ($it: CreateTripInput!) { createTrip(input: $it) { id } }",
        "items.cost",
        {"it": {"items": [{"cost": {}}]}},
    ),
    (
        f'mutation ($c: Decimal) {{ createTripItem(input: {{ title: "", tripId: "{TRIP}", cost: $c }}) {{ id }} }}',
        "cost",
        {"c": "much"},
    ),
    (
        "mutation ($id: UUID!, $p: TripPatch!) { updateTrip(id: $id, patch: $p) { id } }",
        "startDate",
        {"id": TRIP, "p": {"startDate": 1}},
    ),
    ("mutation ($id: UUID!) { updateTrip(id: $id, patch: {}) { id } }", "id", {"id": "no"}),
    (f'mutation ($v: VoteValue!) {{ castVote(tripItemId: "{TRIP}", value: $v) {{ id }} }}', "value", {"v": "BEST"}),
    ("query ($n: Int) { ...F } fragment F on Query { trips(first: $n) { totalCount } }", "first", {"n": "all"}),
    (
        "query ($t: String) { trips { nodes { items(filter: { or: [{ title: { eq: $t } }] }) { totalCount } } } }",
        "filter.or.title.eq",
        {"t": 1},
    ),
    ("query ($f: TripFilter) { trips(filter: $f) { totalCount } }", "filter.title.eq", {"f": {"title": {"eq": 1}}}),
    ("query ($b: Boolean!) { viewer @skip(if: $b) { id } }", "b", {"b": "yes"}),
]


@pytest.mark.parametrize(("query", "field", "variables"), MISFITS)
async def test_what_does_not_fit_its_type_names_the_field_that_a_form_would_mark(
    ada: Person, query: str, field: str, variables: dict[str, Any]
) -> None:
    _, answer = await ada.post(query, **variables)
    assert {(error["extensions"]["code"], error["extensions"].get("field")) for error in answer["errors"]} >= {
        ("BAD_USER_INPUT", field)
    }
    assert (await by_socket(ada, query, variables)) == answer["errors"]


async def test_a_whole_row_that_does_not_fit_names_no_field(ada: Person) -> None:
    error = await ada.refused("mutation ($it: CreateTripInput!) { createTrip(input: $it) { id } }", it="Rome")
    assert (error["code"], "field" in error) == ("BAD_USER_INPUT", False)


NEW_ITEM = "mutation ($it: CreateTripItemInput!) { createTripItem(input: $it) { id } }"
ITEM = {"tripId": TRIP, "title": "x"}
NEW_ITEMS = "mutation ($it: [CreateTripItemInput!]!) { createTripItems(inputs: $it) { id } }"


@pytest.mark.parametrize(
    ("query", "variables", "message"),
    [
        (NEW_ITEM, {"it": {**ITEM, "cost": "abc"}}, "input.cost: 'abc' is not a finite decimal number."),
        (
            NEW_ITEM,
            {"it": {**ITEM, "cost": "'; found: x"}},
            'input.cost: "\'; found: x" is not a finite decimal number.',
        ),
        (NEW_ITEMS, {"it": [ITEM, {**ITEM, "cost": "abc"}]}, "inputs[1].cost: 'abc' is not a finite decimal number."),
        (NEW_ITEM, {"it": {**ITEM, "tripId": "no"}}, "input.tripId: 'no' is not a UUID."),
        (NEW_ITEM, {"it": {**ITEM, "title": None}}, "input.title cannot be null."),
        ("query ($id: UUID!) { trip(id: $id) { id } }", {"id": None}, "id cannot be null."),
        ("query ($id: UUID!) { trip(id: $id) { id } }", {"id": "no"}, "id: 'no' is not a UUID."),
        (
            "query ($d: Date) { trips(filter: { startDate: { eq: $d } }) { totalCount } }",
            {"d": "2026-13-01"},
            "filter.startDate.eq: '2026-13-01' is not a date after RFC 3339, as 2026-05-01 is.",
        ),
        # A program's mistakes keep graphql-core's words.
        (
            "query ($n: Int) { trips(first: $n) { totalCount } }",
            {"n": "all"},
            "Variable '$n' has invalid value: Int cannot represent non-integer value: 'all'",
        ),
    ],
)
async def test_what_a_form_holds_is_refused_in_words_for_people(
    ada: Person, query: str, variables: dict[str, Any], message: str
) -> None:
    error = await ada.refused(query, **variables)
    assert (error["code"], error["message"]) == ("BAD_USER_INPUT", message)
