"""Calls of functions that change nothing, as requests. PostgREST treats the rows of one like those of a table."""

import dataclasses
from collections.abc import Iterable

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
from tripgate.upstream.postgrest.render.request import Request, percent

_KEY = "id"


def call_path(call: FunctionCall) -> str:
    """The beginning of a request's path and query: the function and its arguments.

    PostgREST takes an argument's value as it is, so it is percent-encoded and not quoted. No argument may be called
    like a column, since a parameter of that name would filter.
    """
    return f"rpc/{call.function}?" + "".join(f"{name}={percent(value)}&" for name, value in call.arguments)


def value_request(call: FunctionCall) -> Request:
    """The request for the one value that a function returns."""
    return Request("GET", call_path(call).rstrip("&?"), plan=call)


def selecting_what_it_tests(read: Read) -> Read:
    """The same read, but selecting each column that it filters or orders by.

    Before version 13 PostgREST takes from a function no column that is not selected. Beside aggregates a column would
    make groups, so there it is counted instead. Rows are then counted by their key: beside a count of whole rows
    PostgREST takes the function's columns alone, and no computed one, unless Postgres happens to find it by its name.
    """
    selected = {pick.column for pick in read.columns} | {aggregate.column for aggregate in read.aggregates}
    tested = dict.fromkeys([*tested_columns(read.where), *(key.column for key in read.order if not key.path)])
    missing = [name for name in tested if name not in selected]
    if read.aggregates:
        if not missing and not read.columns and len(read.aggregates) == 1:
            return read
        given = (
            dataclasses.replace(each, column=_KEY) if each.function is Function.COUNT and each.column is None else each
            for each in read.aggregates
        )
        counts = (Aggregate(f"x{number}", Function.COUNT, name) for number, name in enumerate(missing))
        return dataclasses.replace(read, aggregates=(*given, *counts))
    return dataclasses.replace(read, columns=(*read.columns, *map(Pick, missing)))


def tested_columns(condition: Condition) -> Iterable[str]:
    """The row's own columns in a condition. Related rows bring the columns that they need along."""
    match condition:
        case Compare() | IsNull():
            yield condition.column
        case Not():
            yield from tested_columns(condition.of)
        case And() | Or():
            if not condition.of:
                yield _KEY  # what says always or never
            for part in condition.of:
                yield from tested_columns(part)
        case _:
            return
