"""How live queries are answered anew. docs/realtime.md says when."""

from pydantic import BaseModel, Field


class LiveSettings(BaseModel):
    """Their pace and their bounds."""

    live_window: float = Field(
        default=0.1,
        ge=0.02,
        le=60,
        description="Seconds in which changes are gathered before a live query is read anew.",
    )
    live_poll: float = Field(
        default=5.0,
        ge=0.5,
        le=3600,
        description="Seconds between the reads of a live query while not all that it depends on can be heard of.",
    )
    live_reads: int = Field(default=16, ge=1, description="The most reads of live queries at once, in a process.")
    live_topics: int = Field(
        default=20_000,
        ge=0,
        description="How many topics are followed for people with live queries, each person's counted by itself.",
    )
