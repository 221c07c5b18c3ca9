"""The shape of an answer: which response keys come from which parts of a row. Frozen and hashable, so that compiled
shapers are cached by it."""

from dataclasses import dataclass
from typing import Any

from gql.table import Choices, Column, Kind, OutsideField, PythonField
from tripgate.planner.stored_values import CONVERSIONS


@dataclass(frozen=True, slots=True)
class Constant:
    """The same text in every row, as `__typename` is, or null."""

    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Value:
    """A column as it is, or for an enum the name of its value (`choices`: pairs of SQL value and name)."""

    key: str
    column: str
    choices: Choices | None = None


@dataclass(frozen=True, slots=True)
class Json:
    """A column of JSON, which a row holds as text."""

    key: str
    column: str


@dataclass(frozen=True, slots=True)
class Converted:
    """A column whose kind a row holds otherwise than an answer: see `stored_values`."""

    key: str
    column: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class NodeId:
    """The identifier across all types: the type's name and the primary key."""

    key: str
    type_name: str
    column: str


@dataclass(frozen=True, slots=True)
class RelatedObject:
    """A row of a to-one relation or a computed object, or null."""

    key: str
    alias: str
    shape: "ResultObject"


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A plain list of objects inside a computed one, never null."""

    key: str
    alias: str
    shape: "ResultObject"


@dataclass(frozen=True, slots=True)
class PythonValue:
    """What a Python function of the domain computes from the row."""

    key: str
    field: PythonField


@dataclass(frozen=True, slots=True)
class OutsideValue:
    """What another service gives; the arguments are those of `tripgate.planner.outside`."""

    key: str
    field: OutsideField
    arguments: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class NestedObject:
    """An object whose fields come from the same row: `sum` of a row of totals."""

    key: str
    shape: "ResultObject"


@dataclass(frozen=True, slots=True)
class RelatedConnection:
    """A connection of a to-many relation; an alias is `None` when neither rows nor totals were needed."""

    key: str
    rows_alias: str | None
    totals_alias: str | None
    shape: "ResultConnection"


ObjectField = (
    Constant
    | Value
    | Json
    | Converted
    | NodeId
    | RelatedObject
    | ObjectList
    | PythonValue
    | OutsideValue
    | NestedObject
    | RelatedConnection
)
"""What an object may be made of."""


@dataclass(frozen=True, slots=True)
class ResultObject:
    """An object, in the order in which its fields were selected."""

    fields: "tuple[ObjectField, ...]"


@dataclass(frozen=True, slots=True)
class Nodes:
    """`nodes`."""

    key: str
    shape: ResultObject


@dataclass(frozen=True, slots=True)
class Cursor:
    """An edge's `cursor`."""

    key: str


@dataclass(frozen=True, slots=True)
class Node:
    """An edge's `node`."""

    key: str
    shape: ResultObject


@dataclass(frozen=True, slots=True)
class Edges:
    """`edges`."""

    key: str
    fields: tuple[Constant | Cursor | Node, ...]


@dataclass(frozen=True, slots=True)
class PageFact:
    """One field of `pageInfo`, by its name in the schema."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class PageInfo:
    """`pageInfo`."""

    key: str
    fields: tuple[Constant | PageFact, ...]


@dataclass(frozen=True, slots=True)
class TotalCount:
    """`totalCount`."""

    key: str


@dataclass(frozen=True, slots=True)
class Totals:
    """`aggregate`: an object made of the row of totals."""

    key: str
    shape: ResultObject


@dataclass(frozen=True, slots=True)
class ResultConnection:
    """A connection.

    Attributes:
        size: The page's size. One row more is read when it must be known whether more follow, and dropped here.
        backward: Whether the rows were read in reverse.
        starts_inside: Whether rows precede the page by its arguments (`after`, `offset`).
        ends_inside: Whether rows follow the page by its arguments (`before`).
        mark: The order's signature for cursors, and `keys` under which names a row holds the values of its keys.
    """

    fields: tuple[Constant | Nodes | Edges | PageInfo | TotalCount | Totals, ...]
    size: int
    backward: bool
    starts_inside: bool
    ends_inside: bool
    mark: str
    keys: tuple[str, ...]


ResultShape = ResultObject | ResultConnection


def value(key: str, name: str, column: Column) -> Value | Json | Converted:
    """The field `key` that answers with the value under `name`, which is one of the column's kind."""
    if column.kind is Kind.JSON:
        return Json(key, name)
    return Converted(key, name, column.kind) if column.kind in CONVERSIONS else Value(key, name, column.choices)
