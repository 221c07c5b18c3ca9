"""What people keep for themselves: saved places, collections and tags."""

from resolvers.declared.crud import crud, domain

DOMAIN = domain(
    crud("SavedPlace", upsert=True),
    crud("Collection"),
    crud("CollectionPlace", upsert=True),
    crud("Tag", upsert=True),
    crud("PlaceTag", upsert=True),
    position=50,
)
