"""Types over the tables of `project`, of all kinds of columns and keys. For a program of their own, `served`: what is
declared stays declared."""

from datetime import time
from typing import Any
from uuid import UUID

import strawberry

from gql.declare import NEVER, REQUIRED, column, table
from gql.scalars import BigInt, Interval
from resolvers.declared import create, create_many, delete, delete_many, grouped, many, one, update, update_many
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


def _declare(type_name: str, name: str, key: dict[str, tuple[Any, Any]], **said: Any) -> None:
    body = {
        "__annotations__": {**{field: annotation for field, (annotation, _) in key.items()}, **COLUMNS},
        "__doc__": f"A row of {name}.",
        **{field: mark for field, (_, mark) in key.items()},
        "user_id": column(write=NEVER),
        "label": column(write=REQUIRED),
    }
    table(name, order_by=("label",), **said)(type(type_name, (), body))


_declare("UuidSample", "uuid_samples", {"id": (UUID, column(write=NEVER))})


def _domain(*type_names: str) -> tuple[type, type]:
    query: dict[str, Any] = {}
    mutation: dict[str, Any] = {}
    for name in type_names:
        one_name = name.removesuffix("Sample").lower() + "_sample"
        query |= {one_name: one(name), f"{one_name}s": many(name), f"{one_name}s_grouped": grouped(name)}
        mutation |= {
            f"create_{one_name}": create(name),
            f"create_{one_name}s": create_many(name),
            f"update_{one_name}": update(name),
            f"update_{one_name}s": update_many(name),
            f"delete_{one_name}": delete(name),
            f"delete_{one_name}s": delete_many(name),
        }
    return strawberry.type(type("SampleQuery", (), query)), strawberry.type(type("SampleMutation", (), mutation))


_QUERY, _MUTATION = _domain("UuidSample")
SCHEMA = build_schema(queries=[_QUERY], mutations=[_MUTATION])
