"""What every request to the fake goes through: its key, its errors, its headers."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

REQUEST_ID = web.RequestKey("request_id", str)
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# By status: what it says, of which type, with which code.
_SAID: dict[int, tuple[str, str, str | None]] = {
    401: ("Incorrect API key provided. You can find your API key in your account.", "invalid_request_error",
          "invalid_api_key"),
    403: ("You are not allowed to use this resource.", "invalid_request_error", None),
    404: ("Invalid URL. Please check the path and method.", "invalid_request_error", None),
    405: ("Not allowed to use this method on this path.", "invalid_request_error", None),
    413: ("The request is too large.", "invalid_request_error", None),
    429: ("Rate limit reached for requests. Please try again later.", "requests", "rate_limit_exceeded"),
    503: ("The engine is currently overloaded, please try again later.", "server_error", None),
}  # fmt: skip
_BY_CODE = {
    "context_length_exceeded": "This model's maximum context length is 8192 tokens. Please reduce the length of the "
    "messages.",
    "insufficient_quota": "You exceeded your current quota, please check your plan and billing details.",
    "model_not_found": "The model does not exist or you do not have access to it.",
    "content_policy_violation": "Your request was rejected by the safety system.",
}


class WireError(Exception):
    """A refusal, in the provider's words."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
        self.headers = headers or {}

    def response(self) -> web.Response:
        """As it is sent."""
        return web.json_response(self.body, status=self.status, headers=self.headers)


def new_id(prefix: str) -> str:
    """As the provider's, `chatcmpl-…`."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(24))


def refusal(status: int, code: str | None = None, retry_after: float | None = None) -> WireError:
    """Its words for a status, and a code where it has several."""
    message, kind, own_code = _SAID.get(
        status,
        ("The server had an error while processing your request. Sorry about that!", "server_error", None)
        if status >= 500
        else ("Your request was not understood.", "invalid_request_error", None),
    )
    if code == "insufficient_quota":
        kind = code
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    if retry_after is not None and retry_after < 1:
        headers["retry-after-ms"] = f"{retry_after * 1000:g}"
    param = "messages" if code == "context_length_exceeded" else "model" if code == "model_not_found" else None
    return WireError(
        _BY_CODE.get(code or "", message), status=status, kind=kind, code=code or own_code, param=param, headers=headers
    )


def error_response(status: int) -> web.Response:
    """Its answer for a status that a script asks for, or for a path that is not there."""
    response = refusal(status).response()
    response.headers["x-request-id"] = new_id("req_")
    return response


async def body_of(request: web.Request) -> dict[str, Any]:
    """The request's body. Raises WireError."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise WireError("We could not parse the JSON body of your request.") from None
    if not isinstance(body, dict):
        raise WireError("The JSON body of your request is no object.")
    return body


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ask for a key, and answer errors in the provider's words."""
    request[REQUEST_ID] = new_id("req_")
    try:
        _admit(request)
        response = await handler(request)
    except WireError as error:
        response = error.response()
    if not response.prepared:
        response.headers["x-request-id"] = request[REQUEST_ID]
    return response


def _admit(request: web.Request) -> None:
    scheme, _, key = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme != "Bearer" or not key.strip():
        raise WireError(
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
            "auth (i.e. Authorization: Bearer YOUR_KEY).",
            status=401,
        )
    if not key.startswith("sk-") or key.startswith("sk-invalid"):
        raise refusal(401)
