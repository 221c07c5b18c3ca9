"""What a resolver gets: who asks, and the ways to Supabase."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import strawberry
from graphql.execution.values import VariableValues

from gql.errors import ApiError, ErrorCode
from tripgate.planner.selection import Selected
from tripgate.upstream.backend import Backend
from tripgate.upstream.caller import Caller
from tripgate.upstream.functions import FunctionsClient
from tripgate.upstream.realtime.relay import Relay
from tripgate.upstream.storage import StorageClient

if TYPE_CHECKING:
    from tripgate.upstream.auth import AuthClient


class PlanCache(dict[str, Any]):
    """What root fields have prepared, by response key, for all requests with one document and one set of variables.

    Whoever knows of such requests owns it and hands it in; it has no more entries than the document has root fields.
    """


class Refreshable(Protocol):
    """What a caller follows on a connection, which goes on under a newer token."""

    def refresh(self, caller: Caller) -> None:
        """Go on under a newer token of the same person."""


class LiveQueries(Protocol):
    """Answers live queries for all who follow them."""

    def follow(
        self, context: "Context", selected: Selected, variables: VariableValues
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The answers to a root field that is a `LiveRead`: the first at once, then each that differs.

        Raises:
            ApiError: What the read raises, if it does not pass; UNAUTHENTICATED when the token expires.
        """


@dataclass(frozen=True, slots=True)
class Context:
    """One request's context.

    Attributes:
        open_auth: Gives `auth`, whose library is loaded with the first account field that runs.
        max_page_size: The largest `first`, `last` and list of inputs.
        relay: Live changes.
        live: The caller's subscriptions on this connection, which go on when its token is refreshed.
        plans: The cache of `PlanCachingField`.
        cost: What the operation may cost at most.
        live_queries: Answers live queries.
        storage: Signs addresses of objects and deletes them.
    """

    caller: Caller
    backend: Backend
    open_auth: "Callable[[], AuthClient]"
    functions: FunctionsClient
    max_page_size: int
    relay: Relay | None = None
    live: set[Refreshable] = field(default_factory=set)
    plans: PlanCache = field(default_factory=PlanCache)
    cost: int = 0
    live_queries: LiveQueries | None = None
    storage: StorageClient | None = None

    @property
    def auth(self) -> "AuthClient":
        """Signs people up, in and out."""
        return self.open_auth()

    def signed_in(self) -> Caller:
        """The caller, who must not be anonymous.

        Raises:
            ApiError: UNAUTHENTICATED.
        """
        if self.caller.anonymous:
            raise sign_in()
        return self.caller


def sign_in() -> ApiError:
    """The refusal of what only somebody may do."""
    return ApiError(ErrorCode.UNAUTHENTICATED, "Sign in to do this.")


Info = strawberry.Info[Context, None]
