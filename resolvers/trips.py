"""Trips and their itineraries."""

from typing import Any

import strawberry
from graphql.execution.values import VariableValues

from gql import derive
from gql.forward_types import object_type
from resolvers.context import Context
from resolvers.declared.crud import crud, domain
from resolvers.declared.writes import Write
from tripgate.planner.plan import Call
from tripgate.planner.selection import Selected


class MoveTripItem(Write):
    """Moves an item to another day or position."""

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        arguments = selected.arguments(variables)
        plan = self.plan(context, selected, variables)
        given = {"item": str(arguments["id"]), "day": arguments["dayNumber"], "new_position": arguments["position"]}
        return await self.one(context, plan, Call("move_trip_item", given, plan.returning))


@strawberry.type
class TripMutation:
    """Planning trips beside the usual writes."""

    move_trip_item = MoveTripItem(
        "TripItem",
        lambda: object_type("TripItem"),
        lambda: [
            derive.key_argument("TripItem"),
            derive.argument("dayNumber", int, "The day, counted from 1."),
            derive.argument("position", int, "The position on that day, counted from 0; past the end is the end."),
        ],
        "Move an item to a position of a day; the others close up, whoever else moves at the same time.",
    )


DOMAIN = domain(
    crud("Trip", changes="Changes of the trip itself; after its deletion the stream ends."),
    crud("TripItem", changes="Changes of the trip's itinerary items."),
    TripMutation,
    position=60,
)
