"""How graphql-core goes on below a declared field: each field finds its value under its own response key.

What a declared field answers is finished, aliases included, so there is nothing to resolve below it. graphql-core still
checks and serializes each value, and extensions and middleware see each field. Anything else than such a dictionary is
left to Strawberry: what a resolver with a body returns.
"""

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

from gql.errors import ApiError, ErrorCode
from resolvers.declared.outside import one
from tripgate.planner.json_values import NOT_REPRESENTABLE, UNREADABLE
from tripgate.planner.outside import Outside
from tripgate.planner.selection import TYPE_KEY

Resolve = Callable[..., Any]


def read_finished(schema: GraphQLSchema) -> None:
    """Have the schema's types read finished answers; to be called once, before it executes anything."""
    roots = {schema.query_type, schema.mutation_type, schema.subscription_type}
    for type_ in schema.type_map.values():
        if type_.name.startswith("__"):
            continue
        if isinstance(type_, GraphQLObjectType):
            if type_ not in roots:
                for field in type_.fields.values():
                    field.resolve = _by_key(field.resolve, field.type)
            type_.is_type_of = _is_finished_or(type_.is_type_of)
        elif isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            type_.resolve_type = _typed_or(type_.resolve_type)


def _by_key(otherwise: Resolve | None, type_: GraphQLOutputType) -> Resolve | None:
    """The resolver of a field that has none but Strawberry's default."""
    if otherwise is None or not getattr(otherwise, "_is_default", False):
        return otherwise
    named = get_named_type(type_)
    members = {name: each.value for name, each in named.values.items()} if isinstance(named, GraphQLEnumType) else None

    def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if type(source) is not dict:
            return otherwise(source, info, **arguments)
        value = source[info.path.key]
        if value is UNREADABLE:
            raise ApiError(ErrorCode.NOT_REPRESENTABLE, NOT_REPRESENTABLE)
        if type(value) is Outside:
            return one(info.context, value)
        return value if members is None or value is None else members[value]

    # As Strawberry marks its own, which tracers pass over.
    resolve._is_default = True  # type: ignore[attr-defined]
    return resolve


def _is_finished_or(otherwise: Callable[..., Any] | None) -> Callable[..., Any] | None:
    if otherwise is None:
        return None

    def is_type_of(value: Any, info: GraphQLResolveInfo[Any]) -> Any:
        return type(value) is dict or otherwise(value, info)

    return is_type_of


def _typed_or(otherwise: Callable[..., Any] | None) -> Callable[..., Any]:
    def resolve_type(value: Any, info: GraphQLResolveInfo[Any], abstract: GraphQLAbstractType) -> Any:
        if type(value) is dict:
            return value[TYPE_KEY]
        return None if otherwise is None else otherwise(value, info, abstract)

    return resolve_type
