"""Build a Strawberry type or argument from names and late annotations."""

import datetime as dt
import decimal
import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.unset import UNSET

from gql.caching import directives
from gql.late import LateField, NotYetDeclaredError, defining
from gql.scalars import JSON, BigInt, Interval
from gql.table import Column, Kind, catalog

PYTHON_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str,
    Kind.UUID: uuid.UUID,
    Kind.INT: int,
    Kind.NUMERIC: decimal.Decimal,
    Kind.BOOLEAN: bool,
    Kind.DATE: dt.date,
    Kind.DATETIME: dt.datetime,
    Kind.JSON: JSON,
    Kind.TEXT_ARRAY: list[str],
    Kind.BIGINT: BigInt,
    Kind.DOUBLE: float,
    Kind.TIME: dt.time,
    Kind.INTERVAL: Interval,
    Kind.UUID_ARRAY: list[uuid.UUID],
    Kind.INT_ARRAY: list[int],
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a derived type: its annotation, worked out late, and its description."""

    annotation: Callable[[], Any]
    description: str | None


def make(name: str, fields: dict[str, Field], description: str, decorate: Callable[..., type]) -> type:
    """Build a Strawberry type of these fields, their GraphQL names given as they are."""
    body: dict[str, Any] = {
        _python_name(key): LateField(field.annotation, graphql_name=key, description=field.description, default=UNSET)
        for key, field in fields.items()
    }
    # Without a docstring each class would be given one from its signature, which takes longer than all else here.
    about = {"__annotations__": dict.fromkeys(body, Any), "__module__": __name__, "__doc__": description}
    made = type(name, (), {**about, **body})
    with defining():
        return decorate(made, description=description)


def _python_name(key: str) -> str:
    return f"{key}_" if key in {"and", "or", "not", "in"} else key


def rows_type(of: str, name: str, fields: dict[str, Field], description: str) -> type:
    """Build an output type that holds rows of the type `of`, or what is computed over them: kept as long as those."""
    table = catalog.get(of)
    if table is None:
        raise NotYetDeclaredError(of)
    return make(name, fields, description, functools.partial(strawberry.type, directives=directives(table.cache)))


def annotation_of(column: Column) -> Any:
    """The Python type of a column's values, never null."""
    return column.enum if column.enum is not None else PYTHON_TYPES[column.kind]


def argument(name: str, annotation: Any, description: str, *, default: object = UNSET) -> StrawberryArgument:
    """One argument of a derived field; optional when its annotation is, or when it has a default."""
    return StrawberryArgument(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(annotation),
        description=description,
        default=default,
    )


def row_argument(name: str, description: str) -> StrawberryArgument:
    """A required argument that names a row by its key."""
    return argument(name, uuid.UUID, description)


def key_argument(type_name: str) -> StrawberryArgument:
    """`id`, or what the type's primary key is called: the key of the row that is meant."""
    key = catalog[type_name].key
    return argument(key.field, annotation_of(key), "The row's key.")
