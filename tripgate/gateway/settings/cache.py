"""What is cached from one request for the next. docs/caching.md says when and how."""

from pydantic import BaseModel, Field


class CacheSettings(BaseModel):
    """Sizes and lifetimes."""

    cached_documents: int = Field(
        default=1000,
        ge=1,
        description="How many documents are cached, parsed and planned; each 100 tokens of one count as one more.",
    )
    cache: bool = Field(
        default=False, description="Whether answers of types with `@cacheControl` are cached for each person."
    )
    cache_megabytes: int = Field(default=64, ge=1, le=65_536, description="The most memory that cached answers take.")
    cache_seconds: int = Field(
        default=60, ge=1, le=3600, description="The longest that an answer is cached, whatever its types declare."
    )
    cache_topics: int = Field(
        default=1000,
        ge=0,
        le=100_000,
        description="How many topics of Realtime are joined for the people whose answers are cached.",
    )
    share_reads: bool = Field(
        default=False,
        description="Whether identical reads of one person at the same time share one request to PostgREST.",
    )
