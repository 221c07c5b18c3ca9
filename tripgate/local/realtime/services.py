"""What every connection of the Realtime process is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tripgate.local.keys import Signer
    from tripgate.local.realtime.config import RealtimeSettings
    from tripgate.local.realtime.database import Pool
    from tripgate.local.realtime.hub import Hub
    from tripgate.local.realtime.limits import Window
    from tripgate.local.realtime.postgres_changes import PostgresChanges
    from tripgate.local.realtime.presence import Presences
    from tripgate.local.realtime.replication import WalStream


@dataclass(frozen=True)
class Services:
    """The database, the log, and the state that all channels share."""

    signer: Signer
    settings: RealtimeSettings
    pool: Pool
    hub: Hub
    presences: Presences
    changes: PostgresChanges
    stream: WalStream
    joins: Window
