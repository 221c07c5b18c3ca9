"""Who asks: the bearer token, verified here too.

Authority stays with Postgres; identity serves keys, limits and streams.
"""

import json
import time
from typing import Any

import jwt
from cachetools import LRUCache
from jwt.utils import base64url_decode
from pydantic import BaseModel, Field, ValidationError

from gql.errors import ApiError, ErrorCode
from tripgate.upstream.caller import ANONYMOUS, Caller
from tripgate.upstream.jwks import JwksCache

_LEEWAY = 5
_LONGEST_TOKEN = 6144  # below what the server takes as one header line


class _Claims(BaseModel):
    """The claims that matter here."""

    sub: str | None = None
    role: str
    exp: float = Field(strict=True)
    session_id: str | None = None
    email: str | None = None


class Identity:
    """Turns an Authorization header into a caller.

    Args:
        jwt_secret: The project's legacy secret; without one no HS256 token is accepted.
        issuer: What `iss` must be.
        api_key: The publishable key, which clients of Supabase also send as a bearer token; it means anonymous.
    """

    def __init__(self, jwks: JwksCache, *, issuer: str, api_key: str, jwt_secret: str | None) -> None:
        self._jwks = jwks
        self._issuer = issuer
        self._api_key = api_key
        self._jwt_secret = jwt_secret
        self._known: LRUCache[str, tuple[Caller, float, bytes]] = LRUCache(maxsize=10_000)

    async def caller(self, authorization: str | None) -> Caller:
        """The caller behind a header; anonymous without one.

        Raises:
            ApiError: UNAUTHENTICATED for a token that is malformed, expired, wrongly signed or not for this API;
                UPSTREAM_UNAVAILABLE when the signing keys cannot be fetched.
        """
        if authorization is None:
            return ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise _refused("The Authorization header must be `Bearer <access token>`.")
        if token == self._api_key:
            return ANONYMOUS
        known = self._known.get(token)
        if known is not None and known[1] + _LEEWAY > time.time():
            return known[0]
        claims, text = await self._verified(token)
        signed_in = claims.role == "authenticated"
        caller = Caller(claims.sub, token, claims.session_id, claims.exp, claims.email) if signed_in else ANONYMOUS
        self._known[token] = (caller, claims.exp, text)
        return caller

    async def claims(self, token: str) -> bytes:
        """All claims of somebody's token as JSON, verified here, whoever made a caller of it.

        Raises:
            ApiError: As `caller`.
        """
        known = self._known.get(token)
        if known is None or known[1] + _LEEWAY <= time.time():
            await self.caller(f"Bearer {token}")
            known = self._known.get(token)
        if known is None or known[0].anonymous:
            raise _refused("The access token's role is not accepted.")
        return known[2]

    async def can_verify(self) -> bool:
        """Whether there is a key to verify tokens with, or it is not known at the moment."""
        return self._jwt_secret is not None or await self._jwks.any()

    async def caller_or_anonymous(self, authorization: str | None) -> Caller:
        """The caller behind a header; anonymous, with the refusal, where that is none that is accepted."""
        try:
            return await self.caller(authorization)
        except ApiError as error:
            return Caller(refusal=error)

    async def _verified(self, token: str) -> tuple[_Claims, bytes]:
        """The claims of a token, those that matter here and all as JSON."""
        if len(token) > _LONGEST_TOKEN:
            raise _refused("The access token is too long.")
        try:
            header = jwt.get_unverified_header(token)
            key, algorithm = await self._key(header)
            decoded = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience="authenticated",
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "aud", "iss"]},
            )
            claims = _Claims.model_validate(decoded)
            text = _strict_json(token)
        except jwt.ExpiredSignatureError:
            raise _refused("The access token has expired. Refresh the session.") from None
        except (jwt.PyJWTError, ValidationError, ValueError, OverflowError, RecursionError):
            raise _refused("The access token is not accepted.") from None
        if claims.role not in {"authenticated", "anon"} or (claims.role == "authenticated" and not claims.sub):
            raise _refused("The access token's role is not accepted.")
        return claims, text

    async def _key(self, header: dict[str, Any]) -> tuple[Any, str]:
        """The key and the one algorithm it may be used with: the token does not choose."""
        algorithm = header.get("alg")
        if algorithm == "HS256" and self._jwt_secret is not None:
            return self._jwt_secret, "HS256"
        kid = header.get("kid")
        if algorithm not in {"ES256", "RS256"} or not isinstance(kid, str):
            raise jwt.InvalidAlgorithmError
        key = await self._jwks.key(kid)
        if key is None or key.algorithm_name != algorithm:
            raise jwt.InvalidKeyError
        return key, algorithm


def _strict_json(token: str) -> bytes:
    """The claims of a token as it writes them, with each digit of their numbers.

    Raises:
        ValueError: They are no JSON, though Python takes them for some, or say something twice.
    """
    text = base64url_decode(token.split(".")[1]).decode()
    found = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_each_once)
    if "\\u" in text:
        # Half a surrogate pair is text for Python, and for no other.
        json.dumps(found, ensure_ascii=False).encode()
    return text.encode()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a claim stands there twice, and who reads it may take either")
    return found


def _refused(message: str) -> ApiError:
    return ApiError(ErrorCode.UNAUTHENTICATED, message)
