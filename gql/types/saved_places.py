"""What people keep: saved places, collections of places, which they may share, and tags on them."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, REQUIRED, Write, column, on_create, table, to_many, to_one, unique
from gql.types.places import PlaceCategory
from gql.types.scopes import COLLECTION, USER


@table(
    "saved_places",
    scope=USER.via("user_id"),
    order_by=("created_at desc",),
    keys=(unique("user_id", "place_id", own="user_id"),),
    search="search",
    cache=CacheControl(60, InvalidatedBy.OWN_WRITES, depends_on=("places",)),
)
class SavedPlace:
    """Somewhere to remember, over `saved_places`."""

    id: UUID = column(write=NEVER)
    owner_id: UUID = column("user_id", write=NEVER)
    place_id: UUID | None = column(write=on_create(required=False))
    name: str
    category: PlaceCategory
    notes: str | None = column(long=True)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    owner = to_one("Profile", via="user_id", description="The person who saved it.")
    place = to_one("Place", via="place_id", description="The place on the map; null once it is no longer shared.")
    photos = to_many("StoredFile", via="photos()", description="Pictures of it, by default the newest first.")


@table(
    "collections",
    scope=COLLECTION,
    order_by=("created_at desc",),
    cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=("collection_members",)),
)
class Collection:
    """Places under a name, over `collections`."""

    id: UUID = column(write=NEVER)
    owner_id: UUID = column("user_id", write=NEVER)
    name: str = column(write=REQUIRED)
    description: str | None = column(long=True)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    owner = to_one("Profile", via="user_id", description="The person who keeps the collection.")
    collection_places = to_many(
        "CollectionPlace", via="collection_id", create=True, description="The places in it, in their order."
    )
    members = to_many("CollectionMember", via="collection_id", description="Whom the collection is shared with.")


@strawberry.enum(description="What somebody may do in a collection of another's.")
class CollectionRole(Enum):
    """The values of `collection_members.role`."""

    VIEWER = "viewer"
    EDITOR = "editor"


@table(
    "collection_members",
    scope=COLLECTION.via("collection_id"),
    order_by=("created_at",),
    keys=(unique("collection_id", "user_id"),),
    cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=("collections",)),
)
class CollectionMember:
    """Somebody who shares a collection of another's, over `collection_members`; made by accepting an invitation."""

    id: UUID = column(write=NEVER)
    collection_id: UUID = column(write=NEVER)
    user_id: UUID = column(write=NEVER)
    role: CollectionRole = column(write=Write(creatable=False, required=False, patchable=True))
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    collection = to_one("Collection", via="collection_id", description="The collection that is shared.")
    user = to_one("Profile", via="user_id", description="The person it is shared with.")


@table(
    "collection_places",
    scope=COLLECTION.via("collection_id"),
    order_by=("order_index", "created_at"),
    keys=(unique("collection_id", "place_id"),),
    cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=("places", "collections", "collection_members")),
)
class CollectionPlace:
    """A place in a collection, over `collection_places`."""

    id: UUID = column(write=NEVER)
    owner_id: UUID = column("user_id", write=NEVER)
    collection_id: UUID = column(write=on_create(required=True))
    place_id: UUID = column(write=on_create(required=True))
    order_index: int
    notes: str | None = column(long=True)
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    owner = to_one(
        "Profile", via="user_id", description="The person who put it there; null once they share it no longer."
    )
    collection = to_one("Collection", via="collection_id", description="The collection that holds the place.")
    place = to_one("Place", via="place_id", description="The place; null where it is not shared with the caller.")
    photos = to_many(
        "StoredFile",
        via="place_photos()",
        description="Pictures of the place by who put it there, where it is their own; by default the newest first.",
    )


@table(
    "tags",
    scope=USER.via("user_id"),
    order_by=("name",),
    keys=(unique("user_id", "name", own="user_id"),),
    cache=CacheControl(60, InvalidatedBy.OWN_WRITES),
)
class Tag:
    """A word to mark places with, over `tags`."""

    id: UUID = column(write=NEVER)
    owner_id: UUID = column("user_id", write=NEVER)
    name: str = column(write=REQUIRED)
    colour: str
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    owner = to_one("Profile", via="user_id", description="The person whose tag it is.")
    place_tags = to_many("PlaceTag", via="tag_id", create=True, description="Where it is put.")


@table(
    "place_tags",
    scope=USER.via("user_id"),
    order_by=("created_at",),
    keys=(unique("place_id", "tag_id"),),
    cache=CacheControl(60, InvalidatedBy.OWN_WRITES, depends_on=("places", "tags")),
)
class PlaceTag:
    """A tag on a place, over `place_tags`; put on and taken off, never changed."""

    id: UUID = column(write=NEVER)
    owner_id: UUID = column("user_id", write=NEVER)
    place_id: UUID = column(write=on_create(required=True))
    tag_id: UUID = column(write=on_create(required=True))
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    owner = to_one("Profile", via="user_id", description="The person whose tag it is.")
    place = to_one("Place", via="place_id", description="The place; null once it is no longer shared.")
    tag = to_one("Tag", via="tag_id", description="The tag.")
