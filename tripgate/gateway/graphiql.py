"""GraphiQL at `GET /graphql`, for browsers: the page, and its files from memory.

The page is our own (`static/`); GraphiQL's and React's builds lie in the folder of setting `TRIPGATE_GRAPHIQL_ASSETS`.
Everything is read once at the start and served by exact name, so no request ever becomes a path of the file system.
"""

import hashlib
import html
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import orjson
from aiohttp import web

from tripgate.gateway.edge.unknown_paths import not_found
from tripgate.gateway.settings import DemoAccount, Settings, SettingsError

_STATIC = Path(__file__).with_name("static")
_OWN_FILES = ("page.css", "page.js", "session.js", "icon.svg")
_FETCHED_FILES = ("react.production.min.js", "react-dom.production.min.js", "graphiql.min.js", "graphiql.min.css")
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_COMMON_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# GraphiQL's stylesheet holds its fonts and small pictures as data. `style-src` needs the nonce for the style element
# that GraphiQL's dialogs add; all else it styles through the DOM, which no policy stops.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; font-src data:; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILE_POLICY = "default-src 'none'; frame-ancestors 'none'"


def add_graphiql(app: web.Application, settings: Settings) -> "GraphiQL | None":
    """Serve GraphiQL's files, when the settings name them; the caller adds the route of the page itself.

    Raises:
        SettingsError: The folder lacks one of them.
    """
    if settings.graphiql_assets is None:
        return None
    graphiql = GraphiQL(_files(settings.graphiql_assets), settings.graphiql_demo_accounts or ())
    app.router.add_get("/graphql/assets/{version}/{name}", graphiql.asset)
    return graphiql


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    content_type: str


class GraphiQL:
    """Answers for the page and its files."""

    def __init__(self, files: Mapping[str, _File], accounts: Sequence[DemoAccount]) -> None:
        self._files = files
        # Part of every address: files that change get new ones, so browsers may keep the old for ever.
        self._version = _version(files)
        self._page = Template((_STATIC / "graphiql.html").read_text(encoding="utf-8"))
        self._accounts = orjson.dumps([account.model_dump() | {"name": account.name} for account in accounts]).decode()

    async def page(self, _: web.Request) -> web.Response:
        """The page, for a client that would rather have HTML."""
        nonce = secrets.token_urlsafe(16)
        text = self._page.substitute(
            assets=f"/graphql/assets/{self._version}", nonce=nonce, accounts=html.escape(self._accounts)
        )
        headers = {
            **_COMMON_HEADERS,
            "Cache-Control": "no-store",
            "Content-Security-Policy": _PAGE_POLICY.format(nonce=nonce),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Vary": "Accept",
        }
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def asset(self, request: web.Request) -> web.Response:
        """One file, or 404 where there is none of that name in this version."""
        file = self._files.get(request.match_info["name"])
        if file is None or request.match_info["version"] != self._version:
            return not_found(request.app)
        headers = {
            **_COMMON_HEADERS,
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Security-Policy": _FILE_POLICY,
        }
        return web.Response(body=file.body, content_type=file.content_type, charset="utf-8", headers=headers)


def _files(fetched: Path) -> dict[str, _File]:
    paths = [*(_STATIC / name for name in _OWN_FILES), *(fetched / name for name in _FETCHED_FILES)]
    try:
        return {path.name: _File(path.read_bytes(), _TYPES[path.suffix]) for path in paths}
    except OSError as error:
        raise SettingsError(
            f"TRIPGATE_GRAPHIQL_ASSETS: {error.filename} cannot be read ({error.strerror}). "
            "Take the folder that `tripgate dev` makes, or leave the setting out."
        ) from error


def _version(files: Mapping[str, _File]) -> str:
    found = hashlib.sha256()
    for name in sorted(files):
        found.update(name.encode() + b"\0" + files[name].body + b"\0")
    return found.hexdigest()[:16]
