"""Which field of a form a variable that does not fit is about: `extensions.field`, as of mistakes found later on."""

import re
from collections.abc import Iterator, Mapping

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

# As graphql-core words it; the way holds names of fields and places in lists.
_WORDS = re.compile(r"Variable '\$(\w+)' has invalid value(?: at ((?:\.\w+|\[\d+\])+))?: ")
_ROWS = frozenset({"input", "inputs", "patch"})


def name_fields(
    errors: list[GraphQLError], operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> None:
    """Say in each error of variables which field it is about, as docs/errors.md writes fields.

    It is that of the argument to which the variable goes first; of one that goes to directives alone, its own name. An
    error of a whole row names none.
    """
    scopes = [operation.selection_set, *(fragment.selection_set for fragment in fragments.values())]
    for error in errors:
        found = _WORDS.match(error.message)
        if found is None:
            continue
        name, way = found.groups()
        first = next((trail for scope in scopes for trail in _uses(scope, name)), (name,))
        whole = (*first, *re.findall(r"\.(\w+)", way or ""))
        if field := ".".join(whole[1:] if whole[0] in _ROWS else whole):
            error.extensions = {**(error.extensions or {}), "field": field}


def _uses(scope: SelectionSetNode, variable: str) -> Iterator[tuple[str, ...]]:
    for selection in scope.selections:
        if isinstance(selection, FieldNode):
            for argument in selection.arguments or ():
                yield from _within(argument.value, variable, (argument.name.value,))
        if isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set is not None:
            yield from _uses(selection.selection_set, variable)


def _within(value: ValueNode, variable: str, trail: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, VariableNode):
        if value.name.value == variable:
            yield trail
    elif isinstance(value, ListValueNode):
        for each in value.values:
            yield from _within(each, variable, trail)
    elif isinstance(value, ObjectValueNode):
        for field in value.fields:
            yield from _within(field.value, variable, (*trail, field.name.value))
