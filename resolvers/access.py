"""What root fields do for a caller who is not signed in: those by which somebody signs in, or gets back in, run."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLField
from strawberry.schema.schema_converter import GraphQLCoreConverter

from resolvers.declared.queries import Own

NEEDS_NOBODY: Mapping[str, Any] = {"needs_nobody": True}
"""The `metadata` of a root field that does the same whoever asks. Without it a field needs a caller."""


def needs_nobody(field: GraphQLField) -> bool:
    """Whether a root field declares that it does the same whoever asks, and so also for a token that has ended."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return "needs_nobody" in getattr(definition, "metadata", ())


def is_null_for_nobody(field: GraphQLField) -> bool:
    """Whether a root field is the caller's own row, of which there is none for a caller who is not signed in."""
    return isinstance(field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF), Own)
