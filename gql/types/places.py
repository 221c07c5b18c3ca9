"""Places that itineraries name."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from gql.declare import NEVER, REQUIRED, column, table


@table("places", order_by=("name",))
class Place:
    """Somewhere to go, over `places`."""

    id: UUID = column(write=NEVER)
    name: str = column(write=REQUIRED)
    category: str | None
    address: str | None
    city: str | None
    country_code: str | None
    latitude: Decimal | None
    longitude: Decimal | None
    website: str | None
    notes: str | None
    created_at: datetime = column(write=NEVER)
    updated_at: datetime = column(write=NEVER)
