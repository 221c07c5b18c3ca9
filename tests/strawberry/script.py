"""A script without a gateway."""

import asyncio
import sys

from tripgate.gateway.contexts import context_for
from tripgate.gateway.schema import schema
from tripgate.gateway.settings import load


async def titles(token: str) -> list[str]:
    async with context_for(load(), token) as context:  # SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY, as `tripgate serve`
        result = await schema().execute("{ trips(first: 3) { nodes { title } } }", context_value=context)
    assert result.data is not None, result.errors
    return [trip["title"] for trip in result.data["trips"]["nodes"]]


if __name__ == "__main__":
    print(*asyncio.run(titles(sys.argv[1])), sep="\n")
