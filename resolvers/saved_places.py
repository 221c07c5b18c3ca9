"""What people keep: saved places, collections and tags."""

from resolvers.declared.crud import crud, domain

DOMAIN = domain(
    crud("SavedPlace", upsert=True),
    crud("Collection", changes="What becomes of a collection: of the row itself."),
    crud("CollectionPlace", upsert=True, changes="Places that come into a collection, leave it, or change there."),
    crud("Tag", upsert=True),
    crud("PlaceTag", upsert=True),
    position=50,
)
