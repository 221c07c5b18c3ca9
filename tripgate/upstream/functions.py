"""Edge Functions, called with the caller's own token.

By aiohttp and not by the stock client, which keeps a failure's text and loses its code.
"""

from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from pydantic import BaseModel, ValidationError

from gql.errors import ApiError, ErrorCode
from tripgate.upstream.caller import Caller

# The platform's own NOT_FOUND, of a function that is not deployed, looks like one of ours but for this header.
_PLATFORM_ERROR = "sb-error-code"

_PUBLIC = frozenset(
    {
        ErrorCode.BAD_USER_INPUT,
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.FORBIDDEN,
        ErrorCode.NOT_FOUND,
        ErrorCode.CONFLICT,
        ErrorCode.RATE_LIMITED,
        ErrorCode.TIMEOUT,
        ErrorCode.UPSTREAM_UNAVAILABLE,
    }
)


class _Failure(BaseModel):
    """What our functions answer when they refuse."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class FunctionsAnswer:
    """What a function answers, or the platform in its place where the function is missing."""

    status: int
    body: bytes
    missing: bool


class FunctionsClient:
    """Calls functions by name.

    Args:
        url: As in `https://project.supabase.co/functions/v1`.
        timeout: Seconds for one call.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, api_key: str, *, timeout: float) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def invoke(self, name: str, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """What the function answers.

        Raises:
            ApiError: What the function refused, by its code; UPSTREAM_UNAVAILABLE or TIMEOUT when it could not say.
        """
        answer = await self.send(name, body, caller)
        if answer.status < 300:
            found: dict[str, Any] = orjson.loads(answer.body)
            return found
        if answer.status == 401:
            raise ApiError(ErrorCode.UNAUTHENTICATED, "The access token is not accepted. Sign in again.")
        if answer.missing:
            raise _unavailable()
        try:
            failure = _Failure.model_validate_json(answer.body)
            code = ErrorCode(failure.code)
        except (ValidationError, ValueError):
            raise _unavailable() from None
        if code not in _PUBLIC:
            raise _unavailable()
        raise ApiError(code, failure.message)

    async def send(self, name: str, body: dict[str, Any], caller: Caller) -> FunctionsAnswer:
        """What the function answers, whatever it is.

        Raises:
            ApiError: UPSTREAM_UNAVAILABLE or TIMEOUT when it does not answer.
        """
        headers = {"apikey": self._api_key, "Content-Type": "application/json"}
        if caller.token is not None:
            headers["Authorization"] = f"Bearer {caller.token}"
        try:
            async with self._session.post(
                f"{self._url}/{name}",
                data=orjson.dumps(body),
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                missing = response.headers.get(_PLATFORM_ERROR, "").startswith("NOT_FOUND")
                return FunctionsAnswer(response.status, await response.read(), missing)
        except TimeoutError:
            raise ApiError(
                ErrorCode.TIMEOUT, "This took too long. See whether it happened before you repeat it."
            ) from None
        except (aiohttp.ClientError, ConnectionError):
            raise _unavailable() from None


def _unavailable() -> ApiError:
    return ApiError(ErrorCode.UPSTREAM_UNAVAILABLE, "This service is not available right now. Try again shortly.")
