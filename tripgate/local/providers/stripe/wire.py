"""What every request to Stripe goes through: keys, parameters, idempotency, errors and headers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tripgate.local.providers.stripe.forms import MalformedFormError, decoded

if TYPE_CHECKING:
    import datetime

    from aiohttp.typedefs import Handler, Middleware

    from tripgate.local.providers.clock import Clock

API_VERSION = "2026-10-28.endive"
MAX_KEYS = 5000
_KEPT_SECONDS = 24 * 3600
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

PARAMETERS = web.RequestKey("parameters", dict)
REQUEST_ID = web.RequestKey("request_id", str)


class StripeError(Exception):
    """A refusal, in Stripe's words. `started` where something was begun, so that its key replays it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        started: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.started = started
        given = {"code": code, "message": message, "param": param, "type": kind, **more}
        self.body = {"error": {name: value for name, value in given.items() if value is not None}}


def new_id(prefix: str) -> str:
    """As Stripe's, `cus_…`."""
    return f"{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(24))}"


def error_response(status: int) -> web.Response:
    """Its answer for a status that a script asks for, or for a path that is not there."""
    said = {
        402: ("Your card was declined.", "card_error", "card_declined"),
        404: ("Unrecognized request URL. Please see https://docs.stripe.com/api.", "invalid_request_error", None),
        429: ("Request rate limit exceeded.", "invalid_request_error", "rate_limit"),
    }
    message, kind, code = said.get(status, ("An unknown error occurred", "api_error", None))
    if status not in said and status < 500:
        kind = "invalid_request_error"
    error = StripeError(message, status=status, kind=kind, code=code)
    headers = {"Request-Id": new_id("req"), "Stripe-Version": API_VERSION}
    if status >= 500 or status == 429:
        headers["Stripe-Should-Retry"] = "true" if status == 429 else "false"
    return web.json_response(error.body, status=status, headers=headers)


@dataclass
class _Saved:
    """What was asked under a key; `answer` is None while it is being done."""

    fingerprint: str
    at: datetime.datetime
    answer: tuple[int, bytes, str] | None = None


class Wire:
    """The middleware of the API, and the keys that it knows."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._saved: dict[str, _Saved] = {}
        # What the next writes are answered once they have begun, and again under their key.
        self.saved_failures: list[int] = []
        # Holds writes while it is set, so that tests find them in flight.
        self.hold = asyncio.Event()
        self.hold.set()

    def forget(self) -> None:
        """As at the start."""
        self._saved.clear()
        self.saved_failures.clear()
        self.hold.set()

    @property
    def middleware(self) -> Middleware:
        """What stands before every path; pages pass."""

        @web.middleware
        async def before(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._pass(request, handler)

        return before

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.partition("/v1/")[1]:
            return await handler(request)
        request[REQUEST_ID] = new_id("req")
        try:
            status, body, replayed = await self._answer(request, handler)
        except StripeError as error:
            status, body, replayed = error.status, json.dumps(error.body).encode(), False
        headers = {"Request-Id": request[REQUEST_ID], "Stripe-Version": API_VERSION}
        key = request.headers.get("Idempotency-Key")
        if key:
            headers["Idempotency-Key"] = key
        if replayed:
            headers["Idempotent-Replayed"] = "true"
        if status == 409 or status >= 500:
            # A conflict passes; a failure that is saved would only be said again.
            headers["Stripe-Should-Retry"] = "true" if status == 409 else "false"
        return web.Response(status=status, body=body, content_type="application/json", headers=headers)

    async def _answer(self, request: web.Request, handler: Handler) -> tuple[int, bytes, bool]:
        _check_key(request)
        text = (await request.text()) if request.method == "POST" else request.query_string
        try:
            request[PARAMETERS] = decoded(text)
        except (MalformedFormError, UnicodeDecodeError) as error:
            raise StripeError(str(error)) from error
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        if key is None:
            return (*await self._done(request, handler), False)
        if len(key) > 255:
            raise StripeError("Idempotency keys may have at most 255 characters.", kind="idempotency_error")
        fingerprint = hashlib.sha256(f"{request.path}\n{text}".encode()).hexdigest()
        self._prune()
        saved = self._saved.get(key)
        if saved is not None:
            if saved.fingerprint != fingerprint:
                raise StripeError(
                    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                    f"Try using a key other than '{key}' if you meant to execute a different request.",
                    kind="idempotency_error",
                )
            if saved.answer is None:
                raise StripeError(
                    "There is currently another in-progress request using this Idempotent Key (that probably means you "
                    f"submitted twice, and the other request is still going through): {key}. Please try again later.",
                    status=409,
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                )
            status, body, request[REQUEST_ID] = saved.answer
            return status, body, True
        saved = self._saved[key] = _Saved(fingerprint, self._clock.now())
        try:
            await self.hold.wait()
            status, body = await self._done(request, handler)
        except BaseException:
            # Nothing has begun, so the key is as new.
            del self._saved[key]
            raise
        saved.answer = (status, body, request[REQUEST_ID])
        return status, body, False

    async def _done(self, request: web.Request, handler: Handler) -> tuple[int, bytes]:
        if request.method == "POST" and self.saved_failures:
            status = self.saved_failures.pop(0)
            return status, error_response(status).body  # type: ignore[return-value] # of a response of our own
        try:
            response = await handler(request)
        except StripeError as error:
            if not error.started:
                raise
            return error.status, json.dumps(error.body).encode()
        except web.HTTPException as error:
            raise StripeError(
                f"Unrecognized request URL ({request.method}: {request.path}). Please see https://docs.stripe.com/api.",
                status=404 if error.status == 405 else error.status,
            ) from error
        assert isinstance(response, web.Response)  # noqa: S101 - the API streams nothing
        assert isinstance(response.body, bytes)  # noqa: S101 - as it makes them
        return response.status, response.body

    def _prune(self) -> None:
        """Keys are kept for a day, and are not too many."""
        now = self._clock.now()
        old = [key for key, saved in self._saved.items() if (now - saved.at).total_seconds() > _KEPT_SECONDS]
        surplus = [key for key, saved in self._saved.items() if saved.answer][: max(0, len(self._saved) - MAX_KEYS)]
        for key in {*old, *surplus}:
            del self._saved[key]


def _check_key(request: web.Request) -> None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Basic":
        raise StripeError("Send the key as a bearer token.", status=401)
    if scheme != "Bearer" or not key:
        raise StripeError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if key.startswith(("sk_live_", "rk_live_")):
        raise StripeError("This is no place for a live key: the fake takes keys of test mode alone.", status=401)
    if not key.startswith(("sk_test_", "rk_test_")):
        raise StripeError(f"Invalid API Key provided: {key[:7]}{'*' * 8}{key[-4:]}", status=401)
