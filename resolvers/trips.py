"""Trips and their itineraries."""

import strawberry

from resolvers.declared import changes, create, create_many, delete, many, one, update


@strawberry.type
class TripQuery:
    """Reading trips."""

    trip = one("Trip")
    trips = many("Trip")
    trip_item = one("TripItem")
    trip_items = many("TripItem")


@strawberry.type
class TripMutation:
    """Planning trips."""

    create_trip = create("Trip")
    create_trips = create_many("Trip")
    update_trip = update("Trip")
    delete_trip = delete("Trip")
    create_trip_item = create("TripItem")
    create_trip_items = create_many("TripItem")
    update_trip_item = update("TripItem")
    delete_trip_item = delete("TripItem")


@strawberry.type
class TripSubscription:
    """Following trips."""

    trip_changes = changes("Trip", description="Changes of the trip itself; after its deletion the stream ends.")
    trip_item_changes = changes("TripItem", description="Changes of the trip's itinerary items.")
