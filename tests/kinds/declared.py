"""Types over the tables of `project`, of all kinds of columns and keys. For a program of their own, `served`: what is
declared stays declared."""

from datetime import time
from typing import Any
from uuid import UUID

from gql.declare import NEVER, REQUIRED, column, has_one, on_create, table, to_many, to_one, unique
from gql.scalars import BigInt, Interval, Vector
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
    table(name, order_by=("label",), **said)(type(type_name, (), body))


_declare("UuidSample", "uuid_samples", {"id": (UUID, column(write=NEVER)), "embedding": (Vector, column())})
_declare(
    "TextSample",
    "text_samples",
    {"code": (str, column(write=on_create(required=True)))},
    {"marks": to_many("Mark", via="text_code", create=True, description="Its marks.")},
    key="code",
)
_declare(
    "BigintSample",
    "bigint_samples",
    {"number": (BigInt, column(write=NEVER))},
    {"mark": has_one("Mark", via="bigint_number", description="Its only mark.")},
    key="number",
)


@table("marks", order_by=("note",), keys=(unique("bigint_number"),))
class Mark:
    """What belongs to samples."""

    id: BigInt = column(write=NEVER)
    text_code: str | None
    bigint_number: BigInt | None
    note: str = column(write=REQUIRED)

    text_sample = to_one("TextSample", via="text_code", description="What it is one of several of.")
    bigint_sample = to_one("BigintSample", via="bigint_number", description="What it is the only one of.")


@table("notes", order_by=("shouted desc",), key="number", read_only=True)
class Note:
    """A view of marks."""

    number: BigInt
    text_code: str | None
    shouted: str

    text_sample = to_one("TextSample", via="text_code", description="What it is about.")


_PARTS = [each for name in ("UuidSample", "TextSample", "BigintSample", "Mark", "Note") for each in crud(name).types()]
SCHEMA = build_schema(
    queries=[each for each in _PARTS if each.__name__.endswith("Query")],
    mutations=[each for each in _PARTS if each.__name__.endswith("Mutation")],
)
