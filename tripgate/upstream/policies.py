"""One policy for each upstream, so that one that is away does not hold the others up."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tripgate.upstream.http_connection import Answer
from tripgate.upstream.postgrest.client import fault
from tripgate.upstream.resilience.policy import Policy, PolicyLimits


@dataclass(frozen=True, slots=True)
class Policies:
    """How PostgREST, Auth, the Edge Functions and Storage are asked; and Postgres, where it is asked itself."""

    rest: Policy[Answer]
    auth: Policy[Any]
    functions: Policy[Any]
    storage: Policy[Any]
    database: Policy[Any] | None = None

    @classmethod
    def of(cls, limits: PolicyLimits, rest: PolicyLimits) -> "Policies":
        """The same limits for each but PostgREST."""
        return cls(
            Policy("rest", rest, fault),
            Policy("auth", limits),
            Policy("functions", limits),
            Policy("storage", limits),
        )

    def __iter__(self) -> Iterator[Policy[Any]]:
        asked = (self.rest, self.auth, self.functions, self.storage, self.database)
        return iter(each for each in asked if each is not None)
