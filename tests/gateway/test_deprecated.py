"""What is deprecated by its declaration says so in the schema and to whoever introspects it."""

import json
import subprocess
import sys
from typing import Any

import pytest

# A program of its own, since what is declared belongs to its program for good. The tables are those that exist.
PROGRAM = """
import json
from uuid import UUID

import strawberry

from gql.declare import NEVER, column, computed, table, to_many, to_one
from gql.scalars import SCALARS
from resolvers.declared import create, many, one


@strawberry.type
class Summary:
    score: int


@table("trips")
class Trip:
    id: UUID = column(write=NEVER)
    title: str
    destination: str | None = column(deprecated="Use `title`.")
    owner_id: UUID = column("user_id", deprecated="Use `owner`.")
    items = to_many("Item", via="trip_id", description="The items.")
    all_items = to_many("Item", via="trip_id", description="The items.", deprecated="Use `items`.")


@table("trip_items")
class Item:
    id: UUID = column(write=NEVER)
    trip = to_one("Trip", via="trip_id", description="The trip.", deprecated="Use `id`.")
    vote_summary = computed(Summary, description="The votes.", deprecated="Votes are gone.")


@strawberry.type
class Query:
    trip = one("Trip")
    trips = many("Trip").deprecated("Use `trip`.")


@strawberry.type
class Mutation:
    create_trip = create("Trip").deprecated("Make them elsewhere.")


schema = strawberry.Schema(Query, Mutation, config=strawberry.schema.config.StrawberryConfig(scalar_map=SCALARS))
fields = "fields(includeDeprecated: true) { name isDeprecated deprecationReason }"
found = schema.execute_sync("{ __schema { types { name %s } } }" % fields)
print(json.dumps({"sdl": str(schema), "types": found.data["__schema"]["types"]}))
"""

DEPRECATED = {
    "Trip.destination": "Use `title`.",
    "Trip.ownerId": "Use `owner`.",
    "Trip.allItems": "Use `items`.",
    "Item.trip": "Use `id`.",
    "Item.voteSummary": "Votes are gone.",
    "Query.trips": "Use `trip`.",
    "Mutation.createTrip": "Make them elsewhere.",
}


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """The program's schema, as SDL and by introspection."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_introspection_tells_what_is_deprecated_and_why(shown: dict[str, Any]) -> None:
    told = {
        f"{type_['name']}.{field['name']}": field["deprecationReason"]
        for type_ in shown["types"]
        for field in type_["fields"] or ()
        if field["isDeprecated"]
    }
    assert told == DEPRECATED


def test_the_sdl_tells_it_too(shown: dict[str, Any]) -> None:
    marks = [line.strip() for line in shown["sdl"].splitlines() if "@deprecated" in line]
    assert marks == [
        'trip: Trip @deprecated(reason: "Use `id`.")',
        'voteSummary: Summary! @deprecated(reason: "Votes are gone.")',
        '): Trip @deprecated(reason: "Make them elsewhere.")',
        '): TripConnection @semanticNonNull @deprecated(reason: "Use `trip`.")',
        'destination: String @deprecated(reason: "Use `title`.")',
        'ownerId: UUID! @deprecated(reason: "Use `owner`.")',
        '): ItemConnection! @deprecated(reason: "Use `items`.")',
    ]
