"""The schema as a subgraph of Apollo Federation 2, for `build_schema` and for `tripgate schema --federation`.

Not by Strawberry's own federation, which resolves representations one by one, and marks classes with keys for good,
where here one set of classes makes the schema with and without (docs/architecture.md).
"""

import functools
from collections.abc import Callable

import strawberry
from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DocumentNode,
    FieldDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse,
    print_ast,
)

from gql.catalog import catalog
from resolvers.declared.entities import ENTITIES, SERVICE, Entities, SubgraphSchema

_LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])'
_OWN = frozenset({"_Any", "_Entity", "_Service"})
_SHARED = frozenset({"PageInfo"})
"""Types that other subgraphs may have too, since Relay's specification says what they are."""


def federation_query(sdl: Callable[[], str]) -> type:
    """The root fields that a router asks, as a domain.

    Args:
        sdl: What `_service` answers, of `subgraph_sdl`.
    """

    @strawberry.type
    class FederationQuery:
        subgraph_entities = Entities()
        subgraph_service = SubgraphSchema(sdl)

    return FederationQuery


def subgraph_sdl(sdl: str) -> str:
    """A printed schema as a subgraph's: each type with its key, and without what every router adds by itself."""
    definitions = (
        _of_subgraph(definition)
        for definition in parse(sdl, no_location=True).definitions
        if not (
            isinstance(definition, ObjectTypeDefinitionNode | ScalarTypeDefinitionNode | UnionTypeDefinitionNode)
            and definition.name.value in _OWN
        )
    )
    return print_ast(DocumentNode(definitions=(*parse(_LINK).definitions, *definitions))) + "\n"


def _of_subgraph(definition: DefinitionNode) -> DefinitionNode:
    if not isinstance(definition, ObjectTypeDefinitionNode):
        return definition
    name = definition.name.value
    table = catalog.get(name)
    fields: tuple[FieldDefinitionNode, ...] = definition.fields or ()
    if name == "Query":
        fields = tuple(field for field in fields if field.name.value not in {ENTITIES, SERVICE})
    directives = definition.directives or ()
    if table is not None:
        directives = (*directives, _directive(f'@key(fields: "{table.key.field}")'))
    elif name in _SHARED:
        directives = (*directives, _directive("@shareable"))
    return ObjectTypeDefinitionNode(
        description=definition.description,
        name=definition.name,
        interfaces=definition.interfaces,
        directives=directives,
        fields=fields,
    )


@functools.cache
def _directive(text: str) -> ConstDirectiveNode:
    (made,) = parse(f"scalar Any {text}", no_location=True).definitions
    assert isinstance(made, ScalarTypeDefinitionNode)  # noqa: S101 - as written above
    assert made.directives  # noqa: S101
    return made.directives[0]
