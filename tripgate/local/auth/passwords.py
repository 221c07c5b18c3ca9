"""Password hashes: bcrypt at GoTrue's cost, in a thread, since one takes some 70 ms of a core."""

from __future__ import annotations

import asyncio

import bcrypt

COST = 10
# bcrypt reads no further; GoTrue refuses longer ones.
MAX_BYTES = 72

# The hash of random bytes that were thrown away. Compared with where there is no such person, so that the answer takes
# as long as for a wrong password.
_NOBODY = "$2a$10$pc7NuZGfP1H0fDeYUlnIKuVYUzuXVZ6eOIFSx1ue/mU8mxjFW.oRq"


async def hash_password(password: str) -> str:
    """The hash to keep of a password of at most 72 bytes."""
    hashed = await asyncio.to_thread(bcrypt.hashpw, password.encode(), bcrypt.gensalt(COST, prefix=b"2a"))
    return hashed.decode()


async def matches(password: str, hashed: str | None) -> bool:
    """True if `hashed` is this password's hash. Takes the same time when there is no hash."""
    return await asyncio.to_thread(_matches, password.encode(errors="replace"), hashed)


def _matches(password: bytes, hashed: str | None) -> bool:
    try:
        same = bcrypt.checkpw(password[:MAX_BYTES], (hashed or _NOBODY).encode())
    except ValueError:  # the kept hash is not bcrypt's
        return False
    return same and bool(hashed) and len(password) <= MAX_BYTES
