"""Schema extensions, field extensions and permission classes, in the gateway and wherever else the schema runs."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, ClassVar

import aiohttp
import pytest
import strawberry
from strawberry.extensions import FieldExtension, SchemaExtension
from strawberry.permission import BasePermission

from gql.declare import Node
from gql.types.votes import VoteValue
from resolvers.anonymous import ALLOWS_ANONYMOUS
from resolvers.context import Context, Info
from resolvers.declared import changes, create, many, one
from tests.live.clients import live
from tests.strawberry.own_field import ProgressQuery, TripProgress
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


class Noting(SchemaExtension):
    """Notes what runs."""

    noted: ClassVar[list[str]] = []

    async def on_operation(self) -> AsyncIterator[None]:
        self.noted.append("begin")
        yield
        self.noted.append("end")

    async def on_execute(self) -> AsyncIterator[None]:
        self.noted.append("execute")
        yield

    async def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        self.noted.append(f"{info.parent_type}.{info.field_name}")
        found = _next(root, info, *args, **kwargs)
        return await found if asyncio.iscoroutine(found) else found

    def get_results(self) -> dict[str, Any]:
        return {"fields": sum("." in each for each in self.noted)}


class Failing(SchemaExtension):
    """Fails in its hook."""

    def on_execute(self) -> Any:
        raise RuntimeError("a secret of the extension")
        yield


@strawberry.type
class BrokenQuery:
    """Fields whose bodies return what is not of their types."""

    @strawberry.field(description="No number.")
    async def no_number(self) -> int | None:
        return "a secret"  # type: ignore[return-value]

    @strawberry.field(description="No list.")
    async def no_list(self) -> list[int] | None:
        return 7  # type: ignore[return-value]

    @strawberry.field(description="No number in a list.")
    async def no_numbers(self) -> list[int] | None:
        return [1, "a secret"]  # type: ignore[list-item]

    @strawberry.field(description="No member.")
    async def no_member(self) -> VoteValue | None:
        return "a secret"  # type: ignore[return-value]

    @strawberry.field(description="No progress.")
    async def no_progress(self) -> TripProgress | None:
        return "a secret"  # type: ignore[return-value]

    @strawberry.field(description="No node.")
    async def no_node(self) -> Node | None:
        return "a secret"  # type: ignore[return-value]


DOMAINS: dict[str, Any] = {
    "queries": [ProgressQuery, GuardedQuery],
    "mutations": [GuardedMutation],
    "subscriptions": [GuardedSubscription],
}
GUARDED = build_schema(**DOMAINS)
NOTED = build_schema(**DOMAINS, extensions=[Noting])
FAILING = build_schema(extensions=[Failing])
BROKEN = build_schema(queries=[BrokenQuery])


@pytest.fixture(scope="module")
async def guarded(seeded: StackInfo) -> AsyncIterator[str]:
    """A gateway whose fields have permission classes and extensions."""
    async with serving(seeded, schema=GUARDED, cache=True) as url:
        yield url


@pytest.fixture(scope="module")
async def noted(seeded: StackInfo) -> AsyncIterator[str]:
    """A gateway whose schema has an extension."""
    async with serving(seeded, schema=NOTED, cache=True) as url:
        yield url


def at(person: Person, url: str) -> Person:
    """The same person at another gateway."""
    return Person(person.http, url, person.token, id=person.id, email=person.email)


async def anywhere(person: Person, context_of: ContextOf, url: str, document: str, **variables: Any) -> dict[str, Any]:
    """What the gateway and `execute` both answer."""
    _, body = await at(person, url).post(document, **variables)
    done = await GUARDED.execute(document, variables, await context_of(f"Bearer {person.token}"))
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
    done = await GUARDED.execute(document, context_value=as_nobody)
    assert (done.data, [error.formatted for error in done.errors or ()]) == (body["data"], body["errors"])


async def test_nobody_hears_of_a_subscription_with_a_body(guarded: str, anonymous: Person, as_nobody: Context) -> None:
    document = "subscription { counting(to: 3) }"
    ((_, told),) = await events(anonymous, guarded, document)
    assert [error["extensions"]["code"] for error in told["errors"]] == ["UNAUTHENTICATED"]
    async with aclosing(await GUARDED.subscribe(document, None, as_nobody)) as stream:
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
    async with aclosing(await GUARDED.subscribe(document, {"id": ADAS_TRIP}, context)) as stream:
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


async def test_an_extension_of_the_schema_sees_what_the_gateway_runs(noted: str, ada: Person) -> None:
    document = "{ trips(first: 1) { nodes { id title } } }"
    for _ in range(2):  # cached answers would pass it by
        Noting.noted.clear()
        _, body = await at(ada, noted).post(document)
        assert Noting.noted == [
            *("begin", "execute", "Query.trips", "TripConnection.nodes", "Trip.id", "Trip.title", "end")
        ]
        assert body == {"data": await ada.ask(document), "extensions": {"fields": 4}}


async def test_an_extension_of_the_schema_sees_writes(noted: str, newcomer: Person) -> None:
    Noting.noted.clear()
    _, body = await at(newcomer, noted).post('mutation { createTrip(input: { title: "Noted" }) { title } }')
    assert body == {"data": {"createTrip": {"title": "Noted"}}, "extensions": {"fields": 2}}
    assert await newcomer.ask("{ trips { nodes { title } } }") == {"trips": {"nodes": [{"title": "Noted"}]}}


async def test_an_extension_of_the_schema_sees_what_is_for_nobody_though_its_variables_are_not_read(
    noted: str, anonymous: Person
) -> None:
    document = "query ($f: TripFilter!) { viewer { id } trips(filter: $f) { totalCount } }"
    for values in (1, 100):
        Noting.noted.clear()
        _, body = await at(anonymous, noted).post(document, f={"title": {"in": ["x"] * values}})
        assert body["data"] == {"viewer": None, "trips": None}
        assert [(each["path"], each["extensions"]["code"]) for each in body["errors"]] == [
            (["trips"], "UNAUTHENTICATED")
        ]
        assert [each for each in Noting.noted if "." not in each] == ["begin", "execute", "end"], values
    assert body["extensions"] == {"fields": 0}


async def test_stored_json_keeps_its_digits_beneath_an_extension(noted: str, newcomer: Person) -> None:
    trip = await newcomer.trip(title="Digits")
    number = "3.14159265358979323846264338327950288"
    async with aiohttp.ClientSession() as http:
        answer = await http.post(
            noted,
            headers={"Authorization": f"Bearer {newcomer.token}"},
            json={
                "query": 'mutation ($id: UUID!) { createTripItem(input: { tripId: $id, title: "x", orderIndex: 0, '
                f"details: {{ pi: {number} }} }}) {{ details }} }}",
                "variables": {"id": trip},
            },
        )
        assert f'"details":{{"pi":{number}}}' in await answer.text()


async def test_what_is_not_of_its_type_is_a_mistake_of_ours_and_masked(
    seeded: StackInfo, ada: Person, as_ada: Context
) -> None:
    fields = ["noNumber", "noList", "noNumbers", "noMember", "noProgress { items }", "noNode { nodeId }"]
    async with serving(seeded, schema=BROKEN) as url:
        for field in fields:
            document = f"{{ {field} viewer {{ id }} }}"
            done = await BROKEN.execute(document, context_value=as_ada)
            told = {"data": done.data, "errors": [error.formatted for error in done.errors or ()]}
            for answer in (told, (await at(ada, url).post(document))[1]):
                assert answer["data"] == {field.split()[0]: None, "viewer": {"id": ada.id}}
                (error,) = answer["errors"]
                assert error["path"][0] == field.split()[0]
                assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR", field
                assert "secret" not in error["message"]


async def test_a_subscription_that_ends_says_where_under_extensions_too(
    noted: str, ada: Person, as_ada: Context
) -> None:
    document = 'subscription { told: tripChanges(tripId: "00000000-0000-4000-8000-000000000000") { id } }'
    message = {"message": "You may not follow this trip, or there is no such trip."}
    expected = {**message, "locations": [{"line": 1, "column": 16}], "path": ["told"], "extensions": FORBIDDEN}
    for url in (ada.url, noted):
        async with live(at(ada, url)) as connection:
            id_ = await connection.subscribe(document)
            assert await connection.message() == {"id": id_, "type": "error", "payload": [expected]}
    async with aclosing(await NOTED.subscribe(document, None, as_ada)) as events:
        (event,) = [event async for event in events]
    assert [error.formatted for error in event.errors or ()] == [expected]


async def test_what_fails_in_an_extension_is_masked(seeded: StackInfo, ada: Person, as_ada: Context) -> None:
    async with serving(seeded, schema=FAILING) as url:
        refused = await at(ada, url).refused("{ viewer { id } }")
    assert refused["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in refused["message"]
    done = await FAILING.execute("{ viewer { id } }", context_value=as_ada)
    (error,) = done.errors or ()
    assert error.extensions is not None
    assert error.extensions["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in error.message
