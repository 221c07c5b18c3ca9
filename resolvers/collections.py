"""Sharing collections: with whom, and who is there."""

import strawberry

from gql.types.saved_places import CollectionRole
from gql.types.scopes import COLLECTION
from resolvers.declared import delete, delete_many, leave, presence, update, update_many
from resolvers.declared.crud import crud, domain
from resolvers.invitations import Accept, Invite


@strawberry.type
class CollectionMutation:
    """Changing with whom a collection is shared."""

    invite_to_collection = Invite(
        COLLECTION, CollectionRole, "Invite somebody to a collection of the caller's, by mail."
    )
    accept_collection_invitation = Accept(
        COLLECTION,
        "Join a collection. An invitation serves the invited e-mail address alone, until it expires; whoever has "
        "joined by it is answered the same again.",
    )
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
