"""Planning together: invitations, and who is on a trip."""

from typing import Any

import strawberry
from graphql.execution.values import VariableValues

from gql.forward_types import object_type
from gql.types.collaborators import CollaboratorRole
from gql.types.scopes import TRIP
from resolvers.context import Context
from resolvers.declared import delete, delete_many, leave, presence, update, update_many
from resolvers.declared.crud import crud, domain
from resolvers.declared.writes import Write
from resolvers.invitations import OpenInvitations, Revoke, invitation_arguments, token_argument
from tripgate.planner.selection import Selected


class InviteCollaborator(Write):
    """Asks somebody to join, by mail."""

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        caller = context.signed_in()
        plan = self.plan(context, selected, variables)
        arguments = selected.arguments(variables)
        body = {"trip_id": str(arguments["tripId"]), "email": arguments["email"], "role": arguments["role"].value}
        made = await context.functions.invoke("invite-collaborator", body, caller)
        return await self.by_key(context, plan, str(made["invitation"]["id"]))


class AcceptInvitation(Write):
    """Joins a trip with the secret of an invitation."""

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        caller = context.signed_in()
        plan = self.plan(context, selected, variables)
        made = await context.functions.invoke(
            "accept-invitation", {"token": selected.arguments(variables)["token"]}, caller
        )
        return await self.by_key(context, plan, str(made["collaborator"]["id"]))


@strawberry.type
class CollaboratorQuery:
    """Reading who asks the caller to join."""

    my_invitations = OpenInvitations("Invitation", "The open invitations to the caller's e-mail address.")


@strawberry.type
class CollaboratorMutation:
    """Changing who plans together."""

    invite_collaborator = InviteCollaborator(
        "Invitation",
        lambda: object_type("Invitation"),
        invitation_arguments(TRIP, CollaboratorRole),
        "Invite somebody to a trip of the caller's, by mail.",
    )
    accept_invitation = AcceptInvitation(
        "Collaborator",
        lambda: object_type("Collaborator"),
        token_argument,
        "Join a trip. An invitation serves once, the invited e-mail address alone, until it expires.",
    )
    revoke_invitation = Revoke("Invitation", "Take an open invitation back.")
    update_collaborator = update("Collaborator")
    update_collaborators = update_many("Collaborator")
    remove_collaborator = delete("Collaborator")
    remove_collaborators = delete_many("Collaborator")
    leave_trip = leave(TRIP, "Leave a trip of somebody else's.")


@strawberry.type
class CollaboratorSubscription:
    """Following who is there."""

    trip_presence = presence(
        TRIP,
        event="Who is on a trip right now.",
        description="Who is on the trip now: an event whenever somebody comes or goes. "
        "Subscribing makes the caller seen.",
    )


DOMAIN = domain(
    crud("Collaborator", writes=False, changes="Who joins the trip, leaves it, or changes role."),
    crud("Invitation", writes=False),
    CollaboratorQuery,
    CollaboratorMutation,
    CollaboratorSubscription,
    position=70,
)
