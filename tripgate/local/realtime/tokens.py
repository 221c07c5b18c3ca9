"""Who a token stands for. Takes the signer of the project; refuses with the codes and sentences of the platform."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from tripgate.local.realtime.errors import RefusedError

if TYPE_CHECKING:
    from tripgate.local.keys import Signer


@dataclass(frozen=True, slots=True)
class Identity:
    """A verified token: its database role, its claims, and the second at which it ends."""

    token: str
    role: str
    claims: dict[str, Any]
    expires_at: int

    @property
    def expired(self) -> bool:
        """True from the last second on."""
        return self.expires_at <= time.time()

    def expiry(self) -> RefusedError:
        """How a channel is told that its token has ended."""
        seconds = max(0, int(time.time()) - self.expires_at)
        return RefusedError("InvalidJWTToken", f"Token has expired {seconds} seconds ago")


def identify(signer: Signer, token: str) -> Identity:
    """The identity behind `token`. Raises RefusedError `InvalidJWTToken`, `JwtSignatureError`, `MalformedJWT` …"""
    try:
        claims = signer.verify(token)
    except jwt.ExpiredSignatureError as error:
        claims = jwt.decode(token, options={"verify_signature": False})
        raise Identity(token, "", claims, int(claims["exp"])).expiry() from error
    except jwt.InvalidSignatureError as error:
        raise RefusedError("JwtSignatureError", "Failed to validate JWT signature") from error
    except jwt.DecodeError as error:
        raise RefusedError("MalformedJWT", "The token provided is not a valid JWT") from error
    except jwt.InvalidAlgorithmError as error:
        message = "Failed to generate JWT signer, check your JWT secret or JWKS configuration"
        raise RefusedError("JwtSignerError", message) from error
    except jwt.InvalidTokenError as error:
        raise RefusedError("InvalidJWTToken", str(error)) from error
    role, expires_at = claims.get("role"), claims.get("exp")
    if not isinstance(role, str) or not isinstance(expires_at, int):
        raise RefusedError("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")
    return Identity(token, role, claims, expires_at)
