"""The documented queries: what the seed calls common, and the reading examples of docs/queries.md.

Each is one GraphQL document that serves any caller at any volume. Its variables are among `me`, the caller's id, `trip`
and `place`, one of their trips and a place on it, and `after`, the cursor of one of their trips, the newest first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PAGE = Path(__file__).parents[2] / "docs" / "queries.md"
_PART = re.compile(r"^#+ (?P<heading>[^\n]+)$|^```graphql\n(?P<document>.*?)^```$", re.DOTALL | re.MULTILINE)

# Where all of an owner's rows are read and then sorted, any index that begins with the owner does; Postgres takes the
# smaller one.
OWNERS_TRIPS = {"idx_trips_user_id_created_at", "idx_trips_user_id_status"}
OWNERS_PLACES = {"idx_places_user_id_created_at", "idx_places_user_id_category"}
NOTIFICATIONS = {"idx_notifications_user_id_created_at"}
SAVED_PLACES = {"idx_saved_places_user_id_created_at", "idx_saved_places_user_id_category"}
ITINERARY = {"idx_trip_items_trip_id_day_number_order_index"}
ITEMS = ITINERARY | {"idx_trip_items_trip_id_place_id"}
COLLABORATORS = {"collaborators_trip_id_user_id_key", "idx_collaborators_user_id_trip_id"}
RUNS = {"idx_ai_runs_user_id_created_at"}
VOTES = {"idx_votes_trip_id_user_id", "idx_votes_user_id_created_at"}


@dataclass(frozen=True)
class Documented:
    """One documented query.

    Attributes:
        indexes: For each table that it reads, the indexes one of which must be used.
    """

    name: str
    document: str
    indexes: Sequence[set[str]] = ()

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """Those of the given variables that the document declares."""
        return {name: given[name] for name in re.findall(r"\$(\w+):", self.document)}


COMMON = [
    Documented("my profile", "{ viewer { displayName } }", [{"profiles_pkey"}]),
    Documented("my preferences", "{ myPreferences { locale } }", [{"user_preferences_user_id_key"}]),
    Documented(
        "what I was told", "{ notifications(first: 20) { nodes { title link readAt createdAt } } }", [NOTIFICATIONS]
    ),
    Documented(
        "recent trips",
        "{ trips(first: 20, orderBy: [{ createdAt: DESC }]) { nodes { id title status createdAt } } }",
        [OWNERS_TRIPS],
    ),
    Documented(
        "the next recent trips",
        "query ($after: String) { trips(first: 20, after: $after, orderBy: [{ createdAt: DESC }]) { nodes { id } } }",
        [OWNERS_TRIPS],
    ),
    Documented(
        "a person's recent trips",
        "query ($me: UUID!) { trips(first: 20, filter: { ownerId: { eq: $me } }, orderBy: [{ createdAt: DESC }])"
        " { nodes { id title } } }",
        [OWNERS_TRIPS],
    ),
    Documented(
        "trips by status", "{ trips(filter: { status: { eq: BOOKED } }) { nodes { id title } } }", [OWNERS_TRIPS]
    ),
    Documented(
        "a person's trips by status",
        "query ($me: UUID!) { trips(filter: { ownerId: { eq: $me }, status: { eq: BOOKED } }) { nodes { id title } } }",
        [OWNERS_TRIPS],
    ),
    Documented("how many trips", "{ trips { totalCount } }", [OWNERS_TRIPS]),
    Documented("what trips may cost", "{ trips { aggregate { count sum { budget } } } }", [OWNERS_TRIPS]),
    Documented(
        "what trips may cost by status",
        "{ tripsGrouped(by: [STATUS]) { key { status } count sum { budget } } }",
        [OWNERS_TRIPS],
    ),
    Documented("trips by words", '{ trips(filter: { search: "lakes" }) { nodes { title } } }', [OWNERS_TRIPS]),
    Documented("a trip", "query ($trip: UUID!) { trip(id: $trip) { title } }", [{"trips_pkey"}]),
    Documented(
        "a trip's itinerary",
        "query ($trip: UUID!) { tripItems(filter: { tripId: { eq: $trip } },"
        " orderBy: [{ dayNumber: ASC }, { orderIndex: ASC }]) { nodes { id title dayNumber orderIndex } } }",
        [ITINERARY],
    ),
    Documented(
        "a trip with its itinerary and places",
        "query ($trip: UUID!) { trip(id: $trip) { title items(first: 50,"
        " orderBy: [{ dayNumber: ASC }, { orderIndex: ASC }]) { nodes { id title place { name } } } } }",
        [{"trips_pkey"}, ITINERARY, {"places_pkey"}],
    ),
    Documented(
        "trips with their items",
        "{ trips(first: 20, orderBy: [{ createdAt: DESC }]) { nodes { title items { nodes { title } } } } }",
        [OWNERS_TRIPS, ITINERARY],
    ),
    Documented(
        "trips with their items, counted",
        "{ trips(first: 10) { totalCount nodes { title items(first: 10) { totalCount nodes { title } } } } }",
        [OWNERS_TRIPS, ITINERARY],
    ),
    Documented(
        "the next trips with their items",
        "query ($after: String) { trips(first: 10, after: $after)"
        " { nodes { title items(first: 10) { nodes { title place { name } } } } } }",
        [OWNERS_TRIPS, ITINERARY],
    ),
    Documented(
        "the oldest trips with their items",
        "{ trips(last: 10) { nodes { title items(first: 10) { nodes { title } } } } }",
        [OWNERS_TRIPS, ITINERARY],
    ),
    Documented(
        "the first trips to begin, with their items",
        "{ trips(first: 10, orderBy: [{ startDate: ASC }]) { nodes { title items(first: 10) { nodes { title } } } } }",
        [OWNERS_TRIPS, ITINERARY],
    ),
    Documented("items of my trips", "{ tripItems(first: 20) { nodes { title } } }", [ITEMS]),
    Documented(
        "items of my trips with their votes",
        "{ tripItems(first: 20) { nodes { title votes { nodes { value } } } } }",
        [ITEMS, {"votes_trip_item_id_user_id_key"}],
    ),
    Documented(
        "items at a place",
        "query ($place: UUID!) { tripItems(filter: { placeId: { eq: $place } }) { nodes { title } } }",
        [{"idx_trip_items_place_id", "idx_trip_items_trip_id_place_id"}],
    ),
    Documented(
        "what items cost by kind",
        "query ($trip: UUID!) { tripItemsGrouped(by: [KIND], filter: { tripId: { eq: $trip } })"
        " { key { kind } count sum { cost } } }",
        [ITINERARY],
    ),
    Documented(
        "a trip with its people",
        "query ($trip: UUID!) { trip(id: $trip) { title collaborators { nodes { role user { displayName } } } } }",
        [{"trips_pkey"}, {"collaborators_trip_id_user_id_key"}, {"profiles_pkey"}],
    ),
    Documented(
        "an itinerary with its votes",
        "query ($trip: UUID!) { tripItems(filter: { tripId: { eq: $trip } })"
        " { nodes { title votes { nodes { value } } } } }",
        [ITINERARY, {"votes_trip_item_id_user_id_key"}],
    ),
    Documented(
        "an itinerary with what people think of it",
        "query ($trip: UUID!) { tripItems(filter: { tripId: { eq: $trip } })"
        " { nodes { title voteSummary { up score mine } } } }",
        [ITINERARY],
    ),
    Documented(
        "votes on a trip",
        "query ($trip: UUID!) { votes(filter: { tripId: { eq: $trip } }) { nodes { value user { displayName } } } }",
        [VOTES],
    ),
    Documented(
        "my recent votes",
        "query ($me: UUID!) { votes(first: 20, filter: { userId: { eq: $me } }, orderBy: [{ createdAt: DESC }])"
        " { nodes { value tripItem { title } } } }",
        [VOTES],
    ),
    Documented("those I travel with", "{ profiles(first: 20) { nodes { displayName } } }", [{"profiles_pkey"}]),
    Documented(
        "trips shared with me",
        "query ($me: UUID!) { collaborators(first: 20, filter: { userId: { eq: $me } })"
        " { nodes { role trip { title } } } }",
        [COLLABORATORS],
    ),
    Documented(
        "recent places",
        "{ places(first: 20, orderBy: [{ createdAt: DESC }]) { nodes { id name } } }",
        [OWNERS_PLACES],
    ),
    Documented(
        "places by category",
        "{ places(filter: { category: { eq: MUSEUM } }) { nodes { id name } } }",
        [OWNERS_PLACES],
    ),
    # Its index is used within the function, which no explanation looks into.
    Documented("places by words", '{ searchPlaces(text: "caf") { nodes { id name } } }'),
    Documented(
        "recent saved places",
        "{ savedPlaces(first: 20, orderBy: [{ createdAt: DESC }]) { nodes { name place { name } } } }",
        [SAVED_PLACES],
    ),
    Documented(
        "saved places by category",
        "{ savedPlaces(filter: { category: { eq: MUSEUM } }) { nodes { id name } } }",
        [SAVED_PLACES],
    ),
    Documented(
        "my collections",
        "{ collections { nodes { name collectionPlaces { nodes { place { name } } } } } }",
        [{"idx_collections_user_id_created_at"}],
    ),
    Documented("my tags", "{ tags { nodes { name } } }", [{"tags_user_id_name_key"}]),
    Documented("invitations to me", "{ invitations(filter: { status: { eq: PENDING } }) { nodes { role } } }"),
    Documented(
        "trips with their length and costs",
        "{ trips(first: 20, orderBy: [{ createdAt: DESC }]) { nodes { title durationDays costTotal } } }",
        [OWNERS_TRIPS],
    ),
    Documented(
        "what I asked agents", "{ aiRuns(first: 20) { nodes { status trip { title } agent { key } } } }", [RUNS]
    ),
    Documented(
        "what I asked agents, and what they said and cost",
        "{ aiRuns(first: 10) { nodes { totalCost messages { nodes { role content } } usage { nodes { cost } } } } }",
        [RUNS, {"ai_messages_run_id_sequence_key"}, {"ai_usage_run_id_call_index_key"}],
    ),
    Documented(
        "what I asked agents about a trip",
        "query ($trip: UUID!) { aiRuns(first: 20, filter: { tripId: { eq: $trip } }) { nodes { status } } }",
        [RUNS | {"idx_ai_runs_trip_id_created_at"}],
    ),
    Documented(
        "what agents keep in mind of me",
        "{ aiMemories(first: 20) { nodes { kind content } } }",
        [{"idx_ai_memories_user_id_created_at"}],
    ),
    Documented(
        "what agents cost me", "{ aiUsages(first: 20) { nodes { model cost } } }", [{"idx_ai_usage_user_id_created_at"}]
    ),
]


def _examples() -> list[Documented]:
    """The reading examples, each named after the heading that it stands below."""
    found: list[Documented] = []
    heading = ""
    for part in _PART.finditer(_PAGE.read_text()):
        heading = part["heading"] or heading
        document = part["document"]
        if document is not None and not document.startswith("mutation"):
            number = 1 + sum(each.name.startswith(f"{heading}, ") for each in found)
            found.append(Documented(f"{heading}, example {number}", document))
    return found


DOCUMENTED = [*COMMON, *_examples()]
