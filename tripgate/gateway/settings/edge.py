"""What clients may say and how long they may stay."""

from pydantic import BaseModel, Field


class EdgeSettings(BaseModel):
    """HTTP, WebSockets and server-sent events."""

    keep_alive: float = Field(
        default=15.0,
        gt=0,
        description="Seconds between signs of life on a live connection; one that takes nothing for as long is closed.",
    )
    shutdown_timeout: float = Field(default=20.0, gt=0, description="Seconds for running requests to end at a stop.")
