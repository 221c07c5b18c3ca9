"""Hears what the database tells, asleep until it does: psycopg's own way looks ten times a second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import psycopg

CHANNEL = "tripgate_scheduler"


async def listen(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    """Have the database tell this connection from now on."""
    await connection.execute(f"listen {CHANNEL}")


async def heard(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> AsyncGenerator[str]:
    """What is told, without end. Raises psycopg.OperationalError once the connection is lost.

    Args:
        connection: One that listens, in autocommit mode, and is asked nothing while this waits.
    """
    while True:
        # All at once, since the connection is locked meanwhile; those that came with an earlier answer are among them.
        for notification in [each async for each in connection.notifies(timeout=0)]:
            yield notification.payload
        await _something_in(connection.fileno())


async def _something_in(socket: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(socket, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(socket)
