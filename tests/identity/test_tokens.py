"""A header as a caller, without servers: what a token says of its owner, how long it is known, and each refusal."""

import json
import time
from typing import Any

import jwt
import orjson
import pytest

from gql.errors import ApiError
from tripgate.gateway import identity as module
from tripgate.gateway.identity import Identity
from tripgate.upstream.caller import ANONYMOUS, Caller

ISSUER = "https://p.example/auth/v1"
SECRET = "s" * 32
NOW = 1_800_000_000


class Clock:
    """The time, as far as this gateway's own memory goes."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def time(self) -> float:
        return self.now


@pytest.fixture
def identity() -> Identity:
    return Identity(None, issuer=ISSUER, api_key="sb_publishable_x", jwt_secret=SECRET)  # type: ignore[arg-type]


def token(secret: str = SECRET, **changes: Any) -> str:
    body = {
        "iss": ISSUER,
        "sub": "ada",
        "aud": "authenticated",
        "role": "authenticated",
        "exp": int(time.time()) + 60,
        **changes,
    }
    return jwt.encode({name: value for name, value in body.items() if value is not None}, secret, "HS256")


async def refusal(identity: Identity, header: str) -> str:
    with pytest.raises(ApiError) as refused:
        await identity.caller(header)
    assert refused.value.extensions == {"code": "UNAUTHENTICATED"}
    return refused.value.message


async def test_who_signs_in_is_who_the_token_says(identity: Identity) -> None:
    end = int(time.time()) + 60
    given = token(session_id="s1", email="ada@example.com", exp=end)
    expected = Caller("ada", given, "s1", float(end), "ada@example.com")
    assert await identity.caller(f"Bearer {given}") == expected
    assert await identity.caller(f"bEARER   {given} ") == expected
    assert await identity.caller_or_anonymous(f"Bearer {given}") == expected


async def test_nobody(identity: Identity) -> None:
    for header in (None, "Bearer sb_publishable_x", f"Bearer {token(role='anon', sub=None)}"):
        assert await identity.caller(header) is ANONYMOUS


async def test_a_token_of_lists_in_lists_without_end_is_refused(identity: Identity) -> None:
    held = json.dumps({"iss": ISSUER, "sub": "ada", "x": [0]}).replace("0", "[" * 1500 + "]" * 1500)
    given = jwt.api_jws.encode(held.encode(), SECRET, "HS256")
    assert await refusal(identity, f"Bearer {given}") == "The access token is not accepted."


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "token", "sb_publishable_x", "Bearer\tx"])
async def test_other_headers(identity: Identity, header: str) -> None:
    assert await refusal(identity, header) == "The Authorization header must be `Bearer <access token>`."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exp": 1}, "The access token has expired. Refresh the session."),
        ({"role": "service_role"}, "The access token's role is not accepted."),
        ({"sub": None}, "The access token's role is not accepted."),
        ({"sub": ""}, "The access token's role is not accepted."),
        ({"iss": "https://evil.example/auth/v1"}, "The access token is not accepted."),
        ({"iss": None}, "The access token is not accepted."),
        ({"aud": None}, "The access token is not accepted."),
        ({"exp": None}, "The access token is not accepted."),
        ({"role": None}, "The access token is not accepted."),
        ({"email": 5}, "The access token is not accepted."),
        ({"exp": "4000000000"}, "The access token is not accepted."),
        ({"secret": "t" * 32}, "The access token is not accepted."),
    ],
)
async def test_tokens_that_are_refused(identity: Identity, changes: dict[str, Any], message: str) -> None:
    assert await refusal(identity, f"Bearer {token(**changes)}") == message


async def test_a_token_may_be_so_long(identity: Identity) -> None:
    assert await refusal(identity, f"Bearer {'x' * 6144}") == "The access token is not accepted."
    assert await refusal(identity, f"Bearer {'x' * 6145}") == "The access token is too long."


async def test_clocks_may_differ_by_five_seconds(identity: Identity) -> None:
    now = int(time.time())
    assert (await identity.caller(f"Bearer {token(exp=now - 2)}")).user_id == "ada"
    expired = "The access token has expired. Refresh the session."
    assert await refusal(identity, f"Bearer {token(exp=now - 5)}") == expired


async def test_a_token_that_was_accepted_is_known_until_it_ends(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = token(exp=int(time.time()) + 60)
    first = await identity.caller(f"Bearer {given}")
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    assert first.expires_at is not None
    clock.now = first.expires_at + 4.9
    assert await identity.caller(f"Bearer {given}") is first
    clock.now = first.expires_at + 5
    again = await identity.caller(f"Bearer {given}")  # read anew: only this gateway's memory has aged
    assert again == first
    assert again is not first


async def test_whoever_is_anonymous_with_the_refusal(identity: Identity) -> None:
    found = await identity.caller_or_anonymous("Basic x")
    assert (found.anonymous, found.user_id) == (True, None)
    assert found.refusal is not None
    assert found.refusal.code == "UNAUTHENTICATED"
    assert await identity.caller_or_anonymous(None) is ANONYMOUS


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_a_secret_is_for_its_own_algorithm(identity: Identity, algorithm: str) -> None:
    given = jwt.encode({"iss": ISSUER, "sub": "ada", "aud": "authenticated"}, "s" * 64, algorithm)
    assert await refusal(identity, f"Bearer {given}") == "The access token is not accepted."


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\x00b", rb'"a\u0000b"'),
        (10**30, b"1000000000000000000000000000000"),
        ([[[{"sub": "ben", "role": "service_role"}]]], b'[[[{"sub":"ben","role":"service_role"}]]]'),
        (["café"], rb'["caf\u00e9"]'),
        ("', true), set_config('role', 'service_role", b"\"', true), set_config('role', 'service_role\""),
        (2.5, b"2.5"),
        (True, b"true"),
    ],
)
async def test_claims_of_every_kind_are_handed_on_as_json(identity: Identity, value: object, expected: bytes) -> None:
    given = token(app_metadata=value)
    assert (await identity.caller(f"Bearer {given}")).user_id == "ada"
    assert expected in await identity.claims(given)
    assert orjson.loads(await identity.claims(token()))["sub"] == "ada"


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "service_role"},
        {"role": "none"},
        {"role": "authenticated "},
        {"role": "AUTHENTICATED"},
        {"role": ["authenticated"]},
        {"role": None},
        {"sub": None},
        {"sub": ""},
        {"sub": {"ben": 1}},
        {"role": "anon"},
    ],
)
async def test_no_other_token_has_claims(identity: Identity, changes: dict[str, Any]) -> None:
    """Whatever made a caller of it."""
    with pytest.raises(ApiError) as refused:
        await identity.claims(token(**changes))
    assert refused.value.extensions == {"code": "UNAUTHENTICATED"}
