"""Schema extensions, in the gateway and wherever else the schema runs; and what fails in one, or is not of its type."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import cache
from typing import Any, ClassVar

import aiohttp
import pytest
import strawberry
from strawberry import Schema
from strawberry.extensions import SchemaExtension

from gql.declare import Node
from gql.types.votes import VoteValue
from resolvers.context import Context
from tests.live.clients import live
from tests.strawberry.own_field import TripProgress
from tests.strawberry.test_extensions import DOMAINS, FORBIDDEN, at
from tests.support import Person, serving
from tripgate.gateway.schema import build_schema
from tripgate.local.stack import StackInfo


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


@cache
def noted_schema() -> Schema:
    """The program's schema, each operation noted."""
    return build_schema(**DOMAINS, extensions=[Noting])


@cache
def failing_schema() -> Schema:
    """The program's schema, with an extension that fails."""
    return build_schema(extensions=[Failing])


@cache
def broken_schema() -> Schema:
    """The program's schema, with fields that fail."""
    return build_schema(queries=[BrokenQuery])


@pytest.fixture(scope="module")
async def noted(seeded: StackInfo) -> AsyncIterator[str]:
    """A gateway whose schema has an extension."""
    async with serving(seeded, schema=noted_schema(), cache=True) as url:
        yield url


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
    async with serving(seeded, schema=broken_schema()) as url:
        for field in fields:
            document = f"{{ {field} viewer {{ id }} }}"
            done = await broken_schema().execute(document, context_value=as_ada)
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
    async with aclosing(await noted_schema().subscribe(document, None, as_ada)) as events:
        (event,) = [event async for event in events]
    assert [error.formatted for error in event.errors or ()] == [expected]


async def test_what_fails_in_an_extension_is_masked(seeded: StackInfo, ada: Person, as_ada: Context) -> None:
    async with serving(seeded, schema=failing_schema()) as url:
        refused = await at(ada, url).refused("{ viewer { id } }")
    assert refused["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in refused["message"]
    done = await failing_schema().execute("{ viewer { id } }", context_value=as_ada)
    (error,) = done.errors or ()
    assert error.extensions is not None
    assert error.extensions["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in error.message
