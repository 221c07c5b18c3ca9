"""Reads the parts of an answer, as its caller and over any backend."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from graphql import located_error
from graphql.execution.values import VariableValues

from gql.table import Table, catalog
from resolvers.context import Context, PlanCache
from resolvers.declared.base import planner
from tripgate.gateway.errors import formatted
from tripgate.gateway.incremental.payloads import Path
from tripgate.planner import node_id
from tripgate.planner.deferral import ROW_KEY, Part
from tripgate.planner.json_values import UnreadableCount, remove_unreadable
from tripgate.planner.plan import Compare, Operator, Read
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import object_shaper
from tripgate.upstream.backend import Backend
from tripgate.upstream.whole_rows import WholeRows

_AT_ONCE = 100
"""Rows that one request reads by their keys: so many go into a URL."""

Run = Callable[[tuple[Selected, ...], Context], Awaitable[dict[str, Any]]]


class PartReader:
    """Reads for one operation.

    Args:
        run: Answers root fields.
        first: The root fields that are answered first, with the plans that their operation keeps.
        unreadable: Counts what cannot be answered.
    """

    def __init__(
        self,
        run: Run,
        first: tuple[Selected, ...],
        context: Context,
        variables: VariableValues,
        unreadable: UnreadableCount,
    ) -> None:
        self._run = run
        self._first = first
        # What is answered is looked through for rows, so none of it may be text.
        self._context = dataclasses.replace(context, backend=WholeRows(context.backend))
        self._variables = variables
        self._unreadable = unreadable

    async def fields(self, roots: tuple[Selected, ...]) -> dict[str, Any]:
        """As `Reader.fields`."""
        context = self._context
        if roots is not self._first:  # a field may be among both, with another selection
            context = dataclasses.replace(context, plans=PlanCache())
        return await self._run(roots, context)

    async def rows(self, part: Part, node_ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """As `Reader.rows`.

        Raises:
            ApiError: As `Backend.fetch`; BAD_USER_INPUT for arguments that cannot be planned.
        """
        if not node_ids:
            return {}
        decoded = [node_id.decode(catalog, each) for each in node_ids]
        table = catalog[decoded[0][0]]
        keys = [key for _, key in decoded]
        plan = planner(self._context, self._variables).object(
            table, part.selected, Compare(table.primary_key, Operator.IN, tuple(keys[:_AT_ONCE]))
        )
        reads = [plan.read] + [
            dataclasses.replace(
                plan.read, where=Compare(table.primary_key, Operator.IN, tuple(keys[begin : begin + _AT_ONCE]))
            )
            for begin in range(_AT_ONCE, len(keys), _AT_ONCE)
        ]
        backend = self._context.backend.gathering() if len(reads) > 1 else self._context.backend
        shaper = object_shaper(plan.shape)
        answers = await asyncio.gather(*(self._read(backend, read, table) for read in reads))
        shaped = [shaper(row) for rows in answers for row in rows]
        return {row[ROW_KEY]: row for row in shaped}

    async def _read(self, backend: Backend, read: Read, table: Table) -> Sequence[dict[str, Any]]:
        return (await backend.read(read, self._context.caller, table)).rows

    def failed(self, error: Exception, part: Part) -> dict[str, Any]:
        """As `Reader.failed`."""
        (shown,) = formatted([located_error(error, [part.selected[-1].node])])
        return shown

    def unreadable(self, data: dict[str, Any]) -> list[Path]:
        """As `Reader.unreadable`."""
        return [list(path) for path in remove_unreadable(data)] if self._unreadable.count else []
