"""Who asks: the token that goes upstream unchanged, and the identity it proved."""

import time
from dataclasses import dataclass

from gql.errors import ApiError


@dataclass(frozen=True, slots=True)
class Caller:
    """The person behind one request.

    Attributes:
        user_id: The token's subject; `None` for an anonymous caller.
        token: The access token as it came; `None` for an anonymous caller.
        session_id: The Auth session of the token, where it has one.
        email: The account's e-mail address as the token says.
        refusal: Why it is an anonymous caller though a token came: only what needs nobody runs for them.
        expires_at: When the token ends, in seconds since 1970, UTC.
    """

    user_id: str | None = None
    token: str | None = None
    session_id: str | None = None
    expires_at: float | None = None
    email: str | None = None
    refusal: ApiError | None = None

    @property
    def expired(self) -> bool:
        """Whether the token has ended."""
        return self.expires_at is not None and time.time() >= self.expires_at

    @property
    def anonymous(self) -> bool:
        """Whether nobody is signed in."""
        return self.token is None


ANONYMOUS = Caller()
