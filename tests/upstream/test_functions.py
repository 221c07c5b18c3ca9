"""What the caller is told when an Edge Function, or the platform in front of it, refuses or fails."""

import aiohttp
import pytest
from aiohttp import web

from gql.errors import ApiError
from tests.support import listening
from tripgate.upstream.caller import Caller
from tripgate.upstream.functions import FunctionsClient, HttpFunctions
from tripgate.upstream.resilience.policy import Policy, PolicyLimits

UNAVAILABLE = ("UPSTREAM_UNAVAILABLE", "This service is not available right now. Try again shortly.")
SIGN_IN = ("UNAUTHENTICATED", "The access token is not accepted. Sign in again.")


def client_of(http: aiohttp.ClientSession, url: str) -> FunctionsClient:
    """A client of the functions at this address."""
    return FunctionsClient(HttpFunctions(http, url, "key", Policy("functions", PolicyLimits(timeout=5))))


async def refused_as(http: aiohttp.ClientSession, status: int, text: str, headers: dict[str, str]) -> tuple[str, str]:
    """Code and message where a function's address answers this."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    app = web.Application()
    app.router.add_post("/name", answer)
    async with listening(app) as url:
        with pytest.raises(ApiError) as refusal:
            await client_of(http, url).invoke("name", {}, Caller("somebody", "token"))
        return refusal.value.code.value, refusal.value.message


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "BAD_USER_INPUT", "email must be an e-mail address."),
        (401, "UNAUTHENTICATED", "Sign in to do this."),
        (402, "INSUFFICIENT_CREDITS", "No credits are left."),
        (403, "FORBIDDEN", "Only the owner of a trip invites to it."),
        (404, "NOT_FOUND", "There is no such trip, or you may not see it."),
        (409, "CONFLICT", "This person is on the trip already."),
        (429, "RATE_LIMITED", "There can be 20 open invitations to one trip."),
        (503, "UPSTREAM_UNAVAILABLE", "The mail could not be sent. Try again shortly."),
        (504, "TIMEOUT", "The data service took too long. Try again."),
    ],
)
async def test_what_our_functions_say_is_passed_on(
    http: aiohttp.ClientSession, status: int, code: str, message: str
) -> None:
    text = f'{{"code":"{code}","message":"{message}","extensions":{{}}}}'
    assert await refused_as(http, status, text, {}) == (code, message)
    # As functions say it that were deployed before there were extensions.
    assert await refused_as(http, status, f'{{"code":"{code}","message":"{message}","field":"email"}}', {}) == (
        code,
        message,
    )


@pytest.mark.parametrize(
    ("status", "text", "header", "expected"),
    [
        (401, '{"code":401,"message":"Invalid JWT"}', None, SIGN_IN),
        (401, '{"code":"UNAUTHORIZED_EXPIRED_JWT","message":"…"}', "UNAUTHORIZED_EXPIRED_JWT", SIGN_IN),
        (404, '{"code":"NOT_FOUND","message":"Requested function was not found"}', "NOT_FOUND", UNAVAILABLE),
        (503, '{"code":"BOOT_ERROR","message":"Function failed to start"}', "BOOT_ERROR", UNAVAILABLE),
        (500, '{"code":"INTERNAL_SERVER_ERROR","message":"Something went wrong."}', None, UNAVAILABLE),
        (405, '{"code":"METHOD_NOT_ALLOWED","message":"Send a POST request."}', None, UNAVAILABLE),
        (502, "<html>Bad gateway</html>", None, UNAVAILABLE),
        (307, "", None, UNAVAILABLE),
    ],
)
async def test_what_others_say_is_not(
    http: aiohttp.ClientSession, status: int, text: str, header: str | None, expected: tuple[str, str]
) -> None:
    assert await refused_as(http, status, text, {"sb-error-code": header} if header else {}) == expected


async def test_nobody_answers(http: aiohttp.ClientSession) -> None:
    client = client_of(http, "http://127.0.0.1:1")
    with pytest.raises(ApiError) as refusal:
        await client.invoke("name", {}, Caller("somebody", "token"))
    assert (refusal.value.code.value, refusal.value.message) == UNAVAILABLE
