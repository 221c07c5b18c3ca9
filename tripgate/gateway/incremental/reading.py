"""Reads the parts of an answer, as its caller and over any backend."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from graphql import GraphQLError, located_error
from graphql.execution.values import VariableValues

from gql.catalog import catalog
from gql.table import Table, by_function
from resolvers.context import Context, PlanCache
from resolvers.declared.base import planner
from resolvers.declared.outside import fill
from tripgate.gateway.errors import formatted
from tripgate.gateway.incremental.payloads import Path
from tripgate.planner import node_id
from tripgate.planner.deferral import ROW_KEY, Part, StreamPart
from tripgate.planner.json_values import UnreadableCount, remove_unreadable
from tripgate.planner.paging import behind as behind_cursor
from tripgate.planner.paging import order_of
from tripgate.planner.plan import ALWAYS, And, Compare, Condition, Operator, Or, Read, both
from tripgate.planner.planner import ObjectPlan
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import object_shaper
from tripgate.planner.streaming import connection_key, with_pages
from tripgate.upstream.backend import Backend
from tripgate.upstream.whole_rows import WholeRows

_AT_ONCE = 100
"""Rows that one request reads by their keys: so many go into a URL."""

_LISTS_AT_ONCE = 20
"""Lists that one request reads the rest of, each behind a cursor of its own."""

_CURSORS_AT_ONCE = 4_000
"""Characters of these cursors together."""

_FEW_AT_ONCE = 4
"""The same where their order follows relations, of which each cursor tests rows."""

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
        answer = await self._run(roots, context)
        with_pages(answer["data"])
        if "errors" in answer:
            # What is read beside a connection fails with it, at its path.
            by_path = {tuple(map(connection_key, error.get("path", ()))): error for error in reversed(answer["errors"])}
            answer["errors"] = [{**error, "path": list(path)} for path, error in reversed(by_path.items())]
        return answer

    async def rows(self, part: Part, node_ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """As `Reader.rows`.

        Raises:
            ApiError: As `Backend.fetch`; BAD_USER_INPUT for arguments that cannot be planned.
        """
        if not node_ids:
            return {}
        table, keys = _decoded(node_ids)
        plan = planner(self._context, self._variables).object(table, part.selected, ALWAYS)
        reads = [_of_rows(plan.read, table, keys[begin : begin + _AT_ONCE]) for begin in range(0, len(keys), _AT_ONCE)]
        return await self._shaped(plan, reads, table)

    def rest(self, part: StreamPart) -> int:
        """As `Reader.rest`."""
        try:
            return int(part.connection.arguments(self._variables)["first"])
        except GraphQLError:
            return 0  # arguments that do not fit, with which the field fails

    async def behind(self, part: StreamPart, cursor: str | None) -> dict[str, Any]:
        """As `Reader.behind`."""
        connection = part.connection
        return await self.fields((connection if cursor is None else connection.behind(cursor, self._variables),))

    async def behind_rows(self, part: StreamPart, cursors: Mapping[str, str | None]) -> Mapping[str, dict[str, Any]]:
        """As `Reader.behind_rows`. Raises as `rows`."""
        known = {row: cursor for row, cursor in cursors.items() if cursor is not None}
        if not known:
            return await self.rows(part, list(cursors))
        table, keys = _decoded(list(known))
        connection = part.connection.behind(None, self._variables)
        plan = planner(self._context, self._variables).object(table, (*part.selected[:-1], connection), ALWAYS)
        target = catalog[table.relations[connection.name].target]
        order = order_of(catalog, target, connection.arguments(self._variables).get("orderBy"))
        behind = {key: behind_cursor(target, order, cursor) for key, cursor in zip(keys, known.values(), strict=True)}
        most = _FEW_AT_ONCE if any(key.path for key in order) else _LISTS_AT_ONCE
        if by_function(table.relations[connection.name].via) is not None:
            most = 1
        batches = _batches(dict(zip(keys, known.values(), strict=True)), most)
        reads = [_behind(plan.read, table, {key: behind[key] for key in batch}) for batch in batches]
        return await self._shaped(plan, reads, table)

    async def _shaped(self, plan: ObjectPlan, reads: Sequence[Read], table: Table) -> Mapping[str, dict[str, Any]]:
        backend = self._context.backend.gathering() if len(reads) > 1 else self._context.backend
        shaper = object_shaper(plan.shape)
        answers = await asyncio.gather(*(self._read(backend, read, table) for read in reads))
        shaped = [shaper(row) for rows in answers for row in rows]
        if self._unreadable.outside and (failed := await fill(shaped, self._context)):
            raise failed[0][1]
        with_pages(shaped)
        return {row[ROW_KEY]: row for row in shaped}

    async def _read(self, backend: Backend, read: Read, table: Table) -> Sequence[dict[str, Any]]:
        return (await backend.read(read, self._context.caller, table)).rows

    def failed(self, error: Exception, part: Part) -> dict[str, Any]:
        """As `Reader.failed`."""
        (shown,) = formatted([located_error(error, [part.selected[-1].node])])
        return shown

    def unreadable(self, data: Any, begin: int) -> list[Path]:
        """As `Reader.unreadable`."""
        return [list(path) for path in remove_unreadable(data, begin)] if self._unreadable.count else []


def _decoded(node_ids: Sequence[str]) -> tuple[Table, list[str]]:
    """The table that rows are of, and their keys."""
    decoded = [node_id.decode(catalog, each) for each in node_ids]
    return catalog[decoded[0][0]], [key for _, key in decoded]


def _batches(cursors: Mapping[str, str], most: int) -> Iterator[list[str]]:
    """The keys of lists that one request reads together, by their cursors, each of which it says several times."""
    batch: list[str] = []
    length = 0
    for key, cursor in cursors.items():
        if batch and (len(batch) == most or length + len(cursor) > _CURSORS_AT_ONCE):
            yield batch
            batch, length = [], 0
        batch.append(key)
        length += len(cursor)
    yield batch


def _of_rows(read: Read, table: Table, keys: Sequence[str]) -> Read:
    return dataclasses.replace(read, where=Compare(table.primary_key, Operator.IN, tuple(keys)))


def _behind(read: Read, table: Table, behind: Mapping[str, Condition]) -> Read:
    """The read of these rows by their keys, whose list begins in each behind what is known of it."""
    (rows,) = read.embeds
    # What a function of a row gives has no column that tells whose it is: then it is the list of one row.
    each = (
        tuple(behind.values())
        if by_function(rows.via) is not None
        else tuple(And((Compare(rows.via, Operator.EQ, key), condition)) for key, condition in behind.items())
    )
    inner = dataclasses.replace(rows.read, where=both(rows.read.where, each[0] if len(each) == 1 else Or(each)))
    read = dataclasses.replace(read, embeds=(dataclasses.replace(rows, read=inner),))
    return _of_rows(read, table, list(behind))
