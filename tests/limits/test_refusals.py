"""What is said of a document, of variables and of a filter that go beyond a limit, word by word."""

import dataclasses
from typing import Any

import pytest

from gql.errors import ApiError
from tripgate.gateway.limits.bounded_parse import bounded_parse
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.limits.cost import cost_exceeded, too_many_conditions
from tripgate.gateway.limits.document import check_document
from tripgate.gateway.limits.inputs import Usage, are_few, check_variables


def refusal(text: str, **limits: int) -> tuple[str, dict[str, Any]]:
    bounds = dataclasses.replace(Limits(), **limits)
    with pytest.raises(ApiError) as refused:
        check_document(bounded_parse(text, bounds), bounds)
    return refused.value.message, refused.value.extensions


SPREAD = "each fragment counted wherever it is spread"


@pytest.mark.parametrize(
    ("text", "limit", "code", "message"),
    [
        (
            "{ a ...F } fragment F on T { b }",
            "selections",
            "TOO_MANY_SELECTIONS",
            f"The document selects 3 fields and fragments, {SPREAD}; at most 2 are allowed.",
        ),
        (
            "{ __type { a b c } }",
            "introspection_selections",
            "INTROSPECTION_TOO_LARGE",
            "The document selects 3 fields and fragments below __schema and __type; at most 2 are allowed.",
        ),
        (
            "{ a b a: c c }",
            "root_fields",
            "TOO_MANY_ROOT_FIELDS",
            "The operation has 3 root fields; at most 2 are allowed.",
        ),
        (
            "{ a(b: [[1 [2]]]) }",
            "input_depth",
            "INPUT_TOO_LARGE",
            "An argument nests 3 objects and lists inside each other; at most 2 are allowed.",
        ),
        (
            "{ a(b: [1 2 3]) }",
            "input_list",
            "INPUT_TOO_LARGE",
            "A list in an argument has 3 entries; at most 2 are allowed.",
        ),
        ("{ a { b { c } } }", "depth", "QUERY_TOO_DEEP", "The operation nests fields 3 deep; at most 2 are allowed."),
        (
            "{ a: b ...F } fragment F on T { c: d e: f }",
            "aliases",
            "TOO_MANY_ALIASES",
            f"The operation has 3 aliases, {SPREAD}; at most 2 are allowed.",
        ),
        (
            "{ a @b ...F @c } fragment F on T { d @e }",
            "directives",
            "TOO_MANY_DIRECTIVES",
            f"The operation has 3 directives, {SPREAD}; at most 2 are allowed.",
        ),
        (
            "{ a(b: 1, c: $d) ...F } fragment F on T { e(f: 2) }",
            "input_values",
            "INPUT_TOO_LARGE",
            f"The arguments of the operation hold 3 values, {SPREAD}; at most 2 are allowed.",
        ),
        (
            "{ __type { a { b } } }",
            "introspection_depth",
            "INTROSPECTION_TOO_LARGE",
            "The operation nests fields 3 deep below __schema or __type; at most 2 are allowed.",
        ),
        (
            "{ __schema { types { fields { args { name } } } } }",
            "introspection_lists",
            "INTROSPECTION_TOO_LARGE",
            "The operation nests 3 lists inside each other below __schema or __type; at most 2 are allowed.",
        ),
    ],
)
def test_a_document(text: str, limit: str, code: str, message: str) -> None:
    assert refusal(text, **{limit: 2}) == (message, {"code": code, "limit": 2, "found": 3})
    check_document(bounded_parse(text, Limits()), dataclasses.replace(Limits(), **{limit: 3}))


def test_all_operations_are_counted_together_for_selections_alone() -> None:
    two = "query A { a { b } } query B { c { d } }"
    assert refusal(two, selections=3)[1]["found"] == 4
    check_document(bounded_parse(two, Limits()), dataclasses.replace(Limits(), depth=2, root_fields=1))


@pytest.mark.parametrize(
    ("text", "limits", "message", "extensions"),
    [
        (
            "{ a }   ",
            {"length": 7},
            "The document is 8 characters long; at most 7 are read.",
            {"code": "QUERY_TOO_LARGE", "limit": 7, "found": 8},
        ),
        (
            "{ a b c }",
            {"tokens": 4},
            "The document has more than 4 tokens, comments among them. Send a shorter one.",
            {"code": "QUERY_TOO_LARGE", "limit": 4},
        ),
        (
            "{ a" * 300 + " }" * 300,
            {},
            "The document is nested too deeply to be read.",
            {"code": "QUERY_TOO_DEEP", "limit": 12},
        ),
    ],
)
def test_a_document_that_is_not_read(
    text: str, limits: dict[str, int], message: str, extensions: dict[str, Any]
) -> None:
    assert refusal(text, **limits) == (message, extensions)


def variables(given: dict[str, Any], usage: Usage | None = None, **limits: int) -> Any:
    """How many values there are, or the refusal."""
    try:
        return check_variables(given, dataclasses.replace(Limits(), **limits), usage or Usage())
    except ApiError as refused:
        return refused.message, refused.extensions


@pytest.mark.parametrize(
    ("given", "usage", "values"),
    [
        ({}, Usage(values=3), 3),
        ({"a": 1, "b": "x", "c": None}, Usage(values=3), 3),
        ({"a": [1, 2]}, Usage(values=1), 1 + 2),
        ({"a": {"b": [1, {"c": 2}], "d": 3}}, Usage(), 2 + 2 + 1),
        ({"a": [1, 2]}, Usage(uses={"a": 3}), 2 * 3),
        ({"a": [1, 2]}, Usage(uses={"a": 0, "b": 9}), 0),
        ({}, Usage(values=1, uses={"a": 2}, defaults={"a": 5}), 1 + 5 * 2),
        ({}, Usage(defaults={"a": 5}), 0),
        ({"a": None}, Usage(uses={"a": 2}, defaults={"a": 5}), 0),
    ],
)
def test_how_many_values_variables_bring(given: dict[str, Any], usage: Usage, values: int) -> None:
    assert variables(given, usage) == values


def test_variables_that_nest_too_deeply() -> None:
    message = "The variable $a nests objects and lists deeper than the 3 that are allowed."
    refused = message, {"code": "INPUT_TOO_LARGE", "limit": 3, "field": "a"}
    assert variables({"b": 1, "a": [{"c": [1]}]}, input_depth=3) == 3
    assert variables({"b": 1, "a": [{"c": [{}]}]}, input_depth=3) == refused


def test_a_list_that_is_too_long() -> None:
    message = "A list in the variable $a has 4 entries; at most 3 are allowed."
    refused = message, {"code": "INPUT_TOO_LARGE", "limit": 3, "found": 4, "field": "a"}
    assert variables({"a": [1, 2, 3]}, input_list=3) == 3
    assert variables({"a": {"b": [1, 2, 3, 4]}}, input_list=3) == refused
    assert variables({"a": dict.fromkeys("abcd")}, input_list=3) == 4


@pytest.mark.parametrize(
    ("given", "usage"),
    [
        ({"a": [1, 2]}, Usage(values=2)),
        ({"a": {"b": [1]}}, Usage(values=1, uses={"a": 1, "b": 5})),
        ({"a": [1]}, Usage(uses={"a": 3})),
        ({}, Usage(uses={"a": 3}, defaults={"a": 1})),
    ],
)
def test_too_many_values(given: dict[str, Any], usage: Usage) -> None:
    message = (
        "With the variable $a, the operation has more than the 2 values that are allowed in its arguments, each "
        "counted wherever it is used. Ask in several operations."
    )
    more = dataclasses.replace(usage, values=usage.values + 1)
    for each in (usage, more):
        expected = {"code": "INPUT_TOO_LARGE", "limit": 2, "field": "a"}
        assert variables(given, each, input_values=2) == (message, expected)
    assert isinstance(variables(given, usage, input_values=4), int)


@pytest.mark.parametrize(
    ("given", "values"),
    [({}, 0), ({"a": 1, "b": None}, 2), ({"a": [1, [2]], "b": {"c": {"d": 1}}}, 2 + 2 + 1 + 1 + 1)],
)
def test_few_variables(given: dict[str, Any], values: int) -> None:
    assert are_few(given, values)
    assert not are_few(given, values - 1)


def test_an_operation() -> None:
    dear = cost_exceeded(11, 10)
    assert dear.message == (
        "The operation may cost 11; at most 10 is allowed. Ask for smaller pages, or for fewer lists inside each other."
    )
    assert dear.extensions == {"code": "COST_LIMIT_EXCEEDED", "limit": 10, "found": 11}
    many = too_many_conditions(11, 10)
    assert many.message.startswith("The filters of the operation hold 11 conditions; at most 10 are allowed. ")
    assert many.extensions == {"code": "BAD_USER_INPUT", "limit": 10, "found": 11}
