"""What the people on a trip wish for: all see it, each writes their own."""

import strawberry

from resolvers.declared import delete, grouped, lookup, many, upsert
from resolvers.declared.crud import crud, domain


@strawberry.type
class TripPreferencesQuery:
    """Reading wishes."""

    my_trip_preferences = lookup("TripPreferences")
    trip_preferences = many("TripPreferences")
    trip_preferences_grouped = grouped("TripPreferences")


@strawberry.type
class TripPreferencesMutation:
    """Saying what one wishes for."""

    upsert_trip_preferences = upsert("TripPreferences")
    delete_trip_preferences = delete("TripPreferences")


DOMAIN = domain(
    TripPreferencesQuery,
    TripPreferencesMutation,
    crud("TripPreferences", reads=False, writes=False, changes="What the people on the trip wish for."),
    position=80,
)
