"""How often an address may ask, where the project limits it: a bucket of tokens for each kind of request and address.

Buckets live in this process and end with it. Source of the answers: supabase/auth, internal/api/middleware.go.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from tripgate.local.auth.errors import AuthError

if TYPE_CHECKING:
    from tripgate.local.auth.settings import RateLimits

Kind = Literal["anonymous_users", "token_refreshes", "sign_ins", "verifications", "mails"]
HOUR, FIVE_MINUTES = 3600.0, 300.0
EVERYBODY = ""
# Full buckets are forgotten once there are so many.
MOST_BUCKETS = 10_000


class Rates:
    """The buckets of one service. Without a limit nothing is kept."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits: dict[Kind, tuple[int | None, float]] = {
            "anonymous_users": (limits.anonymous_users_per_hour, HOUR),
            "token_refreshes": (limits.token_refreshes_per_5_minutes, FIVE_MINUTES),
            "sign_ins": (limits.sign_ins_per_5_minutes, FIVE_MINUTES),
            "verifications": (limits.verifications_per_5_minutes, FIVE_MINUTES),
            "mails": (limits.mails_per_hour, HOUR),
        }
        self._buckets: dict[tuple[Kind, str], tuple[float, float]] = {}

    def take(self, kind: Kind, address: str | None = EVERYBODY) -> None:
        """Count one request. Raises AuthError `over_request_rate_limit`, for mails `over_email_send_rate_limit`."""
        limit, period = self._limits[kind]
        if limit is None:
            return
        now = time.monotonic()
        if len(self._buckets) >= MOST_BUCKETS:
            self._buckets = {key: bucket for key, bucket in self._buckets.items() if bucket[1] > now - HOUR}
        left, since = self._buckets.get((kind, address or EVERYBODY), (float(limit), now))
        left = min(float(limit), left + (now - since) * limit / period)
        if left < 1:
            if kind == "mails":
                raise AuthError(429, "over_email_send_rate_limit", "email rate limit exceeded")
            raise AuthError(429, "over_request_rate_limit", "Request rate limit reached")
        self._buckets[kind, address or EVERYBODY] = (left - 1, now)
