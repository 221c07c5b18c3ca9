"""What a resolver gets: who asks, and the ways to Supabase."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import strawberry

from gql.errors import ApiError, ErrorCode
from tripgate.upstream.backend import Backend
from tripgate.upstream.caller import Caller
from tripgate.upstream.functions import FunctionsClient
from tripgate.upstream.realtime.relay import Relay
from tripgate.upstream.realtime.subscription import Subscription

if TYPE_CHECKING:
    from tripgate.upstream.auth import AuthClient


class PlanCache(dict[str, Any]):
    """What root fields have prepared, by response key, for all requests with one document and one set of variables.

    Whoever knows of such requests owns it and hands it in; it has no more entries than the document has root fields.
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
    """

    caller: Caller
    backend: Backend
    open_auth: "Callable[[], AuthClient]"
    functions: FunctionsClient
    max_page_size: int
    relay: Relay | None = None
    live: "set[Subscription]" = field(default_factory=set)
    plans: PlanCache = field(default_factory=PlanCache)
    cost: int = 0

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
