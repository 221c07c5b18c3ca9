"""`aggregate` fields and groups: what is computed over all matching rows, and where the answer finds it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, assert_never

from gql.errors import bad_input
from gql.table import Column, Kind, Sort, Table, catalog
from tripgate.planner import shape
from tripgate.planner.plan import Aggregate, And, Compare, Condition, Function, IsNull, Not, Or, Read, Related, pick
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
        # What is added or divided may outgrow a number of JSON.
        cast = "text" if function in {Function.SUM, Function.AVG} else column.kind.cast
        return self._add(function, column.name, cast)

    def read(self, where: Condition) -> Read:
        """A read of all of it, in one row."""
        self.parts(where)  # may add to what is computed
        return Read(self.table.name, (), where=where, aggregates=self.aggregates(where))

    def aggregates(self, where: Condition) -> tuple[Aggregate, ...]:
        """Everything wanted so far. Rows are counted by their key where they cannot be counted as wholes."""
        by_key = self._by_key(where)
        counted = Aggregate(COUNT, Function.COUNT, self.table.primary_key if by_key else None)
        return (*((counted,) if self.counted else ()), *self._computed.values())

    def _by_key(self, where: Condition) -> bool:
        # A count of whole rows is not grouped, so that no test of a relation may show beside it.
        return self.table.hidden_columns or _tests_relations(where, inside=True)

    def parts(self, where: Condition) -> tuple[shape.Part, ...]:
        """How the rows of the answer become one; empty where there is always exactly one.

        A test of related rows is part of what PostgREST groups by. So an aggregate is no row when none passes the test,
        and several rows when a test may fail and the condition still hold, one for each combination of outcomes. A
        count of whole rows is not grouped.

        Raises:
            ApiError: BAD_USER_INPUT for a least or greatest text in several parts, whose order only Postgres knows.
        """
        if not _tests_relations(where) or (not self.computed and not self._by_key(where)):
            return ()
        several = splits(where)
        kinds = {name: column.kind for name, column in self.table.by_sql_name.items()}
        for function, name in tuple(self._computed):
            if several and function in {Function.MIN, Function.MAX} and kinds[name] is Kind.TEXT:
                raise bad_input(
                    f"{function} of {self.table.by_sql_name[name].field} cannot be computed under a filter whose `or` "
                    "or `not` holds several conditions, one of them on related rows.",
                    field="filter",
                )
            if several and function is Function.AVG:
                self._add(Function.SUM, name, "text")
                self._add(Function.COUNT, name, None)
        return tuple(self._part(each, kinds) for each in self.aggregates(where))

    def _part(self, each: Aggregate, kinds: dict[str, Kind]) -> shape.Part:
        kind = None if each.column is None or each.function is Function.COUNT else kinds[each.column]
        quotient = None
        if each.function is Function.AVG and each.column is not None:
            found = [self._computed.get((function, each.column)) for function in (Function.SUM, Function.COUNT)]
            aliases = [aggregate.alias for aggregate in found if aggregate is not None]
            quotient = (aliases[0], aliases[1]) if len(aliases) == 2 else None
        return shape.Part(each.alias, each.function.value, kind, quotient)

    def _add(self, function: Function, column: str, cast: str | None) -> str:
        new = Aggregate(f"a{len(self._computed)}", function, column, cast)
        return self._computed.setdefault((function, column), new).alias


def aggregate(totals: Totals, children: Iterable[Selected]) -> shape.ObjectShape:
    """The shape of an `aggregate` field, all from one row of totals."""
    return shape.ObjectShape(tuple(_field(totals, child, "Aggregate") for child in children))


def _field(totals: Totals, child: Selected, suffix: str) -> shape.Constant | shape.Value | shape.Within:
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
                else shape.Value(each.key, totals.compute(function, totals.table.columns[each.name]))
                for each in child.children
            )
            return shape.Within(child.key, shape.ObjectShape(tuple(fields)))


@dataclass(frozen=True, slots=True)
class GroupsPlan:
    """Groups of rows, each a row of the read, and how to answer with one."""

    read: Read
    shape: shape.ObjectShape


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
    if splits(where):
        raise bad_input(
            "Rows cannot be grouped under a filter whose `or` or `not` holds several conditions, one of them on "
            "related rows.",
            field="filter",
        )
    totals = Totals(table)
    made = shape.ObjectShape(
        tuple(
            shape.Within(child.key, _key(table, by, child.children))
            if child.name == "key"
            else _field(totals, child, "Group")
            for child in selected.children
        )
    )
    if not totals.aggregates(where):
        totals.count()  # without any aggregate PostgREST would not group
    read = Read(
        table.name,
        tuple(pick(table, column.name) for column in by),
        where=where,
        order=tuple(Sort(column.name) for column in by),
        limit=max_page_size if first is None else first,
        offset=offset or 0,
        aggregates=totals.aggregates(where),
    )
    return GroupsPlan(read, made)


def _key(table: Table, by: tuple[Column, ...], children: Iterable[Selected]) -> shape.ObjectShape:
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
    return shape.ObjectShape(tuple(fields))


def splits(condition: Condition, *, negated: bool = False, inside: bool = False) -> bool:
    """Whether rows may satisfy the condition with different outcomes of those tests of relations that show.

    Args:
        negated: Whether the condition must not hold.
        inside: Whether it is one on rows that are tested themselves.
    """
    match condition:
        case Compare() | IsNull():
            return False
        case Related():
            return not negated and splits(condition.where, inside=True)
        case Not():
            return splits(condition.of, negated=not negated, inside=inside)
        case And() | Or():
            if isinstance(condition, And) != negated or len(condition.of) < 2:  # all must hold, or none may
                return any(splits(part, negated=negated, inside=inside) for part in condition.of)
            return _tests_relations(condition, inside=inside)
        case _:
            assert_never(condition)


def _tests_relations(condition: Condition, *, inside: bool = False) -> bool:
    """Whether a test of a relation in the condition shows among what PostgREST groups by.

    Inside of another it does so only with a further one inside itself, or where nobody may read all of its columns.
    """
    match condition:
        case Compare() | IsNull():
            return False
        case Related():
            return not inside or condition.table in catalog.partly_hidden or _tests_relations(condition.where)
        case Not():
            return _tests_relations(condition.of, inside=inside)
        case And() | Or():
            return any(_tests_relations(part, inside=inside) for part in condition.of)
        case _:
            assert_never(condition)
