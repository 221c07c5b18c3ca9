"""Signing keys: an algorithm belongs to its key, keys rotate, and nobody can make the gateway fetch them in a storm."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gql.errors import ApiError
from tripgate.gateway.identity import Identity
from tripgate.upstream.jwks import JwksCache

ISSUER = "https://p.example/auth/v1"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Project:
    """A project's Auth as far as its keys go: it publishes what `keys` holds, and counts who asks."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {"first": ec.generate_private_key(ec.SECP256R1())}
        self.others: list[dict[str, Any]] = []
        self.fetches = 0
        self.fails = False
        self.now = 1000.0

    async def publish(self, _: web.Request) -> web.Response:
        self.fetches += 1
        await asyncio.sleep(0.01)
        if self.fails:
            raise web.HTTPServiceUnavailable
        return web.json_response({"keys": [*(public(kid, key) for kid, key in self.keys.items()), *self.others]})

    def token(
        self, kid: str = "first", key: Key | None = None, head: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token signed with a key of this id."""
        key = key or self.keys[kid]
        algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        now = int(time.time())
        body = {"iss": ISSUER, "sub": "ada", "aud": "authenticated", "role": "authenticated", "exp": now + 60, **claims}
        return jwt.encode(body, key, algorithm, {"kid": kid, **(head or {})})


def public(kid: str, key: Key) -> dict[str, Any]:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        found = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        found = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**found, "kid": kid, "use": "sig"}


@pytest.fixture
def project() -> Project:
    return Project()


@pytest.fixture
async def identity(project: Project) -> AsyncIterator[Identity]:
    app = web.Application()
    app.router.add_get("/jwks", project.publish)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as http:
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
        keys = JwksCache(http, address, clock=lambda: project.now)
        yield Identity(keys, issuer=ISSUER, api_key="sb_publishable_x", jwt_secret=None)
    await runner.cleanup()


async def accepted(identity: Identity, token: str) -> bool:
    try:
        return (await identity.caller(f"Bearer {token}")).user_id == "ada"
    except ApiError as error:
        if error.code != "UNAUTHENTICATED":
            raise
        return False


def by_hand(head: dict[str, Any], body: dict[str, Any], secret: bytes) -> str:
    """A token that a careful library would refuse to make."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, body)]
    signature = hmac.new(secret, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


async def test_keys_of_either_kind(project: Project, identity: Identity) -> None:
    project.keys["second"] = rsa.generate_private_key(65537, 2048)
    assert await accepted(identity, project.token("first"))
    assert await accepted(identity, project.token("second"))
    assert project.fetches == 1


@pytest.mark.parametrize("kind", ["EC", "RSA"])
async def test_a_public_key_is_no_secret_to_sign_with(project: Project, identity: Identity, kind: str) -> None:
    if kind == "RSA":
        project.keys["first"] = rsa.generate_private_key(65537, 2048)
    assert await accepted(identity, project.token())
    key = project.keys["first"].public_key()
    body = {"iss": ISSUER, "sub": "ada", "aud": "authenticated", "role": "authenticated", "exp": time.time() + 60}
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), json.dumps(public("first", project.keys["first"])).encode(), b""):
        for algorithm in ("HS256", "hs256", "HS512"):
            assert not await accepted(identity, by_hand({"alg": algorithm, "kid": "first"}, body, secret))
    for algorithm in ("none", "None", "NONE", "", None):
        unsigned = by_hand({"alg": algorithm, "kid": "first"}, body, b"").rpartition(".")[0] + "."
        assert not await accepted(identity, unsigned)


async def test_a_key_works_with_its_own_algorithm_alone(project: Project, identity: Identity) -> None:
    project.keys["second"] = rsa.generate_private_key(65537, 2048)
    assert not await accepted(identity, project.token("first", project.keys["second"]))
    assert not await accepted(identity, project.token("second", project.keys["first"]))
    body = jwt.decode(project.token(), options={"verify_signature": False})
    for algorithm in ("RS384", "PS256", "RS512"):
        token = jwt.encode(body, project.keys["second"], algorithm, {"kid": "second"})
        assert not await accepted(identity, token)


async def test_what_must_be_understood_and_is_not_is_refused(project: Project, identity: Identity) -> None:
    for head in ({"crit": ["exp"]}, {"crit": ["b64"], "b64": False}, {"crit": []}, {"crit": "x"}):
        assert not await accepted(identity, project.token(head=head)), head


async def test_keys_that_the_token_brings_along_are_not_looked_at(project: Project, identity: Identity) -> None:
    mine = ec.generate_private_key(ec.SECP256R1())
    brought = public("first", mine)
    address = "https://evil.example/jwks"
    for head in ({"jwk": brought}, {"jku": address}, {"x5u": address}, {"jwk": brought, "kid": "mine"}):
        assert not await accepted(identity, project.token("first", mine, head=head)), head


async def test_keys_for_something_else_are_passed_over(project: Project, identity: Identity) -> None:
    secret = base64.urlsafe_b64encode(b"s" * 32).decode()
    encrypting = ec.generate_private_key(ec.SECP256R1())
    project.others = [
        {"kty": "oct", "k": secret, "kid": "symmetric", "alg": "HS256"},
        {**public("encrypting", encrypting), "use": "enc"},
        {"kty": "EC", "kid": "broken", "crv": "P-256", "x": "?", "y": "?"},
        {"kid": "nothing"},
        "no key",
    ]
    assert await accepted(identity, project.token())
    assert not await accepted(identity, project.token("encrypting", encrypting))
    body = jwt.decode(project.token(), options={"verify_signature": False})
    assert not await accepted(identity, by_hand({"alg": "HS256", "kid": "symmetric"}, body, b"s" * 32))


async def test_a_new_key_is_taken_up_and_a_removed_one_let_go(project: Project, identity: Identity) -> None:
    old = project.keys["first"]
    assert await accepted(identity, project.token())
    project.keys = {"second": ec.generate_private_key(ec.SECP256R1())}
    project.now += 11  # no sooner: see below
    assert await accepted(identity, project.token("second"))
    assert not await accepted(identity, project.token("first", old, session_id="another"))


async def test_made_up_key_ids_cause_no_storm(project: Project, identity: Identity) -> None:
    assert await accepted(identity, project.token())
    stranger = ec.generate_private_key(ec.SECP256R1())
    forged = [project.token(f"made up {number}", stranger) for number in range(200)]
    project.now += 11
    assert not any(await asyncio.gather(*(accepted(identity, token) for token in forged)))
    assert project.fetches == 2, "one more for all of them"
    project.now += 5
    assert not any(await asyncio.gather(*(accepted(identity, token) for token in forged)))
    assert project.fetches == 2
    assert await accepted(identity, project.token())


async def test_known_keys_serve_while_auth_is_away(project: Project, identity: Identity) -> None:
    assert await accepted(identity, project.token())
    project.fails = True
    project.now += 3600
    assert await accepted(identity, project.token(session_id="another"))
    assert project.fetches == 2
