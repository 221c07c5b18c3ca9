"""Types that answers consist of: connections, changes, presence; and the fields of relations."""

import datetime as dt
import functools
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Union

import strawberry
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET
from strawberry.utils.str_converters import to_camel_case

from gql.caching import inherited
from gql.catalog import catalog
from gql.derive.aggregates import aggregate_type
from gql.derive.filters import filter_type, order_type
from gql.derive.type_builder import Field, annotation_of, argument, make, rows_type, scope_key_name
from gql.forward_types import LateField, list_of, object_type, optional
from gql.scope import Scope


@strawberry.type(
    description="Where a page lies among all rows, after the Relay cursor connections specification.",
    directives=inherited(),
)
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether more rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether rows precede this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the page's first row.")
    end_cursor: str | None = strawberry.field(description="The cursor of the page's last row.")


@functools.cache
def connection_type(type_name: str) -> type:
    """`<Type>Connection` and its edge type."""
    edge = rows_type(
        type_name,
        f"{type_name}Edge",
        {
            "cursor": Field(lambda: str, "Marks this row's place in this order; give it as `after` or `before`."),
            "node": Field(lambda: object_type(type_name), "The row."),
        },
        f"One row of a `{type_name}Connection` and its cursor.",
    )
    return rows_type(
        type_name,
        f"{type_name}Connection",
        {
            "edges": Field(lambda: list_of(edge), "The page's rows with their cursors."),
            "nodes": Field(lambda: list_of(object_type(type_name)), "The page's rows."),
            "pageInfo": Field(lambda: PageInfo, "Where this page lies among all rows."),
            "totalCount": Field(
                lambda: int, "How many rows match the filter on all pages; counted only when asked for."
            ),
            "aggregate": Field(
                lambda: aggregate_type(type_name), "What is computed over all rows that match the filter, on all pages."
            ),
        },
        f"A page of `{type_name}` rows.",
    )


@strawberry.enum(description="What happened. RESYNC: something may have been missed, so read anew.")
class ChangeOperation(Enum):
    """What a subscription's event tells."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    RESYNC = "RESYNC"


@functools.cache
def change_type(type_name: str) -> type:
    """`<Type>Change`: one event of a subscription; a piece of a text among them, where the type has such a text."""
    table = catalog[type_name]
    pieces = {
        "delta": Field(
            lambda: optional(str),
            "A piece of the text that is being written, to be put behind what came before; null where the row is told.",
        ),
        "offset": Field(lambda: optional(int), "How many code points of the text come before the piece."),
    }
    return make(
        f"{type_name}Change",
        {
            "operation": Field(lambda: ChangeOperation, "What happened."),
            "id": Field(lambda: optional(annotation_of(catalog[type_name].key)), "The row's key; null with RESYNC."),
            "occurredAt": Field(lambda: dt.datetime, "When it happened."),
            **(pieces if table.streamed is not None else {}),
            table.singular: Field(
                lambda: optional(object_type(type_name)),
                "The row as it is now; null once it is deleted, with RESYNC, and with a piece of its text."
                if table.streamed is not None
                else "The row as it is now; null once it is deleted, and with RESYNC.",
            ),
        },
        f"A change of a `{type_name}`.",
    )


MISSED = "MissedChanges"
"""The type of the event that says: read anew."""


def left_name(scope: Scope) -> str:
    """`LeftTrip`."""
    return f"Left{to_camel_case(scope.name)[0].upper()}{to_camel_case(scope.name)[1:]}"


@functools.cache
def left_type(scope: Scope) -> type:
    """`LeftTrip`: the event that says that the caller takes part in a row no longer."""
    return make(
        left_name(scope),
        {
            scope_key_name(scope): Field(lambda: annotation_of(catalog[scope.root].key), scope.description),
            "occurredAt": Field(lambda: dt.datetime, "When that was told."),
        },
        f"The caller takes part in a {scope.noun} no longer: they left it, were removed from it, or it is deleted.",
    )


@functools.cache
def own_change_type() -> Any:
    """`MyChange`: an event of what concerns a person alone, one type for each table, and for each scope one leaves."""
    missed = make(
        MISSED,
        {"occurredAt": Field(lambda: dt.datetime, "When that was noticed.")},
        "Something may have been missed, so read anew.",
    )
    left = [left_type(scope) for scope in catalog.scopes if scope.members]
    types = [*(change_type(table.type_name) for table in catalog.told_to_person()), *left, missed]
    union = strawberry.union("MyChange", description="Something that concerns the caller has changed.")
    return Annotated[Union[tuple(types)], union]  # noqa: UP007 - of types that exist only at run time


@functools.cache
def presence_type(name: str, person: str, description: str) -> type:
    """An event that tells who is there, who came and who went."""
    people = lambda: list_of(object_type(person))  # noqa: E731 - the same annotation three times
    return make(
        name,
        {
            "people": Field(people, "Everyone who is there now."),
            "joined": Field(people, "Who came since the last event."),
            "left": Field(people, "Who went since the last event."),
        },
        description,
    )


@functools.cache
def connection_arguments(type_name: str) -> list[StrawberryArgument]:
    """What every connection takes: filter, order and a page forwards, backwards or by offset.

    One list for all fields of the type, since Strawberry only reads it.
    """
    return [
        argument("filter", optional(filter_type(type_name)), "Which rows."),
        argument("orderBy", optional(list_of(order_type(type_name))), "The order's keys, the first one weighing most."),
        argument("first", optional(int), "At most this many rows from the start, or after `after`."),
        argument("after", optional(str), "Only rows behind this cursor."),
        argument("last", optional(int), "At most this many rows from the end, or before `before`."),
        argument("before", optional(str), "Only rows ahead of this cursor."),
        argument("offset", optional(int), "Skip this many rows; cursors are faster and steadier."),
    ]


def relation_field(target: str, description: str, deprecated: str | None, *, many: bool) -> StrawberryField:
    """The field of a relation: the row or null, or a connection."""
    said: dict[str, Any] = {"description": description, "deprecation_reason": deprecated, "default": UNSET}
    if many:
        return LateField(lambda: connection_type(target), lambda: connection_arguments(target), **said)
    return LateField(lambda: optional(object_type(target)), **said)


def outside_field(returns: Any, arguments: Callable[[], list[StrawberryArgument]], description: str) -> StrawberryField:
    """A value that another service gives, or null."""
    return LateField(lambda: optional(returns), arguments, description=description, default=UNSET)


def object_field(target: type, description: str, deprecated: str | None) -> StrawberryField:
    """The field of a computed object, which is always there."""
    return LateField(lambda: target, description=description, deprecation_reason=deprecated, default=UNSET)
