"""Root fields by declaration: `trips = many("Trip")`."""

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.types.arguments import StrawberryArgument

from gql import derive
from gql.declare import Node
from gql.late import list_of, object_type, optional
from resolvers.declared import changes as subscriptions
from resolvers.declared import reads, writes
from resolvers.declared.base import DeclaredField

__all__ = [
    "TRIP_ID",
    "DeclaredField",
    "any_node",
    "changes",
    "create",
    "create_many",
    "delete",
    "many",
    "one",
    "own",
    "trip_presence",
    "update",
    "update_own",
]


TRIP_ID = derive.row_argument("tripId", "The trip.")


def one(type_name: str) -> DeclaredField:
    """`trip(id: UUID!): Trip`: null when there is none or the caller may not see it."""
    return reads.One(type_name, *_optional(type_name), f"The `{type_name}` with this id, or null.")


def own(type_name: str, *, by: str, description: str) -> DeclaredField:
    """The caller's own row, whose field `by` is the caller's id; null for an anonymous caller."""
    return reads.Own(type_name, lambda: optional(object_type(type_name)), by, description)


def any_node() -> DeclaredField:
    """`node(nodeId: ID!): Node`."""
    return reads.AnyNode(
        "Node",
        lambda: optional(Node),
        lambda: [derive.argument("nodeId", strawberry.ID, "An identifier that some `nodeId` field gave.")],
        "The object with this identifier, of whichever type, or null.",
    )


def many(type_name: str) -> DeclaredField:
    """`trips(filter, orderBy, first, …): TripConnection!`."""
    return reads.Many(
        type_name,
        lambda: derive.connection_type(type_name),
        lambda: derive.connection_arguments(type_name),
        f"The `{type_name}` rows that the caller may see.",
    )


def create(type_name: str) -> DeclaredField:
    """`createTrip(input: CreateTripInput!): Trip`."""
    return writes.Create(
        type_name,
        lambda: optional(object_type(type_name)),
        lambda: [derive.argument("input", derive.create_type(type_name), "The new row.")],
        f"Create a `{type_name}`.",
    )


def create_many(type_name: str) -> DeclaredField:
    """`createTrips(inputs: [CreateTripInput!]!): [Trip!]`: all or none, answered in the order of the inputs."""
    return writes.CreateMany(
        type_name,
        lambda: optional(list_of(object_type(type_name))),
        lambda: [derive.argument("inputs", list_of(derive.create_type(type_name)), "The new rows.")],
        f"Create several `{type_name}` rows, all or none; the answer is in the order of the inputs.",
    )


def update(type_name: str) -> DeclaredField:
    """`updateTrip(id: UUID!, patch: TripPatch!): Trip`."""
    return writes.Update(
        type_name,
        lambda: optional(object_type(type_name)),
        lambda: [derive.key_argument(), derive.argument("patch", derive.patch_type(type_name), "What changes.")],
        f"Change a `{type_name}`.",
    )


def update_own(type_name: str, *, by: str, description: str) -> DeclaredField:
    """`updateMyProfile(patch: ProfilePatch!): Profile`: the row whose field `by` is the caller's id."""
    return writes.UpdateOwn(
        type_name,
        lambda: optional(object_type(type_name)),
        lambda: [derive.argument("patch", derive.patch_type(type_name), "What changes.")],
        by,
        description,
    )


def changes(type_name: str, *, description: str) -> DeclaredField:
    """`tripItemChanges(tripId: UUID!): TripItemChange!`."""
    return subscriptions.Changes(
        type_name,
        lambda: derive.change_type(type_name),
        lambda: [TRIP_ID],
        description,
    )


def trip_presence() -> DeclaredField:
    """`tripPresence(tripId: UUID!): TripPresence!`."""
    return subscriptions.TripPresence(
        lambda: derive.presence_type("TripPresence", "Profile", "Who is on a trip right now."),
        lambda: [TRIP_ID],
        "Who is on the trip now: an event whenever somebody comes or goes. Subscribing makes the caller seen.",
    )


def delete(type_name: str) -> DeclaredField:
    """`deleteTrip(id: UUID!): Trip`: the row as it was."""
    return writes.DeleteOne(
        type_name, *_optional(type_name), f"Delete a `{type_name}`; the answer is the row as it was."
    )


def _optional(type_name: str) -> tuple[Callable[[], Any], Callable[[], list[StrawberryArgument]]]:
    return lambda: optional(object_type(type_name)), lambda: [derive.key_argument()]
