"""What is kept from one request for the next. docs/caching.md says when and how."""

from pydantic import BaseModel, Field


class CacheSettings(BaseModel):
    """Sizes and lifetimes."""

    kept_documents: int = Field(
        default=1000,
        ge=1,
        description="How many documents are kept parsed and planned; each 100 tokens of one count as one more.",
    )
    cache: bool = Field(
        default=False, description="Whether answers of types with `@cacheControl` are kept for each person."
    )
    cache_megabytes: int = Field(default=64, ge=1, le=65_536, description="How much memory kept answers take at most.")
    cache_seconds: int = Field(
        default=60, ge=1, le=3600, description="The longest that an answer is kept, whatever its types declare."
    )
    cache_topics: int = Field(
        default=1000,
        ge=0,
        le=100_000,
        description="How many topics of Realtime are joined for the people whose answers are kept.",
    )
    share_reads: bool = Field(
        default=False,
        description="Whether identical reads of one person at the same time share one request to PostgREST.",
    )
