"""Tokens: only what the project's Auth signed for signed-in people is accepted, and it goes upstream unchanged."""

import asyncio
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gql.errors import ApiError
from tests.support import Person, serving
from tripgate.gateway.identity import Identity
from tripgate.local.stack import StackInfo


def claims(seeded: StackInfo, **changes: Any) -> dict[str, Any]:
    """What a token of Ada's would claim."""
    now = int(time.time())
    found = {
        "iss": f"{seeded.api_url}/auth/v1",
        "sub": "ada00000-0000-4000-8000-000000000001",
        "aud": "authenticated",
        "role": "authenticated",
        "iat": now,
        "exp": now + 600,
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def with_token(person: Person, token: str | None) -> Person:
    return Person(person.http, person.url, token)


async def test_the_demo_account_is_who_she_is(ada: Person) -> None:
    assert await ada.ask("{ viewer { displayName } }") == {"viewer": {"displayName": "Ada Lindqvist"}}


async def test_the_first_callers_of_a_new_gateway_wait_for_its_keys(seeded: StackInfo, ada: Person) -> None:
    async with serving(seeded) as url:
        everyone = [Person(ada.http, url, ada.token) for _ in range(20)]
        answers = await asyncio.gather(*(one.ask("{ viewer { displayName } }") for one in everyone))
    assert answers == [{"viewer": {"displayName": "Ada Lindqvist"}}] * 20


async def test_the_publishable_key_as_a_token_means_anonymous(anonymous: Person, seeded: StackInfo) -> None:
    person = with_token(anonymous, seeded.publishable_key)
    assert await person.ask("{ viewer { id } }") == {"viewer": None}


def forged(seeded: StackInfo, ada_token: str) -> dict[str, str]:
    """Tokens that nobody at Auth signed, or not for this."""
    key = ec.generate_private_key(ec.SECP256R1())
    kid = jwt.get_unverified_header(ada_token)["kid"]
    head, body, signature = ada_token.split(".")
    return {
        "another key under the right id": jwt.encode(claims(seeded), key, "ES256", {"kid": kid}),
        "an unknown key": jwt.encode(claims(seeded), key, "ES256", {"kid": "unknown"}),
        "no key id": jwt.encode(claims(seeded), key, "ES256"),
        "alg none": jwt.encode(claims(seeded), None, "none"),
        "HS256 where no secret is set": jwt.encode(claims(seeded), "s" * 32, "HS256", {"kid": kid}),
        "a changed body": f"{head}.{body[:-2]}AA.{signature}",
        "no signature": f"{head}.{body}.",
        "not a token": "nonsense",
        "far too long": "x" * 7_000,
        "the secret key": seeded.secret_key,
    }


async def test_forged_tokens(anonymous: Person, ada: Person, seeded: StackInfo) -> None:
    assert ada.token is not None
    for case, token in forged(seeded, ada.token).items():
        status, body = await with_token(anonymous, token).post("{ viewer { id } }")
        assert status == 401, case
        assert body["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}, case
        assert "data" not in body


async def test_schemes_other_than_bearer(anonymous: Person) -> None:
    for value in ("Basic YTpi", "Bearer", "Bearer ", "token"):
        async with anonymous.http.post(
            anonymous.url, json={"query": "{ viewer { id } }"}, headers={"Authorization": value}
        ) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Checks tokens with an identity whose legacy secret the test knows, so that claims can be chosen freely."""
    identity = Identity(None, issuer="https://p.example/auth/v1", api_key="sb_publishable_x", jwt_secret="s" * 32)  # type: ignore[arg-type]

    async def check(**changes: Any) -> Any:
        now = int(time.time())
        body = {
            "iss": "https://p.example/auth/v1",
            "sub": "ada",
            "aud": "authenticated",
            "role": "authenticated",
            "exp": now + 60,
            **changes,
        }
        kept = {name: value for name, value in body.items() if value is not None}
        return await identity.caller(f"Bearer {jwt.encode(kept, 's' * 32, 'HS256')}")

    return check


async def test_claims_that_are_accepted(signed: Any) -> None:
    assert (await signed()).user_id == "ada"
    assert (await signed(aud=["authenticated", "other"])).user_id == "ada"
    assert (await signed(role="anon", sub=None)).anonymous


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": 4_102_444_800},
        {"iss": "https://evil.example/auth/v1"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"role": "service_role"},
        {"role": "postgres"},
        {"role": None},
        {"sub": None},
        {"sub": ""},
    ],
)
async def test_claims_that_are_refused(signed: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refused:
        await signed(**changes)
    assert refused.value.code == "UNAUTHENTICATED"
