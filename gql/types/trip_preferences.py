"""What each person on a trip wishes for, and what they wish for together."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import strawberry

from gql.caching import CacheControl, InvalidatedBy
from gql.declare import NEVER, column, on_create, table, to_one, unique
from gql.types.scopes import TRIP


@strawberry.enum(description="How full the days of a trip should be.")
class TripPace(Enum):
    """The values of `trip_preferences.pace`."""

    RELAXED = "relaxed"
    BALANCED = "balanced"
    BUSY = "busy"


@table(
    "trip_preferences",
    scope=TRIP.via("trip_id"),
    order_by=("created_at",),
    keys=(unique("trip_id", "user_id", own="user_id", lookup="myTripPreferences"),),
    cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=("trips", "collaborators")),
)
class TripPreferences:
    """One person's wishes for one trip, over `trip_preferences`; viewers have some too."""

    id: UUID = column(write=NEVER)
    trip_id: UUID = column(write=on_create(required=True))
    user_id: UUID = column(write=NEVER)
    budget_min: Decimal | None = column(digits=(12, 2))
    budget_max: Decimal | None = column(digits=(12, 2))
    currency: str
    pace: TripPace | None
    interests: list[str]
    dietary_needs: list[str]
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)

    trip = to_one("Trip", via="trip_id", description="The trip that they are for.")
    user = to_one("Profile", via="user_id", description="The person who wishes for it.")


@strawberry.type(description="How many people on a trip wish for a pace.")
class PaceCount:
    """An entry of `paces`."""

    pace: TripPace = strawberry.field(description="The pace.")
    people: int = strawberry.field(description="How many wish for it.")


@strawberry.type(description="How many people on a trip have an interest.")
class InterestCount:
    """An entry of `interests`."""

    interest: str = strawberry.field(description="What they would like to see or do, in lower case.")
    people: int = strawberry.field(description="How many would.")


@strawberry.type(description="How many people on a trip have a dietary need.")
class DietaryNeedCount:
    """An entry of `dietaryNeeds`."""

    need: str = strawberry.field(description="What they do or do not eat, in lower case.")
    people: int = strawberry.field(description="How many.")


@strawberry.type(description="Amounts that suit several budgets.")
class BudgetRange:
    """What the budgets of one currency share; JSON would round its amounts, so they are texts there."""

    min: Decimal | None = strawberry.field(description="The least; null where no budget says one.")
    max: Decimal | None = strawberry.field(description="The most; null where no budget says one.")


@strawberry.type(description="The budgets of people on a trip that are in one currency.")
class SharedBudget:
    """An entry of `budgets`."""

    currency: str = strawberry.field(description="The currency, by its three-letter ISO 4217 code.")
    people: int = strawberry.field(description="How many have a budget in it.")
    shared: BudgetRange | None = strawberry.field(description="What suits all of them; null where no amount does.")


@strawberry.type(description="What the people on a trip wish for, counted; what most wish for comes first.")
class TripPreferenceSummary:
    """The object of computed field `preference_summary` of `trips`, whose keys are these fields."""

    people: int = strawberry.field(description="How many have said what they wish for.")
    paces: list[PaceCount] = strawberry.field(description="Who wishes for which pace, of those who say one.")
    interests: list[InterestCount] = strawberry.field(description="What they would like to see and do.")
    dietary_needs: list[DietaryNeedCount] = strawberry.field(description="What they do or do not eat.")
    budgets: list[SharedBudget] = strawberry.field(description="What they mean to spend, by currency.")
