"""An access token outlives its account: nothing is left to read with it, and no write is let in."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_leaf_type,
    is_required_input_field,
)

from gql.errors import ErrorCode
from resolvers.anonymous import allows_anonymous
from tests.support import Person
from tripgate.gateway.schema import graphql_schema
from tripgate.local.stack import StackInfo
from tripgate.upstream.backend import BackendError
from tripgate.upstream.caller import Caller
from tripgate.upstream.postgrest.errors import public_error

SCALARS = {
    "UUID": str(uuid4()), "String": "text", "Int": 1, "Float": 1.5, "Boolean": True, "Date": "2026-05-01",
    "BigInt": "1", "DateTime": "2026-05-01T10:00:00Z", "Decimal": "1.00", "JSON": {}, "ID": str(uuid4()), "URL": "https://x.example",
    "Time": "10:00:00", "CurrencyCode": "EUR",
}  # fmt: skip


FITTING = {"email": "somebody@example.com", "returnUrl": "http://127.0.0.1:3000/plan"}
PAID = {
    "createCheckoutSession": {
        "input": {"planKey": "PRO", "successUrl": FITTING["returnUrl"], "cancelUrl": FITTING["returnUrl"]}
    },
    "sendWhatsappMessage": {"input": {"recipientId": SCALARS["UUID"], "text": "Where are you?"}},
}


def a_value(type_: GraphQLInputType) -> Any:
    """Something of a type, with no more than must be there."""
    if isinstance(type_, GraphQLNonNull):
        return a_value(type_.of_type)
    if isinstance(type_, GraphQLList):
        return [a_value(type_.of_type)]
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        required = {name: a_value(field.type) for name, field in type_.fields.items() if is_required_input_field(field)}
        if required or not type_.name.endswith(("Patch", "Filter", "Input")):
            return required
        name, field = next((name, field) for name, field in type_.fields.items() if name not in {"and", "or", "not"})
        return {name: a_value(field.type)}
    return SCALARS[type_.name]


def writes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every mutation that needs somebody, with arguments that fit."""
    mutation = graphql_schema().mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        if allows_anonymous(field):
            continue
        given: dict[str, GraphQLArgument] = {
            key: argument
            for key, argument in field.args.items()
            if isinstance(argument.type, GraphQLNonNull) or key in {"filter", "ids", "password", "currentPassword"}
        }
        declared = ", ".join(f"${key}: {argument.type}" for key, argument in given.items())
        passed = ", ".join(f"{key}: ${key}" for key in given)
        below = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
        head = f" ({declared})" if declared else ""
        call = f"({passed})" if passed else ""
        query = f"mutation{head} {{ {name}{call}{below} }}"
        variables = {key: a_value(argument.type) for key, argument in given.items()}
        yield (
            name,
            query,
            variables | {key: value for key, value in FITTING.items() if key in given} | PAID.get(name, {}),
        )


@pytest.fixture(scope="module")
async def ghost(anonymous: Person, seeded: StackInfo) -> Person:
    """Somebody whose account was deleted a moment ago, elsewhere."""
    person = await anonymous.sign_up()
    with psycopg.connect(seeded.admin_db_url) as connection:
        connection.execute("delete from auth.users where id = %s", (person.id,))
    return person


@pytest.mark.parametrize(("query", "variables"), [pytest.param(*rest, id=name) for name, *rest in writes()])
async def test_no_write_is_let_in(ghost: Person, query: str, variables: dict[str, Any]) -> None:
    _, body = await ghost.post(query, **variables)
    codes = [error["extensions"]["code"] for error in body.get("errors", ())]
    # What is read first is nothing, and then no write is sent at all.
    if "filter" in variables:
        assert (codes, list(body["data"].values())) == ([], [[]])
    elif "inviteCollaborator" in query:
        assert codes == ["NOT_FOUND"]
    else:
        assert codes == ["UNAUTHENTICATED"], body


async def test_nothing_is_left_to_read(ghost: Person) -> None:
    assert await ghost.ask("{ viewer { id } trips { totalCount } places { totalCount } }") == {
        "viewer": None,
        "trips": {"totalCount": 0},
        "places": {"totalCount": 0},
    }


async def test_where_postgrest_does_not_look_first_a_reference_to_nobody_says_so(ghost: Person) -> None:
    # A project that calls another function before its requests: then the row's reference to its owner fails.
    error = BackendError(
        "23503",
        'insert or update on table "trips" violates foreign key constraint "trips_user_id_fkey"',
        details=f'Key (user_id)=({ghost.id}) is not present in table "users".',
    )
    assert public_error(error, Caller(ghost.id, "token"), None).code is ErrorCode.UNAUTHENTICATED
    assert public_error(error, Caller(str(uuid4()), "token"), None).code is ErrorCode.BAD_USER_INPUT
