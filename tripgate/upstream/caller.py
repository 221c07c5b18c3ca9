"""Who asks: the token that goes upstream unchanged, and the identity it proved."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The person behind one request.

    Attributes:
        user_id: The token's subject; `None` for an anonymous caller.
        token: The access token as it came; `None` for an anonymous caller.
        session_id: The Auth session of the token, where it has one.
    """

    user_id: str | None = None
    token: str | None = None
    session_id: str | None = None

    @property
    def anonymous(self) -> bool:
        """Whether nobody is signed in."""
        return self.token is None


ANONYMOUS = Caller()
