"""The gateway's limits as an extension, where the schema runs without the gateway."""

from contextlib import aclosing
from typing import Any

import pytest
import strawberry

from resolvers.context import Context
from tests.support import Person
from tripgate.gateway.schema import build_schema
from tripgate.gateway.settings import Settings
from tripgate.gateway.within_limits import within_limits

DEEP = "{ trips { nodes { " + "items { nodes { trip { " * 4 + "id" + " } } }" * 4 + " } } }"
NESTED = """query ($n: Int = 100) {
  trips(first: $n) { nodes { items(first: $n) { nodes { votes(first: 9) { totalCount } } } } } }"""


@pytest.fixture(scope="module")
def limited(settings: Settings) -> strawberry.Schema:
    return build_schema(extensions=[within_limits(settings)])


@pytest.mark.parametrize(
    ("document", "codes"),
    [
        (DEEP, ["QUERY_TOO_DEEP"]),
        (NESTED, ["COST_LIMIT_EXCEEDED"]),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(31)) + " }", ["TOO_MANY_ALIASES"]),
        ("{ trips(first: ) }", ["GRAPHQL_PARSE_FAILED"]),
        ("{ nope never }", ["GRAPHQL_VALIDATION_FAILED", "GRAPHQL_VALIDATION_FAILED"]),
        ("{ __schema { types { name } } }", ["INTROSPECTION_DISABLED"]),
    ],
)
async def test_what_is_beyond_them_does_not_run(
    limited: strawberry.Schema, as_ada: Context, document: str, codes: list[str]
) -> None:
    for _ in range(2):
        done = await limited.execute(document, context_value=as_ada)
        assert [error.formatted["extensions"]["code"] for error in done.errors or ()] == codes
        assert done.data is None


async def test_every_mistake_in_variables_is_told_as_the_gateway_tells_it(
    limited: strawberry.Schema, as_ada: Context, ada: Person
) -> None:
    variables: dict[str, Any] = {"n": "many", "o": "some"}
    read = "trips(first: $n, offset: $o) { totalCount }"
    for kind in ("query", "subscription"):
        document = f"{kind} ($n: Int, $o: Int) {{ {read} }}"
        if kind == "query":
            done = await limited.execute(document, variables, as_ada)
            _, body = await ada.post(document, **variables)
        else:
            async with aclosing(await limited.subscribe(document, variables, as_ada)) as found:
                (done,) = [each async for each in found]
        told = [error.formatted for error in done.errors or ()]
        assert [error["message"].split("'")[1] for error in told] == ["$n", "$o"], kind
        assert [(error["message"], error["extensions"]) for error in told] == [
            (error["message"], error["extensions"]) for error in body["errors"]
        ], kind


async def test_what_is_within_them_runs(limited: strawberry.Schema, as_ada: Context) -> None:
    document = NESTED.replace(" { votes(first: 9) { totalCount } }", " { id }")
    variables: dict[str, Any] = {"n": 1}
    done = await limited.execute(document, variables, as_ada)
    assert done.errors is None
    assert done.data is not None
    assert len(done.data["trips"]["nodes"]) == 1
