"""Trips and their itineraries."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import NOT_CACHED, CacheControl, InvalidatedBy
from gql.declare import (
    NEVER,
    REQUIRED,
    column,
    computed,
    computed_column,
    on_create,
    python_field,
    table,
    to_many,
    to_one,
)
from gql.scalars import JSON
from gql.types.scopes import TRIP
from gql.types.trip_preferences import TripPreferenceSummary
from gql.types.votes import VoteSummary


@strawberry.enum(description="How far a trip has come.")
class TripStatus(Enum):
    """The values of `trips.status`."""

    PLANNING = "planning"
    BOOKED = "booked"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@strawberry.enum(description="What kind of thing an itinerary item is.")
class TripItemKind(Enum):
    """The values of `trip_items.kind`."""

    ACTIVITY = "activity"
    FOOD = "food"
    LODGING = "lodging"
    TRANSPORT = "transport"
    NOTE = "note"


@table(
    "trips",
    scope=TRIP,
    order_by=("created_at desc",),
    ordered_views=("start_date", "start_date desc"),
    search="search",
    cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=("collaborators", "trip_items")),
)
class Trip:
    """A journey, over `trips`."""

    id: UUID = column(write=NEVER)
    owner_id: UUID = column("user_id", write=NEVER)
    title: str = column(write=REQUIRED)
    description: str | None = column(long=True)
    destination: str | None
    status: TripStatus
    start_date: date | None
    end_date: date | None
    budget: Decimal | None = column(digits=(12, 2))
    currency: str
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)
    labels: list[str]
    duration_days: int | None = computed_column()
    cost_total: Decimal = computed_column()

    owner = to_one("Profile", via="user_id", description="The person who owns the trip.")
    items = to_many(
        "TripItem", via="trip_id", create=True, description="What happens on the trip, by default in itinerary order."
    )
    collaborators = to_many("Collaborator", via="trip_id", description="Whom the trip is shared with.")
    invitations = to_many("Invitation", via="trip_id", description="Who has been asked to join; for the owner's eyes.")
    votes = to_many("Vote", via="trip_id", description="What the people on the trip think of its items.")
    images = to_many("StoredFile", via="images()", description="Pictures of the trip, by default the newest first.")
    preferences = to_many("TripPreferences", via="trip_id", description="What each person on the trip wishes for.")
    preference_summary = computed(
        TripPreferenceSummary,
        description="What the people on the trip wish for, counted.",
        cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=("trip_preferences", "trips", "collaborators")),
    )

    @python_field(
        needs=("end_date",),
        description="Whether the trip's last day is over, in every time zone; null without a last day.",
        cache=NOT_CACHED,
    )
    def is_over(self) -> bool | None:
        """Of the day that it is where days end last, at UTC-12."""
        return None if self.end_date is None else self.end_date < (datetime.now(UTC) - timedelta(hours=12)).date()


@table(
    "trip_items",
    scope=TRIP.via("trip_id"),
    order_by=("day_number", "order_index"),
    search="search",
    cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=("trips", "collaborators")),
)
class TripItem:
    """One entry of an itinerary, over `trip_items`."""

    id: UUID = column(write=NEVER)
    trip_id: UUID = column(write=on_create(required=True))
    place_id: UUID | None
    title: str = column(write=REQUIRED)
    notes: str | None = column(long=True)
    kind: TripItemKind
    day_number: int
    order_index: int
    starts_at: datetime | None
    ends_at: datetime | None
    cost: Decimal | None = column(digits=(12, 2))
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)
    details: JSON

    trip = to_one("Trip", via="trip_id", description="The trip that this belongs to.")
    place = to_one("Place", via="place_id", description="Where it happens.")
    votes = to_many("Vote", via="trip_item_id", description="What the people on the trip think of it.")
    vote_summary = computed(
        VoteSummary,
        description="What the people on the trip think of it, counted.",
        cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=("votes", "trips", "collaborators")),
    )
