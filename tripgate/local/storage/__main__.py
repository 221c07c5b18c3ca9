"""The Storage process: `python -m tripgate.local.storage --config FILE`, where FILE is a JSON `StorageConfig`.

Serves on 127.0.0.1 until SIGTERM or SIGINT; the port opens once bytes and rows agree.
"""

import argparse
import asyncio
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from tripgate.local.ports import HOST
from tripgate.local.proxy import MAX_LINE, READ_BUFFER
from tripgate.local.storage.app import create
from tripgate.local.storage.config import StorageConfig

SHUTDOWN_SECONDS = 2.0


async def serve(config: StorageConfig) -> None:
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
        read_bufsize=READ_BUFFER,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    await web.TCPSite(runner, HOST, config.port).start()
    await stopped.wait()
    await runner.cleanup()


def main() -> None:
    """The process's entry."""
    parser = argparse.ArgumentParser(description="The Storage stand-in of Tripgate's embedded Supabase.")
    parser.add_argument("--config", type=Path, required=True, help="a JSON file that the front door writes")
    # Files of people, which nobody else of this machine reads.
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # It warns of every query whose asker has gone; the pool then makes another connection.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    config = StorageConfig.model_validate_json(parser.parse_args().config.read_bytes())
    with asyncio.Runner(loop_factory=_event_loop()) as runner:
        runner.run(serve(config))


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, which costs less; where it is not built, asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - it may not be there
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
