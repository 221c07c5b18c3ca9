"""One watched gateway for the tests that need nothing particular of it."""

from collections.abc import AsyncIterator

import pytest

from tests.observability.observed import TRIPS, HeaderWire, ObservedGateway, observed
from tests.support import Person, backend, reading
from tripgate.local.stack import StackInfo


@pytest.fixture(scope="session")
async def headers(seeded: StackInfo) -> AsyncIterator[HeaderWire]:
    """What the watched gateway sends to PostgREST."""
    async with HeaderWire(seeded.rest_url) as wire:
        yield wire


@pytest.fixture(scope="session")
async def watched(
    seeded: StackInfo, headers: HeaderWire, ada: Person, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ObservedGateway]:
    """A gateway over the seeded stack, and Ada before it."""
    folder, settings = tmp_path_factory.mktemp("observability"), reading(seeded, backend())
    async with observed(seeded, ada, folder, rest_url=headers.url, **settings) as found:
        await found.post({"query": TRIPS})  # which fetches the keys that tokens are verified with
        yield found
