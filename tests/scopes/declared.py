"""Types over the tables of `project`: two scopes beside the product's own. For a program of their own,
`tests.kinds.served`: what is declared stays declared."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, POLLED, REFERENCE, REQUIRED, Streamed, column, on_create, scope, table, to_many, to_one
from gql.scalars import BigInt
from gql.schemas import HOUSEHOLD, MEETINGS
from gql.scope import Membership
from gql.types.scopes import USER
from resolvers.declared import presence
from resolvers.declared.crud import crud
from tripgate.gateway.schema import build_schema

CLUB = scope(
    "club",
    root="Club",
    owner="user_id",
    members=(Membership("ClubMember", via="club_number", person="user_id"),),
    description="The club.",
)
ROOM = scope(
    "room",
    root="Room",
    members=(Membership("RoomGuest", via="room_code", person="user_id"),),
    description="The room.",
)
COUPLE = scope(
    "couple",
    root="HouseholdCouple",
    members=(Membership("HouseholdCoupleMember", via="couple_id", person="user_id"),),
    description="The couple.",
)


def _told(*tables: str) -> CacheControl:
    return CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=tables)


@table("clubs", scope=CLUB, key="number", order_by=("title",), cache=_told("club_members"))
class Club:
    """A row with a number for its key."""

    number: BigInt = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    title: str = column(write=REQUIRED)

    events = to_many("ClubEvent", via="club_number", description="What happens there.")
    meeting_events = to_many("MeetingClubEvent", via="club_number", description="What another schema says of that.")


@table("club_members", scope=CLUB.via("club_number"), cache=_told("clubs"))
class ClubMember:
    """Somebody in a club."""

    id: UUID = column(write=NEVER)
    club_number: BigInt = column(write=NEVER)
    user_id: UUID = column(write=NEVER)


@table("club_events", scope=CLUB.via("club_number"), order_by=("title",), cache=_told("clubs", "club_members"))
class ClubEvent:
    """What happens in a club."""

    id: BigInt = column(write=NEVER)
    club_number: BigInt = column(write=on_create(required=True))
    title: str = column(write=REQUIRED)
    price: Decimal | None

    club = to_one("Club", via="club_number", description="Whose it is.")


@table(
    "speeches",
    scope=CLUB.via("club_number"),
    order_by=("place",),
    cache=_told("clubs", "club_members"),
    streamed=Streamed("words", state="state", open="spoken", row="speech_id"),
)
class Speech:
    """What is said in a club, told as it is said."""

    id: UUID = column(write=NEVER)
    club_number: BigInt = column(write=NEVER)
    place: int = column(write=NEVER)
    words: str = column(write=NEVER)
    state: str = column(write=NEVER)
    price: Decimal | None = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    club = to_one("Club", via="club_number", description="Where it is said.")


@table(
    "club_events",
    schema=MEETINGS,
    scope=CLUB.via("club_number"),
    order_by=("title",),
    cache=_told("clubs", "club_members"),
)
class MeetingClubEvent:
    """What happens in a club, in a table of another schema that is called alike."""

    id: BigInt = column(write=NEVER)
    club_number: BigInt = column(write=on_create(required=True))
    title: str = column(write=REQUIRED)

    club = to_one("Club", via="club_number", description="Whose it is.")


@table("rooms", scope=ROOM, key="code", order_by=("title",), cache=_told("room_guests"))
class Room:
    """A row with a text for its key, which is nobody's."""

    code: str = column(write=on_create(required=True))
    behind_code: str | None
    title: str = column(write=REQUIRED)

    behind = to_one("Room", via="behind_code", description="The room through which one comes to it.")
    leads_to = to_many("Room", via="behind_code", description="The rooms to which one comes through it.")
    notes = to_many("RoomNote", via="room_code", description="What is said there.")


@table("room_guests", scope=ROOM.via("room_code"), cache=_told("rooms"))
class RoomGuest:
    """Somebody in a room."""

    id: UUID = column(write=NEVER)
    room_code: str = column(write=NEVER)
    user_id: UUID = column(write=NEVER)


@table("room_notes", scope=ROOM.via("room_code"), key="code", order_by=("code",), cache=_told("rooms", "room_guests"))
class RoomNote:
    """What is said in a room."""

    code: str = column(write=on_create(required=True))
    room_code: str = column(write=on_create(required=True))
    words: str = column(write=REQUIRED)

    room = to_one("Room", via="room_code", description="Where it is said.")


@table("reminders", scope=USER.via("user_id"), order_by=("words",), cache=_told())
class Reminder:
    """What is one person's alone."""

    id: BigInt = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    words: str = column(write=REQUIRED)


@table("grades", key="code", order_by=("code",), unheard=REFERENCE)
class Grade:
    """What migrations alone change."""

    code: str = column(write=NEVER)
    words: str = column(write=NEVER)


@table("counters", key="code", order_by=("code",), unheard=POLLED)
class Counter:
    """What is read again and again."""

    code: str = column(write=NEVER)
    words: str = column(write=NEVER)


@table("club_titles", key="number", read_only=True, cache=CacheControl(0, depends_on=("clubs",)))
class ClubTitle:
    """A view of what is told of."""

    number: BigInt
    title: str


@table("couples", schema=HOUSEHOLD, scope=COUPLE, order_by=("name",), cache=_told("household.couple_members"))
class Couple:
    """A root in another Postgres schema."""

    id: BigInt = column(write=NEVER)
    name: str = column(write=REQUIRED)
    keeper_id: UUID | None

    keeper = to_one("Profile", via="keeper_id", description="Who keeps its books.")
    members = to_many("HouseholdCoupleMember", via="couple_id", description="Who they are.")


@table("couple_members", schema=HOUSEHOLD, scope=COUPLE.via("couple_id"), cache=_told("household.couples"))
class CoupleMember:
    """Somebody in a couple."""

    id: UUID = column(write=NEVER)
    couple_id: BigInt = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    invited_by_id: UUID | None = column("invited_by", write=NEVER)

    couple = to_one("HouseholdCouple", via="couple_id", description="The couple.")
    user = to_one("Profile", via="user_id", description="Who it is.")
    invited_by = to_one("Profile", via="invited_by", description="Who asked them to join.")


@strawberry.type
class RoomSubscription:
    """Who is there."""

    room_presence = presence(ROOM, event="Who is in a room.", description="Who is in the room now.")
    couple_presence = presence(COUPLE, event="Who of a couple is there.", description="Who of the couple is there now.")
    club_presence = presence(CLUB, event="Who is in a club.", description="Who is in the club now.")


_PARTS = [
    *(
        each
        for name in (
            "Club",
            "ClubEvent",
            "Speech",
            "MeetingClubEvent",
            "Room",
            "RoomNote",
            "Reminder",
            "HouseholdCouple",
            "HouseholdCoupleMember",
        )
        for each in crud(name, changes="It.").types()
    ),
    *(each for name in ("ClubMember", "RoomGuest", "Grade", "Counter", "ClubTitle") for each in crud(name).types()),
    RoomSubscription,
]
SCHEMA = build_schema(
    queries=[each for each in _PARTS if each.__name__.endswith("Query")],
    mutations=[each for each in _PARTS if each.__name__.endswith("Mutation")],
    subscriptions=[each for each in _PARTS if each.__name__.endswith("Subscription")],
)
