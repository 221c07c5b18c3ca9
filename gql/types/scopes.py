"""The rows on which people share."""

from gql.declare import scope
from gql.scope import Membership

USER = scope("user", root="Profile", owner="id", of_person=True, description="The person.")

TRIP = scope(
    "trip",
    root="Trip",
    owner="user_id",
    members=(Membership("Collaborator", via="trip_id", person="user_id"),),
    description="The trip.",
)

COLLECTION = scope(
    "collection",
    root="Collection",
    owner="user_id",
    members=(Membership("CollectionMember", via="collection_id", person="user_id"),),
    description="The collection.",
)

AI_RUN = scope("ai_run", root="AiRun", owner="user_id", short="run", description="The run.")
