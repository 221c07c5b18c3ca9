"""Inputs and patches → writes. Takes coerced arguments keyed by GraphQL name; refuses nulls in columns without."""

import dataclasses
import datetime as dt
import decimal
import uuid
from collections.abc import Iterable
from enum import Enum
from typing import Any, TypeVar

from gql.catalog import Catalog
from gql.errors import bad_input
from gql.table import Kind, Table
from tripgate.planner.conditions import check_json, check_text
from tripgate.planner.plan import (
    And,
    Compare,
    Condition,
    Delete,
    Insert,
    InsertTree,
    IsNull,
    Match,
    Not,
    Operator,
    OwnTest,
    Pick,
    Update,
    pick,
)

UNMODIFIED_SINCE = "ifUnmodifiedSince"
UPDATED_AT = "updatedAt"
"""The field that says when a row last changed, of the types that have it."""

_TREE_PAGES = 10

W = TypeVar("W", bound=Update | Delete)


def insert(table: Table, inputs: list[dict[str, Any]], returning: tuple[Pick, ...], path: str) -> Insert:
    """New rows. Several get uuids as keys here, so that the answer can follow the order of the inputs.

    Args:
        path: The argument that holds the inputs, for error messages.

    Raises:
        ApiError: BAD_USER_INPUT.
    """
    many = len(inputs) > 1
    keyed = many and table.key.kind is Kind.UUID
    rows = []
    for index, given in enumerate(inputs):
        place = f"{path}[{index}]" if many else path
        # Related rows are a tree's; what is left of them here are empty lists.
        plain = {name: value for name, value in given.items() if not _related(table, name, value, place)}
        row = _values(table, plain, place, "Leave it out for its default.")
        rows.append({table.primary_key: str(uuid.uuid4()), **row} if keyed else row)
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return Insert(table.name, columns, tuple(rows), returning)


def has_related(table: Table, inputs: Iterable[dict[str, Any]]) -> bool:
    """Whether any of the inputs brings related rows along."""
    return any(value for given in inputs for name, value in given.items() if name in table.relations)


def insert_tree(
    catalog: Catalog, table: Table, inputs: list[dict[str, Any]], path: str, *, max_list: int
) -> tuple[InsertTree, list[str]]:
    """New rows with related ones, and the keys of the former in the order of the inputs. Uuids are made here.

    Args:
        path: The argument that holds the inputs, for error messages: one, or a list where there are several.
        max_list: The longest list of related rows; of all lists together there may be ten times as many.

    Raises:
        ApiError: BAD_USER_INPUT.
    """
    tree = _Tree(catalog, max_list)
    many = len(inputs) > 1
    keys = [tree.add(table, given, f"{path}[{index}]" if many else path) for index, given in enumerate(inputs)]
    return InsertTree(tuple((name, tuple(rows)) for name, rows in tree.rows.items())), keys


def related_tables(catalog: Catalog, table: Table, path: str = "") -> Iterable[tuple[str, Table, str]]:
    """The tables whose rows may come along: the field that holds them, as in `items`, and the column that refers up."""
    for relation in table.relations.values():
        if relation.creatable:
            below = f"{path}{relation.field}"
            yield below, catalog[relation.target], relation.via
            yield from related_tables(catalog, catalog[relation.target], f"{below}.")


def update(table: Table, match: Match, patch: dict[str, Any], returning: tuple[Pick, ...]) -> Update:
    """Changes to the rows that match.

    Raises:
        ApiError: BAD_USER_INPUT, also for a patch that changes nothing.
    """
    changes = _values(table, patch, "patch", "Leave it out to keep it as it is.")
    if not changes:
        raise bad_input("patch is empty. Give at least one field to change.", field="patch")
    return Update(table.name, match, changes, returning)


def only(write: W, tests: Iterable[OwnTest], *, exactly: int | None = None) -> W:
    """The same write of those rows alone for which the tests hold too; of so many, or of none."""
    return dataclasses.replace(write, where=(*write.where, *tests), exactly=exactly)


def moment_of(arguments: dict[str, Any]) -> dt.datetime | None:
    """The `ifUnmodifiedSince` of a write; `None` where it is left out.

    Raises:
        ApiError: BAD_USER_INPUT for null. Whoever gives it means to be kept from writing over what they have not read.
    """
    if UNMODIFIED_SINCE not in arguments:
        return None
    moment: dt.datetime | None = arguments[UNMODIFIED_SINCE]
    if moment is None:
        raise bad_input(
            f"{UNMODIFIED_SINCE} is null, so nothing would be compared. Give the `updatedAt` that was read, or leave "
            "it out.",
            field=UNMODIFIED_SINCE,
        )
    return moment


def unmodified_since(table: Table, moment: dt.datetime | None) -> tuple[OwnTest, ...]:
    """That a row has not changed since a moment, to the microsecond; nothing without one."""
    if moment is None:
        return ()
    return (Compare(table.columns[UPDATED_AT].name, Operator.LTE, moment.isoformat()),)


def changed_after(table: Table, rows: Iterable[dict[str, Any]], moment: dt.datetime) -> str | None:
    """When the first of these rows changed that has changed after a moment, as the database says it."""
    column = table.columns[UPDATED_AT].name
    return next((row[column] for row in rows if dt.datetime.fromisoformat(row[column]) > moment), None)


def keyed(table: Table, keys: Iterable[str]) -> OwnTest:
    """That a row has one of these keys."""
    return Compare(table.primary_key, Operator.IN, tuple(keys))


def own_tests(table: Table, condition: Condition) -> tuple[OwnTest, ...]:
    """What a condition demands of columns of the row itself, whatever else it demands: what a write can repeat.

    Not of the key, which the write names anyway and which never changes.
    """
    match condition:
        case And():
            return tuple(test for part in condition.of for test in own_tests(table, part))
        case Compare() | IsNull():
            return (condition,) if _can_change(table, condition.column) else ()
        case Not(of=Compare() | IsNull() as test):
            return (condition,) if _can_change(table, test.column) else ()
        case Not(of=Not(of=inner)):
            return own_tests(table, inner)
        case _:
            return ()


def _can_change(table: Table, name: str) -> bool:
    """Whether this is a column: neither the key nor a function of the row, which filters may look through as well."""
    column = table.by_sql_name.get(name)
    return column is not None and not column.computed and name != table.primary_key


def returning(table: Table, columns: Iterable[str]) -> tuple[Pick, ...]:
    """What a write answers with: the key and these columns."""
    names = dict.fromkeys((table.primary_key, *columns))
    return tuple([pick(table, name) for name in names])


class _Tree:
    """The rows of a tree as they are gathered: those of each table together, each table behind its parents'."""

    def __init__(self, catalog: Catalog, max_list: int) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self._catalog = catalog
        self._max_list = max_list
        self._total = 0

    def add(
        self,
        table: Table,
        given: dict[str, Any],
        path: str,
        parent: tuple[tuple[str, str], ...] = (),
        field: str = "",
    ) -> str:
        """Add a row and all below it; its key.

        Args:
            path: Where the row stands among the arguments.
            parent: The column that refers to the parent, and the parent's key; nothing for a root.
            field: What leads from the root to the row's fields, as in `items.`.
        """
        lists = {name: value for name, value in given.items() if _related(table, name, value, path, field)}
        plain = {name: value for name, value in given.items() if name not in lists}
        row = _values(table, plain, path, "Leave it out for its default.", field)
        if table.key.kind is Kind.UUID:
            row = {table.primary_key: str(uuid.uuid4()), **row}
        self.rows.setdefault(table.name, []).append({**row, **dict(parent)})
        # Absent where the database makes it: nothing refers to such a row, as declarations see to.
        key = str(row.get(table.primary_key))
        for name, rows in lists.items():
            relation = table.relations[name]
            self._count(len(rows), f"{path}.{name}", f"{field}{name}")
            for index, each in enumerate(rows):
                below = f"{path}.{name}[{index}]"
                self.add(self._catalog[relation.target], each, below, ((relation.via, key),), f"{field}{name}.")
        return key

    def _count(self, rows: int, path: str, field: str) -> None:
        if rows > self._max_list:
            raise bad_input(f"{path} has {rows} entries; at most {self._max_list} go at once.", field=field)
        self._total += rows
        most = self._max_list * _TREE_PAGES
        if self._total > most:
            raise bad_input(f"There are more than {most} related rows. Send fewer at once.", field=field)


def _related(table: Table, name: str, value: Any, path: str, field: str = "") -> bool:
    """Whether a field of an input holds related rows."""
    if name not in table.relations:
        return False
    if value is None:
        raise bad_input(f"{path}.{name} cannot be null. Leave it out where there are none.", field=f"{field}{name}")
    return True


def _values(table: Table, given: dict[str, Any], path: str, advice: str, field: str = "") -> dict[str, Any]:
    row = {}
    for name, value in given.items():
        column = table.columns[name]
        if value is None and not column.nullable:
            raise bad_input(f"{path}.{name} cannot be null. {advice}", field=f"{field}{name}")
        if column.kind is Kind.JSON:
            check_json(value, f"{path}.{name}", f"{field}{name}")
            row[column.name] = value
        else:
            if column.digits is not None and value is not None:
                _check_digits(value, *column.digits, f"{path}.{name}", f"{field}{name}")
            row[column.name] = _value(value, f"{path}.{name}", f"{field}{name}")
    return row


def _check_digits(value: decimal.Decimal, digits: int, decimals: int, path: str, field: str) -> None:
    """Refuse what a column would round, or not hold."""
    if value and value.adjusted() >= digits - decimals:
        most = "9" * (digits - decimals) + "." + "9" * decimals
        # What Postgres calls it.
        raise bad_input(
            f"{path} is too large. Between -{most} and {most} it can be kept.", field=field, sqlstate="22003"
        )
    _, shown, exponent = value.as_tuple()
    behind = len("".join(map(str, shown)).rstrip("0")) - len(shown) - int(exponent)
    if value and behind > decimals:
        raise bad_input(f"{path} has more than {decimals} decimals. Round it first.", field=field)


def _value(value: Any, path: str, field: str) -> Any:
    match value:
        case str():
            check_text(value, path, field)
            return value
        case Enum():
            return value.value
        case uuid.UUID() | decimal.Decimal():
            return str(value)
        case dt.date() | dt.time():  # a datetime is a date as well
            return value.isoformat()
        case list():
            return [_value(each, path, field) for each in value]
        case _:
            return value
