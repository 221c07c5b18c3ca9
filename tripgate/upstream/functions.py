"""Edge Functions, called with the caller's own token.

By aiohttp and not by the stock client, which keeps a failure's text and loses its code.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import orjson
from pydantic import BaseModel, Field, ValidationError

from gql.errors import ApiError, ErrorCode
from tripgate.upstream.caller import Caller
from tripgate.upstream.calls import UpstreamCall
from tripgate.upstream.own_refusals import refusal
from tripgate.upstream.resilience.failures import timed_out, unavailable
from tripgate.upstream.resilience.policy import Policy

# The platform's own NOT_FOUND, of a function that is not deployed, looks like one of ours but for this header.
_PLATFORM_ERROR = "sb-error-code"

_OUT_OF_ORDER = frozenset({502, 503, 504})
_UNBOUNDED = aiohttp.ClientTimeout(total=None)


class _Failure(BaseModel):
    """What our functions answer when they refuse."""

    code: str
    message: str
    extensions: dict[str, Any] = Field(default_factory=dict)
    field: str | None = None  # beside them, of functions that were deployed before they had any


@dataclass(frozen=True, slots=True)
class FunctionsAnswer:
    """What a function answers, or the platform in its place where the function is missing."""

    status: int
    body: bytes
    missing: bool


class FunctionsTransport(Protocol):
    """The way to the functions."""

    async def send(self, name: str, body: dict[str, Any], caller: Caller) -> FunctionsAnswer:
        """What the function answers, whatever it is.

        Raises:
            ApiError: UPSTREAM_UNAVAILABLE or TIMEOUT when it does not answer; OVERLOADED, and nothing is sent.
        """


class HttpFunctions(FunctionsTransport):
    """Functions over HTTP.

    Args:
        url: As in `https://project.supabase.co/functions/v1`.
        policy: How long the functions are asked, and whether at all. A call is never repeated: it sends mail.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, api_key: str, policy: Policy[Any]) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._policy = policy

    async def send(self, name: str, body: dict[str, Any], caller: Caller) -> FunctionsAnswer:
        headers = {"apikey": self._api_key, "Content-Type": "application/json"}
        if caller.token is not None:
            headers["Authorization"] = f"Bearer {caller.token}"
        try:
            async with self._policy.once(caller.user_id, aiohttp.ClientError, ConnectionError) as attempt:
                with UpstreamCall("functions", "POST", name) as call:
                    response = await self._session.post(
                        f"{self._url}/{name}",
                        data=orjson.dumps(body),
                        headers={**headers, **call.headers},
                        timeout=_UNBOUNDED,  # the policy bounds it
                        allow_redirects=False,
                    )
                    call.status = response.status
                async with response:
                    missing = response.headers.get(_PLATFORM_ERROR, "").startswith("NOT_FOUND")
                    answer = FunctionsAnswer(response.status, await response.read(), missing)
                # What a function says itself is an answer, though it say that something behind it is away.
                attempt.failed = answer.status in _OUT_OF_ORDER and _own_words(answer.body) is None
                return answer
        except TimeoutError:
            raise timed_out("This took too long. See whether it happened before you repeat it.") from None
        except (aiohttp.ClientError, ConnectionError):
            raise _unavailable() from None


class FunctionsClient:
    """Calls functions by name.

    Attributes:
        transport: The way to them, which may be wrapped.
    """

    def __init__(self, transport: FunctionsTransport) -> None:
        self.transport = transport

    async def invoke(self, name: str, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """What the function answers.

        Raises:
            ApiError: What the function refused, by its code; UPSTREAM_UNAVAILABLE or TIMEOUT when it could not say.
        """
        answer = await self.transport.send(name, body, caller)
        if answer.status < 300:
            found: dict[str, Any] = orjson.loads(answer.body)
            return found
        if answer.missing:
            raise _unavailable()
        if (refused := _own_words(answer.body)) is not None:
            raise refused
        if answer.status == 401:
            raise ApiError(ErrorCode.UNAUTHENTICATED, "The access token is not accepted. Sign in again.")
        raise _unavailable()


def _own_words(body: bytes) -> ApiError | None:
    """What one of our functions refused, with a public code; `None` for the words of anybody else."""
    try:
        failure = _Failure.model_validate_json(body)
    except ValidationError:
        return None
    return refusal(failure.code, failure.message, {"field": failure.field, **failure.extensions})


def _unavailable() -> ApiError:
    return unavailable("This service is not available right now. Try again shortly.")
