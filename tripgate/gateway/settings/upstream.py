"""How Supabase is asked, and what happens when it does not answer."""

from pydantic import BaseModel, Field


class UpstreamSettings(BaseModel):
    """Timeouts, connections, retries."""

    upstream_timeout: float = Field(default=10.0, gt=0, description="Seconds that one upstream request may take.")
    upstream_connections: int = Field(default=100, ge=1, description="The most connections to Supabase at once.")
