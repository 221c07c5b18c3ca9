"""Types over the tables of `project`, of all kinds of columns and keys. For a program of their own, `served`: what is
declared stays declared."""

from datetime import time
from typing import Any
from uuid import UUID

import strawberry

from gql.declare import NEVER, POLLED, REQUIRED, column, has_one, on_create, table, to_many, to_one, unique
from gql.scalars import BigInt, Interval, Vector
from gql.schemas import MEETINGS
from resolvers.declared import Parameter, rows_of
from resolvers.declared.crud import crud
from tripgate.gateway.schema import build_schema

COLUMNS: dict[str, Any] = {
    "user_id": UUID,
    "label": str,
    "big": BigInt | None,
    "ratio": float | None,
    "starts_at": time | None,
    "lasts": Interval | None,
    "refs": list[UUID],
    "counts": list[int],
}


def _declare(
    type_name: str,
    name: str,
    keyed: dict[str, tuple[Any, Any]],
    relations: dict[str, Any] | None = None,
    **said: Any,
) -> None:
    body = {
        "__annotations__": {**{field: annotation for field, (annotation, _) in keyed.items()}, **COLUMNS},
        "__doc__": f"A row of {name}.",
        **{field: mark for field, (_, mark) in keyed.items()},
        "user_id": column(write=NEVER),
        "label": column(write=REQUIRED),
        **(relations or {}),
    }
    table(name, order_by=("label",), unheard=POLLED, **said)(type(type_name, (), body))


_declare("UuidSample", "uuid_samples", {"id": (UUID, column(write=NEVER)), "embedding": (Vector, column())})
_declare(
    "TextSample",
    "text_samples",
    {"code": (str, column(write=on_create(required=True)))},
    {
        "marks": to_many("Mark", via="text_code", create=True, description="Its marks."),
        "meetings": to_many("Meeting", via="sample_code", description="Meetings about it, in another schema."),
    },
    key="code",
)
_declare(
    "BigintSample",
    "bigint_samples",
    {"number": (BigInt, column(write=NEVER))},
    {"mark": has_one("Mark", via="bigint_number", description="Its only mark.")},
    key="number",
)


@table("marks", order_by=("note",), keys=(unique("bigint_number"),), unheard=POLLED)
class Mark:
    """What belongs to samples."""

    id: BigInt = column(write=NEVER)
    text_code: str | None
    bigint_number: BigInt | None
    note: str = column(write=REQUIRED)

    text_sample = to_one("TextSample", via="text_code", description="What it is one of several of.")
    bigint_sample = to_one("BigintSample", via="bigint_number", description="What it is the only one of.")
    meeting_mark = has_one("MeetingMark", via="mark_id", description="The mark of a meeting that is about it.")


@table("notes", order_by=("shouted desc",), key="number", read_only=True, unheard=POLLED)
class Note:
    """A view of marks."""

    number: BigInt
    text_code: str | None
    shouted: str

    text_sample = to_one("TextSample", via="text_code", description="What it is about.")


@table("meetings", schema=MEETINGS, order_by=("title",), unheard=POLLED)
class Meeting:
    """A meeting: a table of another schema, which its own prefix is not put before once more."""

    id: BigInt = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    sample_code: str | None
    title: str = column(write=REQUIRED)
    minutes: BigInt | None
    is_open: bool

    text_sample = to_one("TextSample", via="sample_code", description="What it is about, in another schema.")
    marks = to_many("MeetingMark", via="meeting_id", description="Its marks, in its own schema.")


@table("marks", schema=MEETINGS, order_by=("note",), unheard=POLLED)
class MeetingMark:
    """A mark of a meeting, over a table that is called as one of public is."""

    id: UUID = column(write=NEVER)
    meeting_id: BigInt = column(write=on_create(required=True))
    mark_id: BigInt | None
    note: str = column(write=REQUIRED)

    meeting = to_one("Meeting", via="meeting_id", description="The meeting.")
    replies = to_many("MeetingReply", via="mark_id", create=True, description="What is said to it.")
    mark = to_one("Mark", via="mark_id", description="What it is about, in another schema.")


@table("replies", schema=MEETINGS, order_by=("words",), unheard=POLLED)
class Reply:
    """What is said to a mark of a meeting; the prefix of its schema stands before its name."""

    id: UUID = column(write=NEVER)
    mark_id: UUID = column(write=on_create(required=True))
    words: str = column(write=REQUIRED)


LONGER = rows_of(
    "Meeting",
    "meetings.longer_than",
    Parameter("minutes", "than", int, "More than these."),
    description="Meetings that are longer.",
)


@strawberry.type
class MoreQuery:
    """Fields that no line of `crud` makes."""

    meetings_longer_than = LONGER


_PARTS = [
    each
    for name in ("UuidSample", "TextSample", "BigintSample", "Mark", "Note", "Meeting", "MeetingMark", "MeetingReply")
    for each in crud(name).types()
]
MUTATIONS = [each for each in _PARTS if each.__name__.endswith("Mutation")]
SCHEMA = build_schema(
    queries=[MoreQuery, *(each for each in _PARTS if each.__name__.endswith("Query"))],
    mutations=MUTATIONS,
    federation=True,
)
