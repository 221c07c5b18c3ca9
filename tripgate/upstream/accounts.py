"""What Auth answers, as values that need nothing of its client library."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """What a signed-in client holds. `expires_at` is in seconds since 1970, UTC."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account, and its new session where one was begun; sign-up with e-mail confirmation begins none."""

    user_id: str
    email: str | None
    session: Session | None
