"""What root fields do for a caller who is not signed in: those by which somebody signs in, or gets back in, run."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from graphql import GraphQLField, GraphQLResolveInfo, GraphQLSchema

from gql.strawberry_definition import strawberry_definition
from resolvers.context import Context, sign_in
from resolvers.declared import DeclaredField
from resolvers.declared.queries import Own

ALLOWS_ANONYMOUS: Mapping[str, Any] = {"allows_anonymous": True}
"""The `metadata` of a root field that callers who are not signed in may use. Without it a field needs a caller."""


def allows_anonymous(field: GraphQLField) -> bool:
    """Whether a root field says `ALLOWS_ANONYMOUS`: it runs without a token, and with one that has expired."""
    definition = strawberry_definition(field)
    return "allows_anonymous" in getattr(definition, "metadata", ())


def has_effects(field: GraphQLField) -> bool:
    """Whether a root field of a query has something done beside reading."""
    return getattr(strawberry_definition(field), "has_effects", False) is True


def is_null_for_anonymous(field: GraphQLField) -> bool:
    """Whether a root field is the caller's own row, of which there is none for a caller who is not signed in."""
    return isinstance(strawberry_definition(field), Own)


def refuse_anonymous(schema: GraphQLSchema) -> None:
    """Make root fields that run code of their own refuse anonymous callers; to be called once for a schema.

    That is a body, an extension or a permission class. A declared field without them refuses by itself.
    """
    for root in (schema.query_type, schema.mutation_type, schema.subscription_type):
        for field in () if root is None else root.fields.values():
            definition = strawberry_definition(field)
            plain = isinstance(definition, DeclaredField) and not definition.extensions
            if plain or allows_anonymous(field) or is_null_for_anonymous(field):
                continue
            if root is schema.subscription_type:
                field.subscribe = _signed_in_only(field.subscribe)
            else:
                field.resolve = _signed_in_only(field.resolve)


def _signed_in_only(resolve: Callable[..., Any] | None) -> Callable[..., Any] | None:
    if resolve is None:
        return None

    @wraps(resolve)
    def guarded(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if isinstance(info.context, Context) and info.context.caller.anonymous:
            raise sign_in()
        return resolve(source, info, **arguments)

    return guarded
