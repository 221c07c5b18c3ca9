"""Places."""

import strawberry

from resolvers.declared import create, create_many, delete, many, one, update


@strawberry.type
class PlaceQuery:
    """Reading places."""

    place = one("Place")
    places = many("Place")


@strawberry.type
class PlaceMutation:
    """Keeping places."""

    create_place = create("Place")
    create_places = create_many("Place")
    update_place = update("Place")
    delete_place = delete("Place")
