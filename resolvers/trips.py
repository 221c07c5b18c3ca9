"""Trips and their itineraries."""

from typing import Any

import strawberry
from graphql.execution.values import VariableValues

from gql import derive
from gql.late import object_type
from resolvers.context import Context
from resolvers.declared import (
    changes,
    create,
    create_many,
    delete,
    delete_many,
    grouped,
    many,
    one,
    update,
    update_many,
)
from resolvers.declared.writes import Write
from tripgate.planner.plan import Call
from tripgate.planner.selection import Selected


@strawberry.type
class TripQuery:
    """Reading trips."""

    trip = one("Trip")
    trips = many("Trip")
    trips_grouped = grouped("Trip")
    trip_item = one("TripItem")
    trip_items = many("TripItem")
    trip_items_grouped = grouped("TripItem")


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
    """Planning trips."""

    create_trip = create("Trip")
    create_trips = create_many("Trip")
    update_trip = update("Trip")
    update_trips = update_many("Trip")
    delete_trip = delete("Trip")
    delete_trips = delete_many("Trip")
    create_trip_item = create("TripItem")
    create_trip_items = create_many("TripItem")
    update_trip_item = update("TripItem")
    update_trip_items = update_many("TripItem")
    delete_trip_item = delete("TripItem")
    delete_trip_items = delete_many("TripItem")
    move_trip_item = MoveTripItem(
        "TripItem",
        lambda: object_type("TripItem"),
        lambda: [
            derive.key_argument(),
            derive.argument("dayNumber", int, "The day, counted from 1."),
            derive.argument("position", int, "The position on that day, counted from 0; past the end is the end."),
        ],
        "Move an item to a position of a day; the others close up, whoever else moves at the same time.",
    )


@strawberry.type
class TripSubscription:
    """Following trips."""

    trip_changes = changes("Trip", description="Changes of the trip itself; after its deletion the stream ends.")
    trip_item_changes = changes("TripItem", description="Changes of the trip's itinerary items.")
