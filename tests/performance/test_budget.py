"""What a request takes, held to a stored budget: requests to Supabase, and instructions of the gateway.

Seconds differ between machines and hours; these do not. `budget.json` is for the Python that the packages are locked
for; after a change that is worth its price, `pytest tests/performance --rewrite-budget` writes it anew.
"""

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bench.workloads import TRIPS_WITH_ITEMS
from tests.performance.counting import CountedGateway
from tests.support import Person, Wire
from tripgate.gateway.settings import Settings
from tripgate.local.stack import StackInfo

BUDGET = Path(__file__).with_name("budget.json")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
TOLERANCE = 0.03
WARM, COUNTED = 3, 5

PROFILE = "query ($id: UUID!) { profile(id: $id) { id displayName avatarPath } }"
TRIP = "query ($id: UUID!) { trip(id: $id) { id title status startDate endDate budget currency } }"
RENAME = "mutation ($id: UUID!, $title: String!) { updateTrip(id: $id, patch: { title: $title }) { id title } }"
TEN = {"trips": 10, "items": 10}

_numbers = count(1)


@dataclass(frozen=True)
class Traveller:
    """Somebody with ten trips of ten items, who asks a counted gateway."""

    person: Person
    gateway: CountedGateway
    wire: Wire
    trip: str

    async def taken(self, ask: "Ask") -> tuple[int, Counter[str]]:
        """Requests to PostgREST and instructions by module of one request: the fewest of several."""
        for _ in range(WARM):
            await self._answered(ask)
        found = []
        for _ in range(COUNTED):
            self.wire.clear()
            await self.gateway.begin()
            await self._answered(ask)
            instructions = await self.gateway.end()
            found.append((len(self.wire.requests), instructions))
        return min(found, key=lambda each: each[1].total())

    async def _answered(self, ask: "Ask") -> None:
        document, variables = ask(self)
        _, answer = await self.person.post(document, **variables)
        assert set(answer) == {"data"}, answer


Ask = Callable[[Traveller], tuple[str, dict[str, Any]]]

ASKS: dict[str, Ask] = {
    "one profile by id": lambda they: (PROFILE, {"id": they.person.id}),
    "ten trips with ten items each": lambda _: (TRIPS_WITH_ITEMS, TEN),
    "a trip by an id that has no plan yet": lambda _: (TRIP, {"id": str(UUID(int=next(_numbers)))}),
    "a document never seen before": lambda _: (TRIPS_WITH_ITEMS.replace("TripsWith", f"T{next(_numbers)}With"), TEN),
    "a trip renamed": lambda they: (RENAME, {"id": they.trip, "title": f"Trip {next(_numbers)}"}),
}


@pytest.fixture(scope="module")
async def traveller(seeded: StackInfo, wire: Wire, anonymous: Person) -> AsyncIterator[Traveller]:
    settings = Settings.model_validate(
        {
            "SUPABASE_URL": seeded.api_url,
            "SUPABASE_PUBLISHABLE_KEY": seeded.publishable_key,
            "rest_url": wire.url,
            "shutdown_timeout": 1,
            # Counted as in production, but these tests ask more often than one person may.
            "requests_per_person": 100_000,
            "requests_per_address": 100_000,
        }
    )
    person = await anonymous.sign_up()
    trips = [await person.trip(title=f"Trip {number}", budget="900.00") for number in range(10)]
    items = [
        {"tripId": trip, "title": f"Item {number}", "kind": "FOOD", "dayNumber": 1 + number, "cost": "12.50"}
        for trip in trips
        for number in range(10)
    ]
    await person.ask(
        "mutation ($items: [CreateTripItemInput!]!) { createTripItems(inputs: $items) { id } }", items=items
    )
    async with CountedGateway(settings) as gateway:
        person.url = gateway.url
        yield Traveller(person, gateway, wire, trips[0])


@pytest.fixture(scope="module")
def budget() -> dict[str, Any]:
    """The stored budgets by Python's version; a version without any is held to none."""
    found: dict[str, Any] = json.loads(BUDGET.read_text()) if BUDGET.exists() else {}
    return found


@pytest.mark.parametrize("name", ASKS)
async def test_takes_no_more_than_its_budget(
    traveller: Traveller, budget: dict[str, Any], name: str, rewrite_budget: bool
) -> None:
    requests, instructions = await traveller.taken(ASKS[name])
    if rewrite_budget:
        modules = dict(sorted(instructions.items(), key=lambda each: (-each[1], each[0])))
        entry = {"requests": requests, "instructions": instructions.total(), "modules": modules}
        budget.setdefault(VERSION, {})[name] = entry
        BUDGET.write_text(json.dumps(budget, indent=2) + "\n")
    allowed = budget.get(VERSION, {name: None})[name]
    if allowed is not None:
        assert requests == allowed["requests"]
        grown = instructions.total() / allowed["instructions"] - 1
        assert grown <= TOLERANCE, _explained(name, instructions, allowed)


def _explained(name: str, instructions: Counter[str], allowed: dict[str, Any]) -> str:
    """What grew, the most first, and what to do."""
    before = Counter(allowed["modules"])
    more = ((instructions[module] - before[module], module) for module in instructions | before)
    grown = [
        f"  {module}: {before[module]:,} -> {before[module] + by:,}" for by, module in sorted(more)[::-1] if by > 0
    ]
    return "\n".join(
        [
            f"{name} takes {instructions.total():,} instructions instead of {allowed['instructions']:,}. What grew:",
            *grown[:8],
            "Make it cheaper, or if it is worth that: pytest -n0 tests/performance --rewrite-budget",
        ]
    )


async def test_the_count_is_the_same_each_time(traveller: Traveller) -> None:
    once = await traveller.taken(ASKS["one profile by id"])
    assert await traveller.taken(ASKS["one profile by id"]) == once


async def test_every_further_row_costs_the_same(traveller: Traveller) -> None:
    async def instructions(trips: int) -> int:
        _, found = await traveller.taken(lambda _: (TRIPS_WITH_ITEMS, {"trips": trips, "items": 10}))
        return found.total()

    two, five, eight = [await instructions(trips) for trips in (2, 5, 8)]
    assert eight - five == pytest.approx(five - two, rel=0.02)
