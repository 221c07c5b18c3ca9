"""How much one request may ask for."""

from pydantic import BaseModel, Field


class LimitSettings(BaseModel):
    """Each is refused with an error code of docs/errors.md."""

    max_page_size: int = Field(default=100, ge=1, le=10_000, description="The largest `first`, `last` and input list.")
    max_body_bytes: int = Field(default=256 * 1024, ge=1024, description="The largest request body, in bytes.")
    max_tokens: int = Field(default=2000, ge=100, description="The most tokens in a document.")
