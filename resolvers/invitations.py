"""What invitations have in common, to a trip or to anything else that people share."""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Any

from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument

from gql import derive
from gql.errors import ApiError, ErrorCode
from gql.forward_types import list_of, object_type
from gql.scope import Scope
from gql.table import Sort
from resolvers.context import Context
from resolvers.declared import DeclaredField
from resolvers.declared.base import planner
from resolvers.declared.writes import Matched, Write
from tripgate.planner.plan import And, Compare, Match, Operator, Update
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import object_shaper

MEMBERSHIP_INVITATION = "MembershipInvitation"
_MOST_OPEN = 100


class OpenInvitations(DeclaredField):
    """The open invitations to the caller's e-mail address, the newest of them: anybody may send some."""

    null_means_error = True

    def __init__(self, type_name: str, description: str) -> None:
        told = f"{description} The newest {_MOST_OPEN}, the newest first."
        super().__init__(type_name, lambda: list_of(object_type(type_name)), list, told)

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
        newest = replace(plan.read.ordered(order), limit=_MOST_OPEN)
        answer = await context.backend.read(newest, caller, self.table)
        return [object_shaper(plan.shape)(row) for row in answer.rows]


def invitation_arguments(scope: Scope, role: type[Enum]) -> Callable[[], list[StrawberryArgument]]:
    """What it takes to invite somebody."""
    return lambda: [
        derive.scope_argument(scope),
        derive.argument("email", str, "Where the invitation is sent; only the account of that address can accept."),
        derive.argument("role", role, "What they may do."),
    ]


def token_argument() -> list[StrawberryArgument]:
    """What it takes to accept."""
    return [derive.argument("token", str, "The secret in the invitation's link.")]


class Invite(Write):
    """`inviteToCollection(collectionId, email, role)`: asks somebody by mail to share a row of a scope."""

    def __init__(self, scope: Scope, role: type[Enum], description: str) -> None:
        self.scope = scope
        super().__init__(
            MEMBERSHIP_INVITATION,
            lambda: object_type(MEMBERSHIP_INVITATION),
            invitation_arguments(scope, role),
            description,
        )

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        caller = context.signed_in()
        plan = self.plan(context, selected, variables)
        arguments = selected.arguments(variables)
        body = {
            "scope": self.scope.name,
            "scope_id": str(arguments[derive.scope_key_name(self.scope)]),
            "email": arguments["email"],
            "role": arguments["role"].value,
        }
        made = await context.functions.invoke("invite-member", body, caller)
        return await self.by_key(context, plan, str(made["invitation"]["id"]))


class Accept(Write):
    """`acceptCollectionInvitation(token)`: takes part by the secret of an invitation; answers the membership."""

    def __init__(self, scope: Scope, description: str) -> None:
        self.scope = scope
        (members,) = scope.members
        super().__init__(members.type_name, lambda: object_type(members.type_name), token_argument, description)

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        caller = context.signed_in()
        plan = self.plan(context, selected, variables)
        body = {"token": selected.arguments(variables)["token"], "scope": self.scope.name}
        made = await context.functions.invoke("accept-membership", body, caller)
        return await self.by_key(context, plan, str(made["membership"]["id"]))


class Close(Matched):
    """Gives an open invitation another status, for good."""

    null_means_error = True

    def __init__(self, type_name: str, status: str, description: str) -> None:
        self._status = status
        super().__init__(
            type_name, lambda: object_type(type_name), lambda: [derive.key_argument(type_name)], description
        )

    def match(self, _context: Context, arguments: dict[str, Any]) -> Match:
        return ((self.table.primary_key, str(arguments["id"])),)

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        match = self.match(context, selected.arguments(variables))
        plan = self.plan(context, selected, variables)
        answer = await self.one(context, plan, Update(self.table.name, match, {"status": self._status}, plan.returning))
        if answer is None:
            raise await self.explain_nothing(context, match)
        return answer

    async def explain_nothing(self, context: Context, match: Match) -> ApiError:
        # Whoever may close it sees it for as long: what stands in the way is what became of it.
        if await self.visible(context, (*match, *self.closers(context))):
            return ApiError(ErrorCode.CONFLICT, "This invitation is not open any more.", reason="NOT_OPEN")
        return await super().explain_nothing(context, match)

    def closers(self, _context: Context) -> Match:
        """Of which of the invitations that the caller sees they may be the one to close it: here of all."""
        return ()


class Revoke(Close):
    """Takes an invitation back, which its inviter may do."""

    def __init__(self, type_name: str, description: str) -> None:
        super().__init__(type_name, "revoked", description)

    def closers(self, context: Context) -> Match:
        return (("invited_by", str(context.caller.user_id)),)


class Decline(Close):
    """Turns an invitation down, which the invited may do."""

    def __init__(self, type_name: str, description: str) -> None:
        super().__init__(type_name, "declined", description)
