"""What was declared to Strawberry, behind a field or type of graphql-core's schema."""

from typing import Any

from graphql import GraphQLField, GraphQLNamedType
from strawberry.schema.schema_converter import GraphQLCoreConverter


def strawberry_definition(made: GraphQLField | GraphQLNamedType) -> Any:
    """The field or type that was declared to Strawberry; `None` where the element is graphql-core's own."""
    return made.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
