"""The changes of a table with a text that is told piece by piece, as one subscriber hears of them.

The rows that are there come first, so that whoever comes late knows what has been written; then pieces, and rows that
are made, finished or deleted. What a piece lacks before it is read with the subscriber's own token.
"""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

from gql.table import Table
from resolvers.declared.changed_row import ChangeAnswers
from resolvers.declared.streamed_text import StreamedText
from tripgate.planner.plan import Compare, Condition, Operator, Read, pick
from tripgate.upstream.backend import Backend
from tripgate.upstream.realtime.frames import Change, Operation, now, resync
from tripgate.upstream.realtime.subscription import Subscription
from tripgate.upstream.resilience.retry import retry

MOST_ROWS = 100
"""Rows that are told first: the last ones in the table's order."""


async def streamed_changes(
    table: Table, subscription: Subscription, answers: ChangeAnswers, backend: Backend
) -> AsyncGenerator[Change, None]:
    """The changes and pieces that are to be told, in order; ends with the subscription.

    Raises:
        ApiError: As the subscription; what kept rows from being read for longer than subscriptions wait.
    """
    time = asyncio.get_running_loop().time
    assert table.streamed is not None  # noqa: S101 - the caller has looked
    texts = StreamedText(table, with_rows=answers.selects(table.streamed.column))
    rows = _Rows(table, subscription, answers.retry_seconds, backend)
    heard = await rows.all()
    while True:
        for change in heard:
            for told in texts.take(change, time()):
                yield told
        try:
            async with asyncio.timeout_at(texts.due):
                change = await anext(subscription)
        except StopAsyncIteration:
            return
        except TimeoutError:
            heard = await rows.missing(texts, time())
            continue
        heard = [change] if change.table == table.name else []
        if change.operation is Operation.RESYNC:
            texts.forget()
            heard = [change, *await rows.all()]


class _Rows:
    """The rows as they are now, as changes."""

    def __init__(self, table: Table, subscription: Subscription, retry_seconds: float, backend: Backend) -> None:
        self._table = table
        self._subscription = subscription
        self._retry_seconds = retry_seconds
        self._backend = backend
        self._columns = tuple(pick(table, column.name) for column in table.columns.values() if not column.computed)

    async def all(self) -> list[Change]:
        """Those of the topic's root, in the table's order; behind a RESYNC where there are too many."""
        _, _, key = self._subscription.topic.partition(":")
        found = await self._read(Compare(self._table.scope_via, Operator.EQ, key))
        missed = [resync()] if len(found) > MOST_ROWS else []
        return [*missed, *map(self._change, reversed(found[:MOST_ROWS]))]

    async def missing(self, texts: StreamedText, at: float) -> list[Change]:
        """Those of whose texts something has been missing for too long."""
        keys = texts.to_read(at)
        if not keys:
            return []
        found = {
            change.id: change
            for change in map(
                self._change, await self._read(Compare(self._table.primary_key, Operator.IN, tuple(keys)))
            )
        }
        for key in keys:
            if key not in found:
                texts.not_found(key)
        return list(found.values())

    async def _read(self, where: Condition) -> list[dict[str, Any]]:
        order = tuple(each.reversed() for each in self._table.default_order)
        read = Read(self._table.name, self._columns, where=where, order=order, limit=MOST_ROWS + 1)
        ask = partial(self._backend.read, read, table=self._table)
        return list((await retry(lambda: ask(caller=self._subscription.caller), self._retry_seconds)).rows)

    def _change(self, row: dict[str, Any]) -> Change:
        stamp = row.get("updated_at")
        at = stamp if isinstance(stamp, str) else now()
        return Change(self._table.name, Operation.UPDATE, str(row[self._table.primary_key]), row, at)
