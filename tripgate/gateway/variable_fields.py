"""Which field of a form a variable that does not fit is about: `extensions.field`, as of mistakes found later on.

What people make of a form is told to them in its words: a value that its scalar does not take, and one that is missing.
"""

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
_NULL = re.compile(r"Expected value of non-null type '[^']+' not to be None\.")
_ROWS = frozenset({"input", "inputs", "patch"})


def name_fields(
    errors: list[GraphQLError], operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> None:
    """Say in each error of variables which field it is about, as docs/errors.md writes fields, and that in plain words.

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
            place = f"{'.'.join(first)}{way or ''}"
            error.message = _worded(place, error.original_error) or error.message


def _worded(place: str, error: BaseException | None) -> str | None:
    """What is wrong with the value at this place, for people; `None` where it is a mistake of a program."""
    if not isinstance(error, GraphQLError):
        return None
    if isinstance(error.original_error, ValueError):  # a scalar's own words
        return f"{place}: {str(error.original_error).rstrip('.')}."
    return f"{place} cannot be null." if _NULL.fullmatch(error.message) else None


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
