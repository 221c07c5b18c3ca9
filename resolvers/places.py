"""Places."""

from uuid import UUID

import strawberry

from gql.late import optional
from resolvers.declared import (
    Parameter,
    create,
    create_many,
    delete,
    delete_many,
    grouped,
    many,
    one,
    rows_of,
    update,
    update_many,
    value_of,
)


@strawberry.type
class PlaceQuery:
    """Reading places."""

    place = one("Place")
    places = many("Place")
    search_places = rows_of(
        "Place",
        "search_places",
        Parameter("text", "words", str, "Words, or how they begin; all of them must be there."),
        description="The places whose name, city, address or notes hold these words, of those that the caller may see.",
    )
    distance_in_metres = value_of(
        "distance_in_metres",
        Parameter("fromPlaceId", "from_place", UUID, "The one place."),
        Parameter("toPlaceId", "to_place", UUID, "The other."),
        returns=optional(int),
        description="How far it is between two places, as the crow flies; null when a position is not known.",
    )
    places_grouped = grouped("Place")


@strawberry.type
class PlaceMutation:
    """Keeping places."""

    create_place = create("Place")
    create_places = create_many("Place")
    update_place = update("Place")
    update_places = update_many("Place")
    delete_place = delete("Place")
    delete_places = delete_many("Place")
