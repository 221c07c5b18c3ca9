"""Who plans a trip together, and who has been asked to."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, Write, column, table, to_one, unique
from gql.types.scopes import TRIP, USER


@strawberry.enum(description="What somebody may do on a trip of another's.")
class CollaboratorRole(Enum):
    """The values of `collaborators.role` and `invitations.role`."""

    VIEWER = "viewer"
    EDITOR = "editor"


@strawberry.enum(description="What has become of an invitation.")
class InvitationStatus(Enum):
    """The values of `invitations.status`."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


@table(
    "collaborators",
    scope=TRIP.via("trip_id"),
    order_by=("created_at",),
    keys=(unique("trip_id", "user_id"),),
    cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=("trips",)),
)
class Collaborator:
    """A person on a trip of another's, over `collaborators`; made by accepting an invitation, never directly."""

    id: UUID = column(write=NEVER)
    trip_id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    role: CollaboratorRole = column(write=Write(creatable=False, required=False, patchable=True))
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    trip = to_one("Trip", via="trip_id", description="The trip that is shared.")
    user = to_one("Profile", via="user_id", description="The person it is shared with.")


@table(
    "invitations",
    # Told to the trip's owner, who alone sees them beside whoever is invited, and so not to one of before.
    scope=USER.via("trip_id", "user_id"),
    order_by=("created_at desc",),
    hidden_columns=True,
    # Not cached; live queries hear of it. Whoever is invited is told by a trigger of the table's own.
    cache=CacheControl(0, InvalidatedBy.SCOPE_TOPIC, depends_on=("trips",)),
)
class Invitation:
    """An offer to join a trip, over `invitations` without the token's hash, which nobody may read."""

    id: UUID = column(write=NEVER)
    trip_id: UUID = column(write=NEVER)
    email: str = column(write=NEVER)
    role: CollaboratorRole = column(write=NEVER)
    status: InvitationStatus = column(write=NEVER)
    invited_by_id: UUID = column("invited_by", write=NEVER)
    expires_at: datetime = column(write=NEVER)
    accepted_at: datetime | None = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    trip = to_one("Trip", via="trip_id", description="The trip; null to the invited person until they have accepted.")
    invited_by = to_one(
        "Profile", via="invited_by", description="Who sent it; null to the invited person until they have accepted."
    )
