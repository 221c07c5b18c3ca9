"""The same of Auth, of Edge Functions, of the signing keys, and of mistakes of our own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, NoReturn

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from resolvers.declared.changes import Changes
from resolvers.declared.queries import Many
from resolvers.declared.writes import Create
from tests.identity.hostile import (
    ALL,
    CANARIES,
    FOLLOW,
    READ,
    SECRET,
    TOKEN,
    TRANSPORTS,
    WAYS,
    WRITE,
    Answer,
    Hostile,
    Transport,
    by_post,
    check,
    errors_logged,
    hostile,
)
from tests.live.clients import connected
from tests.support import Person
from tripgate.gateway.documents import Documents
from tripgate.gateway.identity import Identity
from tripgate.gateway.observability.redact import error_as_data
from tripgate.upstream.auth import AuthClient
from tripgate.upstream.postgrest.client import PostgrestBackend

INVITE = """mutation {
  inviteCollaborator(tripId: "00000000-0000-4000-8000-000000000001", email: "x@example.com", role: EDITOR) { id }
}"""
ACCOUNTS = {
    "signUp": 'signUp(input: { email: "x@example.com", password: "correct horse", displayName: "X" }) { user { id } }',
    "signIn": 'signIn(input: { email: "x@example.com", password: "correct horse" }) { user { id } }',
    "refreshSession": 'refreshSession(refreshToken: "x") { user { id } }',
    "requestPasswordReset": 'requestPasswordReset(email: "x@example.com")',
    "resetPassword": 'resetPassword(email: "x@example.com", token: "1", newPassword: "correct horse") { user { id } }',
    "sendMagicLink": 'sendMagicLink(email: "x@example.com")',
    "verifyOtp": 'verifyOtp(email: "x@example.com", token: "1") { user { id } }',
    "changePassword": 'changePassword(currentPassword: "x", newPassword: "correct horse") { user { id } }',
    "deleteAccount": 'deleteAccount(password: "x")',
    "signOut": "signOut",
}
WORDS_OF_AUTH = {
    "weak_password",
    "same_password",
    "validation_failed",
    "email_address_invalid",
    "signup_disabled",
    "email_provider_disabled",
    "user_banned",
}
"""What Auth says of these is meant for people, and anybody can ask Auth directly."""
CODES_OF_AUTH = {
    "bad_json", "bad_jwt", "captcha_failed", "conflict", "email_exists", "email_not_confirmed", "flow_state_expired",
    "hook_payload_invalid_content_type", "hook_timeout", "insufficient_aal", "invalid_credentials", "mfa_verification",
    "no_authorization", "not_admin", "otp_disabled", "otp_expired", "over_email_send_rate_limit",
    "over_request_rate_limit", "reauthentication_needed", "refresh_token_already_used", "refresh_token_not_found",
    "request_timeout", "session_expired", "session_not_found", "unexpected_audience", "unexpected_failure",
    "user_already_exists", "user_not_found", "user_sso_managed", SECRET,
}  # fmt: skip
SESSION = {"access_token": TOKEN, "refresh_token": SECRET, "token_type": "bearer", "expires_in": 3600}


@pytest.fixture(scope="module")
async def supabase(http: aiohttp.ClientSession) -> AsyncIterator[Hostile]:
    async with hostile(http) as found:
        yield found


async def errors_of(supabase: Hostile, field: str, answer: Answer) -> list[dict[str, Any]]:
    """The errors of an account's mutation when Auth answers this."""
    supabase.says(auth=answer, rest=answer)
    with errors_logged() as ids:
        seen = await by_post(supabase.person, f"mutation {{ {ACCOUNTS[field]} }}")
        check(seen, ids)
    return seen.errors


@pytest.mark.parametrize("field", ACCOUNTS)
async def test_auth_refuses_with_every_code(supabase: Hostile, field: str) -> None:
    # One asks with each; the others differ in what they ask after that.
    few = {"otp_expired", "user_not_found", "invalid_credentials", SECRET}
    for code in sorted(CODES_OF_AUTH if field == "signUp" else few):
        for status in (400, 500):
            body = {"code": status, "error_code": code, "msg": ALL, "error_id": SECRET, "stack": ALL}
            await errors_of(supabase, field, Answer.of(status, body))


@pytest.mark.parametrize("code", sorted(WORDS_OF_AUTH))
async def test_auth_says_to_people_what_it_means_for_them(supabase: Hostile, code: str) -> None:
    body = {"code": 422, "error_code": code, "msg": "Choose another.", "weak_password": {"reasons": [SECRET]}}
    (error,) = await errors_of(supabase, "signUp", Answer.of(422, {**body, "details": ALL, "hint": ALL}))
    assert "Choose another." in error["message"]
    assert error["extensions"]["code"] in {"BAD_USER_INPUT", "FORBIDDEN"}


@pytest.mark.parametrize("field", ACCOUNTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        CANARIES[-1].encode(),
        b"null",
        b"7",
        f'"{SECRET}"'.encode(),
        f'["{SECRET}"]'.encode(),
        f'{{"msg": ["{SECRET}"], "error_code": {{"of": "{SECRET}"}}}}'.encode(),
        f'{{"message": "{SECRET}", "error": "{SECRET}", "error_description": "{SECRET}"}}'.encode(),
        SECRET.encode() + bytes(range(256)),
        f'{{"id": "{SECRET}", "email": "{SECRET}"}}'.encode(),
        f'{{"access_token": "{TOKEN}", "refresh_token": "{SECRET}", "user": {{"id": "{SECRET}"}}}}'.encode(),
    ],
)
async def test_auth_says_what_it_never_should(supabase: Hostile, field: str, body: bytes) -> None:
    headers = {"X-Supabase-Api-Version": "2024-01-01", "Set-Cookie": SECRET, "Content-Type": "application/json"}
    for status in (200, 302, 422, 503):
        await errors_of(supabase, field, Answer(status, body, headers))


async def test_a_session_that_cannot_be_read_is_not_logged_either(
    supabase: Hostile, caplog: pytest.LogCaptureFixture
) -> None:
    supabase.says(auth=Answer.of(200, {**SESSION, "user": {"id": 7, "email": [SECRET]}}))
    with caplog.at_level(logging.ERROR, "tripgate.errors"):
        seen = await by_post(supabase.person, f"mutation {{ {ACCOUNTS['signIn']} }}")
    assert seen.code == "INTERNAL_SERVER_ERROR"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[1] is not None
    logged = error_as_data(record.exc_info[1])
    assert SECRET not in str(logged)
    assert TOKEN not in str(logged)
    assert "User.app_metadata: missing" in logged["message"]


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_functions_fail(supabase: Hostile, transport: Transport) -> None:
    bodies: list[object] = [
        None, 7, SECRET, [SECRET], {}, {"message": ALL}, {"code": "INTERNAL_SERVER_ERROR", "message": ALL},
        {"code": SECRET, "message": ALL}, {"code": "FORBIDDEN", "message": [ALL]}, {"invitation": SECRET},
        {"code": "FORBIDDEN", "message": ALL, "extensions": [ALL]}, {"code": "CONFLICT", "message": "", "stack": ALL},
        {"invitation": {"id": SECRET}}, {"error": ALL, "stack": ALL},
    ]  # fmt: skip
    for status in (200, 302, 400, 401, 404, 500, 502, 546):
        for answer in [Answer.of(status, body) for body in bodies] + [Answer(status, CANARIES[-1].encode())]:
            supabase.says(functions=answer, rest=Answer.of(500, {"code": "XX000", "message": ALL, "details": ALL}))
            with errors_logged() as ids:
                seen = await transport(supabase.person, INVITE)
                check(seen, ids)
                assert seen.errors


KEYS: list[object] = [
    None, SECRET, [SECRET], {"keys": SECRET}, {"keys": None}, {"keys": 7}, {"keys": {SECRET: SECRET}},
    {"keys": [SECRET, None, {}, {"kty": [SECRET]}, {"kty": "EC"}, {"kty": "EC", "kid": [SECRET], "crv": SECRET}]},
    {"keys": [{"kty": "EC", "kid": "k", "crv": "P-256", "x": SECRET, "y": SECRET}]},
    {"keys": [{"kty": "RSA", "kid": "k", "n": SECRET, "e": 7}]},
    {"keys": [{"kty": "RSA", "kid": {"of": SECRET}, "n": "AQAB", "e": "AQAB"}]},
]  # fmt: skip


@pytest.mark.parametrize("answer", [*(Answer.of(200, keys) for keys in KEYS), Answer.of(500, ALL), Answer(200, b"{")])
async def test_the_signing_keys_are_none(http: aiohttp.ClientSession, answer: Answer) -> None:
    async with hostile(http) as supabase:
        supabase.says(auth=answer)
        token = jwt.encode({"sub": "x"}, ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": "k"})
        person = Person(http, supabase.person.url, token)
        with errors_logged() as ids:
            seen = await by_post(person, READ)
            check(seen, ids)
        assert seen.code in {"UNAUTHENTICATED", "UPSTREAM_UNAVAILABLE"}
        async with connected(person) as connection:
            await connection.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
            message = await connection.socket.receive()
            if message.data != 1013:
                assert message.json() == {"type": "connection_ack"}
                assert await connection.ending(await connection.subscribe(READ)) == "UNAUTHENTICATED"
            assert SECRET not in str(message.extra)
        async with http.get(person.url.replace("graphql", "readyz")) as response:
            assert SECRET not in await response.text()


class Unforeseen(Exception):  # noqa: N818 - a stand-in for any of ours
    """A mistake of ours."""


MISTAKES = [
    Unforeseen(ALL),
    ValueError(ALL),
    KeyError(SECRET),
    AssertionError(ALL),
    OSError(2, ALL, f"/etc/{SECRET}"),
    RecursionError(ALL),
    UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, ALL),
    ExceptionGroup(ALL, [ValueError(SECRET)]),
    asyncio.QueueFull(ALL),
]


def raising(error: Exception) -> Callable[..., Any]:
    async def run(*_: object, **__: object) -> NoReturn:
        raise error

    return run


def raising_in_a_stream(error: Exception, *before: Any) -> Callable[..., Any]:
    async def events(*_: object, **__: object) -> AsyncIterator[Any]:
        for each in before:
            yield each
        raise error

    return events


@pytest.mark.parametrize("error", MISTAKES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("query", "transport"), WAYS)
async def test_a_resolver_fails(
    supabase: Hostile, monkeypatch: pytest.MonkeyPatch, query: str, transport: Transport, error: Exception
) -> None:
    monkeypatch.setattr(Many, "run", raising(error))
    monkeypatch.setattr(Create, "run", raising(error))
    monkeypatch.setattr(Changes, "events", raising_in_a_stream(error))
    with errors_logged() as ids:
        seen = await transport(supabase.person, query)
        assert len(ids) == 1
        check(seen, ids)
    assert seen.code == "INTERNAL_SERVER_ERROR"
    assert seen.error["path"] in (["trips"], ["createTrip"], ["tripChanges"])


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_a_field_with_a_body_fails(
    supabase: Hostile, monkeypatch: pytest.MonkeyPatch, transport: Transport
) -> None:
    monkeypatch.setattr(AuthClient, "sign_in", raising(Unforeseen(ALL)))
    with errors_logged() as ids:
        seen = await transport(supabase.person, f"mutation {{ {ACCOUNTS['signIn']} }}")
        check(seen, ids)
    assert seen.code == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_a_field_answers_what_is_no_json(
    supabase: Hostile, monkeypatch: pytest.MonkeyPatch, transport: Transport
) -> None:
    async def run(*_: object) -> object:
        return {"nodes": Unforeseen(SECRET)}

    monkeypatch.setattr(Many, "run", run)
    with errors_logged() as ids:
        seen = await transport(supabase.person, READ)
        check(seen, ids)
    assert seen.code == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize("transport", [TRANSPORTS["stream"], TRANSPORTS["socket"]])
async def test_a_subscription_fails_after_events(
    supabase: Hostile, monkeypatch: pytest.MonkeyPatch, transport: Transport
) -> None:
    monkeypatch.setattr(PostgrestBackend, "fetch", raising(Unforeseen(ALL)))
    with errors_logged() as ids:
        check(await transport(supabase.person, FOLLOW), ids)
    monkeypatch.setattr(Changes, "events", raising_in_a_stream(Unforeseen(ALL), Unforeseen(SECRET)))
    with errors_logged() as ids:
        seen = await transport(supabase.person, FOLLOW)
        check(seen, ids)
    assert seen.code == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize("query", [READ, WRITE])
async def test_what_comes_before_the_operation_fails(
    supabase: Hostile, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    def operation(*_: object) -> NoReturn:
        raise Unforeseen(ALL)

    with monkeypatch.context() as patch, errors_logged() as ids:
        patch.setattr(Documents, "operation", operation)
        for transport in TRANSPORTS.values():
            if transport is not TRANSPORTS["stream"]:
                seen = await transport(supabase.person, query)
                check(seen, ids)
                assert seen.code == "INTERNAL_SERVER_ERROR"
    monkeypatch.setattr(Identity, "caller", raising(Unforeseen(ALL)))
    with errors_logged() as ids:
        check(await by_post(supabase.person, query), ids)
        async with connected(supabase.person) as connection:
            await connection.send(type="connection_init", payload={})
            message = await connection.socket.receive()
        (error_id,) = ids
    assert message.data == 1011
    assert message.extra == f"Error {error_id}"
