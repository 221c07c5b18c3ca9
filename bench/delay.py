"""A way to a server that takes time: `python -m bench.delay <host> <port> <milliseconds>`.

What a client sends arrives so much later at the server; what the server answers comes back at once. So each exchange
takes one delay more, whatever the protocol, and nothing else changes. Prints `Serving: <address>` once it listens.
"""

import asyncio
import contextlib
import sys


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay: float) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65_536):
            loop.call_later(delay, sink.write, data) if delay else sink.write(data)
    loop.call_later(delay, sink.close)


async def main(host: str, port: str, milliseconds: str) -> None:
    """Serve until stopped."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pass_on(reader, server, float(milliseconds) / 1000), _pass_on(answers, writer, 0))

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(f"Serving: http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
