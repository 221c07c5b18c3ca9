"""Who has been asked to share what, but trips."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, column, table, to_one
from gql.types.scopes import USER


@strawberry.enum(description="What has become of an invitation to share something.")
class MembershipInvitationStatus(Enum):
    """The values of `membership_invitations.status`."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


@table(
    "membership_invitations",
    scope=USER.via("invited_by"),
    order_by=("created_at desc",),
    hidden_columns=True,
    # Not cached; live queries hear of it. Whoever is invited is told by a trigger of the table's own.
    cache=CacheControl(0, InvalidatedBy.SCOPE_TOPIC),
)
class MembershipInvitation:
    """An offer to share something, over `membership_invitations` without the token's hash, which nobody may read."""

    id: UUID = column(write=NEVER)
    scope: str = column(write=NEVER)
    scope_id: UUID = column(write=NEVER)
    email: str = column(write=NEVER)
    role: str = column(write=NEVER)
    status: MembershipInvitationStatus = column(write=NEVER)
    invited_by_id: UUID = column("invited_by", write=NEVER)
    expires_at: datetime = column(write=NEVER)
    accepted_at: datetime | None = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    invited_by = to_one(
        "Profile", via="invited_by", description="Who sent it; null to the invited person until they have accepted."
    )
