"""People: what others may see of them, and how each likes to see the rest."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, EmbeddedAs, column, outside_field, table, to_many, to_one, unique
from gql.types.scopes import COLLECTION, TRIP, USER
from gql.types.storage import check_address, transform_argument


@table(
    "profiles",
    scope=USER,
    seen_in=(
        TRIP.through("trips"),
        TRIP.through("collaborations"),
        COLLECTION.through("collections"),
        COLLECTION.through("collectionMemberships"),
    ),
    order_by=("display_name",),
    cache=CacheControl(30, depends_on=("trips", "collaborators", "collections", "collection_members")),
    embedded_as=EmbeddedAs("people", ("display_name", "avatar_path")),
)
class Profile:
    """A person, over `profiles`."""

    id: UUID = column(write=NEVER)
    display_name: str
    avatar_path: str | None = column(long=True)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    avatar_url = outside_field(
        str,
        needs=("avatar_path",),
        source="public_address",
        arguments=lambda: [transform_argument()],
        check=check_address,
        description="An address that shows the person's picture to everybody; null without one.",
    )

    trips = to_many("Trip", via="user_id", description="The trips that this person owns.")
    places = to_many("Place", via="user_id", description="The places that this person keeps.")
    collaborations = to_many(
        "Collaborator",
        via="user_id",
        description="The trips of others that this person is on, as far as they are shared.",
    )
    votes = to_many("Vote", via="user_id", description="What this person thinks of the items of shared trips.")
    saved_places = to_many("SavedPlace", via="user_id", description="What this person saved; seen by themselves alone.")
    collections = to_many(
        "Collection", via="user_id", description="This person's collections, as far as they are shared."
    )
    collection_memberships = to_many(
        "CollectionMember",
        via="user_id",
        description="The collections of others that this person shares, as far as the caller does too.",
    )
    tags = to_many("Tag", via="user_id", description="This person's tags, seen by themselves alone.")


@strawberry.enum(description="A unit of distance.")
class DistanceUnit(Enum):
    """The values of `user_preferences.distance_unit`."""

    KM = "km"
    MI = "mi"


@table(
    "user_preferences",
    scope=USER.via("user_id"),
    keys=(unique("user_id", own="user_id", lookup="myPreferences"),),
    cache=CacheControl(60, InvalidatedBy.OWN_WRITES),
)
class UserPreferences:
    """A person's preferences, over `user_preferences`; each person has exactly one row."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    locale: str
    timezone: str
    home_currency: str
    distance_unit: DistanceUnit
    email_notifications: bool
    push_notifications: bool
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person whose preferences these are.")
