"""Reads of lists in which each row has lists of its own, or tests of such: from a view that is in order already.

PostgREST sorts above its joins, so Postgres would collect what belongs to every visible row before it keeps one page.
From a view that ends in the very order asked for, it sorts first and collects for the page alone.
"""

from functools import cache

from gql.catalog import catalog
from gql.table import Sort, Table, by_function
from tripgate.planner.plan import And, Condition, Not, Or, Read, Related
from tripgate.upstream.postgrest.render.functions import tested_columns


def relation(read: Read) -> str:
    """What a root read is read from: a view in its order where that helps, otherwise its table."""
    if not read.limit or not read.order or not (any(embed.many for embed in read.embeds) or _tests_lists(read.where)):
        return read.table
    # Hashed with the order, which is why there is one look-up for both.
    view = _views().get((read.table, read.order))
    if view is None or read.table in _related_tables(read) or _calls_functions(read):
        # A key of the table to itself would lead from the view to the table by both its ends.
        return read.table
    name, columns = view
    if all(pick.column in columns for pick in read.columns) and columns.issuperset(
        tested_columns(read.where, catalog.key_of(read.table))
    ):
        return name
    # Computed columns are functions of the table's rows, not of the view's.
    return read.table


def _related_tables(read: Read) -> set[str]:
    """The tables that rows of this one are asked for, tested and ordered by."""
    return {
        *(embed.read.table for embed in read.embeds),
        *(key.path[0].table for key in read.order if key.path),
        *_tested_tables(read.where),
    }


def _calls_functions(read: Read) -> bool:
    """Whether rows are asked for, or tested, that a function of the table's rows gives: it takes none of a view's."""
    return any(by_function(embed.via) for embed in read.embeds) or _tests_functions(read.where)


def _tests_functions(condition: Condition) -> bool:
    match condition:
        case Related():
            return by_function(condition.via) is not None
        case Not():
            return _tests_functions(condition.of)
        case And() | Or():
            return any(map(_tests_functions, condition.of))
        case _:
            return False


def _tested_tables(condition: Condition) -> set[str]:
    match condition:
        case Related():
            return {condition.table}
        case Not():
            return _tested_tables(condition.of)
        case And() | Or():
            return {table for part in condition.of for table in _tested_tables(part)}
        case _:
            return set()


@cache
def _views() -> dict[tuple[str, tuple[Sort, ...]], tuple[str, frozenset[str]]]:
    """The view of a table and an order, with the columns that it has."""
    return {
        (table.name, order): (name, _stored(table))
        for table in catalog
        for order, name in catalog.views_of(table).items()
    }


def _stored(table: Table) -> frozenset[str]:
    return frozenset(column.name for column in table.columns.values() if not column.computed)


def _tests_lists(condition: Condition) -> bool:
    match condition:
        case Related():
            return condition.many
        case Not():
            return _tests_lists(condition.of)
        case And() | Or():
            return any(map(_tests_lists, condition.of))
        case _:
            return False
