"""Planning together: invitations, and who is on a trip."""

from typing import Any

import strawberry
from graphql.execution.values import VariableValues

from gql import derive
from gql.errors import ApiError, ErrorCode
from gql.forward_types import list_of, object_type
from gql.table import Sort
from gql.types.collaborators import CollaboratorRole
from gql.types.scopes import TRIP
from resolvers.context import Context
from resolvers.declared import (
    DeclaredField,
    delete,
    delete_many,
    leave,
    presence,
    update,
    update_many,
)
from resolvers.declared.base import planner
from resolvers.declared.crud import crud, domain
from resolvers.declared.writes import Matched, Write
from tripgate.planner.plan import And, Compare, Match, Operator, Update
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import object_shaper


class MyInvitations(DeclaredField):
    """The open invitations to the caller's e-mail address."""

    null_means_error = True

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        caller = context.signed_in()
        if caller.email is None:
            return []
        where = And(
            (
                Compare("email", Operator.EQ, caller.email.lower()),
                Compare("status", Operator.EQ, "pending"),
                Compare("expires_at", Operator.GT, "now"),
            )
        )
        plan = planner(context, variables).object(self.table, selected.children, where)
        order = (Sort("created_at", descending=True, nulls_first=True), Sort(self.table.primary_key))
        answer = await context.backend.read(plan.read.ordered(order), caller, self.table)
        return [object_shaper(plan.shape)(row) for row in answer.rows]


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


class RevokeInvitation(Matched):
    """Takes an invitation back."""

    null_means_error = True

    def match(self, _context: Context, arguments: dict[str, Any]) -> Match:
        return ((self.table.primary_key, str(arguments["id"])),)

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        match = self.match(context, selected.arguments(variables))
        plan = self.plan(context, selected, variables)
        changes_ = {"status": "revoked"}
        answer = await self.one(context, plan, Update(self.table.name, match, changes_, plan.returning))
        if answer is None:
            raise await self.explain_nothing(context, match)
        return answer

    async def explain_nothing(self, context: Context, match: Match) -> ApiError:
        # Whoever invites owns the trip, and trips stay with their owner: what stands in the way is what became of it.
        if await self.visible(context, (*match, ("invited_by", str(context.caller.user_id)))):
            return ApiError(ErrorCode.CONFLICT, "This invitation is not open any more.", reason="NOT_OPEN")
        return await super().explain_nothing(context, match)


@strawberry.type
class CollaboratorQuery:
    """Reading who asks the caller to join."""

    my_invitations = MyInvitations(
        "Invitation",
        lambda: list_of(object_type("Invitation")),
        list,
        "The open invitations to the caller's e-mail address.",
    )


@strawberry.type
class CollaboratorMutation:
    """Changing who plans together."""

    invite_collaborator = InviteCollaborator(
        "Invitation",
        lambda: object_type("Invitation"),
        lambda: [
            derive.scope_argument(TRIP),
            derive.argument("email", str, "Where the invitation is sent; only the account of that address can accept."),
            derive.argument("role", CollaboratorRole, "What they may do."),
        ],
        "Invite somebody to a trip of the caller's, by mail.",
    )
    accept_invitation = AcceptInvitation(
        "Collaborator",
        lambda: object_type("Collaborator"),
        lambda: [derive.argument("token", str, "The secret in the invitation's link.")],
        "Join a trip. An invitation serves once, the invited e-mail address alone, until it expires.",
    )
    revoke_invitation = RevokeInvitation(
        "Invitation",
        lambda: object_type("Invitation"),
        lambda: [derive.key_argument("Invitation")],
        "Take an open invitation back.",
    )
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
