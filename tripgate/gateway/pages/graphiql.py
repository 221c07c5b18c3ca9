"""GraphiQL at `GET /graphql`, for browsers: the page, and its files.

The page is our own (`static/`); GraphiQL's and React's builds lie in the folder of setting `TRIPGATE_GRAPHIQL_ASSETS`.
"""

import html
import secrets
from pathlib import Path
from string import Template

import orjson
from aiohttp import web

from tripgate.gateway.pages.static_files import OWN, StaticFiles, page
from tripgate.gateway.settings import Settings, SettingsError

_OWN_FILES = ("page.css", "page.js", "session.js", "explain.js", "icon.svg")
_FETCHED_FILES = ("react.production.min.js", "react-dom.production.min.js", "graphiql.min.js", "graphiql.min.css")
# GraphiQL's stylesheet holds its fonts and small pictures as data. `style-src` needs the nonce for the style element
# that GraphiQL's dialogs add; all else it styles through the DOM, which no policy stops.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; font-src data:; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_graphiql(app: web.Application, settings: Settings) -> "GraphiQL | None":
    """Serve GraphiQL's files, when the settings name them; the caller adds the route of the page itself.

    Raises:
        SettingsError: The folder lacks one of them.
    """
    if settings.graphiql_assets is None:
        return None
    files = _files(settings.graphiql_assets)
    files.add_to(app)
    return GraphiQL(files, settings)


class GraphiQL:
    """Answers for the page."""

    def __init__(self, files: StaticFiles, settings: Settings) -> None:
        self._files = files
        self._page = Template((OWN / "graphiql.html").read_text(encoding="utf-8"))
        accounts = settings.graphiql_demo_accounts or ()
        found = orjson.dumps([account.model_dump() | {"name": account.name} for account in accounts]).decode()
        self._accounts = html.escape(found)
        # An explanation is given in development alone.
        self._explains = str(settings.development).lower()

    async def page(self, _: web.Request) -> web.Response:
        """The page, for a client that would rather have HTML."""
        nonce = secrets.token_urlsafe(16)
        text = self._page.substitute(
            assets=self._files.folder, nonce=nonce, accounts=self._accounts, explains=self._explains
        )
        return page(text, _PAGE_POLICY.format(nonce=nonce))


def _files(fetched: Path) -> StaticFiles:
    try:
        return StaticFiles(
            "/graphql/assets", [*(OWN / name for name in _OWN_FILES), *(fetched / name for name in _FETCHED_FILES)]
        )
    except OSError as error:
        raise SettingsError(
            f"TRIPGATE_GRAPHIQL_ASSETS: {error.filename} cannot be read ({error.strerror}). "
            "Take the folder that `tripgate dev` makes, or leave the setting out."
        ) from error
