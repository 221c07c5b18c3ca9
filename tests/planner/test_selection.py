"""What is selected: merged from fields, fragments and conditions, for planning and while graphql-core runs a field."""

from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    parse,
)
from graphql.execution.values import VariableValues

from tripgate.planner.selection import TYPE_KEY, Selected, condition_variables, select, selected_root

SCHEMA = build_schema("""
    directive @note(text: String) on FIELD
    type Query { thing(id: ID): Thing plain(id: ID): Plain }
    interface Thing { id: ID }
    type Big implements Thing { id: ID size: Int }
    type Plain { id: ID other: Plain thing: Thing }
""")
NO_VARIABLES = VariableValues({}, {})


def parts(text: str) -> tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode]]:
    """The only operation of a document, and its fragments by name."""
    definitions = parse(text).definitions
    (operation,) = (each for each in definitions if isinstance(each, OperationDefinitionNode))
    return operation, {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}


def keys(selected: tuple[Selected, ...]) -> list[str]:
    return [each.key for each in selected]


def test_fragments_on_the_root_are_part_of_it() -> None:
    text = "{ a: plain { id } ...F ... on Query { c: plain { id } } } fragment F on Query { b: plain { id } }"
    assert keys(select(SCHEMA, *parts(text), NO_VARIABLES)) == ["a", "b", "c"]


def test_the_variables_that_decide_are_those_of_skip_and_include_wherever_they_stand() -> None:
    text = """query ($a: Boolean!, $b: Boolean!, $c: Boolean!, $text: String, $id: ID) {
        plain(id: $id) @include(if: $b) { id @note(text: $text) other @skip(if: true) { id } ...F }
    } fragment F on Plain { other @skip(if: $a) { ...G ...F } } fragment G on Plain { id @include(if: $c) }"""
    assert condition_variables(*parts(text)) == ("a", "b", "c")


def executed(text: str) -> tuple[Selected, VariableValues]:
    """What a resolver of the only root field is told."""
    found: list[tuple[Selected, VariableValues]] = []

    def resolve(_source: Any, info: GraphQLResolveInfo, **_arguments: Any) -> None:
        found.append(selected_root(info, {"id": "given"}))

    assert SCHEMA.query_type is not None
    for field in SCHEMA.query_type.fields.values():
        field.resolve = resolve
    execute_sync(SCHEMA, parse(text))
    return found[0]


def test_a_field_under_execution_is_selected_as_it_is_written_with_the_arguments_that_it_was_called_with() -> None:
    selected, variables = executed("{ p: plain(id: 1) { id ...F } } fragment F on Plain { o: other { id } }")
    assert (selected.key, selected.name, selected.arguments(variables)) == ("p", "plain", {"id": "given"})
    assert keys(selected.children) == ["id", "o"]
    assert keys(selected.children[1].children) == ["id"]


def test_of_an_interface_each_rows_type_is_selected_too() -> None:
    selected, _ = executed("{ thing { id ... on Big { size } } }")
    assert selected.children == ()
    assert keys(selected.children_of("Big")) == [TYPE_KEY, "id", "size"]


def test_of_an_object_it_is_not_nor_below_the_root() -> None:
    selected, _ = executed("{ plain { id thing { id } } }")
    assert keys(selected.children_of("Plain")) == ["id", "thing"]
    assert keys(selected.children[1].children_of("Big")) == ["id"]
