"""Pictures of trips, saved places and people: objects of Storage, whose bytes never pass the gateway."""

from datetime import datetime

import strawberry

from gql.scalars import BigInt


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
