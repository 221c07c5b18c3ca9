"""Whether an operation needs somebody, or POST, told from its document alone: before its variables are looked at."""

from collections.abc import Iterable, Iterator, Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
)

from resolvers.anonymous import allows_anonymous, has_effects
from tripgate.planner.selection import Selected


def all_allow_anonymous(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> bool:
    """Whether each root field of a valid operation needs nobody: by its declaration, or since it asks of the schema.

    Fields that variables may leave out count too.
    """
    return all(map(allows_anonymous, _root_fields(schema, operation, fragments)))


def any_has_effects(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> bool:
    """Whether a root field of a valid query has something done; those that variables may leave out count too."""
    return any(map(has_effects, _root_fields(schema, operation, fragments)))


def _root_fields(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[GraphQLField]:
    """The root fields, but those that ask of the schema."""
    root = schema.get_root_type(operation.operation)
    assert root is not None  # noqa: S101 - validation refused the operation otherwise
    spread: set[str] = set()
    waiting = [operation.selection_set]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                name = node.name.value
                if not name.startswith("__"):
                    yield root.fields[name]
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and (name := node.name.value) not in spread:
                spread.add(name)
                waiting.append(fragments[name].selection_set)


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments that a document defines, by name."""
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def all_closed_to_anonymous(roots: Iterable[Selected]) -> bool:
    """Whether none of these root fields does anything for a caller who is not signed in."""
    return not any(
        selected.name.startswith("__") or allows_anonymous(selected.definition)
        for selected in roots
        if selected.definition is not None  # `__typename`, which is no more than a word
    )
