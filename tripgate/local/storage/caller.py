"""Who asks, and what a signed address allows. Tokens are verified here; what somebody may do, policies decide."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import jwt

from tripgate.local.storage import errors

if TYPE_CHECKING:
    from tripgate.local.keys import Signer
    from tripgate.local.storage.tokens import VerifiedTokens

_BEARER = re.compile(r"Bearer\s+", re.IGNORECASE)
Scope = Literal["download", "upload"]
# Later than this no clock of a client can tell.
LATEST = 9_007_199_254_740


@dataclass(frozen=True)
class Caller:
    """The database's role and the claims that policies see; `token` is what carried them."""

    role: str
    claims: dict[str, Any] = field(default_factory=dict)
    token: str = ""

    @property
    def owner(self) -> str | None:
        """Whose objects a caller's are."""
        owner = self.claims.get("sub")
        return owner if isinstance(owner, str) else None


NOBODY = Caller("anon", {"role": "anon"})


def identify(tokens: VerifiedTokens, authorization: str | None) -> Caller:
    """Whom a token stands for. Raises StorageError where there is none, or one that is not this project's."""
    token = _BEARER.sub("", authorization or "", count=1)
    try:
        claims = tokens.verify(token)
    except jwt.InvalidTokenError as error:
        raise errors.denied(_mistake(error)) from None
    role = claims.get("role")
    return Caller(role if isinstance(role, str) and role else "anon", claims, token)


def identify_or_nobody(tokens: VerifiedTokens, authorization: str | None) -> Caller | None:
    """The same where an object may be public: None without a token that holds."""
    try:
        return identify(tokens, authorization)
    except errors.StorageError:
        return None


def sign(signer: Signer, scope: Scope, url: str, seconds: int, **claims: Any) -> str:
    """A token for one object. `url` is the bucket and the name."""
    now = int(time.time())
    if now + seconds > LATEST:
        raise errors.StorageError(400, "InvalidParameter", "Invalid Parameter expiresIn")
    return signer.sign({**claims, "url": url, "scope": scope, "iat": now, "exp": now + seconds})


def verify(tokens: VerifiedTokens, token: str, scope: Scope, url: str) -> dict[str, Any]:
    """What a token for one object says. Raises StorageError for another's, and for one that allows something else."""
    try:
        claims = tokens.verify(token)
    except jwt.InvalidTokenError as error:
        raise errors.StorageError(400, "InvalidJWT", _mistake(error)) from None
    if claims.get("scope") != scope:
        raise errors.StorageError(400, "InvalidSignature", f"Token is not scoped for {scope}")
    if claims.get("url") != url:
        raise errors.StorageError(400, "InvalidSignature", "Invalid signature")
    if not isinstance(claims.get("exp"), int):
        raise errors.StorageError(400, "ExpiredToken", "The provided token has expired.")
    return claims


def _mistake(error: jwt.InvalidTokenError) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return '"exp" claim timestamp check failed'
        case jwt.ImmatureSignatureError():
            return '"nbf" claim timestamp check failed'
        case jwt.InvalidSignatureError():
            return "signature verification failed"
        case jwt.InvalidAlgorithmError():
            return '"alg" (Algorithm) Header Parameter value not allowed'
    return "Invalid Compact JWS"
