"""What the people on a trip think of its items."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, REQUIRED, column, on_create, table, to_one, unique
from gql.types.scopes import TRIP


@strawberry.enum(description="For, against, or neither.")
class VoteValue(Enum):
    """The values of `votes.value`."""

    UP = 1
    NEUTRAL = 0
    DOWN = -1


@table(
    "votes",
    scope=TRIP.via("trip_id"),
    order_by=("created_at",),
    keys=(unique("trip_item_id", "user_id", lookup="voteByItemAndUser"),),
    cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=("trips", "collaborators")),
)
class Vote:
    """One person's vote on one item, over `votes`; the trip is the item's."""

    id: UUID = column(write=NEVER)
    trip_id: UUID = column(write=NEVER)
    trip_item_id: UUID = column(write=on_create(required=True))
    user_id: UUID = column(write=NEVER)
    value: VoteValue = column(write=REQUIRED)
    comment: str | None = column(long=True)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    trip = to_one("Trip", via="trip_id", description="The trip of the item.")
    trip_item = to_one("TripItem", via="trip_item_id", description="The item that is voted on.")
    user = to_one("Profile", via="user_id", description="The person who votes.")


@strawberry.type(description="What the people on the trip think of an item, counted.")
class VoteSummary:
    """The object of computed field `vote_summary` of `trip_items`, whose keys are these fields."""

    up: int = strawberry.field(description="How many are for it.")
    neutral: int = strawberry.field(description="How many have voted for neither.")
    down: int = strawberry.field(description="How many are against it.")
    score: int = strawberry.field(description="Those for it less those against it.")
    mine: VoteValue | None = strawberry.field(description="The caller's own vote; null without one.")
