"""What the stack tells the Realtime process, and the limits that the platform sets per project."""

# Evaluated annotations: pydantic reads them at run time.
from pydantic import BaseModel

from tripgate.local.keys import Signer


class RealtimeSettings(BaseModel):
    """Limits with the platform's defaults. A test shortens the times."""

    max_channels_per_connection: int = 100
    max_joins_per_second: int = 100
    max_payload_bytes: int = 3000 * 1024
    max_presence_calls: int = 5
    presence_window_seconds: float = 30.0
    # A connection that says nothing for so long is hung up; clients send a heartbeat every 25 s.
    heartbeat_timeout_seconds: float = 60.0
    # A reader that falls behind by so much is hung up.
    max_backlog_bytes: int = 64 * 1024 * 1024
    # Of a row in `postgres_changes`; beyond it the large fields are left out.
    max_record_bytes: int = 1024 * 1024
    database_connections: int = 8


class RealtimeConfig(BaseModel):
    """The port to listen on, the connection string of `supabase_realtime_admin`, and how to verify tokens."""

    port: int
    database_url: str
    signer: Signer
    settings: RealtimeSettings
