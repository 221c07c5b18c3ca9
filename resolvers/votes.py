"""Voting on itinerary items, and moving them."""

from typing import Any

import strawberry
from graphql.execution.values import VariableValues

from gql import derive
from gql.forward_types import object_type, optional
from gql.types.votes import VoteValue
from resolvers.context import Context
from resolvers.declared import delete_many, update_many
from resolvers.declared.crud import crud, domain
from resolvers.declared.writes import DeleteOne, Write
from tripgate.planner.conditions import check_text
from tripgate.planner.plan import Call, Match
from tripgate.planner.selection import Selected


class CastVote(Write):
    """The caller's vote on an item; voting again replaces it."""

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        arguments = selected.arguments(variables)
        comment = arguments.get("comment")
        if comment is not None:
            check_text(comment, "comment")
        given = {
            "item": str(arguments["tripItemId"]),
            "new_value": arguments["value"].value,
            "new_comment": comment,
        }
        plan = self.plan(context, selected, variables)
        return await self.one(context, plan, Call("cast_vote", given, plan.returning))


class RetractVote(DeleteOne):
    """The caller's vote on an item, taken back."""

    def match(self, context: Context, arguments: dict[str, Any]) -> Match:
        return (("trip_item_id", str(arguments["tripItemId"])), ("user_id", str(context.caller.user_id)))


@strawberry.type
class VoteMutation:
    """Voting."""

    cast_vote = CastVote(
        "Vote",
        lambda: object_type("Vote"),
        lambda: [
            derive.row_argument("tripItemId", "The item to vote on."),
            derive.argument("value", VoteValue, "For, against, or neither."),
            derive.argument("comment", optional(str), "Why."),
        ],
        "Vote on an item; voting again replaces the vote and its comment.",
    )
    retract_vote = RetractVote(
        "Vote",
        lambda: object_type("Vote"),
        lambda: [derive.row_argument("tripItemId", "The item whose vote is taken back.")],
        "Take the caller's vote on an item back.",
    )
    update_votes = update_many("Vote")
    retract_votes = delete_many("Vote")


DOMAIN = domain(crud("Vote", writes=False, changes="Votes on the trip's items."), VoteMutation, position=80)
