"""The selection below a field, merged once per document and kept.

graphql-core collects the fields, so fragments, aliases, repeated fields, `@skip` and `@include` mean exactly what they
mean in its executor. Arguments are coerced per request, since variables change.
"""

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from graphql import (
    REMOVE,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    get_argument_values,
    get_named_type,
    is_abstract_type,
    visit,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from gql.strawberry_definition import strawberry_definition


class Coerced(VariableValues):
    """Variables by their declared types, of an operation in which many literals stand beside them.

    Attributes:
        arguments: A cache of what both become for each field while they are measured and planned. Literals beside a
            variable take as long to read as variables do, and are asked for again and again.
    """

    arguments: "dict[Selected, dict[str, Any]]"

    @classmethod
    def of(cls, values: VariableValues) -> "Coerced":
        """The same variables, of which no arguments have been made yet."""
        found = cls(*values)
        found.arguments = {}
        return found

    def plain(self) -> VariableValues:
        """The same variables without the cache."""
        return VariableValues(*self)


class Selected:
    """One field of a merged selection.

    Attributes:
        key: The response key: the alias, or the name.
        name: The field's name in the schema, or `__typename`.
        definition: Its definition; `None` for `__typename`.
        declaration: Of a root field what was declared to Strawberry, where anything was.
        children: What is selected below it, for a field that returns an object type. Below an interface or a union
            it depends on the row's type: see `children_of`.
        cached: Whatever was made of it that does not depend on variables.
    """

    __slots__ = (
        "_children_of",
        "_constant_arguments",
        "_node",
        "cached",
        "children",
        "declaration",
        "definition",
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
        self.declaration: Any = None
        self._children_of = functools.cache(children_of)
        type_ = get_named_type(definition.type) if definition is not None else None
        self.children = self.children_of(type_.name) if isinstance(type_, GraphQLObjectType) else ()
        self._node = node
        self.cached: dict[str, Any] = {}
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
        if type(variables) is not Coerced:
            return get_argument_values(self.definition, self._node, variables)
        made = variables.arguments
        if self not in made:
            made[self] = get_argument_values(self.definition, self._node, variables)
        return made[self]

    @property
    def takes_variables(self) -> bool:
        """Whether its arguments depend on variables."""
        return self._constant_arguments is None

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

    def given(self, arguments: dict[str, Any]) -> None:
        """Take these for its arguments, whatever the document says."""
        self._constant_arguments = arguments


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
    merging = Merging(schema, operation, fragments, variables)
    collected = collect_fields(schema, merging.fragments, variables, root_type, operation)
    roots = merging.fields(root_type, collected.grouped_field_set)
    for root in roots:
        if root.definition is not None:
            root.declaration = strawberry_definition(root.definition)
    return roots


TYPE_KEY = " type"
"""The key of a row's type in what `selected_root` gives of an interface. No document can name it: it has a space."""


def selected_root(info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> tuple[Selected, VariableValues]:
    """The selection of a root field while graphql-core executes it, and the operation's variables.

    Of an interface, each row's type is selected too, as `TYPE_KEY`.

    Args:
        arguments: Its arguments, keyed by GraphQL name.
    """
    # Strawberry hands on their values alone. What is missing tells how they were written, which nobody asks for here.
    values = info.variable_values
    variables = values if isinstance(values, VariableValues) else VariableValues({}, values)
    merging = Merging(info.schema, info.operation, info.fragments, variables)
    nodes = [FieldDetails(node, None) for node in info.field_nodes]
    found = merging.field(info.parent_type, str(info.path.key), nodes, typed=True)
    found.given(arguments)
    return found, variables


class Merging:
    """What merging the selections of one operation takes."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.variables = variables
        self.fragments = {name: FragmentDetails(definition) for name, definition in fragments.items()}

    def fields(self, parent: GraphQLObjectType, grouped: GroupedFieldSet) -> tuple[Selected, ...]:
        """Each field of a type, with what is selected below it."""
        return tuple(self.field(parent, key, nodes) for key, nodes in grouped.items())

    def field(self, parent: GraphQLObjectType, key: str, nodes: FieldDetailsList, *, typed: bool = False) -> Selected:
        """One field. With `typed`, what is selected below an interface begins with `TYPE_KEY`."""
        node = nodes[0].node
        definition = None if node.name.value == "__typename" else self.schema.get_field(parent, node.name.value)
        typed = typed and definition is not None and is_abstract_type(get_named_type(definition.type))

        def children_of(type_name: str) -> tuple[Selected, ...]:
            type_ = self.schema.get_type(type_name)
            if not isinstance(type_, GraphQLObjectType):
                return ()
            collected = collect_subfields(self.schema, self.fragments, self.variables, self.operation, type_, nodes)
            found = self.fields(type_, collected.grouped_field_set)
            return (_type_of(type_), *found) if typed else found

        return Selected(key, node, parent, definition, children_of)


def _type_of(type_: GraphQLObjectType) -> Selected:
    node = FieldNode(name=NameNode(value="__typename"), arguments=())
    return Selected(TYPE_KEY, node, type_, None, lambda _: ())


CONDITIONS = frozenset({"skip", "include"})
"""The directives that decide what is selected."""


def condition_variables(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    directives: Collection[str] = CONDITIONS,
) -> tuple[str, ...]:
    """The variables in these directives, here or in what is spread here: for `CONDITIONS`, which fields there are."""
    found: set[str] = set()
    spread: set[str] = set()
    waiting: list[OperationDefinitionNode | FragmentDefinitionNode] = [operation]

    class Conditions(Visitor):
        def enter_fragment_spread(self, node: Any, *_: Any) -> None:
            if (name := node.name.value) not in spread:
                spread.add(name)
                waiting.append(fragments[name])

        def enter_directive(self, node: Any, *_: Any) -> None:
            if node.name.value in directives:
                found.update(
                    argument.value.name.value
                    for argument in node.arguments or ()
                    if isinstance(argument.value, VariableNode)
                )

    while waiting:
        visit(waiting.pop(), Conditions())
    return tuple(sorted(found))


def at_once(document: DocumentNode) -> DocumentNode:
    """The document without `@defer` and `@stream`: nothing of it is put off."""

    class Directives(Visitor):
        def enter_directive(self, node: Any, *_: Any) -> Any:
            return REMOVE if node.name.value in {"defer", "stream"} else None

    return cast(DocumentNode, visit(document, Directives()))


def _mentions_variables(node: FieldNode) -> bool:
    found = False

    class Variables(Visitor):
        def enter_variable(self, *_: Any) -> None:
            nonlocal found
            found = True

    for argument in node.arguments or ():
        visit(argument, Variables())
    return found
