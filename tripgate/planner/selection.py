"""The selection below a field, merged once per document and kept.

graphql-core collects the fields, so fragments, aliases, repeated fields, `@skip` and `@include` mean exactly what they
mean in its executor. Arguments are coerced per request, since variables change.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    get_argument_values,
    get_named_type,
    visit,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues


class Coerced(VariableValues):
    """Variables by their declared types, of an operation in which many literals stand beside them.

    Attributes:
        arguments: What has been made of both for each field, while they are measured and planned; `None` afterwards.
            Literals beside a variable take as long to read as variables do, and are asked for again and again.
    """

    arguments: "dict[Selected, dict[str, Any]] | None"

    @classmethod
    def of(cls, values: VariableValues) -> "Coerced":
        """The same variables, of which no arguments have been made yet."""
        found = cls(*values)
        found.arguments = {}
        return found


class Selected:
    """One field of a merged selection.

    Attributes:
        key: The response key: the alias, or the name.
        name: The field's name in the schema, or `__typename`.
        definition: Its definition; `None` for `__typename`.
        children: What is selected below it, for a field that returns an object type. Below an interface or a union
            it depends on the row's type: see `children_of`.
        kept: Whatever was made of it that does not depend on variables.
    """

    __slots__ = (
        "_children_of",
        "_constant_arguments",
        "_node",
        "children",
        "definition",
        "kept",
        "key",
        "name",
        "parent_type",
    )

    def __init__(
        self,
        key: str,
        node: FieldNode,
        parent_type: GraphQLObjectType,
        definition: GraphQLField | None,
        children_of: "Callable[[str], tuple[Selected, ...]]",
    ) -> None:
        self.key = key
        self.name = node.name.value
        self.parent_type = parent_type
        self.definition = definition
        self._children_of = functools.cache(children_of)
        type_ = get_named_type(definition.type) if definition is not None else None
        self.children = self.children_of(type_.name) if isinstance(type_, GraphQLObjectType) else ()
        self._node = node
        self.kept: dict[str, Any] = {}
        self._constant_arguments: dict[str, Any] | None = None
        if definition is None or not definition.args:
            self._constant_arguments = {}
        elif not _mentions_variables(node):
            self._constant_arguments = get_argument_values(definition, node)

    def arguments(self, variables: VariableValues) -> dict[str, Any]:
        """The coerced arguments, keyed by GraphQL name; those not given and without a default are absent.

        Raises:
            GraphQLError: An argument does not fit its type once its variables are known.
        """
        if self._constant_arguments is not None:
            return self._constant_arguments
        assert self.definition is not None  # noqa: S101 - `__typename` has constant arguments
        made = variables.arguments if type(variables) is Coerced else None
        if made is None:
            return get_argument_values(self.definition, self._node, variables)
        if self not in made:
            made[self] = get_argument_values(self.definition, self._node, variables)
        return made[self]

    def children_of(self, type_name: str) -> "tuple[Selected, ...]":
        """What is selected of a row of this object type."""
        return self._children_of(type_name)

    @property
    def constant(self) -> bool:
        """Whether neither its arguments nor any below it depend on variables."""
        return self._constant_arguments is not None and all(child.constant for child in self.children)

    @property
    def node(self) -> FieldNode:
        """The first of the merged nodes, for locating errors."""
        return self._node


def select(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: VariableValues,
) -> tuple[Selected, ...]:
    """Merge an operation's selection, from its root down.

    Args:
        variables: Only the values of variables in `@skip` and `@include` matter (see `condition_variables`).
    """
    root_type = schema.get_root_type(operation.operation)
    assert root_type is not None  # noqa: S101 - validation refused the operation otherwise
    details = {name: FragmentDetails(definition) for name, definition in fragments.items()}

    def below(parent: GraphQLObjectType, grouped: GroupedFieldSet) -> tuple[Selected, ...]:
        return tuple(one(parent, key, nodes) for key, nodes in grouped.items())

    def one(parent: GraphQLObjectType, key: str, nodes: FieldDetailsList) -> Selected:
        node = nodes[0].node
        definition = None if node.name.value == "__typename" else schema.get_field(parent, node.name.value)

        def children_of(type_name: str) -> tuple[Selected, ...]:
            type_ = schema.get_type(type_name)
            if not isinstance(type_, GraphQLObjectType):
                return ()
            collected = collect_subfields(schema, details, variables, operation, type_, nodes)
            return below(type_, collected.grouped_field_set)

        return Selected(key, node, parent, definition, children_of)

    collected = collect_fields(schema, details, variables, root_type, operation)
    return below(root_type, collected.grouped_field_set)


def condition_variables(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[str, ...]:
    """The variables that decide what is selected: those in `@skip` and `@include`, here or in what is spread here."""
    found: set[str] = set()
    spread: set[str] = set()
    waiting: list[OperationDefinitionNode | FragmentDefinitionNode] = [operation]

    class Conditions(Visitor):
        def enter_fragment_spread(self, node: Any, *_: Any) -> None:
            if (name := node.name.value) not in spread:
                spread.add(name)
                waiting.append(fragments[name])

        def enter_directive(self, node: Any, *_: Any) -> None:
            if node.name.value in {"skip", "include"}:
                found.update(
                    argument.value.name.value
                    for argument in node.arguments or ()
                    if isinstance(argument.value, VariableNode)
                )

    while waiting:
        visit(waiting.pop(), Conditions())
    return tuple(sorted(found))


def _mentions_variables(node: FieldNode) -> bool:
    found = False

    class Variables(Visitor):
        def enter_variable(self, *_: Any) -> None:
            nonlocal found
            found = True

    for argument in node.arguments or ():
        visit(argument, Variables())
    return found
