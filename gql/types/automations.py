"""What people want to be told, and what is done for them by itself."""

from datetime import datetime, time
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, REQUIRED, column, on_create, table, to_many, to_one, unique
from gql.scalars import JSON
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


@strawberry.enum(description="What has to happen on a trip.")
class AutomationTrigger(Enum):
    """The values of `automation_rules.trigger`."""

    TRIP_STATUS_CHANGED = strawberry.enum_value("trip_status_changed", description="Its status is another.")
    ITEM_CREATED = strawberry.enum_value("item_created", description="An entry is added.")
    ITEM_UPDATED = strawberry.enum_value(
        "item_updated", description="An entry changes, but for its place among others."
    )
    COLLABORATOR_JOINED = strawberry.enum_value("collaborator_joined", description="Somebody comes along.")
    VOTE_CAST = strawberry.enum_value("vote_cast", description="Somebody votes on an entry, or votes otherwise.")
    DAYS_BEFORE_TRIP = strawberry.enum_value(
        "days_before_trip", description="So many days before its first day, at a time: `daysBefore` and `localTime`."
    )


@table(
    "automation_rules",
    scope=USER.via("user_id"),
    order_by=("created_at desc",),
    cache=CacheControl(0, InvalidatedBy.SCOPE_TOPIC, depends_on=("trips",)),
)
class AutomationRule:
    """Something that is done for somebody by itself, over `automation_rules`."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    trip_id: UUID = column(write=on_create(required=True))
    trigger: AutomationTrigger = column(write=REQUIRED)
    conditions: JSON
    action: JSON = column(write=REQUIRED)
    days_before: int | None
    local_time: time | None
    is_enabled: bool
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person whose rule it is.")
    trip = to_one("Trip", via="trip_id", description="The trip on which something has to happen.")
    jobs = to_many("ScheduledJob", via="rule_id", description="What it has to do later.")


@strawberry.enum(description="What is to be done later.")
class ScheduledJobKind(Enum):
    """The values of `scheduled_jobs.kind`."""

    REMINDER = strawberry.enum_value("reminder", description="The person is reminded.")
    AUTOMATION = strawberry.enum_value("automation", description="What a rule of days before a trip says.")


@strawberry.enum(description="What has become of something that was to be done.")
class ScheduledJobStatus(Enum):
    """The values of `scheduled_jobs.status`."""

    SCHEDULED = strawberry.enum_value("scheduled", description="It is to come.")
    DONE = strawberry.enum_value("done", description="It was done, or handed over to be sent.")
    FAILED = strawberry.enum_value("failed", description="It was tried, and given up.")
    CANCELLED = strawberry.enum_value("cancelled", description="It is not done any more.")


@strawberry.enum(description="Why something is not done any more.")
class ScheduledJobReason(Enum):
    """The values of `scheduled_jobs.reason`."""

    BY_HAND = strawberry.enum_value("by_hand", description="The person cancelled it, or switched its rule off.")
    TRIP_GONE = strawberry.enum_value("trip_gone", description="The trip was deleted.")
    ITEM_GONE = strawberry.enum_value("item_gone", description="What it was about was deleted.")
    RULE_GONE = strawberry.enum_value("rule_gone", description="Its rule was deleted.")
    LEFT_TRIP = strawberry.enum_value("left_trip", description="The person is on the trip no longer.")
    OPTED_OUT = strawberry.enum_value("opted_out", description="They want nothing by WhatsApp any more.")
    NOT_WANTED = strawberry.enum_value("not_wanted", description="They want to be told nothing of the kind any more.")
    TOO_LATE = strawberry.enum_value("too_late", description="Its moment was over when the trip was moved.")
    GIVEN_UP = strawberry.enum_value("given_up", description="It was tried as often as anything is.")


@table(
    "scheduled_jobs",
    scope=USER.via("user_id"),
    order_by=("run_at",),
    keys=(unique("dedupe_key"),),
    written_by_functions=True,
    cache=CacheControl(0, InvalidatedBy.SCOPE_TOPIC, depends_on=("trips", "trip_items", "automation_rules")),
)
class ScheduledJob:
    """Something that is to be done for somebody later, over `scheduled_jobs`."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    trip_id: UUID | None = column(write=NEVER)
    trip_item_id: UUID | None = column(write=NEVER)
    rule_id: UUID | None = column(write=NEVER)
    kind: ScheduledJobKind = column(write=NEVER)
    run_at: datetime | None = column(write=NEVER)
    payload: JSON = column(write=NEVER)
    status: ScheduledJobStatus = column(write=NEVER)
    reason: ScheduledJobReason | None = column(write=NEVER)
    attempts: int = column(write=NEVER)
    dedupe_key: str | None = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person for whom it is done.")
    trip = to_one("Trip", via="trip_id", description="The trip that it is about.")
    trip_item = to_one("TripItem", via="trip_item_id", description="The entry of the trip that it is about.")
    rule = to_one("AutomationRule", via="rule_id", description="The rule that made it.")


@strawberry.enum(description="How somebody is reminded.")
class ReminderChannel(Enum):
    """What `schedule_reminder` takes."""

    WHATSAPP = "whatsapp"
    BELL = "bell"


@strawberry.input(description="What to be reminded of, and when: `runAt`, or `daysBefore` and `localTime`.")
class ScheduleReminderInput:
    """The arguments of `scheduleReminder`."""

    trip_id: UUID = strawberry.field(description="The trip that it is about.")
    trip_item_id: UUID | None = strawberry.field(default=None, description="The entry of the trip that it is about.")
    text: str = strawberry.field(description="What is said, 1 to 1,000 characters long.")
    run_at: datetime | None = strawberry.field(default=None, description="When: a moment to come.")
    days_before: int | None = strawberry.field(
        default=None, description="So many days before the trip's first day, 0 to 365, and moved with it."
    )
    local_time: time | None = strawberry.field(
        default=None, description="At which time of that day, by the clocks of the caller's time zone."
    )
    channel: ReminderChannel = strawberry.field(
        default=ReminderChannel.WHATSAPP, description="How: by WhatsApp, which takes a linked number, or in the bell."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="The caller's own key, 1 to 200 characters long: the same again is the same job."
    )


@strawberry.enum(description="Why a rule does nothing.")
class AutomationObstacle(Enum):
    """The values of `reason` of `trigger_automation`."""

    LEFT_TRIP = strawberry.enum_value("left_trip", description="Its person is on the trip no longer.")
    DISABLED = strawberry.enum_value("disabled", description="It is switched off.")
    NO_ROW = strawberry.enum_value("no_row", description="There is nothing yet that it could happen to.")
    CONDITIONS = strawberry.enum_value("conditions", description="Its conditions do not hold.")
    OPTED_OUT = strawberry.enum_value("opted_out", description="Its person has asked for nothing by WhatsApp.")
    NOT_WANTED = strawberry.enum_value("not_wanted", description="They want to be told nothing of the kind.")


@strawberry.type(description="What a rule did, or would do.")
class AutomationResult:
    """The answer of `triggerAutomation`."""

    done: bool = strawberry.field(description="Whether it was done; never of a dry run.")
    reason: AutomationObstacle | None = strawberry.field(description="Why nothing is done; null where it is.")
    channel: NotificationChannel = strawberry.field(description="On which channel its person is told.")
    title: str | None = strawberry.field(description="What they are told has happened.")
    text: str | None = strawberry.field(description="What they are told in their own words.")
