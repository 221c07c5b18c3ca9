"""The stack's secrets: signing keys, API keys, the roles' tokens, passwords, and what cron and Vault work with.

Made at the first start and kept in one file that only its owner may read. Both kinds of signing key are kept, so that
the algorithm can be changed from one start to the next.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from pydantic import BaseModel, Field, ValidationError

from tripgate.local.data_dir import damaged, write_private

if TYPE_CHECKING:
    from pathlib import Path

JwtAlgorithm = Literal["ES256", "HS256"]
DATABASE_LOGINS = (
    "authenticator",
    "postgres",
    "supabase_auth_admin",
    "supabase_storage_admin",
    "supabase_realtime_admin",
)
TEN_YEARS = 10 * 365 * 24 * 3600


class Keys(BaseModel):
    """The contents of the key file."""

    private_jwk: dict[str, str]
    jwt_secret: str
    publishable_key: str
    secret_key: str
    passwords: dict[str, str]
    # Those of an older version have neither yet.
    cron_secret: str = Field(default_factory=lambda: secrets.token_urlsafe(32))
    vault_key: str = Field(default_factory=lambda: secrets.token_hex(32))


class Signer(BaseModel):
    """One way to sign tokens, as plain values: the front door's process takes it in its configuration."""

    algorithm: JwtAlgorithm
    private_jwk: dict[str, str]
    jwt_secret: str

    @cached_property
    def _private_key(self) -> ec.EllipticCurvePrivateKey:
        return cast("ec.EllipticCurvePrivateKey", jwt.PyJWK(self.private_jwk).key)

    def sign(self, claims: dict[str, Any]) -> str:
        """A signed token."""
        if self.algorithm == "HS256":
            return jwt.encode(claims, self.jwt_secret, algorithm="HS256")
        return jwt.encode(claims, self._private_key, algorithm="ES256", headers={"kid": self.private_jwk["kid"]})

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token that this signer made. Raises jwt.InvalidTokenError for any other."""
        key = self.jwt_secret if self.algorithm == "HS256" else self._private_key.public_key()
        # The audience differs between a person's token and a role's; who calls decides what it needs.
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=[self.algorithm], options={"verify_aud": False})
        return claims

    def public_jwks(self) -> dict[str, list[dict[str, str]]]:
        """The key set that anybody may read: never a symmetric key."""
        if self.algorithm == "HS256":
            return {"keys": []}
        return {"keys": [{name: value for name, value in self.private_jwk.items() if name != "d"}]}

    def verification_jwks(self) -> dict[str, list[dict[str, str]]]:
        """The key set that PostgREST verifies with."""
        if self.algorithm == "HS256":
            return {"keys": [{"kty": "oct", "alg": "HS256", "k": _base64url(self.jwt_secret.encode())}]}
        return self.public_jwks()

    def role_token(self, role: Literal["anon", "service_role"]) -> str:
        """The token that stands for an API key, as the platform issues it: ten years, no person."""
        now = int(time.time())
        return self.sign({"iss": "supabase", "ref": "local", "role": role, "iat": now, "exp": now + TEN_YEARS})


def load_or_create(path: Path) -> Keys:
    """The keys of this file, made anew when it is not there. Raises LocalStackError when it holds something else."""
    if path.exists():
        try:
            kept = Keys.model_validate_json(path.read_bytes())
            jwt.PyJWK(kept.private_jwk)
        except (ValidationError, jwt.PyJWTError):
            raise damaged(path) from None
        if not set(DATABASE_LOGINS) <= kept.passwords.keys():
            raise damaged(path)
        if kept.model_fields_set != set(Keys.model_fields):
            write_private(path, kept.model_dump_json(indent=2) + "\n")
        return kept
    keys = Keys(
        private_jwk=_new_private_jwk(),
        jwt_secret=secrets.token_urlsafe(48),
        publishable_key=_api_key("sb_publishable_"),
        secret_key=_api_key("sb_secret_"),
        passwords={login: secrets.token_hex(24) for login in DATABASE_LOGINS},
    )
    write_private(path, keys.model_dump_json(indent=2) + "\n")
    return keys


def _new_private_jwk() -> dict[str, str]:
    jwk: dict[str, str] = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1())))
    return {**jwk, "kid": str(uuid4()), "alg": "ES256", "use": "sig"}


def _api_key(prefix: str) -> str:
    """A key in the platform's form: prefix, 22 random characters, 8 characters of checksum."""
    body = prefix + secrets.token_urlsafe(16)
    return f"{body}_{_base64url(hashlib.sha256(body.encode()).digest())[:8]}"


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
