"""Gateways that are subgraphs."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.support import Person, Wire, serving
from tripgate.local.stack import StackInfo


@pytest.fixture(scope="session")
async def subgraph(seeded: StackInfo, wire: Wire) -> AsyncIterator[str]:
    """The address of one, every upstream request passing over the wire."""
    async with serving(seeded, rest_url=wire.url, federation=True) as url:
        yield url


@pytest.fixture(scope="session")
async def router(ada: Person, subgraph: str) -> Person:
    """A router that forwards Ada's token."""
    return replace(ada, url=subgraph)
