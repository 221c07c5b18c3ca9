"""Pictures of trips, saved places and people: objects of Storage, whose bytes never pass the gateway."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import table, to_one
from gql.scalars import BigInt
from gql.types.scopes import TRIP


@strawberry.enum(description="Where pictures lie.")
class StorageBucket(Enum):
    """The buckets of the program."""

    TRIP_IMAGES = "trip-images"
    PLACE_PHOTOS = "place-photos"
    USER_AVATARS = "user-avatars"


@table(
    "stored_files",
    read_only=True,
    scope=TRIP.via("trip_id"),
    order_by=("created_at desc",),
    # Not cached, since Storage writes it.
    cache=CacheControl(0, InvalidatedBy.SCOPE_TOPIC),
)
class StoredFile:
    """A picture, over the view `stored_files`."""

    id: UUID
    bucket: StorageBucket
    path: str
    content_type: str | None
    size: BigInt
    uploader_id: UUID | None
    trip_id: UUID | None
    created_at: datetime
    updated_at: datetime

    uploader = to_one(
        "Profile", via="uploader()", description="Who uploaded it; null where the caller does not see them."
    )


@strawberry.type(description="A place for one picture, which whoever has the ticket may upload to it.")
class UploadTicket:
    """What Storage signed."""

    path: str = strawberry.field(description="What the picture will be called in its bucket.")
    upload_url: str = strawberry.field(description="Takes the picture's bytes, by PUT with its Content-Type.")
    token: str = strawberry.field(description="What the ticket is proved by; it is part of `uploadUrl`.")
    resumable_url: str = strawberry.field(
        description="Takes the bytes in parts, by the protocol TUS, with `token` as the header `x-signature`."
    )
    expires_at: datetime = strawberry.field(description="Until when an upload may begin.")


@strawberry.input(description="What is to be uploaded.")
class UploadInput:
    """The argument of the mutations that give tickets."""

    content_type: str = strawberry.field(
        description="What kind of picture it is: `image/jpeg`, `image/png`, `image/webp` or `image/avif`."
    )
    size: BigInt = strawberry.field(description="How many bytes it has; up to 50 MiB, as an avatar up to 5 MiB.")
