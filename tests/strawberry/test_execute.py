"""`schema().execute` and `schema().subscribe` answer as the gateway does."""

import asyncio
import itertools
from contextlib import aclosing
from typing import Any

import pytest

from gql.errors import ApiError
from resolvers.context import Context
from tests.support import Person
from tripgate.gateway.contexts import ContextOf, context_for
from tripgate.gateway.schema import schema
from tripgate.gateway.settings import Settings

_emails = itertools.count(1)

CREATE = "mutation ($input: CreateTripInput!) { made: createTrip(input: $input) { id title budget status } }"
ALIASED = """
query ($first: Int!) {
  mine: viewer { name: displayName __typename }
  trips(first: $first, orderBy: [{ title: ASC }], filter: { status: { in: [PLANNING, BOOKED] } }) {
    total: totalCount
    edges { at: cursor node { id state: status budget startDate
      food: items(filter: { kind: { eq: FOOD } }) { totalCount }
      days: items(first: 2) { nodes { kind title voteSummary { score mine } place { name } } } owner { displayName } } }
    pageInfo { hasNextPage endCursor }
    aggregate { count max { startDate } sum { budget } }
  }
  tripsGrouped(by: [STATUS]) { key { status } count }
  node(nodeId: "VHJpcDphZGEwMDAwMC0wMDAwLTQwMDAtODAwMi0wMDAwMDAwMDAwMDE") { nodeId ... on Trip { title isOver } }
  nodes(nodeIds: [
    "VHJpcDphZGEwMDAwMC0wMDAwLTQwMDAtODAwMi0wMDAwMDAwMDAwMDE", "VHJpcDphZGEwMDAwMC0wMDAwLTQwMDAtODAwMi0wMDAwMDAwMDA5OTk"
  ]) { __typename nodeId }
  searchPlaces(text: "temple") { nodes { name } }
  myInvitations { id }
}
"""


async def same(person: Person, context: Context, document: str, **variables: Any) -> dict[str, Any]:
    """What both answer."""
    _, body = await person.post(document, **variables)
    done = await schema().execute(document, variables, context)
    answer: dict[str, Any] = {"errors": [error.formatted for error in done.errors]} if done.errors else {}
    answer["data"] = done.data
    assert answer == body
    return body


async def test_a_list_of_one(as_ada: Context) -> None:
    done = await schema().execute("{trips(first:1){nodes{id}}}", context_value=as_ada)
    assert done.errors is None
    assert done.data is not None
    assert len(done.data["trips"]["nodes"]) == 1


async def test_every_kind_of_query_answers_as_in_the_gateway(ada: Person, as_ada: Context) -> None:

    body = await same(ada, as_ada, ALIASED, first=3)
    assert "errors" not in body
    assert body["data"]["mine"] == {"name": "Ada Lindqvist", "__typename": "Profile"}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ trips(first: -1) { totalCount } }", "BAD_USER_INPUT"),
        ("{ viewer { id } trips(first: -1) { totalCount } places(first: 1) { totalCount } }", "BAD_USER_INPUT"),
        ('{ node(nodeId: "nonsense") { nodeId } }', "BAD_USER_INPUT"),
        ('mutation { deleteTrip(id: "00000000-0000-4000-8000-000000000000") { id } }', "NOT_FOUND"),
        (
            'mutation { signIn(input: { email: "ada@tripgate.example", password: "no" }) { user { id } } }',
            "UNAUTHENTICATED",
        ),
    ],
)
async def test_failures_have_the_same_codes_and_places(ada: Person, as_ada: Context, document: str, code: str) -> None:
    body = await same(ada, as_ada, document)
    assert [error["extensions"]["code"] for error in body["errors"]] == [code]


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        ("{ trips(first: ) }", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ viewer { nope } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ('{ trip(id: "nope") { id } }', {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($first: Int!) { trips(first: $first) { totalCount } }", {}, "BAD_USER_INPUT"),
        ("query ($id: UUID!) { trip(id: $id) { id } }", {"id": "nope"}, "BAD_USER_INPUT"),
        ("query ($first: Int) { __schema(first: $first) { types { name } } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { tripChanges { id } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($id: UUID!) { tripChanges(tripId: $id) { id } }", {"id": "nope"}, "BAD_USER_INPUT"),
    ],
)
async def test_what_does_not_run_has_the_code_that_it_has_in_the_gateway(
    ada: Person, as_ada: Context, document: str, variables: dict[str, Any], code: str
) -> None:
    if document.startswith("subscription"):
        async with aclosing(await schema().subscribe(document, variables, as_ada)) as events:
            (done,) = [event async for event in events]
        headers = {"Authorization": f"Bearer {ada.token}", "Accept": "text/event-stream"}
        async with ada.http.post(ada.url, json={"query": document, "variables": variables}, headers=headers) as answer:
            assert f'"code":"{code}"' in await answer.text()
    else:
        done = await schema().execute(document, variables, as_ada)
        _, body = await ada.post(document, **variables)
        assert [error["extensions"]["code"] for error in body["errors"]] == [code]
    assert done.data is None
    assert [error.formatted["extensions"]["code"] for error in done.errors or ()] == [code]


async def test_whoever_is_not_signed_in_is_refused_the_same(anonymous: Person, as_nobody: Context) -> None:
    body = await same(anonymous, as_nobody, "{ viewer { id } trips { totalCount } }")
    assert [error["extensions"]["code"] for error in body["errors"]] == ["UNAUTHENTICATED"]


async def test_a_mutation_writes_and_ends_with_its_first_failure(newcomer: Person, context_of: ContextOf) -> None:
    context = await context_of(f"Bearer {newcomer.token}")
    given = {"title": "Lofoten", "budget": "12.50", "status": "BOOKED", "items": [{"title": "Ferry", "orderIndex": 0}]}
    done = await schema().execute(CREATE, {"input": given}, context)
    assert done.errors is None
    assert done.data is not None
    made = done.data["made"]
    assert made == {"id": made["id"], "title": "Lofoten", "budget": "12.50", "status": "BOOKED"}
    seen = await newcomer.ask("query ($id: UUID!) { trip(id: $id) { items { nodes { title } } } }", id=made["id"])
    assert seen["trip"]["items"]["nodes"] == [{"title": "Ferry"}]
    done = await schema().execute(
        """mutation ($id: UUID!) {
             updateTrip(id: $id, patch: { endDate: null, title: "" }) { id }
             deleteTrip(id: $id) { id } }""",
        {"id": made["id"]},
        context,
    )
    assert [error.extensions["code"] for error in done.errors or ()] == ["BAD_USER_INPUT", "NOT_RUN"]
    assert done.data == {"updateTrip": None, "deleteTrip": None}
    assert (await newcomer.ask("{ trips { totalCount } }")) == {"trips": {"totalCount": 1}}


async def test_one_context_serves_different_operations(as_ada: Context) -> None:
    one, two = [
        await schema().execute(f"{{ trips(first: {first}) {{ nodes {{ id }} }} }}", context_value=as_ada)
        for first in (1, 2)
    ]
    assert one.data is not None
    assert two.data is not None
    assert [len(each["trips"]["nodes"]) for each in (one.data, two.data)] == [1, 2]


async def test_a_subscription_tells_of_changes(newcomer: Person, context_of: ContextOf) -> None:
    context = await context_of(f"Bearer {newcomer.token}")
    trip = await newcomer.trip(title="Before")
    document = (
        "subscription ($id: UUID!) { told: tripChanges(tripId: $id) { what: operation id trip { name: title } } }"
    )
    events = await schema().subscribe(document, {"id": trip}, context)
    async with aclosing(events):
        first = asyncio.ensure_future(anext(events))
        while not context.live:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        await newcomer.ask('mutation ($id: UUID!) { updateTrip(id: $id, patch: { title: "After" }) { id } }', id=trip)
        event = await asyncio.wait_for(first, 60)
    assert event.errors is None
    assert event.data == {"told": {"what": "UPDATE", "id": trip, "trip": {"name": "After"}}}


async def test_a_subscription_to_what_may_not_be_seen_fails(newcomer: Person, context_of: ContextOf) -> None:
    context = await context_of(f"Bearer {newcomer.token}")
    document = 'subscription { tripChanges(tripId: "ada00000-0000-4000-8002-000000000001") { id } }'
    async with aclosing(await schema().subscribe(document, None, context)) as events:
        (event,) = [event async for event in events]
    (error,) = event.errors or ()
    assert error.extensions is not None
    assert error.extensions["code"] == "FORBIDDEN"


async def test_stored_json_is_answered_to_the_last_digit(newcomer: Person, context_of: ContextOf) -> None:
    context = await context_of(f"Bearer {newcomer.token}")
    trip = await newcomer.trip(title="JSON")
    await newcomer.ask(
        'mutation ($id: UUID!) { createTripItem(input: { tripId: $id, title: "x", orderIndex: 0, '
        'details: { a: [1.10, 123456789012345678901234567890, null, "é"] } }) { id } }',
        id=trip,
    )
    done = await schema().execute(
        "query ($id: UUID!) { tripItems(filter: { tripId: { eq: $id } }) { nodes { details } } }", {"id": trip}, context
    )
    assert done.errors is None
    assert done.data is not None
    (row,) = done.data["tripItems"]["nodes"]
    assert repr(row["details"]) == "{'a': [1.1, 123456789012345678901234567890, None, 'é']}"


async def test_a_long_answer_is_there_as_objects(newcomer: Person, context_of: ContextOf) -> None:
    trip = await newcomer.trip(title="Long")
    items = [{"tripId": trip, "title": str(number), "notes": "n" * 2000, "details": {"n": 1}} for number in range(100)]
    await newcomer.ask("mutation ($i: [CreateTripItemInput!]!) { createTripItems(inputs: $i) { id } }", i=items)
    context = await context_of(f"Bearer {newcomer.token}")
    below = "edges { node { title items(first: 100) { nodes { title notes details } } } }"
    body = await same(newcomer, context, f"{{ trips(first: 20) {{ {below} }} }}")
    (edge,) = body["data"]["trips"]["edges"]
    assert len(edge["node"]["items"]["nodes"]) == 100


async def test_a_mistake_of_ours_is_masked(as_ada: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("a secret of the program")

    monkeypatch.setattr(type(as_ada.backend), "fetch", fails)
    done = await schema().execute("{ trips { totalCount } }", context_value=as_ada)
    (error,) = done.errors or ()
    assert error.extensions is not None
    assert error.extensions["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in str(error)


async def test_without_a_context_nothing_runs() -> None:
    done = await schema().execute("{ trips { totalCount } }", context_value={"request": None})
    (error,) = done.errors or ()
    assert error.extensions is not None
    assert error.extensions["code"] == "INTERNAL_SERVER_ERROR"


async def test_a_context_for_one_token(settings: Settings, ada: Person) -> None:
    async with context_for(settings, ada.token) as context:
        done = await schema().execute("{ viewer { displayName } }", context_value=context)
    assert done.data == {"viewer": {"displayName": "Ada Lindqvist"}}
    with pytest.raises(ApiError, match="not accepted"):
        async with context_for(settings, "nonsense"):
            pass
