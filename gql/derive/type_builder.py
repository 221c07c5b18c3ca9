"""Build a Strawberry type or argument from names and late annotations."""

import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from strawberry.schema_directives import OneOf
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.unset import UNSET
from strawberry.utils.str_converters import to_camel_case

from gql.caching import type_directives
from gql.catalog import catalog
from gql.forward_types import LateField, NotYetDeclaredError, annotated, defining
from gql.scalars import JSON, BigInt, Interval
from gql.scope import Scope
from gql.table import Column, Kind

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


def make(
    name: str, fields: dict[str, Field], description: str, *, is_input: bool = False, directives: Sequence[object] = ()
) -> type:
    """Build a Strawberry type of these fields, their GraphQL names given as they are.

    It is what `strawberry.type` makes of such a class, but for the methods, which `_Derived` has for all: compiling
    them for each of twenty types a table took half of a start.
    """
    body: dict[str, Any] = {
        _python_name(key): LateField(field.annotation, graphql_name=key, description=field.description, default=UNSET)
        for key, field in fields.items()
    }
    # Without a docstring each class would be given one from its signature, which takes longer than all else here.
    about = {"__annotations__": dict.fromkeys(body, Any), "__module__": __name__, "__doc__": description}
    made: Any = type(name, (_Derived,), {**about, **body})
    with defining():
        dataclass(init=False, repr=False, eq=False, match_args=False)(made)
        for field in body.values():
            field.origin = made
        made.__strawberry_definition__ = StrawberryObjectDefinition(
            name=name,
            is_input=is_input,
            is_interface=False,
            origin=made,
            description=description,
            interfaces=[],
            extend=False,
            directives=directives,
            is_type_of=None,
            resolve_type=None,
            fields=list(body.values()),
        )
    return cast(type, made)


class _Derived:
    """A value of a derived type, as extensions of a resolver get it: a dataclass whose fields may all be unset."""

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            if name not in self.__dataclass_fields__:  # type: ignore[attr-defined]
                raise TypeError(f"{type(self).__name__} has no field {name!r}")
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._values().items())})"

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # as that of every dataclass that may change

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}  # type: ignore[attr-defined]


def _python_name(key: str) -> str:
    return f"{key}_" if key in {"and", "or", "not", "in"} else key


def make_input(name: str, fields: dict[str, Field], description: str, *, one_of: bool = False) -> type:
    """Build an input type; `one_of` allows exactly one of its fields at a time."""
    return make(name, fields, description, is_input=True, directives=(OneOf(),) if one_of else ())


def rows_type(of: str, name: str, fields: dict[str, Field], description: str) -> type:
    """Build an output type that holds rows of the type `of`, or what is computed over them: cached as long as those."""
    table = catalog.get(of)
    if table is None:
        raise NotYetDeclaredError(of)
    return make(name, fields, description, directives=type_directives(table.cache))


def annotation_of(column: Column) -> Any:
    """The Python type of a column's values, never null."""
    return column.enum if column.enum is not None else PYTHON_TYPES[column.kind]


def argument(name: str, annotation: Any, description: str, *, default: object = UNSET) -> StrawberryArgument:
    """One argument of a derived field; optional when its annotation is, or when it has a default."""
    return StrawberryArgument(
        python_name=name,
        graphql_name=name,
        type_annotation=annotated(annotation),
        description=description,
        default=default,
    )


def row_argument(name: str, description: str) -> StrawberryArgument:
    """A required argument that names a row by its key."""
    return argument(name, uuid.UUID, description)


def scope_argument(scope: Scope) -> StrawberryArgument:
    """`tripId`: the key of a scope's root, in an argument called after both."""
    return argument(scope_key_name(scope), annotation_of(catalog[scope.root].key), scope.description)


def scope_key_name(scope: Scope) -> str:
    """What the key of a scope's root is called where other keys stand beside it: `tripId`."""
    key = catalog[scope.root].key
    return to_camel_case(scope.called) + key.field[0].upper() + key.field[1:]


def key_argument(type_name: str) -> StrawberryArgument:
    """`id`, or what the type's primary key is called: the key of the row that is meant."""
    key = catalog[type_name].key
    return argument(key.field, annotation_of(key), "The row's key.")
