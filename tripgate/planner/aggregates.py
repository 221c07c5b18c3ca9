"""`aggregate` fields and groups: what is computed over all matching rows, and where the answer finds it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gql.errors import bad_input
from gql.table import Column, Kind, Sort, Table
from tripgate.planner import result_shape as shape
from tripgate.planner.plan import Aggregate, Condition, Function, Read, pick
from tripgate.planner.selection import Selected

COUNT = "count"
"""The alias under which rows are counted."""


class Totals:
    """What is wanted of all rows of a table together: each count and each computation once."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.counted = False
        self._computed: dict[tuple[Function, str], Aggregate] = {}

    @property
    def computed(self) -> bool:
        """Whether more than a count is wanted."""
        return bool(self._computed)

    def count(self) -> str:
        """Count the rows; the count's alias."""
        self.counted = True
        return COUNT

    def compute(self, function: Function, column: Column) -> str:
        """Compute this over the column; the result's alias."""
        # What is added or divided may outgrow a number of JSON, unless it is a float anyway.
        adds = function in {Function.SUM, Function.AVG} and column.kind is not Kind.DOUBLE
        cast = "text" if adds else column.kind.cast
        return self._add(function, column.name, cast)

    def read(self, where: Condition) -> Read:
        """A read of all of it, in one row."""
        return Read(self.table.name, (), where=where, aggregates=self.aggregates)

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """Everything wanted so far."""
        return (*((Aggregate(COUNT, Function.COUNT),) if self.counted else ()), *self._computed.values())

    def _add(self, function: Function, column: str, cast: str | None) -> str:
        new = Aggregate(f"a{len(self._computed)}", function, column, cast)
        return self._computed.setdefault((function, column), new).alias


def aggregate(totals: Totals, children: Iterable[Selected]) -> shape.ResultObject:
    """The shape of an `aggregate` field, all from one row of totals."""
    return shape.ResultObject(tuple(_field(totals, child, "Aggregate") for child in children))


def _field(totals: Totals, child: Selected, suffix: str) -> shape.Constant | shape.Value | shape.NestedObject:
    type_name = totals.table.type_name
    match child.name:
        case "__typename":
            return shape.Constant(child.key, f"{type_name}{suffix}")
        case "count":
            return shape.Value(child.key, totals.count())
        case name:
            function = Function(name)
            fields = (
                shape.Constant(each.key, f"{type_name}{function.capitalize()}")
                if each.name == "__typename"
                else _computed(each.key, totals, function, totals.table.columns[each.name])
                for each in child.children
            )
            return shape.NestedObject(child.key, shape.ResultObject(tuple(fields)))


def _computed(
    key: str, totals: Totals, function: Function, column: Column
) -> shape.Value | shape.Json | shape.Converted:
    alias = totals.compute(function, column)
    # A sum or an average is a decimal, or of floats a float.
    return shape.value(key, alias, column)


@dataclass(frozen=True, slots=True)
class GroupsPlan:
    """Groups of rows, each a row of the read, and how to answer with one."""

    read: Read
    shape: shape.ResultObject


def groups(
    table: Table, selected: Selected, arguments: dict[str, Any], where: Condition, *, max_page_size: int
) -> GroupsPlan:
    """Plan `<plural>Grouped`: ordered by what the rows are grouped by, so that equal questions get equal answers.

    Args:
        arguments: The field's own; `by` as enum members whose values are fields of the table.

    Raises:
        ApiError: BAD_USER_INPUT.
    """
    by = tuple(table.columns[name] for name in dict.fromkeys(each.value for each in arguments["by"]))
    if not by:
        raise bad_input("by is empty. Name at least one field to group by, or ask for aggregate.", field="by")
    first, offset = arguments.get("first"), arguments.get("offset")
    if first is not None and not 0 <= first <= max_page_size:
        raise bad_input(f"first must be between 0 and {max_page_size}, not {first}.", field="first")
    if offset is not None and offset < 0:
        raise bad_input(f"offset must not be negative, as {offset} is.", field="offset")
    totals = Totals(table)
    made = shape.ResultObject(
        tuple(
            shape.NestedObject(child.key, _key(table, by, child.children))
            if child.name == "key"
            else _field(totals, child, "Group")
            for child in selected.children
        )
    )
    if not totals.aggregates:
        totals.count()  # rows with some aggregate are groups; without any they would be rows
    read = Read(
        table.name,
        tuple(pick(table, column.name) for column in by),
        where=where,
        order=tuple(Sort(column.name) for column in by),
        limit=max_page_size if first is None else first,
        offset=offset or 0,
        aggregates=totals.aggregates,
    )
    return GroupsPlan(read, made)


def _key(table: Table, by: tuple[Column, ...], children: Iterable[Selected]) -> shape.ResultObject:
    names = {column.field for column in by}
    fields: list[shape.Constant | shape.Value] = []
    for child in children:
        if child.name == "__typename":
            fields.append(shape.Constant(child.key, f"{table.type_name}GroupFields"))
        elif child.name in names:
            column = table.columns[child.name]
            fields.append(shape.Value(child.key, column.name, column.choices))
        else:
            fields.append(shape.Constant(child.key, None))
    return shape.ResultObject(tuple(fields))
