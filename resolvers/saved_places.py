"""What people keep for themselves: saved places, collections and tags."""

import strawberry

from resolvers.declared import create, delete, many, one, update


@strawberry.type
class SavedPlaceQuery:
    """Reading saved places, collections and tags."""

    saved_place = one("SavedPlace")
    saved_places = many("SavedPlace")
    collection = one("Collection")
    collections = many("Collection")
    collection_place = one("CollectionPlace")
    collection_places = many("CollectionPlace")
    tag = one("Tag")
    tags = many("Tag")
    place_tag = one("PlaceTag")
    place_tags = many("PlaceTag")


@strawberry.type
class SavedPlaceMutation:
    """Keeping saved places, collections and tags."""

    create_saved_place = create("SavedPlace")
    update_saved_place = update("SavedPlace")
    delete_saved_place = delete("SavedPlace")
    create_collection = create("Collection")
    update_collection = update("Collection")
    delete_collection = delete("Collection")
    create_collection_place = create("CollectionPlace")
    update_collection_place = update("CollectionPlace")
    delete_collection_place = delete("CollectionPlace")
    create_tag = create("Tag")
    update_tag = update("Tag")
    delete_tag = delete("Tag")
    create_place_tag = create("PlaceTag")
    delete_place_tag = delete("PlaceTag")
