"""Notice of sign-ins, for admission: it counts attempts, and remembers addresses where one has succeeded."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

on_sign_in: ContextVar[Callable[[str], Awaitable[None]] | None] = ContextVar("on_sign_in", default=None)
"""Called with the e-mail address of each account that begins a session here, or continues one."""


async def notify_sign_in(email: str | None) -> None:
    """Call `on_sign_in`: a session has begun, or goes on, for the account of this address."""
    callback = on_sign_in.get()
    if callback is not None and email is not None:
        await callback(email)
