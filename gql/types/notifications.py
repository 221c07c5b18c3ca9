"""The bell: what people are told."""

from datetime import datetime
from uuid import UUID

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, column, table, to_one, unique
from gql.types.scopes import USER


@table(
    "notifications",
    scope=USER.via("user_id"),
    order_by=("created_at desc",),
    keys=(unique("dedupe_key", "user_id", own="user_id"),),
    # Not cached, since others write it; live queries hear of it.
    cache=CacheControl(0, InvalidatedBy.SCOPE_TOPIC),
)
class Notification:
    """Something that a person is told, over `notifications`; made by the database's `private.notify` alone."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    system: str = column(write=NEVER)
    kind: str = column(write=NEVER)
    title: str = column(write=NEVER)
    body: str | None = column(write=NEVER, long=True)
    link: str | None = column(write=NEVER, long=True)
    read_at: datetime | None = column(write=NEVER)
    dedupe_key: str | None = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person who is told.")
