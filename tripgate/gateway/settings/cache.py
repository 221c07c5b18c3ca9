"""What is kept from one request for the next."""

from pydantic import BaseModel, Field


class CacheSettings(BaseModel):
    """Sizes and lifetimes."""

    kept_documents: int = Field(default=1000, ge=1, description="How many documents are kept parsed and planned.")
