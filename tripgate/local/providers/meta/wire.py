"""What every request to the fake goes through: its token, its errors, its bodies."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

PHONE_NUMBER_ID = "100000000000001"
BUSINESS_ID = "100000000000002"
APP_ID = "100000000000003"
DISPLAY_NUMBER = "15550001111"
# By code: the status, and the title.
_SAID = {
    1: (500, "An unknown error has occurred."),
    2: (503, "Service temporarily unavailable."),
    4: (400, "Application request limit reached"),
    10: (403, "Application does not have permission for this action"),
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token - Cannot parse access token"),
    80007: (400, "Rate limit issues"),
    130429: (429, "Rate limit hit"),
    131000: (500, "Something went wrong"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (503, "Service unavailable"),
    131026: (400, "Message undeliverable"),
    131047: (400, "Re-engagement message"),
    131050: (400, "User has stopped receipt of marketing messages from this business"),
    131051: (400, "Unsupported message type"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is Paused"),
    132016: (400, "Template is Disabled"),
    132018: (400, "There's an issue with the parameters in your template"),
    133010: (400, "Account not registered"),
}
_CODES = {401: 190, 403: 10, 429: 130429, 500: 131000, 503: 2}
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class WireError(Exception):
    """A refusal, in Meta's words.

    Args:
        code: Meta's number; `details` says what is wrong with this request.
        status: Another than the code has.
    """

    def __init__(
        self, code: int, details: str | None = None, *, status: int | None = None, subcode: int | None = None
    ) -> None:
        own_status, self.title = _SAID[code]
        super().__init__(details or self.title)
        self.code, self.details, self.subcode = code, details, subcode
        self.status = status or own_status

    def response(self) -> web.Response:
        """As a request is answered."""
        plain = self.code in {1, 2, 4, 10, 190}
        error: dict[str, Any] = {
            "message": self.title if plain else f"(#{self.code}) {self.title}",
            "type": "OAuthException",
            "code": self.code,
        }
        if self.details is not None:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        return web.json_response({"error": {**error, "fbtrace_id": new_trace()}}, status=self.status)

    def as_status(self) -> dict[str, Any]:
        """As a webhook of a message that failed tells it."""
        return {
            "code": self.code,
            "title": self.title,
            "message": self.title,
            "error_data": {"details": self.details or self.title},
            "href": "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes",
        }


def new_trace() -> str:
    return "A" + "".join(secrets.choice(_LETTERS) for _ in range(22))


def no_object(name: str, *, posts: bool = True) -> WireError:
    """There is nothing of that id here, or not for this."""
    error = WireError(100, status=400, subcode=33)
    error.title = (
        f"Unsupported {'post' if posts else 'get'} request. Object with ID '{name[:64]}' does not exist, cannot be "
        "loaded due to missing permissions, or does not support this operation"
    )
    return error


def error_response(status: int) -> web.Response:
    """Its answer for a status that a script asks for, or for a path that is not there."""
    return WireError(_CODES.get(status, 1 if status >= 500 else 100), status=status).response()


async def body_of(request: web.Request) -> dict[str, Any]:
    """The request's JSON or form. Raises WireError."""
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    try:
        body = json.loads(await request.read() or b"{}")
    except (ValueError, RecursionError):
        raise WireError(100, "The body is no valid JSON.") from None
    if not isinstance(body, dict):
        raise WireError(100, "The body is no JSON object.")
    return body


def middleware(open_paths: tuple[str, ...]) -> Middleware:
    """Ask for a token, and answer errors in Meta's words. Who opens pages needs none."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            resource = request.match_info.route.resource
            if resource is None or not any(f"{path}/" in f"{resource.canonical}/" for path in open_paths):
                _admit(request)
            return await handler(request)
        except WireError as error:
            return error.response()

    return check


def token_of(request: web.Request) -> str:
    """The token that a request shows, in its header or in its query."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.query.get("access_token", "")


def _admit(request: web.Request) -> None:
    """Any token is taken that looks like one of Meta's."""
    token = token_of(request)
    is_apps = token.startswith(f"{APP_ID}|") and len(token) > len(APP_ID) + 1
    if not is_apps and (not token.startswith("EAA") or token.startswith("EAA_invalid")):
        raise WireError(190)
