"""How often somebody may ask."""

from pydantic import BaseModel


class RateSettings(BaseModel):
    """Off in development."""
