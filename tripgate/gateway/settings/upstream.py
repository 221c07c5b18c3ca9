"""How Supabase is asked, and what happens when it does not answer."""

from dataclasses import replace

from pydantic import BaseModel, Field, SecretStr

from tripgate.upstream.resilience.policy import PolicyLimits


class UpstreamSettings(BaseModel):
    """Deadlines, connections, retries, breakers."""

    request_timeout: float = Field(
        default=15.0,
        gt=0,
        description="Seconds that one query or mutation may take, waits and retries included; Postgres is told too.",
    )
    max_running: int = Field(
        default=1000, ge=1, description="The most queries and mutations at once; one more is refused with OVERLOADED."
    )
    upstream_timeout: float = Field(default=10.0, gt=0, description="Seconds that one upstream request may take.")
    upstream_connections: int = Field(default=100, ge=1, description="The most connections to Supabase at once.")
    upstream_pool: int = Field(
        default=10,
        ge=1,
        description="The connections that PostgREST's pool has (`db-pool`); all workers together ask no more at once.",
    )
    upstream_share: float = Field(
        default=0.3,
        gt=0,
        le=1,
        description="The part of the requests under way that may be one person's, or one address's without a person.",
    )
    upstream_queue: int = Field(
        default=500, ge=0, description="How many may wait for one of them; people take turns, and one more is refused."
    )
    upstream_retries: int = Field(default=2, ge=0, le=5, description="How often a failed read is tried again, at most.")
    breaker_failures: int = Field(
        default=10, ge=1, description="Failures in a row after which an upstream is not asked for a while."
    )
    breaker_seconds: float = Field(
        default=2.0, gt=0, description="How long it is not asked before one request tries whether it answers again."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="Reads go straight to Postgres, as `postgresql://login:password@host:port/postgres`; the login may "
        "be nothing but `anon` and `authenticated`.",
    )
    database_pool: int = Field(
        default=10, ge=1, description="The most connections of `TRIPGATE_DATABASE_URL`, of all workers together."
    )
    database_prepared: bool = Field(
        default=True,
        description="Statements are prepared once and kept; `false` for poolers of transactions that do not know them.",
    )
    live_retry_seconds: float = Field(
        default=20.0, ge=0, description="For how long a subscription tries reads again that Supabase does not answer."
    )

    @property
    def policy(self) -> PolicyLimits:
        """How each upstream is treated but PostgREST."""
        return PolicyLimits(
            timeout=self.upstream_timeout,
            connections=self.upstream_connections,
            queue=self.upstream_queue,
            retries=self.upstream_retries,
            breaker_failures=self.breaker_failures,
            breaker_seconds=self.breaker_seconds,
            share=self._share_of(self.upstream_connections),
        )

    def rest_policy(self, workers: int) -> PolicyLimits:
        """How PostgREST is treated by each of so many processes: what is more than its pool would wait there."""
        width = max(1, min(self.upstream_connections, self.upstream_pool // workers))
        return replace(self.policy, connections=width, share=self._share_of(width))

    def database_policy(self, workers: int) -> PolicyLimits:
        """How Postgres is treated by each of so many processes: as many requests at once as there are connections."""
        width = max(1, self.database_pool // workers)
        return replace(self.policy, connections=width, share=self._share_of(width))

    def _share_of(self, width: int) -> int:
        return max(1, int(width * self.upstream_share))
