"""What the gateway tells its operators."""

from pydantic import BaseModel


class SightSettings(BaseModel):
    """Logs, metrics and traces."""
