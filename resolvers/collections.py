"""Sharing collections: with whom, and who is there."""

import strawberry

from gql.types.scopes import COLLECTION
from resolvers.declared import delete, delete_many, leave, presence, update, update_many
from resolvers.declared.crud import crud, domain


@strawberry.type
class CollectionMutation:
    """Changing with whom a collection is shared."""

    update_collection_member = update("CollectionMember")
    update_collection_members = update_many("CollectionMember")
    remove_collection_member = delete("CollectionMember")
    remove_collection_members = delete_many("CollectionMember")
    leave_collection = leave(COLLECTION, "Leave a collection of somebody else's.")


@strawberry.type
class CollectionSubscription:
    """Following who is there."""

    collection_presence = presence(
        COLLECTION,
        event="Who is in a collection right now.",
        description="Who is in the collection now: an event whenever somebody comes or goes. "
        "Subscribing makes the caller seen.",
    )


DOMAIN = domain(
    crud("CollectionMember", writes=False, changes="Who joins the collection, leaves it, or changes role."),
    CollectionMutation,
    CollectionSubscription,
    position=55,
)
