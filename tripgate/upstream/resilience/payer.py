"""Who the requests to Supabase are for, so that nobody takes more than a share of them, and each pays for the time.

It travels in a context variable, as the deadline does: what waits for Supabase lies below clients that know nothing of
addresses and budgets.
"""

from contextvars import ContextVar


class Payer:
    """Who is charged for requests to Supabase, a person or an address. This base class charges nothing.

    Attributes:
        key: The person's id, or where nobody is signed in the address; `None` where neither is known.
    """

    __slots__ = ("key",)

    def __init__(self, key: str | None) -> None:
        self.key = key

    def spent(self, seconds: float, *, late: bool) -> None:
        """Charge a request that is over.

        Args:
            seconds: What it took of Supabase.
            late: Whether it was not answered in time.
        """


NOBODY = Payer(None)
paying: ContextVar[Payer] = ContextVar("paying", default=NOBODY)
"""Who pays for what runs here."""
