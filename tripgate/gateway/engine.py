"""Run a GraphQL request, whichever transport it came by: a query or mutation to one answer, a subscription to many."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLSchema, OperationType, located_error

from gql.errors import ApiError, ErrorCode
from resolvers.context import Context
from resolvers.declared.changes import SubscriptionField
from tripgate.gateway.errors import formatted
from tripgate.gateway.executor import declared_field, run
from tripgate.gateway.explain import Explanation
from tripgate.gateway.operation import Documents, Operation, RequestError
from tripgate.upstream.auth import AuthClient
from tripgate.upstream.caller import Caller
from tripgate.upstream.functions import FunctionsClient
from tripgate.upstream.postgrest.client import PostgrestClient
from tripgate.upstream.realtime.relay import Relay
from tripgate.upstream.realtime.subscription import Subscription


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of a request.

    Attributes:
        explanation: What its answer takes, for a request that asks for it in its `extensions`.
    """

    query: str
    variables: dict[str, Any]
    operation_name: str | None
    explanation: Explanation | None = None

    @classmethod
    def parse(cls, found: object) -> "GraphQLRequest":
        """The request in a decoded JSON body or payload.

        Raises:
            ApiError: BAD_REQUEST.
        """
        if not isinstance(found, dict):
            raise _bad_request("The body must be a JSON object; batches are not taken.")
        query, variables, name = found.get("query"), found.get("variables"), found.get("operationName")
        if not isinstance(query, str):
            raise _bad_request("`query` must be a string.")
        if variables is not None and not isinstance(variables, dict):
            raise _bad_request("`variables` must be an object.")
        if name is not None and not isinstance(name, str):
            raise _bad_request("`operationName` must be a string.")
        extensions = found.get("extensions")
        explain = isinstance(extensions, dict) and extensions.get("explain") is True
        return cls(query, variables or {}, name or None, Explanation() if explain else None)


class Engine:
    """What every request shares: the schema, the documents seen lately, and the ways to Supabase.

    Args:
        explains: Whether a request may ask what its answer takes.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        documents: Documents,
        postgrest: PostgrestClient,
        auth: AuthClient,
        functions: FunctionsClient,
        relay: Relay,
        *,
        max_page_size: int,
        hide_suggestions: bool,
        explains: bool,
    ) -> None:
        self._schema = schema
        self._documents = documents
        self._postgrest = postgrest
        self._auth = auth
        self._functions = functions
        self._relay = relay
        self._max_page_size = max_page_size
        self._hide_suggestions = hide_suggestions
        self._explains = explains

    def operation(self, request: GraphQLRequest) -> Operation:
        """The operation that a request asks for.

        Raises:
            RequestError: There is none, or it does not fit the schema.
        """
        if request.explanation is None:
            return self._documents.operation(request.query, request.operation_name)
        with request.explanation.parsing():
            return self._documents.operation(request.query, request.operation_name)

    async def answer(self, request: GraphQLRequest, operation: Operation, caller: Caller) -> dict[str, Any]:
        """The answer to a query or mutation.

        Raises:
            RequestError: Its variables do not fit.
        """
        explanation = request.explanation if self._explains else None
        result = await run(
            self._schema,
            operation,
            request.variables,
            self._context(caller, set()),
            hide_suggestions=self._hide_suggestions,
            explanation=explanation,
        )
        answer: dict[str, Any] = {"errors": formatted(result.errors)} if result.errors else {}
        answer["data"] = result.data
        if explanation is not None:
            answer["extensions"] = {"explain": explanation.as_data()}
        return answer

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
        values = operation.coerce(request.variables, hide_suggestions=self._hide_suggestions)
        (selected,) = operation.roots(values)
        field = declared_field(selected)
        assert isinstance(field, SubscriptionField)  # noqa: S101 - the schema has no others
        context = self._context(caller, live)
        context.plans = operation.plans(values, request.variables)
        try:
            async with aclosing(field.events(context, selected, values)) as events:
                async for event in events:
                    yield {"data": {selected.key: event}}
        except Exception as error:
            code = error.code if isinstance(error, ApiError) else ErrorCode.INTERNAL_SERVER_ERROR
            raise RequestError(code, [located_error(error, [selected.node], [selected.key])]) from error

    def _context(self, caller: Caller, live: set[Subscription]) -> Context:
        return Context(caller, self._postgrest, self._auth, self._functions, self._max_page_size, self._relay, live)


def _bad_request(message: str) -> ApiError:
    return ApiError(ErrorCode.BAD_REQUEST, message)
