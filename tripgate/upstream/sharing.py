"""Identical reads of one person that are under way share one upstream request.

None is shared with one that began before the person's last write: whoever writes calls `forget`, and what is under way
then goes on for those who wait for it and takes nobody in any more.
"""

import asyncio
from collections.abc import Hashable
from contextlib import suppress

from gql.table import Table
from tripgate.planner.plan import Read
from tripgate.planner.planner import ObjectPlan
from tripgate.upstream.backend import AnswerPlan, Backend, Plan, PreparedByKey, PreparedPlan, RelatedTables, Rows
from tripgate.upstream.caller import Caller

_Key = tuple[str | None, Hashable]


class SharingBackend(Backend):
    """The backend it is given, for queries alone: each of its reads may answer several who ask the same.

    The same is: of the same identity, with the same token. Whoever asks first sends, in its own task; the others wait
    for it. When it fails, all fail; when it is cancelled, the others ask anew.

    Attributes:
        shared: How many reads were answered by another's.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._under_way: dict[str | None, dict[_Key, _Shared]] = {}
        self.shared = 0

    def prepare(self, plan: Plan) -> PreparedPlan:
        return self._backend.prepare(plan)

    def prepare_answer(self, plan: AnswerPlan) -> PreparedPlan | None:
        return self._backend.prepare_answer(plan)

    def prepare_answer_by_key(self, plan: ObjectPlan, column: str) -> PreparedByKey | None:
        return self._backend.prepare_answer_by_key(plan, column)

    def prepare_by_key(self, read: Read, column: str) -> PreparedByKey:
        return self._backend.prepare_by_key(read, column)

    async def fetch(
        self, prepared: PreparedPlan, caller: Caller, table: Table | None, related: RelatedTables = ()
    ) -> Rows:
        """Ask, or take the answer to the same read that is under way."""
        identity = prepared.identity
        if identity is None:
            return await self._backend.fetch(prepared, caller, table, related)
        key = (caller.token, identity)
        mine = self._under_way.get(caller.user_id)
        if mine is None:
            mine = self._under_way[caller.user_id] = {}
        while (leading := mine.get(key)) is not None:
            self.shared += 1
            with suppress(_LeaderGoneError):
                return await leading.answer()
        leading = mine[key] = _Shared()
        try:
            found = await self._backend.fetch(prepared, caller, table, related)
        except Exception as error:
            leading.fail(error)
            raise
        except BaseException:  # cancelled: this one's caller has gone, not the others'
            leading.fail(_LeaderGoneError())
            raise
        else:
            leading.finish(found)
            return found
        finally:
            del mine[key]
            if not mine and self._under_way.get(caller.user_id) is mine:
                del self._under_way[caller.user_id]

    def forget(self, user_id: str | None) -> None:
        """From now on nobody shares what is under way for this person."""
        self._under_way.pop(user_id, None)

    def forget_all(self) -> None:
        """The same for everybody."""
        self._under_way.clear()


class _LeaderGoneError(Exception):
    """The reader that sent the shared request was cancelled."""


class _Shared:
    """One read that is under way, and those who wait for it beside the one who sent it."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[Rows]] | None = None

    async def answer(self) -> Rows:
        """What comes of it."""
        one: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(one)
        return await one

    def finish(self, found: Rows) -> None:
        """Answer all who wait."""
        for one in self._waiting or ():
            if not one.done():
                one.set_result(found)

    def fail(self, error: Exception) -> None:
        """Fail all who wait."""
        for one in self._waiting or ():
            if not one.done():
                one.set_exception(error)
