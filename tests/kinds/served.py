"""A gateway of the schema in a module, as in `declared`: `python -m tests.kinds.served tests.kinds.declared` reads its
settings as JSON, prints its address and serves until its input ends."""

import asyncio
import importlib
import json
import sys

from aiohttp import web

from tripgate.gateway.app import application
from tripgate.gateway.settings import Settings


async def main() -> None:
    """Serve."""
    schema = importlib.import_module(sys.argv[1]).SCHEMA
    settings = Settings.model_validate(json.loads(sys.stdin.readline()))
    runner = web.AppRunner(application(settings, schema=schema))
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
