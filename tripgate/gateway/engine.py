"""Run a GraphQL request, whichever transport it came by: a query or mutation to one answer, a subscription to many."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import OperationType, located_error

from gql.errors import ApiError, ErrorCode
from resolvers.context import Context, sign_in
from resolvers.declared.changes import SubscriptionField
from tripgate.gateway.cache.answers import Finished
from tripgate.gateway.cache.keeping import Keeping
from tripgate.gateway.edge.persisted import PersistedDocuments, digest_of
from tripgate.gateway.errors import formatted, not_representable
from tripgate.gateway.executor import declared_field, run, run_extended, subscribe
from tripgate.gateway.explain import Explanation
from tripgate.gateway.operation import Documents, Operation, RequestError
from tripgate.planner.json_values import taken_out, unreadable
from tripgate.planner.selection import Coerced
from tripgate.upstream.auth import AuthClient
from tripgate.upstream.backend import Backend
from tripgate.upstream.caller import Caller
from tripgate.upstream.functions import FunctionsClient
from tripgate.upstream.realtime.relay import Relay
from tripgate.upstream.realtime.subscription import Subscription
from tripgate.upstream.resilience.deadline import Operations
from tripgate.upstream.watch import watching


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of a request.

    Attributes:
        query: The document; empty where the request only names one.
        document_id: The name of its document in the manifest of trusted ones.
        sha256: The digest of its document, for automatic persisted queries.
        explanation: What its answer takes, for a request that asks for it in its `extensions`.
    """

    query: str
    variables: dict[str, Any]
    operation_name: str | None
    explanation: Explanation | None = None
    document_id: str | None = None
    sha256: str | None = None

    @classmethod
    def parse(cls, found: object) -> "GraphQLRequest":
        """The request in a decoded JSON body or payload.

        Raises:
            ApiError: BAD_REQUEST.
        """
        if not isinstance(found, dict):
            raise _bad_request("A request is one JSON object; batches are not taken.")
        query, variables, name = found.get("query"), found.get("variables"), found.get("operationName")
        extensions = found.get("extensions")
        if extensions is not None and not isinstance(extensions, dict):
            raise _bad_request("`extensions` must be an object.")
        document_id, sha256 = _named_document(found, extensions)
        if query is None and (document_id or sha256):
            query = ""
        if not isinstance(query, str):
            raise _bad_request("`query` must be a string.")
        if variables is not None and not isinstance(variables, dict):
            raise _bad_request("`variables` must be an object.")
        if name is not None and not isinstance(name, str):
            raise _bad_request("`operationName` must be a string.")
        if query and sha256 is not None and digest_of(query) != sha256:
            raise _bad_request("`sha256Hash` is not the digest of `query`.")
        explain = extensions is not None and extensions.get("explain") is True
        return cls(query, variables or {}, name or None, Explanation() if explain else None, document_id, sha256)


class Engine:
    """What every request shares: the schema, the documents seen lately, and the ways to Supabase.

    Args:
        explains: Whether a request may ask what its answer takes.
        operations: Queries and mutations run in it.
        keeping: Told of writes, where answers are kept or reads are shared.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        documents: Documents,
        persisted: PersistedDocuments,
        backend: Backend,
        auth: AuthClient,
        functions: FunctionsClient,
        relay: Relay,
        *,
        max_page_size: int,
        hide_suggestions: bool,
        explains: bool,
        operations: Operations,
        keeping: Keeping | None = None,
    ) -> None:
        self._strawberry = schema
        self._schema = schema._schema
        self._extended = bool(schema.extensions or schema.directives)
        self._run = run_extended if self._extended else run
        self._documents = documents
        self._persisted = persisted
        self._backend = backend
        self._auth = auth
        self._functions = functions
        self._relay = relay
        self._max_page_size = max_page_size
        self._hide_suggestions = hide_suggestions
        self._explains = explains
        self.operations = operations
        self._keeping = keeping
        self._reading = backend if keeping is None or keeping.sharing is None else keeping.sharing

    def operation(self, request: GraphQLRequest) -> Operation:
        """The operation that a request asks for.

        Raises:
            RequestError: There is none, or it does not fit the schema.
        """
        watch = watching.get()
        watch.parsing(request)
        query = request.query
        if request.document_id is not None or request.sha256 is not None or self._persisted.needed:
            query = self._persisted.text(request)
        if request.explanation is None:
            operation = self._documents.operation(query, request.operation_name)
        else:
            with request.explanation.parsing():
                operation = self._documents.operation(query, request.operation_name)
        if request.sha256 is not None and request.query:  # the digest of what was sent, and of nothing else
            self._persisted.keep(request.sha256, query)
        watch.parsed(operation)
        return operation

    async def known(self, request: GraphQLRequest) -> Operation:
        """The same for a request with a digest, whose document the gateways beside this one may know, or come to know.

        Raises:
            RequestError: As `operation`.
        """
        await self._persisted.seek(request)
        operation = self.operation(request)
        await self._persisted.share(request)
        return operation

    async def answer(self, request: GraphQLRequest, operation: Operation, caller: Caller) -> dict[str, Any]:
        """The answer to a query or mutation.

        Raises:
            RequestError: Its variables do not fit.
            ApiError: OVERLOADED, and nothing was done.
        """
        explanation = request.explanation if self._explains else None
        context = self._context(caller, set())
        write = None
        if operation.kind is OperationType.QUERY:
            context.backend = self._reading
        elif self._keeping is not None:
            write = self._keeping.begin(operation, request.variables, caller)
        lost = unreadable.count
        try:
            with self.operations.one():
                result = await self._run(
                    self._schema,
                    operation,
                    request.variables,
                    context,
                    hide_suggestions=self._hide_suggestions,
                    explanation=explanation,
                )
            if write is not None:
                write.answered(result.errors)
        finally:
            if write is not None:
                write.end()
        answer: dict[str, Any] = {"errors": formatted(result.errors)} if result.errors else {}
        answer["data"] = result.data
        if unreadable.count != lost:
            _without_unreadable(answer)
        if explanation is not None:
            cost = {"requested": context.cost, "limit": operation.limits.cost}
            answer["extensions"] = {"explain": explanation.as_data(), "cost": cost}
        if result.extensions:
            answer["extensions"] = {**answer.get("extensions", {}), **result.extensions}
        watching.get().answered()
        return answer

    @property
    def keeping(self) -> Keeping | None:
        """What is kept of answers and shared of reads."""
        return self._keeping

    async def close(self) -> None:
        """Keep nothing any more."""
        if self._keeping is not None:
            await self._keeping.close()

    @property
    def keeps_answers(self) -> bool:
        """Whether `finished` may answer from what is kept: not where the schema's extensions are asked each time."""
        return self._keeping is not None and self._keeping.answers is not None and not self._extended

    async def finished(self, request: GraphQLRequest, operation: Operation, caller: Caller) -> Finished:
        """The answer to a query, encoded: one that is kept, where answers are, or made now.

        Raises:
            RequestError: As `answer`.
        """
        assert self._keeping is not None  # noqa: S101 - the caller has asked
        assert self._keeping.answers is not None  # noqa: S101
        return await self._keeping.answers.answer(
            operation, request.variables, caller, lambda: self.answer(request, operation, caller)
        )

    async def stream(
        self, request: GraphQLRequest, operation: Operation, caller: Caller, live: set[Subscription]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The answers to any operation: one to a query or mutation, one an event to a subscription.

        Args:
            live: Holds the subscription while it runs, so that the connection can refresh its token.

        Raises:
            RequestError: Its variables do not fit, or its subscription ends with an error.
        """
        if operation.kind is not OperationType.SUBSCRIPTION:
            yield await self.answer(request, operation, caller)
            return
        closed = operation.closed_to(caller, request.variables, hide_suggestions=self._hide_suggestions)
        if closed is not None:
            raise RequestError(
                ErrorCode.UNAUTHENTICATED, [located_error(sign_in(), [root.node], [root.key]) for root in closed]
            )
        prepared = operation.prepared(request.variables, hide_suggestions=self._hide_suggestions)
        operation.release()
        values = prepared.values
        if isinstance(values, Coerced):
            values.arguments = None
        (selected,) = prepared.roots
        context = self._context(caller, live)
        context.plans = prepared.plans
        context.cost = prepared.cost
        field = declared_field(selected)
        if not isinstance(field, SubscriptionField) or self._extended:
            async with aclosing(subscribe(self._strawberry, operation, request.variables, context)) as answers:
                async for each in answers:
                    if self._keeping is not None:
                        self._keeping.shown(caller)
                    yield each
            return
        try:
            lost = unreadable.count
            async with aclosing(field.events(context, selected, values)) as events:
                async for event in events:
                    if self._keeping is not None:
                        self._keeping.shown(caller)
                    answer: dict[str, Any] = {"data": {selected.key: event}}
                    if unreadable.count != lost:
                        _without_unreadable(answer)
                        lost = unreadable.count
                    yield answer
        except Exception as error:
            code = error.code if isinstance(error, ApiError) else ErrorCode.INTERNAL_SERVER_ERROR
            raise RequestError(code, [located_error(error, [selected.node], [selected.key])]) from error

    def _context(self, caller: Caller, live: set[Subscription]) -> Context:
        return Context(caller, self._backend, self._auth, self._functions, self._max_page_size, self._relay, live)


def _without_unreadable(answer: dict[str, Any]) -> None:
    """Take out what was stored and cannot be answered, each with an error at its place."""
    if paths := taken_out(answer["data"]):
        answer["errors"] = [*answer.get("errors", ()), *map(not_representable, paths)]


def _named_document(found: dict[str, Any], extensions: dict[str, Any] | None) -> tuple[str | None, str | None]:
    """The `documentId` and the digest by which a request names its document."""
    document_id = found.get("documentId")
    if document_id is not None:
        if not isinstance(document_id, str) or not document_id:
            raise _bad_request("`documentId` must be a string.")
        if found.get("query") is not None:
            raise _bad_request("Send `documentId` or `query`, not both.")
    persisted = extensions.get("persistedQuery") if extensions else None
    if persisted is None:
        return document_id, None
    if not isinstance(persisted, dict) or persisted.get("version") != 1:
        raise _bad_request("`extensions.persistedQuery` must be an object of version 1.")
    digest = persisted.get("sha256Hash")
    if not isinstance(digest, str) or not digest:
        raise _bad_request("`sha256Hash` must be a string.")
    return document_id, digest


def _bad_request(message: str) -> ApiError:
    return ApiError(ErrorCode.BAD_REQUEST, message)
