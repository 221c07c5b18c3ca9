"""What people want to be told, and what is done for them by itself."""

from datetime import datetime, time
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, column, on_create, table, to_one, unique
from gql.types.scopes import USER


@strawberry.enum(description="What somebody may be told of.")
class NotificationTopic(Enum):
    """The values of `notification_preferences.topic`."""

    REMINDER = strawberry.enum_value("reminder", description="What they asked to be reminded of.")
    TRIP_CHANGES = strawberry.enum_value("trip_changes", description="What happens on their trips.")
    MESSAGE = strawberry.enum_value("message", description="What others write to them.")
    MARKETING = strawberry.enum_value("marketing", description="Offers: only for who says so.")
    ALL = strawberry.enum_value("all", description="Whatever has no preference of its own.")


@strawberry.enum(description="How somebody may be told.")
class NotificationChannel(Enum):
    """The values of `notification_preferences.channel`."""

    WHATSAPP = "whatsapp"
    EMAIL = strawberry.enum_value("email", description="Not while `emailNotifications` is off.")
    PUSH = strawberry.enum_value("push", description="Not while `pushNotifications` is off.")
    BELL = strawberry.enum_value("bell", description="The list that a frontend shows.")


@table(
    "notification_preferences",
    scope=USER.via("user_id"),
    order_by=("topic", "channel"),
    keys=(unique("user_id", "topic", "channel", own="user_id", lookup="myNotificationPreference"),),
    # A channel may say that a person wants no more.
    cache=CacheControl(60, InvalidatedBy.SCOPE_TOPIC),
)
class NotificationPreference:
    """Whether somebody wants to be told of a topic on a channel, over `notification_preferences`."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    topic: NotificationTopic = column(write=on_create(required=True))
    channel: NotificationChannel = column(write=on_create(required=True))
    is_enabled: bool
    quiet_from: time | None
    quiet_until: time | None
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person whose preference it is.")
