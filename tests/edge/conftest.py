"""Gateways with settings of the edge."""

from collections.abc import AsyncIterator

import pytest

from tests.support import serving
from tripgate.local.stack import StackInfo


@pytest.fixture(scope="session")
async def getting(seeded: StackInfo) -> AsyncIterator[str]:
    """The address of a gateway that takes queries by GET, and pages of https://app.example."""
    async with serving(
        seeded, get_queries=True, cors_origins="https://app.example, https://www.app.example:8443"
    ) as url:
        yield url
