"""Passwords: how good they must be, and their hashes: bcrypt at GoTrue's cost, in a thread, since one takes some 70 ms.

Source of the answers: supabase/auth, internal/api/password.go.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import bcrypt

from tripgate.local.auth.errors import AuthError
from tripgate.local.auth.settings import CHARACTER_SETS

if TYPE_CHECKING:
    from tripgate.local.auth.settings import AuthSettings

# bcrypt reads no further; GoTrue refuses longer ones.
MAX_BYTES = 72

# The hash of random bytes that were thrown away. Compared with where there is no such person, so that the answer takes
# as long as for a wrong password.
_NOBODY = "$2a${:02}$pc7NuZGfP1H0fDeYUlnIKuVYUzuXVZ6eOIFSx1ue/mU8mxjFW.oRq"


def weakness(settings: AuthSettings, password: str) -> dict[str, list[str] | str] | None:
    """What a project finds too weak in a password, as `{message, reasons}`; None for nothing."""
    reasons, messages = [], []
    if len(password.encode(errors="replace")) < settings.password_min_length:
        reasons.append("length")
        messages.append(f"Password should be at least {settings.password_min_length} characters.")
    wanted = CHARACTER_SETS[settings.password_requirements]
    if not all(set(password) & set(characters) for characters in wanted):
        reasons.append("characters")
        messages.append(f"Password should contain at least one character of each: {', '.join(wanted)}.")
    return {"message": " ".join(messages), "reasons": reasons} if reasons else None


def check_strength(settings: AuthSettings, password: str) -> None:
    """Raises AuthError `weak_password` for a weak password, `validation_failed` for one that bcrypt would cut."""
    if len(password.encode(errors="replace")) > MAX_BYTES:
        raise AuthError(400, "validation_failed", f"Password cannot be longer than {MAX_BYTES} characters")
    weak = weakness(settings, password)
    if weak is not None:
        raise AuthError(422, "weak_password", str(weak["message"]), weak_password={"reasons": weak["reasons"]})


def unknown(settings: AuthSettings) -> str:
    """A password that nobody knows, as good as the project asks for."""
    wanted = "".join(secrets.choice(characters) for characters in CHARACTER_SETS[settings.password_requirements])
    return wanted + secrets.token_urlsafe(48)


async def hash_password(settings: AuthSettings, password: str) -> str:
    """The hash to keep of a password of at most 72 bytes."""
    hashed = await asyncio.to_thread(
        bcrypt.hashpw, password.encode(), bcrypt.gensalt(settings.password_cost, prefix=b"2a")
    )
    return hashed.decode()


async def matches(settings: AuthSettings, password: str, hashed: str | None) -> bool:
    """True if `hashed` is this password's hash. Takes the same time when there is no hash."""
    return await asyncio.to_thread(_matches, password.encode(errors="replace"), hashed or None, settings.password_cost)


def _matches(password: bytes, hashed: str | None, cost: int) -> bool:
    try:
        same = bcrypt.checkpw(password[:MAX_BYTES], (hashed or _NOBODY.format(cost)).encode())
    except ValueError:  # the kept hash is not bcrypt's
        return False
    return same and bool(hashed) and len(password) <= MAX_BYTES
