"""The schema, assembled from one visible list of domains."""

import functools
from collections.abc import Sequence

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

import gql.types.places
import gql.types.profiles
import gql.types.trips  # noqa: F401
from gql.scalars import SCALARS
from resolvers.accounts import AccountMutation
from resolvers.nodes import NodeQuery
from resolvers.places import PlaceMutation, PlaceQuery
from resolvers.profiles import ProfileMutation, ProfileQuery
from resolvers.trips import TripMutation, TripQuery, TripSubscription

QUERIES: Sequence[type] = (NodeQuery, ProfileQuery, PlaceQuery, TripQuery)
SUBSCRIPTIONS: Sequence[type] = (TripSubscription,)
MUTATIONS: Sequence[type] = (AccountMutation, ProfileMutation, PlaceMutation, TripMutation)


@functools.cache
def schema() -> strawberry.Schema:
    """The program's schema."""
    return strawberry.Schema(
        query=merge("Query", "Everything that can be read.", QUERIES),
        mutation=merge(
            "Mutation",
            "Everything that can be changed. Fields run in order; after a failure the rest do not run.",
            MUTATIONS,
        ),
        subscription=merge("Subscription", "Changes as they happen.", SUBSCRIPTIONS),
        config=StrawberryConfig(scalar_map=SCALARS),
    )


def graphql_schema() -> GraphQLSchema:
    """The same for graphql-core."""
    return schema()._schema


def merge(name: str, description: str, domains: Sequence[type]) -> type:
    """One root type of all domains.

    Raises:
        ValueError: Two domains offer a field of one name; neither may win.
    """
    owners: dict[str, str] = {}
    for domain in domains:
        for field in domain.__strawberry_definition__.fields:  # type: ignore[attr-defined]
            if (other := owners.setdefault(field.python_name, domain.__name__)) != domain.__name__:
                raise ValueError(f"{name}.{field.python_name} is offered by both {other} and {domain.__name__}")
    return strawberry.type(type(name, tuple(domains), {}), description=description)
