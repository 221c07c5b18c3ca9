"""Who may do what with a table's rows, as it is usual, for a person to review: `tests/database/access/<table>.toml`.

The samples are tried: Postgres says which of a few values a column's checks take, and which they refuse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from gql import pg_catalog
from tripgate.commands.add.draft import Draft, said
from tripgate.commands.add.render import toml

Values = dict[str, Any]

Holds = Callable[[pg_catalog.Table, pg_catalog.Check, Values], bool | None]
"""Whether a check takes these values of some columns; `None` where that cannot be told from them."""

_TAKEN: dict[str, tuple[Any, ...]] = {
    "text": ("A sample", "sample", "EUR", "en", "#aabbcc", "https://example.com/", "somebody@example.com", "UTC"),
    "uuid": ("11111111-1111-4111-8111-111111111111",),
    "integer": (1, 2, 0, 10, 100, -1),
    "smallint": (1, 2, 0, 10, 100, -1),
    "bigint": (1, 2, 0, 10, 100, -1),
    "numeric": ("1.00", "2.00", "0.50", "10", "100", "-1"),
    "double precision": (1.5, 2.5, 0.5, 10.0, 100.0, -1.0),
    "boolean": (True, False),
    "date": ("2026-09-01", "2026-09-02", "1990-01-01"),
    "timestamp with time zone": ("2026-09-01T12:00:00Z", "2026-09-02T12:00:00Z", "2036-09-01T12:00:00Z"),
    "time without time zone": ("12:00", "13:30"),
    "interval": ("PT1H", "PT2H", "P1D"),
    "jsonb": ({}, {"a": 1}),
    "text[]": ([], ["sample"]),
    "uuid[]": ([], ["11111111-1111-4111-8111-111111111111"]),
    "integer[]": ([], [1]),
}
_REFUSED: dict[str, tuple[Any, ...]] = {"text": ("", "\t", "no such value"), "numeric": ("-1", "0"), "jsonb": ([],)}
_ACTORS = "#         owner  editor  viewer  stranger  anonymous  service"
_LONGEST = 20_000
_WHOLE = {"integer", "smallint", "bigint"}


def written(draft: Draft, holds: Holds, people: str) -> str:
    """The file.

    Args:
        people: The table of people, with its schema.
    """
    table = draft.table
    samples = {name: value for name in table.columns if (value := _sample(draft, name, holds, people)) is not None}
    needed = [
        column.name
        for column in table.columns.values()
        if not (column.generated or column.identity)
        and (
            (not column.nullable and column.default is None)
            # By these the policies know whose it is.
            or column.default == "auth.uid()"
            or column.name in draft.path[:1]
        )
    ]
    row = {name: samples[name] for name in needed if name in samples}
    change = _change(draft, samples, row, holds)
    lines = [
        "# As `tripgate add` supposes it to be meant. Review it: the tests hold the policies to it.",
        f"row = {toml(row)}",
    ]
    if unknown := [name for name in needed if name not in samples]:
        lines.insert(1, f"# The row needs a value for {', '.join(unknown)} as well.")
    granted = table.granted("authenticated", "insert")
    if granted and (fewer := {name: value for name, value in row.items() if name in granted}) != row:
        lines.append(f"insert = {toml(fewer)}")
    lines += [f"change = {toml(change)}", "", "[may]", _ACTORS]
    lines += [f'{command} = "{"".join(_padded(cells))}"' for command, cells in _may(draft).items()]
    refused = {check.name: _against(draft, check, samples, holds) for check in table.checks.values()}
    if refused:
        lines += ["", "[refused]"]
        for name, several in refused.items():
            if several:
                lines.append(f"{name} = [{', '.join(map(toml, several))}]")
            else:
                lines.append(f"# Say what it refuses of an update: {name} = [{{ column = … }}]")
    return "\n".join(lines) + "\n"


def _padded(cells: list[str]) -> Iterator[str]:
    widths = [7, 8, 8, 10, 11, 0]
    for cell, width in zip(cells, widths, strict=True):
        yield cell.ljust(width)


def _may(draft: Draft) -> dict[str, list[str]]:
    """What is usual: in a scope editors change what is nobody's own, viewers look; elsewhere each has their own."""
    shared = draft.scope is not None
    edits = shared and draft.own is None
    cells = {
        "select": ["1", "1" if shared else "0", "1" if shared else "0", "0", "N", "1"],
        "insert": ["1", "1" if edits else "P", "P", "P", "N", "1"],
        "update": ["1", "1" if edits else "0", "0", "0", "N", "1"],
        "delete": ["1", "1" if edits else "0", "0", "0", "N", "1"],
    }
    closed = ["N"] * 5 + ["1"]
    return {
        command: usual if command == "select" or command in draft.writes else closed for command, usual in cells.items()
    }


def _sample(draft: Draft, name: str, holds: Holds, people: str) -> Any:
    """A value of a column that its own checks take; `$table` where it refers to a row of another table."""
    column = draft.table.columns[name]
    key = draft.table.foreign_key(name)
    if key is not None or column.default == "auth.uid()":
        to = people if key is None or key.to.startswith("auth.") else key.to
        return f"${said(to)}" if to != draft.table.qualified else None
    if name == draft.key and column.filled:
        return None
    values = draft.table.values(name)
    if values:
        return _typed(column, values[0])
    alone = [check for check in draft.table.checks.values() if check.columns == (name,)]
    near = [number + step for check in alone for number in _numbers(check) for step in (0, 1, -1)]
    for value in (*_TAKEN.get(_plain(column.type), ()), *(near if _plain(column.type) in _WHOLE else ())):
        if all(holds(draft.table, check, {name: value}) is not False for check in alone):
            return value
    return None


def _typed(column: pg_catalog.Column, value: str) -> Any:
    return value if column.labels or column.type == "text" else int(value)


def _numbers(check: pg_catalog.Check) -> list[int]:
    return [int(text) for text in re.findall(r"\b\d{1,9}\b", check.check)]


def _change(draft: Draft, samples: Values, row: Values, holds: Holds) -> Values:
    """One column that may be updated, to another value than the row has."""
    table = draft.table
    patchable = [name for name in table.columns if name in table.granted("authenticated", "update")]
    for name in sorted(patchable, key=lambda each: table.columns[each].type != "text"):
        column = table.columns[name]
        values = table.values(name)
        others = [_typed(column, each) for each in values] if values else _TAKEN.get(_plain(column.type), ())
        if table.foreign_key(name) is not None:
            continue
        for value in reversed(others) if values else others:
            fits = all(holds(table, check, {**samples, name: value}) is not False for check in table.checks.values())
            if fits and value != row.get(name, samples.get(name)):
                return {name: value}
    name = next(iter([*patchable, *row, *table.columns]))
    return {name: samples.get(name, "")}


def _against(draft: Draft, check: pg_catalog.Check, samples: Values, holds: Holds) -> list[Values]:
    """Up to two values that the check refuses."""
    found: list[Values] = []
    numbers = _numbers(check)
    for name in check.columns:
        column = draft.table.columns[name]
        plain = _plain(column.type)
        candidates: list[Any] = [*_REFUSED.get(plain, ()), *_TAKEN.get(plain, ())]
        if plain == "text":
            candidates[2:2] = ["x" * (number + 1) for number in numbers if number < _LONGEST]
        elif plain in _WHOLE:
            candidates = [*(number + step for number in numbers for step in (-1, 1)), *candidates]
        elif plain == "numeric":
            candidates += [str(number + 1) for number in numbers]
        for value in candidates:
            if {name: value} not in found and holds(draft.table, check, {**samples, name: value}) is False:
                found.append({name: value})
            if len(found) == 2:
                return found
    return found


def _plain(type_: str) -> str:
    return re.sub(r"\(.*?\)", "", type_)


def asking(connection: Any) -> Holds:
    """Asks a database, in which nothing changes."""

    def holds(table: pg_catalog.Table, check: pg_catalog.Check, values: Values) -> bool | None:
        known = [name for name in table.columns if name in values and not str(values[name]).startswith("$")]
        if not {name for name in check.columns if not table.columns[name].nullable}.issubset(known):
            return None
        columns = ", ".join(
            f'{f"%s::{column.type}" if column.name in known else f"null::{column.type}"} as "{column.name}"'
            for column in table.columns.values()
        )
        condition = re.sub(r"^CHECK |( NO INHERIT| NOT VALID)+$", "", check.check)
        given = [
            json.dumps(values[name])
            if isinstance(values[name], dict) or table.columns[name].type == "jsonb"
            else values[name]
            for name in known
        ]
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("set local transaction read only")
                query = f"select {condition} from (select {columns}) as {table.name}"  # noqa: S608 - of the catalog
                found = connection.execute(query, given).fetchone()
        except Exception:
            return None
        return None if found is None or found[0] is None else bool(found[0])

    return holds
