"""Places."""

from uuid import UUID

import strawberry

from gql.forward_types import optional
from resolvers.declared import Parameter, grouped, many, one, rows_of, value_of
from resolvers.declared.crud import crud, domain


@strawberry.type
class PlaceQuery:
    """Reading places."""

    place = one("Place")
    places = many("Place")
    search_places = rows_of(
        "Place",
        "search_places",
        Parameter("text", "words", str, "Words, or how they begin; `or`, `-` and quotes as in `filter: { search }`."),
        description="The places whose name, city, address or notes hold these words, of those that the caller may see.",
    )
    distance_in_metres = value_of(
        "distance_in_metres",
        Parameter("fromPlaceId", "from_place", UUID, "The one place."),
        Parameter("toPlaceId", "to_place", UUID, "The other."),
        returns=optional(int),
        depends_on=("places",),
        description="How far it is between two places, as the crow flies; null when a position is not known.",
    )
    places_grouped = grouped("Place")


DOMAIN = domain(PlaceQuery, crud("Place", reads=False), position=40)
