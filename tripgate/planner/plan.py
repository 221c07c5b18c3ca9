"""The plan: what to ask of the database for one root field, as frozen plain data that prints and compares.

Nothing here knows PostgREST or SQL: each backend renders the same plan.
"""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gql.table import Kind, Sort, Table


class Operator(StrEnum):
    """How a column is compared with a value."""

    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    LIKE = "like"
    ILIKE = "ilike"
    CONTAINS = "contains"
    CONTAINED_BY = "containedBy"
    OVERLAPS = "overlaps"
    SEARCH = "search"


@dataclass(frozen=True, slots=True)
class Compare:
    """`column operator value`; the value is text as Postgres reads it, a tuple of such for IN."""

    column: str
    operator: Operator
    value: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """`column is null`."""

    column: str


@dataclass(frozen=True, slots=True)
class Related:
    """At least one related row is visible and satisfies the condition.

    Attributes:
        via: The foreign key's column, on whichever side it is.
        many: Whether there can be several such rows.
    """

    table: str
    via: str
    many: bool
    where: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    """All hold; true of none."""

    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one holds; false of none."""

    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    of: "Condition"


Condition = Compare | IsNull | Related | And | Or | Not
ALWAYS = And(())
NEVER = Or(())


def both(first: Condition, second: Condition) -> Condition:
    """Both hold, flattened."""
    parts: list[Condition] = []
    for part in (first, second):
        parts.extend(part.of if isinstance(part, And) else (part,))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


@dataclass(frozen=True, slots=True)
class Pick:
    """A selected column and the cast it travels under."""

    column: str
    cast: str | None = None


def pick(table: Table, name: str) -> Pick:
    """A column of the table under its cast, or a computed object, which needs none."""
    column = table.by_sql_name.get(name)
    return Pick(name, _CASTS[column.kind] if column is not None else None)


_CASTS = {kind: kind.cast for kind in Kind}


class Function(StrEnum):
    """What is computed over rows."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`function(column)` under an alias, and the cast that its result travels under.

    Attributes:
        column: `None` to count rows.
    """

    alias: str
    function: Function
    column: str | None = None
    cast: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function of the database that changes nothing, and its arguments: their SQL names and values as text."""

    function: str
    arguments: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Read:
    """Rows of one table, with what is embedded in each.

    Attributes:
        limit: At most so many rows; `None` for all.
        count: Whether the number of all matching rows is wanted as well, of a root read only.
        keys: Whether the values of related keys of the order are wanted as well; see `related_key`.
        aggregates: What is computed over all matching rows, in their place; over each group of rows that agree in the
            columns, where there are any.
        source: A function that returns rows of the table, of a root read only; `None` for the table itself.
    """

    table: str
    columns: tuple[Pick, ...]
    embeds: tuple["Embed", ...] = ()
    where: Condition = ALWAYS
    order: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: int = 0
    count: bool = False
    keys: bool = False
    aggregates: tuple[Aggregate, ...] = ()
    source: FunctionCall | None = None

    @property
    def most(self) -> int:
        """How many objects it may answer with, where its pages have an end."""
        below = sum(embed.read.most if embed.many else 1 for embed in self.embeds)
        return (self.limit or 1) * (1 + below)

    def ordered(self, order: tuple[Sort, ...]) -> "Read":
        """The same rows in this order."""
        return dataclasses.replace(self, order=order)


def related_key(number: int) -> str:
    """The alias of the value of a related key of an order, as text, by the key's place."""
    return f"k{number}"


@dataclass(frozen=True, slots=True)
class Embed:
    """Related rows under a generated alias.

    Attributes:
        via: The foreign key's column, on whichever side it is.
        many: Whether a list is embedded, or one row or null. Aggregates come as a list too.
        theirs: Whether the foreign key of one row is that row's, and unique.
    """

    alias: str
    via: str
    many: bool
    read: Read
    theirs: bool = False


@dataclass(frozen=True, slots=True)
class Insert:
    """New rows, each a mapping of columns to JSON values; columns that a row leaves out get their default.

    Attributes:
        on_conflict: The columns of a unique key. A row that has one of its values there already is not refused.
        merge: Whether such a row takes the new values of all `columns`. Otherwise it stays and is not returned.
    """

    table: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    returning: tuple[Pick, ...]
    on_conflict: tuple[str, ...] = ()
    merge: bool = False


@dataclass(frozen=True, slots=True)
class InsertTree:
    """New rows of several tables, all or none, each table's after those that it refers to. It returns nothing."""

    parts: tuple[tuple[str, tuple[dict[str, Any], ...]], ...]


Match = tuple[tuple[str, str], ...]
"""Columns and the values that they must equal. A write takes no other condition, so that none is ever lost."""

OwnTest = Compare | IsNull | Not
"""A test of one column of the row itself, or the negation of one."""


@dataclass(frozen=True, slots=True)
class Update:
    """Changes to the rows that match.

    Attributes:
        where: Tests that hold as well.
        exactly: How many rows are meant; should it be more or fewer, nothing changes.
    """

    table: str
    match: Match
    changes: dict[str, Any]
    returning: tuple[Pick, ...]
    where: tuple[OwnTest, ...] = ()
    exactly: int | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Removal of the rows that match; `where` and `exactly` as of an update."""

    table: str
    match: Match
    returning: tuple[Pick, ...]
    where: tuple[OwnTest, ...] = ()
    exactly: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function that changes something and returns rows of a table."""

    function: str
    arguments: dict[str, Any]
    returning: tuple[Pick, ...]


Write = Insert | InsertTree | Update | Delete | Call


def as_data(plan: object) -> Any:
    """A plan as JSON data, for people and tests. Defaults are left out."""
    if dataclasses.is_dataclass(plan) and not isinstance(plan, type):
        shown = {
            field.name: as_data(value)
            for field in dataclasses.fields(plan)
            if (value := getattr(plan, field.name)) != field.default
        }
        return {type(plan).__name__: shown}
    if isinstance(plan, tuple):
        return [as_data(item) for item in plan]
    return plan
