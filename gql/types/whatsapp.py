"""Messages by WhatsApp: by what people are reached, what they are sent and write, and what became of it."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, column, table, to_many, to_one
from gql.scalars import JSON
from gql.types.scopes import USER

# Not cached, since WhatsApp has its say in all of it; live queries hear of it.
TOLD = CacheControl(0, InvalidatedBy.SCOPE_TOPIC)


@strawberry.enum(description="Whether a message is to a person or from them.")
class WhatsappMessageDirection(Enum):
    """The values of `whatsapp_messages.direction`."""

    OUTBOUND = strawberry.enum_value("outbound", description="To the person.")
    INBOUND = strawberry.enum_value("inbound", description="From the person.")


@strawberry.enum(description="How far a message has come; it only climbs.")
class WhatsappMessageStatus(Enum):
    """The values of `whatsapp_messages.status`."""

    QUEUED = strawberry.enum_value("queued", description="It waits: for its turn, or for the end of quiet hours.")
    SENDING = strawberry.enum_value("sending", description="It is being given to WhatsApp.")
    UNKNOWN = strawberry.enum_value(
        "unknown", description="Nobody heard whether WhatsApp took it; it is not sent again."
    )
    SENT = strawberry.enum_value("sent", description="WhatsApp took it.")
    FAILED = strawberry.enum_value("failed", description="It was not sent, or did not arrive; `errorCode` says why.")
    DELIVERED = strawberry.enum_value("delivered", description="It reached the phone.")
    READ = strawberry.enum_value("read", description="It was read.")
    RECEIVED = strawberry.enum_value("received", description="The person wrote it.")


@strawberry.enum(description="What WhatsApp charges a message as.")
class WhatsappCategory(Enum):
    """The values of `whatsapp_messages.category`."""

    AUTHENTICATION = "authentication"
    MARKETING = "marketing"
    SERVICE = strawberry.enum_value("service", description="Free text, which answers somebody.")
    UTILITY = "utility"


@strawberry.enum(description="What WhatsApp tells of a message.")
class DeliveryStatus(Enum):
    """The values of `delivery_events.status`."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@table(
    "whatsapp_contacts",
    scope=USER.via("user_id"),
    order_by=("created_at",),
    written_by_functions=True,
    cache=TOLD,
)
class WhatsappContact:
    """By what a person is reached on WhatsApp, over `whatsapp_contacts`."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    phone: str | None = column(write=NEVER)
    pending_phone: str | None = column(write=NEVER)
    bsuid: str | None = column(write=NEVER)
    verified_at: datetime | None = column(write=NEVER)
    opted_in_at: datetime | None = column(write=NEVER)
    opted_out_at: datetime | None = column(write=NEVER)
    last_inbound_at: datetime | None = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person.")


@table(
    "whatsapp_messages",
    scope=USER.via("user_id"),
    order_by=("created_at desc",),
    # What WhatsApp knows it by.
    hidden_columns=True,
    written_by_functions=True,
    cache=CacheControl(0, InvalidatedBy.SCOPE_TOPIC, depends_on=("trips",)),
)
class WhatsappMessage:
    """A message to a person or from them, over `whatsapp_messages`."""

    id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    sender_id: UUID | None = column(write=NEVER)
    trip_id: UUID | None = column(write=NEVER)
    direction: WhatsappMessageDirection = column(write=NEVER)
    template_name: str | None = column(write=NEVER)
    parameters: JSON | None = column(write=NEVER)
    body: str | None = column(write=NEVER, long=True)
    status: WhatsappMessageStatus = column(write=NEVER)
    dedupe_key: str | None = column(write=NEVER)
    error_code: str | None = column(write=NEVER)
    category: WhatsappCategory | None = column(write=NEVER)
    cost: Decimal = column(write=NEVER, digits=(12, 6))
    sending_at: datetime | None = column(write=NEVER)
    sent_at: datetime | None = column(write=NEVER)
    delivered_at: datetime | None = column(write=NEVER)
    read_at: datetime | None = column(write=NEVER)
    failed_at: datetime | None = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    user = to_one("Profile", via="user_id", description="The person to whom it is sent, or who wrote it.")
    sender = to_one("Profile", via="sender_id", description="The person who had it sent.")
    trip = to_one("Trip", via="trip_id", description="The trip that it is about.")
    deliveries = to_many("DeliveryEvent", via="message_id", description="What WhatsApp told of it.")


@table(
    "delivery_events",
    scope=USER.via("user_id"),
    order_by=("occurred_at desc",),
    written_by_functions=True,
    cache=TOLD,
)
class DeliveryEvent:
    """Something that WhatsApp told of a message, over `delivery_events`."""

    id: UUID = column(write=NEVER)
    wamid: str = column(write=NEVER)
    message_id: UUID | None = column(write=NEVER)
    user_id: UUID | None = column(write=NEVER)
    status: DeliveryStatus = column(write=NEVER)
    occurred_at: datetime = column(write=NEVER)
    error_code: str | None = column(write=NEVER)
    category: WhatsappCategory | None = column(write=NEVER)
    is_billable: bool | None = column(write=NEVER)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    message = to_one("WhatsappMessage", via="message_id", description="The message.")


@strawberry.input(description="A message to somebody: a template with its parameters, or text.")
class SendWhatsappMessageInput:
    """The arguments of `sendWhatsappMessage`."""

    recipient_id: UUID = strawberry.field(description="To whom: somebody on a trip of the caller's, or the caller.")
    trip_id: UUID | None = strawberry.field(default=None, description="The trip that it is about, which both are on.")
    template: str | None = strawberry.field(default=None, description="A template, such as `trip_message`.")
    parameters: JSON | None = strawberry.field(
        default=None, description="What stands in its places, as an object of texts: `text` of `trip_message`."
    )
    text: str | None = strawberry.field(
        default=None,
        description="Free text, 1 to 3,900 characters long, for who has written within the last 24 hours.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="The sender's own key, 1 to 200 characters long: the same again is the same message."
    )
