"""The program's schema under Strawberry's own tools, against the seeded stack."""

from collections.abc import AsyncIterator

import pytest

from resolvers.context import Context
from tests.support import Person, backend, reading
from tripgate.gateway.contexts import ContextOf, contexts
from tripgate.gateway.settings import Settings
from tripgate.local.postgrest import POOL
from tripgate.local.stack import StackInfo


@pytest.fixture(scope="session")
def settings(seeded: StackInfo) -> Settings:
    return Settings.model_validate(
        {
            "SUPABASE_URL": seeded.api_url,
            "SUPABASE_PUBLISHABLE_KEY": seeded.publishable_key,
            "rest_url": seeded.rest_url,
            "upstream_pool": POOL,
            **reading(seeded, backend()),
        }
    )


@pytest.fixture(scope="session")
async def context_of(settings: Settings) -> AsyncIterator[ContextOf]:
    async with contexts(settings) as of:
        yield of


@pytest.fixture
async def as_ada(context_of: ContextOf, ada: Person) -> Context:
    return await context_of(f"Bearer {ada.token}")


@pytest.fixture
async def as_nobody(context_of: ContextOf) -> Context:
    return await context_of(None)
