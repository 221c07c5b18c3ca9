"""What people keep for themselves: saved places, collections and tags."""

import strawberry

from resolvers.declared import (
    create,
    create_many,
    delete,
    delete_many,
    grouped,
    lookup,
    many,
    one,
    update,
    update_many,
    upsert,
)


@strawberry.type
class SavedPlaceQuery:
    """Reading saved places, collections and tags."""

    saved_place = one("SavedPlace")
    saved_place_by_place = lookup("SavedPlace")
    saved_places = many("SavedPlace")
    saved_places_grouped = grouped("SavedPlace")
    collection = one("Collection")
    collections = many("Collection")
    collections_grouped = grouped("Collection")
    collection_place = one("CollectionPlace")
    collection_place_by_collection_and_place = lookup("CollectionPlace")
    collection_places = many("CollectionPlace")
    collection_places_grouped = grouped("CollectionPlace")
    tag = one("Tag")
    tag_by_name = lookup("Tag")
    tags = many("Tag")
    tags_grouped = grouped("Tag")
    place_tag = one("PlaceTag")
    place_tag_by_place_and_tag = lookup("PlaceTag")
    place_tags = many("PlaceTag")
    place_tags_grouped = grouped("PlaceTag")


@strawberry.type
class SavedPlaceMutation:
    """Keeping saved places, collections and tags."""

    create_saved_place = create("SavedPlace")
    upsert_saved_place = upsert("SavedPlace")
    create_saved_places = create_many("SavedPlace")
    update_saved_place = update("SavedPlace")
    update_saved_places = update_many("SavedPlace")
    delete_saved_place = delete("SavedPlace")
    delete_saved_places = delete_many("SavedPlace")
    create_collection = create("Collection")
    create_collections = create_many("Collection")
    update_collection = update("Collection")
    update_collections = update_many("Collection")
    delete_collection = delete("Collection")
    delete_collections = delete_many("Collection")
    create_collection_place = create("CollectionPlace")
    upsert_collection_place = upsert("CollectionPlace")
    create_collection_places = create_many("CollectionPlace")
    update_collection_place = update("CollectionPlace")
    update_collection_places = update_many("CollectionPlace")
    delete_collection_place = delete("CollectionPlace")
    delete_collection_places = delete_many("CollectionPlace")
    create_tag = create("Tag")
    upsert_tag = upsert("Tag")
    create_tags = create_many("Tag")
    update_tag = update("Tag")
    update_tags = update_many("Tag")
    delete_tag = delete("Tag")
    delete_tags = delete_many("Tag")
    create_place_tag = create("PlaceTag")
    upsert_place_tag = upsert("PlaceTag")
    create_place_tags = create_many("PlaceTag")
    delete_place_tag = delete("PlaceTag")
    delete_place_tags = delete_many("PlaceTag")
