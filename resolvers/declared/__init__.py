"""Root fields by declaration: `trips = many("Trip")`. Each fails alone: none takes the answers of others along."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import strawberry
from strawberry.types.arguments import StrawberryArgument

from gql import derive
from gql.catalog import catalog
from gql.declare import Node
from gql.forward_types import list_of, object_type, optional
from gql.scope import Scope, Unheard
from resolvers.declared import changes as subscriptions
from resolvers.declared import functions, groups, lookups, own_changes, queries, sharing, upserts, writes, writes_many
from resolvers.declared.base import DeclaredField
from resolvers.declared.functions import Parameter
from tripgate.planner import write

__all__ = [
    "DeclaredField",
    "Parameter",
    "any_node",
    "any_nodes",
    "changes",
    "create",
    "create_many",
    "delete",
    "delete_many",
    "grouped",
    "leave",
    "lookup",
    "many",
    "my_changes",
    "one",
    "own",
    "presence",
    "row_of",
    "rows_of",
    "update",
    "update_many",
    "update_own",
    "upsert",
    "value_of",
]


def one(type_name: str) -> DeclaredField:
    """`trip(id: UUID!): Trip`: null when there is none or the caller may not see it."""
    return queries.One(type_name, *_by_key(type_name), f"The `{type_name}` with this id, or null.")


def own(type_name: str, *, by: str, description: str) -> DeclaredField:
    """The caller's own row, whose field `by` is the caller's id; null for an anonymous caller."""
    return queries.Own(type_name, lambda: object_type(type_name), by, description)


def any_node() -> DeclaredField:
    """`node(nodeId: ID!): Node`."""
    return queries.AnyNode(
        "Node",
        lambda: Node,
        lambda: [derive.argument("nodeId", strawberry.ID, "An identifier that some `nodeId` field gave.")],
        "The object with this identifier, of whichever type, or null.",
    )


def any_nodes() -> DeclaredField:
    """`nodes(nodeIds: [ID!]!): [Node]`: one request for each type among them."""
    return lookups.AnyNodes(
        lambda: list_of(optional(Node)),
        lambda: [
            derive.argument(
                "nodeIds", list_of(strawberry.ID), "Identifiers that some `nodeId` field gave, of any types."
            )
        ],
        "The objects with these identifiers, in their order; null for each that is not there or may not be seen.",
    )


def lookup(type_name: str) -> DeclaredField:
    """`tagByName(name: String!): Tag`, by the unique key that the field is called after.

    Where a column of the key is the caller's own id, only the caller's rows are looked through.
    """
    return lookups.Lookup(type_name)


def rows_of(
    type_name: str,
    function: str,
    *parameters: Parameter,
    description: str,
    depends_on: tuple[str, ...] | Unheard | None = None,
) -> DeclaredField:
    """`searchPlaces(text: String!, filter, orderBy, first, …): PlaceConnection`: rows that a function returns.

    Args:
        depends_on: The tables that the function looks into beside the one whose rows it returns; or why live queries
            need not hear of their changes.
    """
    return functions.FunctionRows(
        type_name, function, parameters, lambda: derive.connection_type(type_name), description, depends_on
    )


def row_of(
    type_name: str, function: str, *, description: str, depends_on: tuple[str, ...] | None = None
) -> DeclaredField:
    """`billingSubscription: BillingSubscription`: the one row that a function returns, or null."""
    return functions.FunctionRow(type_name, function, lambda: object_type(type_name), description, depends_on)


def value_of(
    function: str,
    *parameters: Parameter,
    returns: Any,
    description: str,
    depends_on: tuple[str, ...] | Unheard,
) -> DeclaredField:
    """`distanceInMetres(fromPlaceId: UUID!, toPlaceId: UUID!): Int`: the value that a function returns.

    Args:
        depends_on: The tables that it looks into, as in `("places",)`, or `POLLED` to have live queries ask it again
            and again, for one that looks at the clock.
    """
    return functions.FunctionValue(function, parameters, returns, description, depends_on)


def many(type_name: str) -> DeclaredField:
    """`trips(filter, orderBy, first, …): TripConnection`."""
    return queries.Many(
        type_name,
        lambda: derive.connection_type(type_name),
        lambda: derive.connection_arguments(type_name),
        f"The `{type_name}` rows that the caller may see.",
    )


def grouped(type_name: str) -> DeclaredField:
    """`tripsGrouped(by: [TripGroupKey!]!, filter, first, offset): [TripGroup!]`."""
    return groups.Grouped(
        type_name,
        lambda: list_of(derive.group_type(type_name)),
        lambda: derive.group_arguments(type_name),
        f"The `{type_name}` rows that the caller may see, in groups, with what is computed over each.",
    )


def create(type_name: str) -> DeclaredField:
    """`createTrip(input: CreateTripInput!): Trip`."""
    return writes.Create(
        type_name,
        lambda: object_type(type_name),
        lambda: [derive.argument("input", derive.create_type(type_name), "The new row.")],
        f"Create a `{type_name}`.",
    )


def create_many(type_name: str) -> DeclaredField:
    """`createTrips(inputs: [CreateTripInput!]!): [Trip!]`: all or none, answered in the order of the inputs."""
    return writes.CreateMany(
        type_name,
        lambda: list_of(object_type(type_name)),
        lambda: [derive.argument("inputs", list_of(derive.create_type(type_name)), "The new rows.")],
        f"Create several `{type_name}` rows, all or none; the answer is in the order of the inputs.",
    )


def update(type_name: str) -> DeclaredField:
    """`updateTrip(id: UUID!, patch: TripPatch!): Trip`."""
    return writes.Update(
        type_name,
        lambda: object_type(type_name),
        lambda: [
            derive.key_argument(type_name),
            derive.argument("patch", derive.patch_type(type_name), "What changes."),
            *_if_unmodified_since(type_name),
        ],
        f"Change a `{type_name}`.",
    )


def update_many(type_name: str) -> DeclaredField:
    """`updateTrips(filter: TripFilter!, patch: TripPatch!, atMost: Int! = 1): [Trip!]`: all or none."""
    return writes_many.UpdateMany(
        type_name,
        lambda: list_of(object_type(type_name)),
        lambda: [
            _filter(type_name),
            derive.argument("patch", derive.patch_type(type_name), "What changes."),
            _at_most(),
            *_if_unmodified_since(type_name),
        ],
        f"Change the `{type_name}` rows that match, all or none; the answer is in the order of their ids.",
    )


def update_own(type_name: str, *, by: str, description: str) -> DeclaredField:
    """`updateMyProfile(patch: ProfilePatch!): Profile`: the row whose field `by` is the caller's id."""
    return writes.UpdateOwn(
        type_name,
        lambda: object_type(type_name),
        lambda: [
            derive.argument("patch", derive.patch_type(type_name), "What changes."),
            *_if_unmodified_since(type_name),
        ],
        by,
        description,
    )


def upsert(type_name: str, *, by: str | None = None) -> DeclaredField:
    """`upsertTag(input: UpsertTagInput!): Tag`: by the type's unique key, or the one that the field `by` looks up."""
    return upserts.Upsert(
        type_name,
        lambda: object_type(type_name),
        lambda: [derive.argument("input", derive.upsert_type(type_name, by), "The row.")],
        f"Create a `{type_name}`, or change the one that is there already. What the input leaves out stays as it is.",
        by,
    )


def changes(type_name: str, *, description: str, narrowed_by: dict[str, str] | None = None) -> DeclaredField:
    """`tripItemChanges(tripId: UUID!): TripItemChange!`; without an argument of what is the caller's own.

    Args:
        narrowed_by: Fields by which one's own may be narrowed, each with the description of its argument.
    """
    narrow = narrowed_by or {}

    def arguments() -> list[StrawberryArgument]:
        scope = subscriptions.change_scope(type_name)
        if not scope.of_person:
            return [derive.scope_argument(scope)]
        columns = catalog[type_name].columns
        return [
            derive.argument(name, optional(derive.annotation_of(columns[name])), said) for name, said in narrow.items()
        ]

    return subscriptions.Changes(
        type_name, lambda: derive.change_type(type_name), arguments, description, tuple(narrow)
    )


def my_changes(*, description: str) -> DeclaredField:
    """`myChanges: MyChange!`: what is told on the caller's own topic."""
    return own_changes.OwnChanges(description)


def presence(scope: Scope, *, event: str, description: str) -> DeclaredField:
    """`tripPresence(tripId: UUID!): TripPresence!`.

    Args:
        event: Describes the type of its events.
    """
    person = subscriptions.person_type()
    return subscriptions.Presence(
        person,
        scope,
        lambda: derive.presence_type(f"{scope.root}Presence", person, event),
        lambda: [derive.scope_argument(scope)],
        description,
    )


def leave(scope: Scope, description: str) -> DeclaredField:
    """`leaveTrip(tripId: UUID!): Boolean`: the caller takes part no longer."""
    return sharing.Leave(scope, description)


def delete(type_name: str) -> DeclaredField:
    """`deleteTrip(id: UUID!): Trip`: the row as it was."""
    return writes.DeleteOne(type_name, *_by_key(type_name), f"Delete a `{type_name}`; the answer is the row as it was.")


def delete_many(type_name: str) -> DeclaredField:
    """`deleteTrips(filter: TripFilter!, atMost: Int! = 1): [Trip!]`: all or none, the rows as they were."""
    return writes_many.DeleteMany(
        type_name,
        lambda: list_of(object_type(type_name)),
        lambda: [_filter(type_name), _at_most()],
        f"Delete the `{type_name}` rows that match, all or none; the answer is the rows as they were, by their ids.",
    )


def _filter(type_name: str) -> StrawberryArgument:
    return derive.argument(
        "filter",
        derive.filter_type(type_name),
        "Which rows. Each part must say something: a column without an operator is refused, as is an empty filter.",
    )


def _at_most() -> StrawberryArgument:
    description = "How many rows may match, at most; should more match, nothing changes. No more than a page can hold."
    return derive.argument("atMost", int, description, default=1)


def _if_unmodified_since(type_name: str) -> list[StrawberryArgument]:
    """`ifUnmodifiedSince`, of a type that says when its rows last changed."""
    if write.UPDATED_AT not in catalog[type_name].columns:
        return []
    return [
        derive.argument(
            "ifUnmodifiedSince",
            optional(datetime),
            "The `updatedAt` that was read, to the microsecond. What has changed since stays as it is: `CONFLICT`.",
        )
    ]


def _by_key(type_name: str) -> tuple[Callable[[], Any], Callable[[], list[StrawberryArgument]]]:
    return lambda: object_type(type_name), lambda: [derive.key_argument(type_name)]
