"""Pictures of trips, saved places and people: objects of Storage, whose bytes never pass the gateway."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry

from gql import derive
from gql.caching import CacheControl, InvalidatedBy
from gql.declare import outside_field, table, to_one
from gql.errors import bad_input
from gql.forward_types import optional
from gql.scalars import BigInt
from gql.types.scopes import TRIP


@strawberry.enum(description="How a picture fits into a width and a height.")
class ImageResize(Enum):
    """As Storage says it."""

    COVER = strawberry.enum_value("cover", description="It fills both; what is left over is cut off.")
    CONTAIN = strawberry.enum_value("contain", description="All of it is seen, as large as fits.")
    FILL = strawberry.enum_value("fill", description="It is stretched to both.")


@strawberry.input(description="What a picture is to be shown as.")
class ImageTransform:
    """The argument of fields that answer addresses of pictures."""

    width: int | None = strawberry.field(default=None, description="In pixels, 1 to 2,500.")
    height: int | None = strawberry.field(default=None, description="In pixels, 1 to 2,500.")
    resize: ImageResize | None = strawberry.field(default=None, description="How it fits; by default `COVER`.")
    quality: int | None = strawberry.field(default=None, description="20 to 100; by default 80.")


_BOUNDS = {"width": (1, 2500), "height": (1, 2500), "quality": (20, 100)}
LONGEST = 86_400


def check_address(arguments: Mapping[str, Any]) -> None:
    """Refuse an address that Storage would not give.

    Raises:
        ApiError: BAD_USER_INPUT.
    """
    seconds = arguments.get("expiresIn", 60)
    if seconds is None or not 60 <= seconds <= LONGEST:
        raise bad_input(f"expiresIn is 60 to {LONGEST} seconds.", field="expiresIn")
    transform = arguments.get("transform")
    if transform is None:
        return
    for name, (least, most) in _BOUNDS.items():
        value = transform.get(name)
        if value is not None and not least <= value <= most:
            raise bad_input(f"{name} is {least} to {most}.", field=f"transform.{name}")
    if all(value is None for value in transform.values()):
        raise bad_input("Say a width, a height or a quality, or leave transform out.", field="transform")
    if transform.get("resize") is not None and transform.get("width") is None and transform.get("height") is None:
        raise bad_input("resize takes a width or a height.", field="transform.resize")


def transform_argument() -> Any:
    """`transform`."""
    return derive.argument("transform", optional(ImageTransform), "To show it smaller, or of less quality.")


def _address_arguments() -> list[Any]:
    seconds = "For how many seconds the address works: 60 to 86,400."
    return [transform_argument(), derive.argument("expiresIn", int, seconds, default=3600)]


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

    url = outside_field(
        str,
        needs=("bucket", "path"),
        source="signed_address",
        arguments=_address_arguments,
        check=check_address,
        alone="transform",
        description="An address that shows it, to whoever has it, until it expires. Null beside an error where Storage "
        "is away, and with NOT_ENABLED where it is asked for in another size and the project does not make those.",
    )
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
