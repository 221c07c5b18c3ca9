"""Introspection: the queries of real clients pass, and what could be made of them does not."""

import json
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from gql.errors import ApiError
from tests.tooling.deno import FRONTEND, run_deno
from tripgate.gateway.documents import Documents
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.limits.measure import measure
from tripgate.gateway.operation import RequestError
from tripgate.gateway.schema import graphql_schema

# What GraphiQL, graphql-codegen and Apollo's tools send is made by this function, with more or fewer of its options.
GRAPHQL_JS = """
import { getIntrospectionQuery } from "graphql";
const more = { schemaDescription: true, specifiedByUrl: true, directiveIsRepeatable: true };
const options = [{}, { descriptions: false }, more, { ...more, inputValueDeprecation: true, oneOf: true }];
console.log(JSON.stringify(options.map((each) => getIntrospectionQuery(each))));
"""

# As clients write it that make sense of a server before they ask for everything.
PROBE = """{
  type: __type(name: "__Type") { ...Fields } field: __type(name: "__Field") { ...Fields }
  input: __type(name: "__InputValue") { ...Fields } directive: __type(name: "__Directive") { ...Fields }
  schema: __type(name: "__Schema") { ...Fields }
} fragment Fields on __Type { fields { name args { name defaultValue } } }"""

# As a person writes it in GraphiQL.
BY_HAND = """{ __type(name: "Trip") { name kind description interfaces { name }
  fields(includeDeprecated: true) { name args { name } type { name kind ofType { name fields { name type { name } } } }
  } } }"""
FURTHER = """{ __type(name: "Trip") { fields { type { ofType { fields { type { fields { name } } } } } } } }"""


@pytest.fixture(scope="module")
def known() -> Documents:
    """Documents as a gateway takes them that lets itself be introspected."""
    return Documents(graphql_schema(), size=10, limits=Limits(), hide_suggestions=False, introspection=True)


def refusal(known: Documents, query: str) -> dict[str, Any]:
    """Code, limit and found number of the refusal."""
    with pytest.raises(RequestError) as caught:
        known.operation(query, None)
    (error,) = caught.value.errors
    assert isinstance(error.original_error, ApiError)
    assert error.original_error.code is caught.value.code
    return error.original_error.extensions


def test_the_queries_of_graphql_js(known: Documents) -> None:
    queries = json.loads(run_deno(FRONTEND, "eval", "--frozen", GRAPHQL_JS))
    assert len(queries) == 4
    for query in queries:
        known.operation(query, None)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"descriptions": False},
        {"type_depth": 14},
        {
            "schema_description": True,
            "specified_by_url": True,
            "directive_is_repeatable": True,
            "input_value_deprecation": True,
            "experimental_directive_deprecation": True,
            "one_of": True,
        },
    ],
)
def test_the_queries_of_graphql_core(known: Documents, options: dict[str, Any]) -> None:
    known.operation(get_introspection_query(**options), None)


@pytest.mark.parametrize(
    "query", [PROBE, BY_HAND, FURTHER, "{ __schema { queryType { name } types { name } } __typename }"]
)
def test_other_honest_queries(known: Documents, query: str) -> None:
    known.operation(query, None)


def test_the_numbers_of_the_documentation() -> None:
    ((_, size),) = measure(parse(get_introspection_query(one_of=True, schema_description=True))).operations
    assert (size.inner_depth, size.inner_lists) == (15, 3)
    assert size.inner_selections < Limits().introspection_selections < 2 * size.inner_selections


def test_lists_that_lead_into_each_other(known: Documents) -> None:
    found = refusal(known, "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }")
    assert found == {"code": "INTROSPECTION_TOO_LARGE", "limit": 3, "found": 4}
    found = refusal(known, "{ __schema { types { fields { args { type { inputFields { name } } } } } } }")
    assert found == {"code": "INTROSPECTION_TOO_LARGE", "limit": 3, "found": 4}
    hidden = """{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...B } } }
                fragment B on __Type { ... { fields { type { ...C } } } } fragment C on __Type { fields { name } }"""
    assert refusal(known, hidden) == {"code": "INTROSPECTION_TOO_LARGE", "limit": 3, "found": 4}


def test_a_chain_of_of_types(known: Documents) -> None:
    def query(links: int) -> str:
        return f'{{ __type(name: "Trip") {"{ ofType " * links} {{ name }} {"}" * links} }}'

    known.operation(query(18), None)
    assert refusal(known, query(19)) == {"code": "INTROSPECTION_TOO_LARGE", "limit": 20, "found": 21}


def test_the_usual_query_twice(known: Documents) -> None:
    query = get_introspection_query().replace("{", "{ again: __schema { types { ...FullType } }", 1)
    found = refusal(known, query)
    assert (found["code"], found["limit"]) == ("INTROSPECTION_TOO_LARGE", 400)
    assert found["found"] > 400
