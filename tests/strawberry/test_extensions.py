"""Field extensions and permission classes, in the gateway and wherever else the schema runs."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import cache
from typing import Any, ClassVar

import pytest
import strawberry
from strawberry import Schema
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission

from resolvers.anonymous import ALLOWS_ANONYMOUS
from resolvers.context import Context, Info
from resolvers.declared import changes, create, many, one
from tests.strawberry.own_field import ProgressQuery
from tests.support import Person, serving
from tripgate.gateway.contexts import ContextOf
from tripgate.gateway.schema import build_schema
from tripgate.local.stack import StackInfo

FORBIDDEN = {"code": "FORBIDDEN"}
ADAS_TRIP = "ada00000-0000-4000-8002-000000000001"


class IsBen(BasePermission):
    """Whether Ben asks."""

    message = "Only Ben may do this."

    async def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        await asyncio.sleep(0)
        return bool(info.context.caller.email == "ben@tripgate.example")


class Nobody(BasePermission):
    """Never; it says nothing and has a code of its own."""

    error_extensions: ClassVar = {"code": "CLOSED"}

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        return False


class AtMostOne(FieldExtension):
    """Lets nobody read more than one row."""

    async def resolve_async(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        return await next_(source, info, **{**kwargs, "first": 1})


@strawberry.type
class GuardedQuery:
    """Declared fields and one with a body, each with something before it."""

    bens_trips = many("Trip").configured(permission_classes=[IsBen])
    no_trip = one("Trip").configured(permission_classes=[Nobody])
    first_trip = many("Trip").configured(extensions=[AtMostOne()])

    @strawberry.field(description="Says so.", permission_classes=[IsBen])
    async def is_ben(self, info: Info) -> bool | None:
        return True

    @strawberry.field(description="Does not look at who asks.")
    async def careless(self, info: Info) -> bool | None:
        return True

    @strawberry.field(description="Is the same for all.", metadata=ALLOWS_ANONYMOUS)
    async def public(self, info: Info) -> bool | None:
        return True


@strawberry.type
class GuardedMutation:
    """A guarded write."""

    create_bens_trip = create("Trip").configured(permission_classes=[IsBen])


@strawberry.type
class GuardedSubscription:
    """Guarded live changes, and a stream with a body."""

    bens_trip_changes = changes("Trip", description="For Ben.").configured(permission_classes=[IsBen])

    @strawberry.subscription(description="Counts.")
    async def counting(self, info: Info, to: int) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number


DOMAINS: dict[str, Any] = {
    "queries": [ProgressQuery, GuardedQuery],
    "mutations": [GuardedMutation],
    "subscriptions": [GuardedSubscription],
}


@cache
def guarded_schema() -> Schema:
    """The program's schema, with these domains."""
    return build_schema(**DOMAINS)


@pytest.fixture(scope="module")
async def guarded(seeded: StackInfo) -> AsyncIterator[str]:
    """A gateway whose fields have permission classes and extensions."""
    async with serving(seeded, schema=guarded_schema(), cache=True) as url:
        yield url


def at(person: Person, url: str) -> Person:
    """The same person at another gateway."""
    return Person(person.http, url, person.token, id=person.id, email=person.email)


async def anywhere(person: Person, context_of: ContextOf, url: str, document: str, **variables: Any) -> dict[str, Any]:
    """What the gateway and `execute` both answer."""
    _, body = await at(person, url).post(document, **variables)
    done = await guarded_schema().execute(document, variables, await context_of(f"Bearer {person.token}"))
    answer: dict[str, Any] = {"errors": [error.formatted for error in done.errors]} if done.errors else {}
    answer["data"] = done.data
    assert answer == body
    return body


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ("{ bensTrips { nodes { title } } }", "bensTrips"),
        ("{ ours: bensTrips(first: 1) { totalCount } }", "ours"),
        ("{ isBen }", "isBen"),
        ('mutation { createBensTrip(input: { title: "No" }) { id } }', "createBensTrip"),
    ],
)
async def test_whoever_is_not_permitted_is_refused(
    guarded: str, ada: Person, context_of: ContextOf, document: str, key: str
) -> None:
    for _ in range(2):  # nothing is kept that would let the second one in
        body = await anywhere(ada, context_of, guarded, document)
        assert body["data"] == {key: None}
        (error,) = body["errors"]
        assert error["message"] == "Only Ben may do this."
        assert error["path"] == [key]
        assert error["extensions"] == {"code": "FORBIDDEN"}


async def test_whoever_is_permitted_is_answered_as_without(guarded: str, ben: Person, context_of: ContextOf) -> None:
    document = """
    query ($first: Int!) {
      bensTrips(first: $first, filter: { status: { neq: CANCELLED } }, orderBy: [{ title: DESC }]) {
        totalCount pageInfo { endCursor } nodes { name: title status budget isOver owner { displayName }
        items(first: 2, filter: { kind: { in: [FOOD, ACTIVITY] } }) { nodes { details voteSummary { mine } } } } }
      isBen }"""
    body = await anywhere(ben, context_of, guarded, document, first=3)
    assert "errors" not in body
    data = await ben.ask(document.replace("bensTrips", "bensTrips: trips").replace("isBen }", "}"), first=3)
    assert body["data"] == {**data, "isBen": True}


async def test_the_rest_of_an_operation_is_answered(guarded: str, ada: Person, context_of: ContextOf) -> None:
    document = f'{{ viewer {{ displayName }} noTrip(id: "{ADAS_TRIP}") {{ id }} trips(first: 1) {{ nodes {{ id }} }} }}'
    body = await anywhere(ada, context_of, guarded, document)
    (error,) = body["errors"]
    assert (error["message"], error["extensions"]) == ("You may not do this.", {"code": "CLOSED"})
    assert body["data"]["noTrip"] is None
    assert body["data"]["viewer"] == {"displayName": "Ada Lindqvist"}
    assert len(body["data"]["trips"]["nodes"]) == 1


async def test_a_field_extension_may_change_arguments(guarded: str, ada: Person, context_of: ContextOf) -> None:
    document = "query ($f: TripFilter) { firstTrip(first: 10, filter: $f) { totalCount nodes { status } } }"
    body = await anywhere(ada, context_of, guarded, document, f={"status": {"in": ["PLANNING", "BOOKED"]}})
    assert len(body["data"]["firstTrip"]["nodes"]) == 1
    assert body["data"]["firstTrip"]["totalCount"] > 1


async def test_the_row_is_not_written_without_permission(guarded: str, newcomer: Person) -> None:
    refused = await at(newcomer, guarded).refused('mutation { createBensTrip(input: { title: "No" }) { id } }')
    assert refused["code"] == "FORBIDDEN"
    assert await newcomer.ask("{ trips { totalCount } }") == {"trips": {"totalCount": 0}}


async def test_a_body_asks_as_the_caller(guarded: str, ada: Person, ben: Person, context_of: ContextOf) -> None:
    document = "query ($id: UUID!) { tripProgress(tripId: $id) { items withoutDay } }"
    seen = await anywhere(ada, context_of, guarded, document, id=ADAS_TRIP)
    items = await ada.ask(
        "query ($id: UUID!) { all: tripItems(filter: { tripId: { eq: $id } }) { totalCount } "
        "open: tripItems(filter: { tripId: { eq: $id }, dayNumber: { isNull: true } }) { totalCount } }",
        id=ADAS_TRIP,
    )
    assert seen["data"]["tripProgress"] == {
        "items": items["all"]["totalCount"],
        "withoutDay": items["open"]["totalCount"],
    }
    assert seen["data"]["tripProgress"]["items"] > 0
    hidden = await anywhere(ben, context_of, guarded, document, id=ADAS_TRIP)
    assert hidden["data"]["tripProgress"] == {"items": 0, "withoutDay": 0}


@pytest.mark.parametrize("field", ["careless", "isBen", "bensTrips { totalCount }"])
async def test_whoever_is_not_signed_in_is_refused_before_anything_runs(
    guarded: str, anonymous: Person, as_nobody: Context, field: str
) -> None:
    document = f"{{ viewer {{ id }} public failing: {field} }}"
    _, body = await at(anonymous, guarded).post(document)
    assert body["data"] == {"viewer": None, "public": True, "failing": None}
    assert [(error["path"], error["extensions"]["code"]) for error in body["errors"]] == [
        (["failing"], "UNAUTHENTICATED")
    ]
    done = await guarded_schema().execute(document, context_value=as_nobody)
    assert (done.data, [error.formatted for error in done.errors or ()]) == (body["data"], body["errors"])


async def test_nobody_hears_of_a_subscription_with_a_body(guarded: str, anonymous: Person, as_nobody: Context) -> None:
    document = "subscription { counting(to: 3) }"
    ((_, told),) = await events(anonymous, guarded, document)
    assert [error["extensions"]["code"] for error in told["errors"]] == ["UNAUTHENTICATED"]
    async with aclosing(await guarded_schema().subscribe(document, None, as_nobody)) as stream:
        (event,) = [each async for each in stream]
    assert [error.extensions for error in event.errors or ()] == [{"code": "UNAUTHENTICATED"}]


async def events(person: Person, url: str, document: str, **variables: Any) -> list[tuple[str, Any]]:
    """All that a subscription tells over SSE."""
    authorization = {"Authorization": f"Bearer {person.token}"} if person.token else {}
    headers = {**authorization, "Accept": "text/event-stream"}
    found, name = [], ""
    async with person.http.post(url, json={"query": document, "variables": variables}, headers=headers) as response:
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name == "next":
                found.append((name, json.loads(line.removeprefix("data: "))))
    return found


async def test_a_guarded_subscription_tells_nothing(guarded: str, ada: Person, context_of: ContextOf) -> None:
    document = "subscription ($id: UUID!) { bensTripChanges(tripId: $id) { operation } }"
    ((_, told),) = await events(ada, guarded, document, id=ADAS_TRIP)
    (error,) = told["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("Only Ben may do this.", "FORBIDDEN")
    context = await context_of(f"Bearer {ada.token}")
    async with aclosing(await guarded_schema().subscribe(document, {"id": ADAS_TRIP}, context)) as stream:
        (event,) = [each async for each in stream]
    assert [each.formatted["extensions"] for each in event.errors or ()] == [{"code": "FORBIDDEN"}]
    assert not context.live


async def test_a_websocket_is_no_way_around(guarded: str, ada: Person) -> None:
    documents = {
        "query": "{ bensTrips { totalCount } }",
        "subscription": f'subscription {{ bensTripChanges(tripId: "{ADAS_TRIP}") {{ id }} }}',
    }
    async with ada.http.ws_connect(guarded, protocols=["graphql-transport-ws"]) as socket:
        await socket.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {ada.token}"}})
        assert (await socket.receive_json(timeout=20))["type"] == "connection_ack"
        for kind, document in documents.items():
            await socket.send_json({"id": kind, "type": "subscribe", "payload": {"query": document}})
            told = await socket.receive_json(timeout=20)
            errors = told["payload"] if kind == "subscription" else told["payload"]["errors"]
            assert [error["extensions"]["code"] for error in errors] == ["FORBIDDEN"]
            if kind == "query":
                assert (await socket.receive_json(timeout=20))["type"] == "complete"


async def test_a_subscription_with_a_body_is_sent_over_sse(guarded: str, ada: Person) -> None:
    told = await events(ada, guarded, "subscription { n: counting(to: 3) }")
    assert told == [("next", {"data": {"n": number}}) for number in range(3)]
