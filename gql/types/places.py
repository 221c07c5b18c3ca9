"""Places that itineraries name."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl
from gql.declare import NEVER, REQUIRED, column, table, to_many, to_one
from gql.types.scopes import COLLECTION, TRIP, USER


@strawberry.enum(description="What kind of place it is.")
class PlaceCategory(Enum):
    """The values of `places.category`."""

    ATTRACTION = "attraction"
    MUSEUM = "museum"
    NATURE = "nature"
    BEACH = "beach"
    RESTAURANT = "restaurant"
    CAFE = "cafe"
    BAR = "bar"
    SHOP = "shop"
    LODGING = "lodging"
    TRANSPORT = "transport"
    OTHER = "other"


@table(
    "places",
    scope=USER.via("user_id"),
    seen_in=(TRIP.through("items"), COLLECTION.through("collectionPlaces", always=False)),
    order_by=("created_at desc",),
    search="search",
    cache=CacheControl(
        30, depends_on=("trips", "collaborators", "trip_items", "collection_places", "collection_members")
    ),
)
class Place:
    """Somewhere to go, over `places`."""

    id: UUID = column(write=NEVER)
    owner_id: UUID = column("user_id", write=NEVER)
    name: str = column(write=REQUIRED)
    category: PlaceCategory
    address: str | None = column(long=True)
    city: str | None
    country_code: str | None
    latitude: Decimal | None = column(digits=(9, 6))
    longitude: Decimal | None = column(digits=(9, 6))
    website: str | None = column(long=True)
    notes: str | None = column(long=True)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    owner = to_one("Profile", via="user_id", description="The person who keeps the place.")
    items = to_many("TripItem", via="place_id", description="The itinerary items that happen here.")
    saved_places = to_many("SavedPlace", via="place_id", description="The caller's own note of it, if they saved it.")
    collection_places = to_many(
        "CollectionPlace", via="place_id", description="Where it stands in the collections that the caller may see."
    )
    place_tags = to_many("PlaceTag", via="place_id", create=True, description="The caller's tags on it.")
