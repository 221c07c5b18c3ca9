"""Validation is bounded too: what passes the limits is validated in moments, whatever it repeats."""

import pytest
from graphql import parse, specified_rules

from gql.errors import ApiError
from tests.limits.test_measure import instructions
from tripgate.gateway.documents import Documents
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.limits.document import check_document
from tripgate.gateway.limits.validation import mistakes
from tripgate.gateway.operation import RequestError
from tripgate.gateway.schema import graphql_schema

SCHEMA = graphql_schema()


def spreading(count: int, *selected: str) -> str:
    """A document that spreads so many fragments in one place."""
    spreads = " ".join(f"...F{number}" for number in range(count))
    fragments = (f"fragment F{number} on Profile {{ {' '.join(selected)} }}" for number in range(count))
    return f"{{ viewer {{ {spreads} }} }} {' '.join(fragments)}"


@pytest.mark.parametrize(
    "text",
    [
        f"{{ {'__typename ' * 990} }}",
        f"{{ {'nothing ' * 990} }}",
        f"{{ {'trips { nodes { id id id id } } ' * 140} }}",
        f"{{ viewer {{ ...F {'id ' * 490} }} }} fragment F on Profile {{ {'id ' * 490} }}",
        spreading(150, "id"),
    ],
)
def test_what_repeats_itself_in_one_place_is_not_checked_to_the_end(text: str) -> None:
    document = parse(text)
    check_document(document, Limits())

    def validate() -> None:
        with pytest.raises(ApiError, match="too often to be checked") as caught:
            mistakes(SCHEMA, document, specified_rules, Limits(), hide_suggestions=True)
        assert caught.value.code == "TOO_MANY_SELECTIONS"
        assert caught.value.message == (
            "The document repeats the same fields or fragments in one place too often to be checked. Select each of "
            "them once."
        )

    assert instructions(validate) < 5_000_000  # left alone, graphql-core takes more than twice as many


@pytest.mark.parametrize(
    "text",
    [
        spreading(60, "id", "displayName"),
        f"{{ {'trips { nodes { id title } } ' * 12} }}",
        " ".join(f"query Q{number} {{ trips {{ nodes {{ ...F }} }} }}" for number in range(40))
        + "fragment F on Trip { id title status owner { id displayName } items { nodes { id title } } }",
    ],
)
def test_what_people_write_is(text: str) -> None:
    document = parse(text)
    check_document(document, Limits())
    assert mistakes(SCHEMA, document, specified_rules, Limits(), hide_suggestions=True) == []


def test_as_many_mistakes_are_told_as_are_allowed_and_that_there_are_more() -> None:
    document = parse(f"{{ {' '.join(f'f{number}' for number in range(10))} }}")
    found = mistakes(SCHEMA, document, specified_rules, Limits(validation_errors=3), hide_suggestions=True)
    assert [error.message for error in found] == [
        *(f"Cannot query field 'f{number}' on type 'Query'." for number in range(3)),
        "Too many validation errors, error limit reached. Validation aborted.",
    ]


@pytest.mark.parametrize(
    "fragments",
    [
        "fragment F on Profile { id ...F }",
        "fragment F on Profile { trips { nodes { owner { ...G } } } } fragment G on Profile { ...F }",
    ],
)
def test_fragments_that_contain_themselves(fragments: str) -> None:
    documents = Documents(SCHEMA, size=1, limits=Limits(), hide_suggestions=True, introspection=False)
    with pytest.raises(RequestError, match="Cannot spread fragment") as caught:
        documents.operation(f"{{ viewer {{ ...F }} }} {fragments}", None)
    assert caught.value.code == "GRAPHQL_VALIDATION_FAILED"
