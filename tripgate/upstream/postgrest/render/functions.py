"""Calls of functions that change nothing, as requests. PostgREST treats the rows of one like those of a table."""

import dataclasses
from collections.abc import Iterable

import orjson

from gql.catalog import catalog
from gql.schemas import bare
from tripgate.planner.plan import (
    Aggregate,
    And,
    Compare,
    Condition,
    Function,
    FunctionCall,
    IsNull,
    Not,
    Or,
    Pick,
    Read,
)
from tripgate.upstream.postgrest.long_rows import Postprocess
from tripgate.upstream.postgrest.render.request import Request


def call_request(
    call: FunctionCall, parameters: str, prefer: str, plan: object, postprocess: Postprocess | None = None
) -> Request:
    """A call whose arguments travel in a body, each as the text that Postgres reads it from.

    In a URL PostgREST takes an argument that begins like an operator, as `eq.` or `in.n out` do, for a filter.

    Args:
        parameters: What is asked of the rows that the function returns.
    """
    path = f"rpc/{bare(call.function)}" + (f"?{parameters}" if parameters else "")
    return Request.reading(path, prefer, plan, orjson.dumps(dict(call.arguments)), postprocess)


def value_request(call: FunctionCall) -> Request:
    """The request for the one value that a function returns."""
    return call_request(call, "", "", call).within(call.function)


def selecting_what_it_tests(read: Read) -> Read:
    """The same read, but selecting each column that it filters or orders by.

    Before version 13 PostgREST takes from a function no column that is not selected. Beside aggregates a column would
    make groups, so there it is counted instead. Rows are then counted by their key: beside a count of whole rows
    PostgREST takes the function's columns alone, and no computed one, unless Postgres happens to find it by its name.
    """
    selected = {pick.column for pick in read.columns} | {aggregate.column for aggregate in read.aggregates}
    of_key = catalog.key_of(read.table)
    tested = dict.fromkeys([*tested_columns(read.where, of_key), *(key.column for key in read.order if not key.path)])
    missing = [name for name in tested if name not in selected]
    if read.aggregates:
        given = (
            dataclasses.replace(each, column=of_key)
            if each.function is Function.COUNT and each.column is None
            else each
            for each in read.aggregates
        )
        counts = (Aggregate(f"x{number}", Function.COUNT, name) for number, name in enumerate(missing))
        return dataclasses.replace(read, aggregates=(*given, *counts))
    return dataclasses.replace(read, columns=(*read.columns, *map(Pick, missing)))


def tested_columns(condition: Condition, key: str) -> Iterable[str]:
    """The row's own columns in a condition. Related rows bring the columns that they need along.

    Args:
        key: The primary key's column, by which it is said that a condition holds always or never.
    """
    match condition:
        case Compare() | IsNull():
            yield condition.column
        case Not():
            yield from tested_columns(condition.of, key)
        case And() | Or():
            if not condition.of:
                yield key
            for part in condition.of:
                yield from tested_columns(part, key)
        case _:
            return
