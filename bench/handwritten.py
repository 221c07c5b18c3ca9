"""A hand-written gateway as its authors would write it: `python -m bench.handwritten [--cache-documents]`.

Typed Strawberry classes with resolvers, a DataLoader that fetches the items of all trips at once, Strawberry's own
aiohttp view, a persistent aiohttp session to PostgREST. It has two advantages that a real one would not: the types
have only the columns that the workloads ask for, and the token is left to PostgREST to verify. With
`--cache-documents` Strawberry's extensions keep parsed and validated documents, which they do not by default.
"""

import sys
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Self
from uuid import UUID

import aiohttp
import strawberry
from aiohttp import web
from strawberry.aiohttp.views import GraphQLView
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

from bench.hop import API_KEY, REST_URL, SESSION, run

Row = dict[str, Any]
TRIP_COLUMNS = "id,title,status,start_date,end_date,budget::text,currency"
ITEM_COLUMNS = "id,trip_id,title,kind,day_number,cost::text"


@dataclass
class Context:
    """One request's context: PostgREST with the caller's token, and the items that are asked for together."""

    session: aiohttp.ClientSession
    authorization: str

    def __post_init__(self) -> None:
        self.items: DataLoader[UUID, list[TripItem]] = DataLoader(load_fn=self._items)

    async def select(self, table: str, **parameters: str) -> list[Row]:
        """Rows of a table."""
        headers = {"apikey": API_KEY, "Authorization": self.authorization}
        async with self.session.get(f"{REST_URL}/{table}", params=parameters, headers=headers) as response:
            response.raise_for_status()
            rows: list[Row] = await response.json()
            return rows

    async def _items(self, trip_ids: list[UUID]) -> list[list["TripItem"]]:
        among = f"in.({','.join(map(str, trip_ids))})"
        rows = await self.select("trip_items", select=ITEM_COLUMNS, trip_id=among, order="day_number,order_index,id")
        by_trip: dict[UUID, list[TripItem]] = {trip_id: [] for trip_id in trip_ids}
        for row in rows:
            by_trip[UUID(row["trip_id"])].append(TripItem.from_row(row))
        return [by_trip[trip_id] for trip_id in trip_ids]


Info = strawberry.Info[Context, None]


@strawberry.enum
class TripStatus(Enum):
    PLANNING = "planning"
    BOOKED = "booked"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@strawberry.enum
class TripItemKind(Enum):
    ACTIVITY = "activity"
    FOOD = "food"
    LODGING = "lodging"
    TRANSPORT = "transport"
    NOTE = "note"


@strawberry.type
class TripItem:
    id: UUID
    title: str
    kind: TripItemKind
    day_number: int
    cost: Decimal | None

    @classmethod
    def from_row(cls, row: Row) -> Self:
        kind, cost = TripItemKind(row["kind"]), _decimal(row["cost"])
        return cls(id=UUID(row["id"]), title=row["title"], kind=kind, day_number=row["day_number"], cost=cost)


@strawberry.type
class TripItemConnection:
    nodes: list[TripItem]


@strawberry.type
class Trip:
    id: UUID
    title: str
    status: TripStatus
    start_date: date | None
    end_date: date | None
    budget: Decimal | None
    currency: str

    @strawberry.field
    async def items(self, info: Info, first: int = 20) -> TripItemConnection:
        items = await info.context.items.load(self.id)
        return TripItemConnection(nodes=items[:first])

    @classmethod
    def from_row(cls, row: Row) -> Self:
        return cls(
            id=UUID(row["id"]),
            title=row["title"],
            status=TripStatus(row["status"]),
            start_date=_date(row["start_date"]),
            end_date=_date(row["end_date"]),
            budget=_decimal(row["budget"]),
            currency=row["currency"],
        )


@strawberry.type
class TripConnection:
    nodes: list[Trip]


@strawberry.type
class Profile:
    id: UUID
    display_name: str
    avatar_path: str | None


@strawberry.type
class Query:
    @strawberry.field
    async def profile(self, info: Info, id: UUID) -> Profile | None:  # noqa: A002 - the argument's name in the schema
        rows = await info.context.select("profiles", select="id,display_name,avatar_path", id=f"eq.{id}")
        return Profile(**{**rows[0], "id": UUID(rows[0]["id"])}) if rows else None

    @strawberry.field
    async def trips(self, info: Info, first: int = 20) -> TripConnection:
        rows = await info.context.select("trips", select=TRIP_COLUMNS, order="created_at.desc,id", limit=str(first))
        return TripConnection(nodes=[Trip.from_row(row) for row in rows])


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


class View(GraphQLView[Context, None]):
    """Strawberry's view with the request's context."""

    async def get_context(self, request: web.Request, response: web.Response | web.WebSocketResponse) -> Context:  # noqa: ARG002
        return Context(request.app[SESSION], request.headers["Authorization"])


def add_routes(app: web.Application) -> None:
    """Add the one route."""
    extensions = [ParserCache, ValidationCache] if "--cache-documents" in sys.argv else []
    app.router.add_route("*", "/graphql", View(schema=strawberry.Schema(Query, extensions=extensions)))


if __name__ == "__main__":
    run(add_routes)
