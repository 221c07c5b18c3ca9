"""A development gateway with its pages, and the browser that opens them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium, chromium
from tests.pages.pages import gateway_of
from tripgate.local.graphiql_assets import graphiql_assets
from tripgate.local.stack import StackInfo

_ACCOUNTS = "ada@tripgate.example:tripgate-demo,ben@tripgate.example:tripgate-demo,cleo@tripgate.example:tripgate-demo"


@pytest.fixture(scope="session")
def assets() -> Path:
    """GraphiQL's files."""
    return graphiql_assets(print)


@pytest.fixture(scope="session")
def variables(seeded: StackInfo, assets: Path) -> dict[str, str]:
    """What `tripgate dev` sets."""
    return {
        "SUPABASE_URL": seeded.api_url,
        "SUPABASE_PUBLISHABLE_KEY": seeded.publishable_key,
        "TRIPGATE_DEVELOPMENT": "true",
        "TRIPGATE_DEVELOPMENT_SERVICES": f"Inbox={seeded.inbox_url},Services outside={seeded.providers_url},"
        f"Phones={seeded.providers_url}/meta/phone,Supabase API={seeded.api_url},Postgres=here:5432",
        "TRIPGATE_GRAPHIQL_ASSETS": str(assets),
        "TRIPGATE_GRAPHIQL_DEMO_ACCOUNTS": _ACCOUNTS,
    }


@pytest.fixture(scope="session")
async def url(variables: dict[str, str]) -> AsyncIterator[str]:
    """The address of a development gateway with GraphiQL."""
    async with gateway_of(variables) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Chromium:
    """The browser's program."""
    return chromium()
