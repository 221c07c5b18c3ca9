"""Each root field fails alone: null in its place, an error with its path, and the others keep their answers."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
import strawberry
from aiohttp import web
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_directive_values,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from gql.strawberry_definition import strawberry_definition
from resolvers.anonymous import has_effects
from resolvers.declared import DeclaredField, value_of
from tests.differential.reference import written_schema
from tests.gateway.test_account_is_gone import a_value
from tests.support import Person, Wire, serving
from tripgate.gateway.schema import check_root_fields, schema
from tripgate.local.stack import StackInfo

KEPT = "displayName"
SOME_NODE = base64.urlsafe_b64encode(f"Trip:{uuid4()}".encode()).decode().rstrip("=")


@dataclass
class Forbidding(Wire):
    """PostgREST, of which the caller may read nothing but names of people."""

    async def _pass_on(self, request: web.Request) -> web.Response:
        if request.query.get("select") == "display_name":
            return await super()._pass_on(request)
        problem = {"code": "42501", "message": "permission denied", "details": None, "hint": None}
        return web.json_response(problem, status=403)


@pytest.fixture(scope="module")
async def forbidden(seeded: StackInfo, ada: Person) -> AsyncIterator[Person]:
    """Ada, for whom all but her name fails."""
    async with Forbidding(seeded.rest_url) as rest, serving(seeded, rest_url=rest.url, introspection=True) as url:
        yield replace(ada, url=url)


def root_fields(name: str) -> dict[str, GraphQLField]:
    type_ = written_schema().type_map[name]
    assert isinstance(type_, GraphQLObjectType)
    return type_.fields


def below(field: GraphQLField) -> str:
    """A selection that must be read: the first plain field."""
    type_ = get_named_type(field.type)
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        return ""
    plain = (name for name, each in type_.fields.items() if is_leaf_type(get_named_type(each.type)) and not each.args)
    return f" {{ {next(plain)} }}"


HAVE_EFFECTS = {"searchAiMemories"}


def failing() -> Iterator[Any]:
    """Every field of `Query` with arguments that fit, under the key `failed`; none of those that ask functions too."""
    for name, field in root_fields("Query").items():
        if name in HAVE_EFFECTS:
            continue
        given = {key: argument for key, argument in field.args.items() if is_required_argument(argument)}
        declared = ", ".join(f"${key}: {argument.type}" for key, argument in given.items())
        passed = ", ".join(f"{key}: ${key}" for key in given)
        head, arguments = (f"({declared})", f"({passed})") if given else ("", "")
        variables = {key: a_value(argument.type) for key, argument in given.items()}
        nodes = {"nodeId": SOME_NODE, "nodeIds": [SOME_NODE]}
        variables |= {key: value for key, value in nodes.items() if key in given}
        yield pytest.param(head, f"failed: {name}{arguments}{below(field)}", variables, id=name)


async def asked(person: Person, query: str, variables: dict[str, Any], accept: str) -> tuple[int, dict[str, Any]]:
    """Status and answer; of a stream its only event's."""
    headers = {"Authorization": f"Bearer {person.token}", "Accept": accept}
    body = {"query": query, "variables": variables}
    async with person.http.post(person.url, json=body, headers=headers) as response:
        text = await response.text()
        (answer,) = [line for line in text.splitlines() if line.startswith(("{", "data: {"))]
        return response.status, json.loads(answer.removeprefix("data: "))


@pytest.mark.postgrest
# Both ways to execute: the second document also asks the schema, so it runs in graphql-core.
@pytest.mark.parametrize("beside", ["", '__type(name: "Trip") { name }'])
@pytest.mark.parametrize(("head", "failed", "variables"), list(failing()))
async def test_a_field_that_fails_leaves_the_others_their_answers(
    forbidden: Person, head: str, failed: str, variables: dict[str, Any], beside: str
) -> None:
    query = f"query {head} {{ before: viewer {{ {KEPT} }} {failed} {beside} after: viewer {{ {KEPT} }} }}"
    for accept in ("application/json", "application/graphql-response+json", "text/event-stream"):
        status, answer = await asked(forbidden, query, variables, accept)
        assert (status, answer["data"].pop("__type", None)) == (200, {"name": "Trip"} if beside else None)
        assert answer["data"] == {"before": {KEPT: "Ada Lindqvist"}, "failed": None, "after": {KEPT: "Ada Lindqvist"}}
        assert list(answer["data"]) == ["before", "failed", "after"]
        (error,) = answer["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["failed"], "FORBIDDEN")
        assert error["locations"] == [{"line": 1, "column": query.index("failed:") + 1}]


@pytest.mark.postgrest
@pytest.mark.parametrize("beside", ["", '__type(name: "Trip") { name }'])
async def test_where_all_fail_all_are_null_and_each_says_why(forbidden: Person, beside: str) -> None:
    query = f"{{ a: trips {{ totalCount }} b: trips(first: -1) {{ totalCount }} c: viewer {{ id }} {beside} }}"
    status, answer = await asked(forbidden, query, {}, "application/graphql-response+json")
    answer["data"].pop("__type", None)
    assert (status, answer["data"]) == (200, {"a": None, "b": None, "c": None})
    assert sorted((error["path"], error["extensions"]["code"]) for error in answer["errors"]) == [
        (["a"], "FORBIDDEN"),
        (["b"], "BAD_USER_INPUT"),
        (["c"], "FORBIDDEN"),
    ]


def null_means_error(root: str) -> dict[str, bool]:
    """Whether each field says `@semanticNonNull`, of itself alone."""
    directive = written_schema().get_directive("semanticNonNull")
    assert directive is not None
    found = {}
    for name, field in root_fields(root).items():
        assert field.ast_node is not None
        assert str(field.type)[-1] != "!", f"{name} can be null"
        values = get_directive_values(directive, field.ast_node)
        assert values in (None, {"levels": [0]})
        found[name] = values is not None
    return found


def test_the_schema_tells_of_which_queries_null_means_an_error() -> None:
    said = null_means_error("Query")
    rows = {name for name in said if name.endswith(("s", "Grouped"))} - {"distanceInMetres"}
    assert {name for name, means_error in said.items() if means_error} == rows - {"myPreferences", "myTripPreferences"}
    assert {"trips", "tripsGrouped", "searchPlaces", "nodes", "myInvitations"} <= rows
    assert not said["node"] | said["viewer"] | said["trip"] | said["tagByName"] | said["distanceInMetres"]


def test_the_schema_tells_of_which_mutations_null_means_an_error() -> None:
    # What has been done and cannot be read back any more is null without one, and so is a first of two codes.
    said = null_means_error("Mutation")
    verbs = {"castVote", "moveTripItem", "inviteCollaborator", "acceptInvitation", "verifyOtp"}
    verbs |= {"inviteToCollection", "acceptCollectionInvitation"}
    creations = {name for name in said if name.startswith("create") and not name.endswith("s")}
    assert {name for name, means_error in said.items() if not means_error} == verbs | creations


def test_an_event_of_a_subscription_is_never_null_but_the_answer_of_a_live_query() -> None:
    reads = root_fields("Query")
    events = root_fields("Subscription")
    assert {str(field.type)[-1] for name, field in events.items() if name not in reads} == {"!"}


def test_every_declared_read_is_a_live_query_too_with_the_same_type_and_arguments() -> None:
    def shown(field: GraphQLField) -> tuple[str, dict[str, tuple[str, str | None]]]:
        return str(field.type), {name: (str(each.type), each.description) for name, each in field.args.items()}

    made = schema()._schema
    assert made.query_type is not None
    reads = {
        name: field
        for name, field in made.query_type.fields.items()
        if isinstance(strawberry_definition(field), DeclaredField) and not has_effects(field)
    }
    assert made.query_type.fields.keys() - reads.keys() >= HAVE_EFFECTS
    assert {"trip", "trips", "tripsGrouped", "tripItems", "viewer", "node", "nodes", "searchPlaces"} <= reads.keys()
    assert made.subscription_type is not None
    events = made.subscription_type.fields
    assert {name: shown(field) for name, field in reads.items()} == {name: shown(events[name]) for name in reads}


def test_a_root_field_that_could_not_fail_alone_is_refused() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def answer(self) -> int:
            return 42

    with pytest.raises(ValueError, match=r"^Query\.answer can never be null, so its failure would take the answers"):
        check_root_fields(strawberry.Schema(Query)._schema)


def test_a_function_that_is_declared_never_to_return_null_says_so_in_the_schema() -> None:
    @strawberry.type
    class Query:
        sure = value_of("distance", returns=int, description="Never null.", depends_on=("places",))
        unsure = value_of("distance", returns=int | None, description="Perhaps null.", depends_on=("places",))

    assert [line.strip() for line in strawberry.Schema(Query).as_str().splitlines() if "sure: " in line] == [
        "sure: Int @semanticNonNull",
        "unsure: Int",
    ]
