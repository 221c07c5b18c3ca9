"""Who wants to know that somebody has signed in: whoever counts attempts, for where one has succeeded is known then."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

welcoming: ContextVar[Callable[[str], Awaitable[None]] | None] = ContextVar("welcoming", default=None)
"""Told the e-mail address of each account that begins a session here, or continues one."""


async def signed_in(email: str | None) -> None:
    """A session has begun, or goes on, for the account of this address."""
    tell = welcoming.get()
    if tell is not None and email is not None:
        await tell(email)
