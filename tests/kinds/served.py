"""A gateway of the schema in `declared`: `python -m tests.kinds.served` reads its settings as JSON, prints its address
and serves until its input ends."""

import asyncio
import json
import sys

from aiohttp import web

from tests.kinds.declared import SCHEMA
from tripgate.gateway.app import application
from tripgate.gateway.settings import Settings


async def main() -> None:
    """Serve."""
    settings = Settings.model_validate(json.loads(sys.stdin.readline()))
    runner = web.AppRunner(application(settings, schema=SCHEMA))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        sys.stdout.write(f"http://{host}:{port}/graphql\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
