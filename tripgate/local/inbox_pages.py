"""`/inbox` at the front door: JSON for programs, a page for people.

Takes `?to=address`, which leaves out all other mail. GET answers `[{to, subject, text, html, sentAt}]`, newest first,
or the same as a page to whoever prefers HTML; POST keeps one mail that comes as such an object (400 for anything else);
DELETE empties the inbox. None of it is open to the pages of other origins, nor by a name that is not this machine's
(421): mails hold the codes that open accounts.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from pydantic import TypeAdapter, ValidationError

from tripgate.hosts import named
from tripgate.local.inbox import Inbox, Mail

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from aiohttp.typedefs import Handler, Middleware

PATH = "/inbox"
INBOX = web.AppKey("inbox", Inbox)

_MAILS = TypeAdapter(list[Mail])
_LINK = re.compile(r"https?://[^\s<>\"']+")
# Mail is other people's text. Its HTML is shown in a frame without scripts, and its pictures are not fetched.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'"
_FRAME = "allow-popups allow-popups-to-escape-sandbox"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
article { border: 1px solid #ccc; border-radius: 8px; padding: 1rem; margin: 1rem 0; }
h2 { font-size: 1.1rem; margin: 0; } p.about { color: #666; margin: 0 0 .5rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
iframe { width: 100%; height: 16rem; border: 1px solid #ddd; border-radius: 4px; background: #fff; }
input { font: inherit; width: 20rem; } button { font: inherit; }
"""


def add_to(app: web.Application, inbox: Inbox) -> None:
    """Serve `inbox` at `/inbox`."""
    app[INBOX] = inbox
    app.router.add_get(PATH, show)
    app.router.add_post(PATH, keep)
    app.router.add_delete(PATH, empty)
    app.on_response_prepare.append(_add_headers)


def only_by_its_names(names: Collection[str]) -> Middleware:
    """Refuse the inbox to who names another host than this machine. All else takes a key, and pages of any origin.

    Args:
        names: Of this machine, beside localhost and addresses.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != PATH or named(request.headers.get(hdrs.HOST), names):
            return await handler(request)
        message = (
            "The inbox is shown at localhost or an IP address. This is another name: add it to "
            "TRIPGATE_DEVELOPMENT_HOSTS."
        )
        return web.json_response({"message": message}, status=421)

    return check


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    if request.path == PATH:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"  # links in mails hold codes; their search, addresses


async def show(request: web.Request) -> web.Response:
    """The mails."""
    to = request.query.get("to") or None
    mails = request.app[INBOX].mails(to)
    headers: dict[str, str] = {hdrs.CACHE_CONTROL: "no-store", hdrs.VARY: hdrs.ACCEPT}
    if not _wants_page(request.headers.get(hdrs.ACCEPT, "")):
        body = _MAILS.dump_json(mails, by_alias=True)
        return web.Response(body=body, content_type="application/json", headers=headers)
    headers["Content-Security-Policy"] = _POLICY
    return web.Response(text=_page(mails, to), content_type="text/html", headers=headers)


async def keep(request: web.Request) -> web.Response:
    """One more mail."""
    # A form of another origin's page cannot send this type without asking first.
    if request.content_type != "application/json":
        return web.json_response({"message": "Send the mail as application/json."}, status=415)
    try:
        mail = Mail.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        return web.json_response({"message": f"{where}: {first['msg']}"}, status=400)
    request.app[INBOX].deliver(mail)
    return web.Response(body=mail.model_dump_json(by_alias=True), status=201, content_type="application/json")


async def empty(request: web.Request) -> web.Response:
    """No more mails."""
    request.app[INBOX].empty()
    return web.Response(status=204)


def _wants_page(accept: str) -> bool:
    """True where HTML is named before JSON, as browsers do."""
    page, data = accept.find("text/html"), accept.find("application/json")
    return page >= 0 and (data < 0 or page < data)


def _page(mails: Sequence[Mail], to: str | None) -> str:
    shown = "".join(_article(mail) for mail in mails) or "<p>No mail yet.</p>"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Inbox</title><style>{_STYLE}</style></head><body>
<h1>Inbox</h1>
<p>Mail that this machine would have sent, newest first. Nothing of it was delivered.</p>
<form><label>To <input name="to" type="search" value="{escape(to or "")}" placeholder="anybody"></label>
<button>Show</button></form>
{shown}
</body></html>
"""


def _article(mail: Mail) -> str:
    sent = mail.sent_at.strftime("%Y-%m-%d %H:%M:%S %Z")
    frame = ""
    if mail.html:
        document = escape(f'<base target="_blank">{mail.html}')
        frame = (
            f"<details><summary>As HTML</summary>"
            f'<iframe sandbox="{_FRAME}" title="The mail as HTML" srcdoc="{document}"></iframe></details>'
        )
    return (
        f'<article><h2>{escape(mail.subject)}</h2><p class="about">To {escape(mail.to)}, {escape(sent)}</p>'
        f"<pre>{_linked(mail.text)}</pre>{frame}</article>\n"
    )


def _linked(text: str) -> str:
    """The text as HTML, its addresses as links."""
    parts, end = [], 0
    for link in _LINK.finditer(text):
        address = escape(link[0])
        parts.append(f'{escape(text[end : link.start()])}<a href="{address}" rel="noreferrer">{address}</a>')
        end = link.end()
    return "".join([*parts, escape(text[end:])])
