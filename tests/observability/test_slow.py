"""What takes too long is logged with its plan."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from tests.observability.observed import PLAN_OF_ROME, TRIPS, ObservedGateway, observed
from tests.support import Person, Wire
from tripgate.local.stack import StackInfo


class SlowWire(Wire):
    """A wire on which everything takes a while."""

    async def _pass_on(self, request: web.Request) -> web.Response:
        await asyncio.sleep(0.06)
        return await super()._pass_on(request)


@pytest.mark.postgrest
async def test_a_slow_operation_is_logged_with_its_plan(seeded: StackInfo, ada: Person, tmp_path: Path) -> None:
    async with (
        SlowWire(seeded.rest_url) as wire,
        observed(seeded, ada, tmp_path, rest_url=wire.url, slow_ms=50) as found,
    ):
        await found.person.ask("{ __typename }")
        query = 'query Slow { trips(first: 1, filter: { title: { eq: "Rome" } }) { nodes { title } } }'
        await found.person.ask(query)
        (line,) = await found.lines("tripgate.slow")
    assert (line["level"], line["message"], line["operation"]) == ("warning", "slow operation", "Slow")
    assert line["ms"] > 50
    assert list(line["stages"]) == ["receive", "parse", "plan", "upstream", "shape", "encode"]
    assert line["stages"]["upstream"] > 50
    (request,) = line["requests"]
    assert request.pop("ms") > 50
    assert request == {
        "upstream": "rest",
        "method": "GET",
        "path": "trips",
        "status": 200,
        "plan": PLAN_OF_ROME,
    }


@pytest.mark.postgrest
async def test_a_second_describes_few_plans(seeded: StackInfo, ada: Person, tmp_path: Path) -> None:
    async with (
        SlowWire(seeded.rest_url) as wire,
        observed(seeded, ada, tmp_path, rest_url=wire.url, slow_ms=50) as found,
    ):
        await asyncio.gather(*(found.person.ask(TRIPS) for _ in range(12)))
        lines = await found.lines("tripgate.slow", 12)
    planned = [request for line in lines for request in line["requests"] if "plan" in request]
    assert 5 <= len(planned) <= 10


async def test_nothing_is_slow_where_nobody_asks(watched: ObservedGateway, seeded: StackInfo, tmp_path: Path) -> None:
    async with observed(seeded, watched.person, tmp_path, slow_ms=0) as found:
        await found.person.ask(TRIPS)
        await found.lines("tripgate.requests")
        await found.lines("tripgate.slow", 0)
