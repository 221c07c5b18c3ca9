"""The page at `/`, where one starts: what can be opened here, the demo accounts, the documents, and what runs where.

There is one in development and where GraphiQL is shown; in production it tells nothing but links to what anybody can
open anyhow.
"""

import html
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Template

from aiohttp import web
from pydantic import SecretStr

from tripgate.gateway.edge.unknown_paths import not_found
from tripgate.gateway.pages.static_files import OWN, StaticFiles, page, plain
from tripgate.gateway.settings import Settings, environment_names

_OWN_FILES = ("start.css", "start.js", "icon.svg")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
# Of a checkout; an installed package has none.
_DOCUMENTS = Path(__file__).parents[3] / "docs"
_SCHEMA = "/schema.graphql"
_BOARD = "/board"
# Shown even where they are as by default, because people ask for them.
_SETTINGS = ("rate_limits", "introspection", "max_page_size", "max_cost", "cache", "incremental", "live_poll")
# Shown elsewhere on the page.
_ELSEWHERE = {
    "supabase_url",
    "supabase_publishable_key",
    "rest_url",
    "realtime_url",
    "host",
    "port",
    "development",
    "development_services",
    "board_assets",
    "graphiql_assets",
    "graphiql_demo_accounts",
}


def add_start_page(app: web.Application, settings: Settings, sdl: Callable[[], str]) -> None:
    """Serve it, where there is one.

    Args:
        sdl: The schema in its own language; called when it is asked for.
    """
    if not settings.development and settings.graphiql_assets is None:
        return
    files = StaticFiles("/assets", [OWN / name for name in _OWN_FILES])
    files.add_to(app)
    documents = _documents() if settings.development else {}
    start = _StartPage(files, settings, documents, sdl if settings.introspects else None)
    app.router.add_get("/", start.page)
    if settings.introspects:
        app.router.add_get(_SCHEMA, start.schema)
    if documents:
        app.router.add_get("/docs/{name}", start.document)


class _StartPage:
    """Answers for the page and its documents.

    Args:
        documents: The text of each by its file's name.
        sdl: The schema, where everybody may have it.
    """

    def __init__(
        self, files: StaticFiles, settings: Settings, documents: dict[str, str], sdl: Callable[[], str] | None
    ) -> None:
        self._files = files
        self._settings = settings
        self._documents = documents
        self._sdl = sdl
        self._template = Template((OWN / "start.html").read_text(encoding="utf-8"))

    async def page(self, request: web.Request) -> web.Response:
        """The page."""
        sections = [
            _section("Open", _cards(self._places(request.app))),
            _section("Demo accounts", self._accounts()),
            _section("Documents", _listed(self._papers())),
            _section("What runs where", _table(self._services(request))),
            _section("Health and metrics", _listed(self._probes())),
            _section("Settings", _table(self._shown_settings())),
        ]
        return page(self._template.substitute(assets=self._files.folder, sections="".join(sections)), _POLICY)

    async def schema(self, _: web.Request) -> web.Response:
        """The schema in its own language."""
        assert self._sdl is not None  # noqa: S101 - otherwise there is no route
        return plain(self._sdl())

    async def document(self, request: web.Request) -> web.Response:
        """One document, as it is written."""
        text = self._documents.get(request.match_info["name"])
        return not_found(request.app) if text is None else plain(text)

    def _places(self, app: web.Application) -> Iterator[tuple[str, str, str]]:
        paths = {route.resource.canonical for route in app.router.routes() if route.resource is not None}
        if any(path == _BOARD or path.startswith(f"{_BOARD}/") for path in paths):
            yield "Board", f"{_BOARD}/", "Plan a trip together: the example app, live for everybody on the trip."
        if self._settings.graphiql_assets is not None:
            yield "GraphiQL", "/graphql", "Ask and write as anybody, follow subscriptions, and see what an answer took."
        for name, address in self._settings.development_services:
            if name == "Inbox":
                yield name, address, "Mail that would have been sent, with its links and codes."
            if name == "Services outside":
                yield name, address, "What services outside were asked and told; they are faked on this machine."
            if name == "Phones":
                yield name, address, "Messages that would have been sent by WhatsApp, and answers to them."

    def _accounts(self) -> str:
        rows = [
            f'<tr><th scope="row">{html.escape(each.name)}</th><td>{_copied(each.email, "address")}</td>'
            f"<td>{_copied(each.password, 'password')}</td></tr>"
            for each in self._settings.graphiql_demo_accounts or ()
        ]
        if not rows:
            return ""
        head = '<tr><th scope="col">Name</th><th scope="col">Address</th><th scope="col">Password</th></tr>'
        return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"

    def _papers(self) -> Iterator[tuple[str, str, str]]:
        if self._sdl is not None:
            yield _SCHEMA, "schema.graphql", "The API itself"
        for name, text in self._documents.items():
            yield f"/docs/{name}", name, text.partition("\n")[0].removeprefix("# ")

    def _services(self, request: web.Request) -> Iterator[tuple[str, str]]:
        if not self._settings.development:
            return
        yield "Gateway", _copied(f"{request.scheme}://{request.host}/graphql", "address of the gateway")
        for name, value in self._settings.development_services:
            yield html.escape(name), _copied(value, name)

    def _probes(self) -> Iterator[tuple[str, str, str]]:
        yield "/healthz", "/healthz", "whether this process answers"
        yield "/readyz", "/readyz", "whether what it needs answers too"
        if self._settings.metrics and self._settings.metrics_address is None:
            yield "/metrics", "/metrics", "counts and times, for Prometheus"

    def _shown_settings(self) -> Iterator[tuple[str, str]]:
        settings = self._settings
        if not settings.development:
            return
        given = settings.model_fields_set - _ELSEWHERE
        effective = {"rate_limits": settings.limits_rates, "introspection": settings.introspects}
        for name in dict.fromkeys((*_SETTINGS, *sorted(given))):
            variable = environment_names()[name][0]
            value = effective.get(name, getattr(settings, name))
            shown = "set, and secret" if isinstance(value, SecretStr) else "unset" if value is None else str(value)
            note = "" if name in given else ' <span class="faint">(by default)</span>'
            yield f"<code>{variable}</code>", f"<code>{html.escape(shown)}</code>{note}"


def _documents() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(_DOCUMENTS.glob("*.md"))}


def _section(title: str, body: str) -> str:
    key = title.lower().replace(" ", "-")
    return f'<section aria-labelledby="{key}"><h2 id="{key}">{title}</h2>{body}</section>\n' if body else ""


def _cards(links: Iterator[tuple[str, str, str]]) -> str:
    cards = [
        f"<li>{_link(address, f'<strong>{html.escape(name)}</strong> <span>{html.escape(about)}</span>')}</li>"
        for name, address, about in links
    ]
    return f'<ul class="cards">{"".join(cards)}</ul>' if cards else ""


def _listed(links: Iterator[tuple[str, str, str]]) -> str:
    found = [
        f'<li>{_link(address, html.escape(name))} <span class="faint">{html.escape(about)}</span></li>'
        for address, name, about in links
    ]
    return f'<ul class="links">{"".join(found)}</ul>' if found else ""


def _link(address: str, body: str) -> str:
    return f'<a href="{html.escape(address)}">{body}</a>'


def _table(rows: Iterator[tuple[str, str]]) -> str:
    found = [f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in rows]
    return f"<table>{''.join(found)}</table>" if found else ""


def _copied(value: str, what: str) -> str:
    """A value with a button that copies it; the page's script shows the buttons."""
    text = html.escape(value)
    shown = _link(value, text) if value.startswith(("http://", "https://")) else f"<code>{text}</code>"
    return (
        f'<span class="copied">{shown} <button type="button" hidden data-copy="{text}" '
        f'aria-label="Copy {html.escape(what)}">Copy</button></span>'
    )
