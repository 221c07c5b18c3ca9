"""Variables that are plain values are read in a shorter way, which ends where graphql-core's does."""

from typing import Any

import pytest
from graphql import GraphQLError, OperationDefinitionNode, get_variable_values, parse
from hypothesis import given
from hypothesis import strategies as st

from tripgate.gateway.documents import Documents
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.operation import Operation
from tripgate.gateway.plain_variables import PlainVariables
from tripgate.gateway.schema import graphql_schema
from tripgate.upstream.caller import Caller

PLAIN = "$id: UUID!, $number: Int, $text: String!, $flag: Boolean!, $kind: TripItemKind, $day: Date, $cost: Decimal!"
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
    st.sampled_from(["ada00000-0000-4000-8002-000000000001", "FOOD", "food", "2026-11-30", "12.50", "1e400", 5, True]),
)
SOMEBODY = Caller("somebody", "a token")


def definitions(variables: str) -> Any:
    (operation,) = parse(f"query ({variables}) {{ __typename }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation.variable_definitions


@given(
    values=st.fixed_dictionaries({}, optional=dict.fromkeys(["id", "number", "text", "flag", "kind", "day"], VALUES))
)
def test_any_values_become_the_same(values: dict[str, Any]) -> None:
    values = {"cost": "12.50", "unknown": 1, **values}
    plain = PlainVariables.of(graphql_schema(), definitions(PLAIN))
    assert plain is not None
    found = plain.values(values)
    expected = get_variable_values(graphql_schema(), definitions(PLAIN), values)
    if found is not None:
        assert not isinstance(expected, list)
        assert (found.coerced, {name: source.value for name, source in found.sources.items()}) == (
            expected.coerced,
            {name: source.value for name, source in expected.sources.items()},
        )
    elif not isinstance(expected, list):
        assert None in {values.get(name) for name in expected.sources}


@pytest.mark.parametrize("variables", ["$id: UUID! $ids: [UUID!]", "$filter: TripFilter", "$first: Int = 5"])
def test_lists_objects_and_defaults_are_left_to_graphql_core(variables: str) -> None:
    assert PlainVariables.of(graphql_schema(), definitions(variables)) is None


def operation(document: str) -> Operation:
    documents = Documents(graphql_schema(), size=10, limits=Limits(), hide_suggestions=False, introspection=True)
    return documents.operation(document, None)


def test_mistakes_are_told_in_the_same_words() -> None:
    with pytest.raises(Exception, match="twelve") as refused:
        operation("query ($first: Int!) { trips(first: $first) { totalCount } }").prepare({"first": "twelve"}, SOMEBODY)
    errors = get_variable_values(graphql_schema(), definitions("$first: Int!"), {"first": "twelve"})
    assert isinstance(errors, list)
    assert isinstance(errors[0], GraphQLError)
    assert str(refused.value) == errors[0].message


def test_a_cost_that_depends_on_no_variable_is_known_the_next_time_and_others_are_not() -> None:
    by_key = operation("query ($id: UUID!) { trip(id: $id) { items(first: 3) { nodes { title } } } }")
    page = operation("query ($first: Int!) { trips(first: $first) { nodes { title } } }")
    costs = [by_key.prepare({"id": f"ada00000-0000-4000-8002-{n:012}"}, SOMEBODY).cost for n in (1, 2)]
    assert costs == [5, 5]
    assert [page.prepare({"first": n}, SOMEBODY).cost for n in (1, 5, 2)] == [2, 6, 3]
