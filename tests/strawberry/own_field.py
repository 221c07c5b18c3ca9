"""A domain with a body, as `docs/strawberry.md` shows one under "A field of your own"."""

import uuid

import strawberry

from gql.catalog import catalog
from resolvers.context import Info
from tripgate.planner.plan import Compare, Operator, Pick, Read


@strawberry.type(description="How much of a trip is planned.")
class TripProgress:
    """What the field answers."""

    items: int = strawberry.field(description="How many items it has.")
    without_day: int = strawberry.field(description="How many of them have no day yet.")


@strawberry.type
class ProgressQuery:
    """Reading progress."""

    @strawberry.field(description="How much of a trip is planned, as far as the caller may see it.")
    async def trip_progress(self, info: Info, trip_id: uuid.UUID) -> TripProgress | None:
        """Read the days of a trip's items, as the caller."""
        caller = info.context.signed_in()
        items = catalog["TripItem"]
        read = Read(items.name, (Pick("day_number"),), where=Compare("trip_id", Operator.EQ, str(trip_id)))
        found = await info.context.backend.read(read, caller, items)
        days = [row["day_number"] for row in found.rows]
        return TripProgress(items=len(days), without_day=days.count(None))
