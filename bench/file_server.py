"""What Storage is compared with: aiohttp's own file responses, and a handler that writes what comes to a file.
`python -m bench.file_server FOLDER`: `GET` and `PUT` of `/<name>`, without accounts, rows and policies."""

import socket
import sys
from pathlib import Path

from aiohttp import web


def application(folder: Path) -> web.Application:
    """Serves the files of a folder, and takes more."""

    async def get(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(folder / request.match_info["name"])

    async def put(request: web.Request) -> web.Response:
        with (folder / request.match_info["name"]).open("wb", buffering=0) as file:
            async for chunk in request.content.iter_any():
                file.write(chunk)
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/{name}", get), web.put("/{name}", put)])
    return app


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"Serving: http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        web.run_app(application(Path(sys.argv[1])), sock=listening, access_log=None, print=None)
