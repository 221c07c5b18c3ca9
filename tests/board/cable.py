"""A way between browser and gateway that can be cut and mended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from yarl import URL


class Cable:
    """Passes bytes on, both ways, unless it is cut."""

    def __init__(self, to: URL) -> None:
        self._to = to
        self._ends: set[asyncio.StreamWriter] = set()
        self._is_cut = False

    def cut(self) -> None:
        """Break what is open, and take nothing more."""
        self._is_cut = True
        for end in self._ends:
            end.transport.abort()

    def mend(self) -> None:
        """Take connections again."""
        self._is_cut = False

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody connects."""
        if self._is_cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self._to.host, self._to.port)
        self._ends |= {writer, far_writer}
        try:
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        finally:
            self._ends -= {writer, far_writer}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def cable(to: str) -> AsyncIterator[tuple[Cable, str]]:
    """A cable to what is at this address; with the address of its near end."""
    made = Cable(URL(to))
    server = await asyncio.start_server(made.connected, "127.0.0.1", 0)
    try:
        yield made, str(URL(to).with_port(server.sockets[0].getsockname()[1]))
    finally:
        made.cut()
        server.close()
