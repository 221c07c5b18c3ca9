"""Quotas: so many within so many seconds. The kinds of counting differ, what is asked of them does not."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True, eq=False)
class Quota:
    """At most so many within so many seconds, for each key.

    Attributes:
        name: What it counts; names the counts in the store and in the headers that clients see.
        limit: At least 1.
    """

    name: str
    limit: int
    seconds: int = 60


class Taken(NamedTuple):
    """What came of taking from a quota.

    Attributes:
        allowed: Whether it was there to take. What is refused is not counted.
        remaining: What is left of the quota, in whole units.
        seconds: When allowed, until the quota's window ends; otherwise until as much will be there, as far as can be
            told now. At least 1.
    """

    allowed: bool
    remaining: int
    seconds: int


class Quotas(Protocol):
    """Counts in this process, or in a server that all gateways share."""

    async def take(self, quota: Quota, key: str, cost: int = 1) -> Taken:
        """Count `cost` for this key, unless that would be more than the quota."""
        ...

    async def remaining(self, quota: Quota, key: str) -> int:
        """What is left of the quota for this key; nothing is counted."""
        ...

    def charge(self, quota: Quota, key: str, cost: int) -> None:
        """Count what has been spent already, though it be more than the quota."""
        ...
