"""What subscribers are told of a change, and its row as their selection asks for it.

What the change's record answers exactly is shaped from it. Numbers that JSON would round, related rows and computed
objects are read anew, with the subscriber's own token.

A change may be heard of before it can be read: it is told from the log, while a snapshot sees a transaction only once
its server process has said that it is over. So a row that is read is compared with the record, and read again for a
moment while it is the older of the two.
"""

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from gql.errors import ApiError
from gql.table import Column, Kind, Table
from tripgate.planner.plan import pick
from tripgate.planner.planner import ObjectPlan
from tripgate.planner.result_shape import OutsideValue
from tripgate.planner.rows import Row
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import ObjectShaper, object_shaper
from tripgate.planner.stored_values import CONVERSIONS
from tripgate.upstream.backend import Backend, PreparedByKey
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.frames import Change, Operation
from tripgate.upstream.resilience.retry import retry

WAITS = (0.01, 0.02, 0.05, 0.1)
"""Seconds before each further read of a row that is too old. After the last, what there is will do."""

_STAMP = "updated_at"
# What is converted, or replaced where no answer can hold it, is read by each subscriber.
_EXACT_IN_JSON = frozenset(kind for kind in Kind if kind.cast is None) - CONVERSIONS.keys()
# The text of an instant depends on the writer's time zone.
_EQUAL_AS_TEXT = _EXACT_IN_JSON - {Kind.DATETIME}


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """How the row of a change becomes an answer.

    Attributes:
        prepared: The read of the row; `None` where the record is enough.
        columns: That are selected of it.
    """

    table: Table
    prepared: PreparedByKey | None
    shaper: ObjectShaper
    columns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, backend: Backend, table: Table, plan: ObjectPlan) -> "ChangedRow":
        """From the plan of the selection below the row."""
        read, shaper = plan.read, object_shaper(plan.shape)
        selected = frozenset(picked.column for picked in read.columns)
        columns = [table.by_sql_name.get(picked.column) for picked in read.columns]
        # What is asked for outside is each subscriber's own.
        outside = any(isinstance(field, OutsideValue) for field in plan.shape.fields)
        if not read.embeds and not outside and all(map(_is_exact, columns)):
            return cls(table, None, shaper, selected)
        if _STAMP in table.by_sql_name and pick(table, _STAMP) not in read.columns:
            read = dataclasses.replace(read, columns=(*read.columns, pick(table, _STAMP)))
        return cls(table, backend.prepare_by_key(read, table.primary_key), shaper, selected)

    def selects(self, column: str) -> bool:
        """Whether the answer shows this column."""
        return column in self.columns

    async def answer(self, change: Change, caller: Caller, backend: Backend) -> dict[str, Any] | None:
        """The selected fields; `None` where there is no row, or none that the caller may see.

        Raises:
            ApiError: The row cannot be read.
        """
        if change.record is None or change.id is None:
            return None
        if self.prepared is None:
            return self.shaper(change.record)
        prepared = self.prepared.with_key(change.id)
        for wait in (*WAITS, None):
            rows = (await backend.fetch(prepared, caller, self.table)).rows
            found = rows[0] if rows else None
            if wait is None or not too_early(self.table, found, change):
                break
            await asyncio.sleep(wait)
        if found is None:
            return None
        streamed = self.table.streamed
        if streamed is not None and streamed.column in found:
            # As far as the change tells it: pieces of what lies beyond follow, whatever has been written meanwhile.
            found = {**found, streamed.column: change.record[streamed.column]}
        return self.shaper(found)


@dataclass(frozen=True, slots=True, eq=False)
class ChangeAnswers:
    """How changes become answers for all who follow with one document and the same variables.

    Attributes:
        rows: By response key.
        same_for_all: Whether no row is read with the subscriber's token.
        retry_seconds: For how long the read of a row is tried again.
    """

    table: Table
    selected: Selected
    rows: dict[str, ChangedRow]
    same_for_all: bool
    retry_seconds: float

    @classmethod
    def of(
        cls, backend: Backend, table: Table, selected: Selected, plan: Callable[[Selected], ObjectPlan], seconds: float
    ) -> "ChangeAnswers":
        """Make them ready.

        Args:
            plan: Of the row, by what is selected of it.
            seconds: For how long the read of a row is tried again.
        """
        rows = {
            child.key: ChangedRow.of(backend, table, plan(child))
            for child in selected.children
            if child.name == table.singular
        }
        return cls(table, selected, rows, all(row.prepared is None for row in rows.values()), seconds)

    def selects(self, column: str) -> bool:
        """Whether the row is told with this column."""
        return any(row.selects(column) for row in self.rows.values())

    async def answer(self, change: Change, caller: Caller, backend: Backend) -> dict[str, Any]:
        """The subscription field's value for a change; rows that cannot be had for a while are waited for.

        Raises:
            ApiError: They cannot be had for longer than `retry_seconds`, or not at all.
        """
        if self.same_for_all:
            found = change.answers.get(self)
            if found is None:
                found = change.answers[self] = await self._made(change, caller, backend)
            return found
        try:
            return await self._made(change, caller, backend)
        except ApiError as error:
            return await retry(partial(self._made, change, caller, backend), self.retry_seconds, after=error)

    async def _made(self, change: Change, caller: Caller, backend: Backend) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for child in self.selected.children:
            match child.name:
                case "__typename":
                    made[child.key] = child.parent_type.name
                case "operation":
                    made[child.key] = change.operation.value
                case "id":
                    made[child.key] = change.id
                case "occurredAt":
                    made[child.key] = change.occurred_at
                case "delta" if self.table.streamed is not None:
                    made[child.key] = None if change.piece is None else change.piece.text
                case "offset" if self.table.streamed is not None:
                    made[child.key] = None if change.piece is None else change.piece.offset
                case _:
                    made[child.key] = await self.rows[child.key].answer(change, caller, backend)
        return made


def _is_exact(column: Column | None) -> bool:
    """Whether a change's record holds the column's value as a read would: not what a function makes of the row."""
    return column is not None and not column.computed and column.kind in _EXACT_IN_JSON


def too_early(table: Table, row: Row | None, change: Change) -> bool:
    """Whether a row was read before its change could be seen."""
    record = change.record or {}
    if row is None:
        # Not there yet, or not for the caller to see; who waits finds out.
        return change.operation is Operation.INSERT
    if _STAMP in row:
        return datetime.fromisoformat(row[_STAMP]) < datetime.fromisoformat(record[_STAMP])
    # Without a stamp, another value may also be a newer one, which costs some reads in vain.
    comparable = (
        column
        for name in row
        if (column := table.by_sql_name.get(name)) and not column.computed and column.kind in _EQUAL_AS_TEXT
    )
    return any(row[column.name] != record.get(column.name) for column in comparable)
