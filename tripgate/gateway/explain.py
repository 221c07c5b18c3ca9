"""`extensions.explain`: what an answer took, for people who develop.

A request that asks for it runs over a backend and a transport that record what they are asked. Nothing is recorded, or
measured, for any other.
"""

import dataclasses
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gql.errors import ApiError
from gql.table import Table
from resolvers.context import Context
from tripgate.planner.plan import Read, as_data
from tripgate.planner.planner import ObjectPlan
from tripgate.upstream.backend import (
    AnswerPlan,
    Backend,
    BackendError,
    JoinedRows,
    Plan,
    PreparedByKey,
    PreparedPlan,
    RelatedTables,
    Rows,
)
from tripgate.upstream.caller import Caller
from tripgate.upstream.functions import FunctionsAnswer, FunctionsClient, FunctionsTransport
from tripgate.upstream.storage import StorageClient


@dataclass
class _Exchange:
    """One request to Supabase and what came of it; without a status where no answer came.

    Attributes:
        sent: What was sent, for people.
    """

    sent: Mapping[str, str]
    plan: object
    began: float
    ended: float = 0.0
    status: int | None = None
    rows: int | None = None

    def as_data(self) -> dict[str, Any]:
        """For the answer."""
        return {
            **self.sent,
            "status": self.status,
            "rows": self.rows,
            "ms": _ms(self.ended - self.began),
            "plan": None if self.plan is None else as_data(self.plan),
        }


class Explanation:
    """What one request takes, from its arrival on."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._parse = 0.0
        self._fields: dict[str, dict[str, Any]] = {}
        self._outside: list[_Exchange] = []

    @contextmanager
    def parsing(self) -> Iterator[None]:
        """While the document is parsed and validated, or found among those seen lately."""
        began = time.perf_counter()
        yield
        self._parse = time.perf_counter() - began

    async def field(
        self, key: str, context: Context, run: Callable[[Context], Awaitable[Any]], *, asks_others: bool = False
    ) -> Any:
        """Run a root field, recording what it sends.

        Args:
            asks_others: It may ask what nothing records, and is left out where nothing is recorded.
        """
        exchanges: list[_Exchange] = []
        self._fields[key] = {}  # in the order in which they are asked for, whichever is ready first
        recording = dataclasses.replace(
            context,
            backend=_RecordingBackend(context.backend, exchanges),
            functions=FunctionsClient(_RecordingFunctions(context.functions.transport, exchanges)),
            storage=_recording_storage(context.storage, exchanges),
        )
        began = time.perf_counter()
        try:
            return await run(recording)
        finally:
            self._fields[key] = _field(exchanges, began, time.perf_counter())
            if asks_others and not exchanges:
                del self._fields[key]

    def outside(self, context: Context) -> Context:
        """The context in which values are asked for that no field's rows hold, for all fields together."""
        return dataclasses.replace(context, storage=_recording_storage(context.storage, self._outside))

    def as_data(self) -> dict[str, Any]:
        """For the answer."""
        timings = {"parse": _ms(self._parse), "total": _ms(time.perf_counter() - self._began)}
        explained: dict[str, Any] = {"timings": timings, "fields": self._fields}
        if self._outside:
            explained["outside"] = {"requests": [each.as_data() for each in self._outside]}
        return explained


def _field(exchanges: list[_Exchange], began: float, ended: float) -> dict[str, Any]:
    first = min((each.began for each in exchanges), default=ended)
    last = max((each.ended for each in exchanges), default=ended)
    timings = {
        "plan": first - began,
        "upstream": _covered(exchanges),
        "shape": ended - last,
        "total": ended - began,
    }
    return {
        "requests": [each.as_data() for each in exchanges],
        "timings": {name: _ms(seconds) for name, seconds in timings.items()},
    }


def _covered(exchanges: list[_Exchange]) -> float:
    """Seconds during which at least one exchange was under way: those at the same time count once."""
    covered, until = 0.0, 0.0
    for each in sorted(exchanges, key=lambda each: each.began):
        covered += max(0.0, each.ended - max(each.began, until))
        until = max(until, each.ended)
    return covered


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


class _RecordingBackend(Backend):
    """The backend it is given, recording what that is asked."""

    def __init__(self, backend: Backend, exchanges: list[_Exchange]) -> None:
        self._backend = backend
        self._exchanges = exchanges

    def gathering(self) -> Backend:
        return _RecordingBackend(self._backend.gathering(), self._exchanges)

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
        """Ask, and record when and what came back."""
        exchange = _Exchange(prepared.shown, prepared.plan, time.perf_counter())
        self._exchanges.append(exchange)
        found = None
        try:
            found = await self._backend.fetch(prepared, caller, table, related)
        except BackendError as failure:
            exchange.status = failure.status
            raise
        except ApiError as error:
            exchange.status = error.__cause__.status if isinstance(error.__cause__, BackendError) else None
            raise
        else:
            exchange.status, exchange.rows = found.status, found.number
            return found
        finally:
            exchange.ended = time.perf_counter()
            if isinstance(found, JoinedRows):
                exchange.ended = found.ended
                self._exchanges += [
                    _Exchange(each.shown, each.plan, each.began, each.ended, each.status, each.rows)
                    for each in found.further
                ]


class _RecordingFunctions(FunctionsTransport):
    """The transport it is given, recording what that sends."""

    def __init__(self, transport: FunctionsTransport, exchanges: list[_Exchange]) -> None:
        self._transport = transport
        self._exchanges = exchanges

    async def send(self, name: str, body: dict[str, Any], caller: Caller) -> FunctionsAnswer:
        """Send, and record when and what came back."""
        exchange = _Exchange({"method": "POST", "path": f"/functions/v1/{name}"}, None, time.perf_counter())
        self._exchanges.append(exchange)
        try:
            answer = await self._transport.send(name, body, caller)
            exchange.status = answer.status
            return answer
        finally:
            exchange.ended = time.perf_counter()


def _recording_storage(storage: StorageClient | None, exchanges: list[_Exchange]) -> StorageClient | None:
    return None if storage is None else _RecordingStorage(storage, exchanges)


class _RecordingStorage(StorageClient):
    """The client it is given, with what that knows already, recording what it sends."""

    def __init__(self, storage: StorageClient, exchanges: list[_Exchange]) -> None:
        vars(self).update(vars(storage))
        self._storage = storage
        self._exchanges = exchanges

    async def send(
        self, method: str, target: str, body: dict[str, Any], caller: Caller, late: str
    ) -> tuple[int, bytes]:
        """Send, and record when and what came back."""
        exchange = _Exchange({"method": method, "path": f"/storage/v1/{target}"}, None, time.perf_counter())
        self._exchanges.append(exchange)
        try:
            status, answered = await self._storage.send(method, target, body, caller, late)
            exchange.status = status
            return status, answered
        finally:
            exchange.ended = time.perf_counter()
