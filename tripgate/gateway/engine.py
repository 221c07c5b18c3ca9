"""Run a GraphQL request, whichever transport it came by: a query or mutation to one answer, a subscription to many."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import strawberry
from graphql import OperationType, located_error

from gql.errors import ApiError, ErrorCode
from resolvers.context import Context, Refreshable, sign_in
from resolvers.declared.changes import SubscriptionField
from resolvers.declared.live import LiveRead
from resolvers.declared.outside import fill
from tripgate.gateway.cache.answers import Finished
from tripgate.gateway.cache.invalidation import Invalidation
from tripgate.gateway.document_cache import text_of
from tripgate.gateway.errors import beside_null, formatted, not_representable
from tripgate.gateway.executor import declared_field, run, run_extended, subscribe
from tripgate.gateway.incremental.delivery import Delivery
from tripgate.gateway.incremental.payloads import Payload
from tripgate.gateway.incremental.reading import PartReader
from tripgate.gateway.live.queries import LiveQueries, Terms
from tripgate.gateway.live.query import Charge
from tripgate.gateway.operation import Operation, OperationInParts, PreparedOperation, RequestError
from tripgate.gateway.request import GraphQLRequest
from tripgate.planner.json_values import UnreadableCount, counting, remove_unreadable
from tripgate.planner.selection import Selected
from tripgate.upstream.backend import Backend
from tripgate.upstream.caller import Caller
from tripgate.upstream.functions import FunctionsClient
from tripgate.upstream.lazy_auth import LazyAuth
from tripgate.upstream.realtime.relay import Relay
from tripgate.upstream.record import recording
from tripgate.upstream.resilience.deadline import DeadlineScope, Operations, deadline, ends_at
from tripgate.upstream.storage import StorageClient


class Engine:
    """The last stage of a request: runs operations that are prepared, over the ways to Supabase.

    Attributes:
        unreadable: How many stored values could not be answered so far, for the metrics.

    Args:
        operations: Queries and mutations run in it.
        live_queries: Follows live queries.
        invalidation: Called around mutations, where answers are cached or reads are shared.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        backend: Backend,
        auth: LazyAuth,
        functions: FunctionsClient,
        relay: Relay,
        *,
        storage: StorageClient,
        max_page_size: int,
        operations: Operations,
        live_queries: LiveQueries,
        invalidation: Invalidation | None = None,
    ) -> None:
        self._strawberry = schema
        self._schema = schema._schema
        self._extended = bool(schema.extensions or schema.directives)
        self._backend = backend
        self._auth = auth
        self._functions = functions
        self._relay = relay
        self._storage = storage
        self._max_page_size = max_page_size
        self.operations = operations
        self.live_queries = live_queries
        self.unreadable = 0
        self._invalidation = invalidation
        self._reading = backend if invalidation is None or invalidation.sharing is None else invalidation.sharing

    async def answer(
        self, request: GraphQLRequest, operation: Operation, prepared: PreparedOperation, caller: Caller
    ) -> dict[str, Any]:
        """The answer to a query or mutation.

        Raises:
            ApiError: OVERLOADED, and nothing was done.
        """
        explanation = request.explanation
        write = None
        if operation.kind is OperationType.QUERY:
            context = self._context(caller, prepared, self._reading, set())
        else:
            context = self._context(caller, prepared, self._backend, set())
            if self._invalidation is not None and not prepared.closed:
                write = self._invalidation.mutation_begins(prepared, caller)
        unreadable = UnreadableCount()
        counting.set(unreadable)
        try:
            with self.operations.run() as ends:
                if self._extended:
                    result = await run_extended(self._strawberry, operation, request.variables, prepared, context)
                else:
                    result = await run(self._schema, operation, prepared, context, explanation)
            if write is not None:
                write.answered(result.errors)
        finally:
            if write is not None:
                write.end()
        answer: dict[str, Any] = {"errors": formatted(result.errors)} if result.errors else {}
        answer["data"] = result.data
        if unreadable.outside or unreadable.count:
            asked_in = explanation.outside(context) if explanation is not None else context
            with DeadlineScope(ends - time.monotonic()):
                await self._finish(answer, asked_in, unreadable)
        if explanation is not None:
            cost = {"requested": prepared.cost, "limit": operation.limits.cost}
            answer["extensions"] = {"explain": explanation.as_data(), "cost": cost}
        if result.extensions:
            answer["extensions"] = {**answer.get("extensions", {}), **result.extensions}
        if (record := recording.get()) is not None:
            record.answered = time.perf_counter()
        return answer

    @property
    def invalidation(self) -> Invalidation | None:
        """What invalidates cached answers and shared reads, where there are such."""
        return self._invalidation

    async def close(self) -> None:
        """End live queries, drop cached answers and stop listening for invalidations."""
        self.live_queries.end()
        if self._invalidation is not None:
            await self._invalidation.close()

    @property
    def caches_answers(self) -> bool:
        """Whether `finished` may answer from the cache: not where the schema's extensions are asked each time."""
        return self._invalidation is not None and self._invalidation.answers is not None and not self._extended

    async def finished(
        self, request: GraphQLRequest, operation: Operation, prepared: PreparedOperation, caller: Caller
    ) -> Finished:
        """The answer to a query, encoded: from the cache, where there is one, or made now. Raises as `answer`."""
        assert self._invalidation is not None  # noqa: S101 - the caller has asked
        assert self._invalidation.answers is not None  # noqa: S101
        return await self._invalidation.answers.answer(
            operation, prepared, caller, lambda: self.answer(request, operation, prepared, caller)
        )

    def answers_in_parts(self, prepared: PreparedOperation) -> bool:
        """Whether `parts` answers: where all root fields are declared, and the schema has no extensions to be asked."""
        return (
            not self._extended
            and not prepared.closed
            and all(each.definition is None or declared_field(each) is not None for each in prepared.roots)
        )

    async def parts(
        self, operation: OperationInParts, prepared: PreparedOperation, caller: Caller
    ) -> AsyncGenerator[Payload, None]:
        """The answer to a query in parts, the first of which may be the last.

        Raises:
            ApiError: OVERLOADED, before the first.
        """
        split = operation.split(prepared.values)
        unreadable = UnreadableCount()

        async def run_fields(roots: tuple[Selected, ...], context: Context) -> dict[str, Any]:
            result = await run(self._schema, operation, replace(prepared, roots=roots), context)
            answer: dict[str, Any] = {"errors": formatted(result.errors)} if result.errors else {}
            answer["data"] = result.data
            if unreadable.outside:
                await _fill(answer, context)
            return answer

        # What runs for it runs in tasks with a context of its own, since whoever takes the first part may be another
        # task than who takes the rest.
        own = copy_context()
        own.run(counting.set, unreadable)
        own.run(ends_at.set, min(self.operations.ends_at(), deadline()))
        context = self._context(caller, prepared, self._reading, set())
        reader = PartReader(run_fields, split.first, context, prepared.values, unreadable)
        self.operations.begin()
        try:
            async with aclosing(Delivery(reader, split, own).payloads()) as payloads:
                async for payload in payloads:
                    if payload.answer is not None and unreadable.count:
                        self._take_out_unreadable(payload.answer)
                    yield payload
        finally:
            self.operations.end()

    async def stream(
        self,
        request: GraphQLRequest,
        operation: Operation,
        prepared: PreparedOperation,
        caller: Caller,
        live: set[Refreshable],
        charge: Charge | None = None,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The answers to any operation: one to a query or mutation, one an event to a subscription.

        Args:
            live: Holds the subscription while it runs, so that the connection can refresh its token.
            charge: Counts what each further read of a live query costs.

        Raises:
            RequestError: Its subscription ends with an error.
            ApiError: As `answer`.
        """
        if operation.kind is not OperationType.SUBSCRIPTION:
            yield await self.answer(request, operation, prepared, caller)
            return
        (selected,) = prepared.roots
        if prepared.closed:
            error = located_error(sign_in(), [selected.node], [selected.key])
            raise RequestError(ErrorCode.UNAUTHENTICATED, [error])
        context = self._context(caller, prepared, self._backend, live)
        field = declared_field(selected)
        if self._extended or not isinstance(field, SubscriptionField):
            async with aclosing(subscribe(self._strawberry, operation, request.variables, context)) as answers:
                async for each in answers:
                    if self._invalidation is not None:
                        self._invalidation.change_delivered(caller)
                    yield each
            return
        try:
            if isinstance(field, LiveRead):
                text = text_of(request.variables)
                shared_by = None if text is None else (operation.digest, operation.name, text)
                terms = Terms(shared_by, prepared.cost, charge)
                context.signed_in()
                async with aclosing(self.live_queries.follow(context, selected, prepared.values, terms)) as payloads:
                    async for payload in payloads:
                        if self._invalidation is not None:
                            self._invalidation.change_delivered(caller)
                        yield payload
                return
            unreadable = UnreadableCount()
            counting.set(unreadable)
            async with aclosing(field.events(context, selected, prepared.values)) as events:
                async for event in events:
                    if self._invalidation is not None:
                        self._invalidation.change_delivered(caller)
                    answer: dict[str, Any] = {"data": {selected.key: event}}
                    if unreadable.outside or unreadable.count:
                        await self._finish(answer, context, unreadable)
                    yield answer
        except Exception as error:
            code = error.code if isinstance(error, ApiError) else ErrorCode.INTERNAL_SERVER_ERROR
            raise RequestError(code, [located_error(error, [selected.node], [selected.key])]) from error

    def _context(
        self, caller: Caller, prepared: PreparedOperation, backend: Backend, live: set[Refreshable]
    ) -> Context:
        return Context(
            caller,
            backend,
            self._auth,
            self._functions,
            self._max_page_size,
            self._relay,
            live,
            prepared.plans,
            prepared.cost,
            self.live_queries,
            self._storage,
        )

    async def _finish(self, answer: dict[str, Any], context: Context, unreadable: UnreadableCount) -> None:
        """Put in what is asked for outside, and take out what cannot be answered, of one answer of several."""
        if unreadable.outside:
            await _fill(answer, context)
            unreadable.outside = 0
        if unreadable.count:
            self._take_out_unreadable(answer)
            unreadable.count = 0

    def _take_out_unreadable(self, answer: dict[str, Any]) -> None:
        """Take out what was stored and cannot be answered, each with an error at its place."""
        if paths := remove_unreadable(answer["data"]):
            self.unreadable += len(paths)
            answer["errors"] = [*answer.get("errors", ()), *map(not_representable, paths)]


async def _fill(answer: dict[str, Any], context: Context) -> None:
    """Put in what is asked for outside; where there is nothing, an error stands beside the null."""
    if failed := await fill(answer["data"], context):
        answer["errors"] = [*answer.get("errors", ()), *(beside_null(path, error) for path, error in failed)]
