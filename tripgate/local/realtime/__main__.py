"""The Realtime process: `python -m tripgate.local.realtime --config FILE`.

FILE is a JSON `RealtimeConfig`; it may come later, so that this process loads its code while the database starts.
Serves on 127.0.0.1 until SIGTERM or SIGINT; the port opens once changes of the database arrive.
"""

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from aiohttp import web

from tripgate.local.config_file import await_config
from tripgate.local.ports import HOST
from tripgate.local.proxy import MAX_LINE
from tripgate.local.realtime.app import create
from tripgate.local.realtime.config import RealtimeConfig

SHUTDOWN_SECONDS = 2.0


async def serve(config: RealtimeConfig) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    runner = web.AppRunner(
        create(config),
        access_log=None,
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    await web.TCPSite(runner, HOST, config.port).start()
    await stopped.wait()
    await runner.cleanup()


def main() -> None:
    """The process's entry."""
    parser = argparse.ArgumentParser(description="The Realtime stand-in of Tripgate's embedded Supabase.")
    parser.add_argument("--config", type=Path, required=True, help="a JSON file that the stack writes")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # It warns of every query whose asker has gone; the pool then makes another connection.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    asyncio.run(serve(await_config(parser.parse_args().config, RealtimeConfig)))


if __name__ == "__main__":
    main()
