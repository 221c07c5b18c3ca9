"""`/providers`: what the faked services were asked and told, as a page that keeps itself up to date.

Entries come as HTML from here, whether with the page or later: one place escapes. The page asks each second for those
that changed, while somebody looks; what it is asked for is of this machine's own names, as the inbox.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
from html import escape
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from tripgate.local.providers.clock import TooManyCallsError

if TYPE_CHECKING:
    from tripgate.local.providers.house import House
    from tripgate.local.providers.ledger import Entry

PATH = "/providers"
ENTRIES = f"{PATH}/entries"
CLOCK = f"{PATH}/clock"
STEPS = {"3600": "An hour on", "86400": "A day on", "2678400": "31 days on"}
# What one page holds; the script takes the oldest away.
SHOWN = 200

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --faint: light-dark(#555, #aaa); --bad: light-dark(#b00020, #ff8a80); }
html { background: light-dark(#fff, #16181d); color: light-dark(#1b1b1f, #e6e6ea); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem; }
a { color: light-dark(#0b57d0, #a8c7fa); }
form { display: flex; flex-wrap: wrap; gap: .5rem; }
button { font: inherit; padding: .25rem .75rem; min-height: 36px; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; list-style: none; }
nav a[aria-current] { font-weight: 600; text-decoration: none; color: inherit; }
#entries { padding: 0; list-style: none; }
details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; }
summary { padding: .5rem .75rem; cursor: pointer; overflow-wrap: anywhere; }
summary:focus-visible, a:focus-visible, button:focus-visible {
  outline: 3px solid light-dark(#0b57d0, #a8c7fa); outline-offset: 2px; }
summary time, .faint { color: var(--faint); }
.bad { color: var(--bad); font-weight: 600; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { margin: 0; padding: .5rem .75rem; border-top: 1px solid var(--line); max-height: 24rem; overflow: auto;
  white-space: pre-wrap; overflow-wrap: anywhere; }
"""
_SCRIPT = """
const list = document.querySelector("#entries");
const state = document.querySelector("#state");
const clock = document.querySelector("#clock");
const none = document.querySelector("#none");
let version = list.dataset.version;
async function follow() {
  if (document.visibilityState === "visible") {
    try {
      const query = new URLSearchParams(location.search);
      query.set("version", version);
      const answer = await fetch(`ENTRIES?${query}`, { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      const found = await answer.json();
      if (Number(found.version) < Number(version)) return location.reload();
      version = found.version;
      if (found.emptied) list.replaceChildren();
      const fresh = document.createElement("template");
      fresh.innerHTML = found.html;
      for (const entry of [...fresh.content.children].reverse()) {
        const before = document.getElementById(entry.id);
        if (!before) { list.prepend(entry); continue; }
        before.querySelector("summary").replaceChildren(...entry.querySelector("summary").childNodes);
      }
      while (list.children.length > SHOWN) list.lastElementChild.remove();
      none.hidden = list.children.length > 0;
      clock.textContent = found.clock;
      if (state.textContent !== "Live") state.textContent = "Live";
    } catch {
      const lost = "Not reached: trying again";
      if (state.textContent !== lost) state.textContent = lost;
    }
  }
  setTimeout(follow, 1000);
}
follow();
""".replace("ENTRIES", ENTRIES).replace("SHOWN", str(SHOWN))


def digest(text: str) -> str:
    """A script or style as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = (
    f"default-src 'none'; style-src {digest(_STYLE)}; script-src {digest(_SCRIPT)}; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_STEPS = " ".join(
    f'<button name="seconds" value="{seconds}">{escape(label)}</button>' for seconds, label in STEPS.items()
)
_HEADERS = {
    hdrs.CACHE_CONTROL: "no-store",
    "X-Content-Type-Options": "nosniff",
    # Without any, a form of this very page would come from an unknown origin.
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": _POLICY,
}


def add_to(app: web.Application, house: House) -> None:
    """Serve the page."""
    page = _Page(house)
    app.router.add_get(PATH, page.page)
    app.router.add_get(ENTRIES, page.entries)
    app.router.add_post(CLOCK, page.advance)


class _Page:
    def __init__(self, house: House) -> None:
        self._house = house

    async def page(self, request: web.Request) -> web.Response:
        """All that is shown."""
        provider = self._provider(request)
        entries = self._house.ledger.entries(provider)[-SHOWN:]
        text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Services outside</title><style>{_STYLE}</style></head><body>
<header><h1>Services outside</h1>
<p>What this project asks of services outside, and what they tell it, newest first. They are faked on this machine:
nothing leaves it.</p>
<p><span id="state" role="status">As of now</span> · their time is <span id="clock">{escape(self._clock())}</span></p>
<form method="post" action="{CLOCK}">{_STEPS}</form>
{self._navigation(provider)}</header>
<main><p id="none"{" hidden" if entries else ""}>{self._nothing()}</p>
<ol id="entries" aria-label="Requests and webhooks" data-version="{self._house.ledger.version}">
{_listed(entries)}</ol></main>
<script>{_SCRIPT}</script></body></html>
"""
        return web.Response(text=text, content_type="text/html", headers=_HEADERS)

    async def entries(self, request: web.Request) -> web.Response:
        """What has changed since `?version=`."""
        asked = request.query.get("version", "0")
        version = int(asked) if asked.isdecimal() and len(asked) < 16 else 0
        ledger = self._house.ledger
        found = ledger.entries(self._provider(request), changed_after=version)[-SHOWN:]
        body = {
            "version": ledger.version,
            "html": _listed(found),
            "clock": self._clock(),
            "emptied": ledger.emptied_at > version,
        }
        return web.json_response(body, headers=_HEADERS)

    async def advance(self, request: web.Request) -> web.Response:
        """Move the clock on by one of the page's buttons; of no other page's."""
        if request.headers.get(hdrs.ORIGIN) != f"{request.scheme}://{request.host}":
            return web.json_response({"message": "The clock is moved on by the page itself."}, status=403)
        seconds = str((await request.post()).get("seconds"))
        if seconds not in STEPS:
            return web.json_response({"message": "There is no such button."}, status=400)
        try:
            await self._house.clock.advance(datetime.timedelta(seconds=int(seconds)))
        except TooManyCallsError as error:
            return web.json_response({"message": str(error)}, status=400)
        return web.Response(status=303, headers={**_HEADERS, hdrs.LOCATION: PATH})

    def _provider(self, request: web.Request) -> str | None:
        name = request.query.get("provider")
        return name if name in self._house.providers else None

    def _clock(self) -> str:
        clock = self._house.clock
        ahead = "" if clock.ahead.total_seconds() < 1 else f", {str(clock.ahead).partition('.')[0]} ahead"
        return f"{clock.now():%Y-%m-%d %H:%M:%S} UTC{ahead}"

    def _nothing(self) -> str:
        return "Nothing yet." if self._house.providers else "This project uses no service outside that is faked."

    def _navigation(self, provider: str | None) -> str:
        if not self._house.providers:
            return ""
        filters: list[tuple[str | None, str, str]] = [(None, "All", PATH)]
        filters += [(each.name, each.title, f"{PATH}?provider={each.name}") for each in self._house.providers.values()]
        links = "".join(
            f'<li><a href="{escape(address)}"{" aria-current=page" if name == provider else ""}>'
            f"{escape(title)}</a></li>"
            for name, title, address in filters
        )
        pages = "".join(
            f'<li><a href="{PATH}/{escape(each.name + each.page)}">{escape(each.page_title)}</a></li>'
            for each in self._house.providers.values()
            if each.page
        )
        return f'<nav aria-label="Services"><ul>{links}{pages}</ul></nav>'


def _listed(entries: list[Entry]) -> str:
    return "".join(_entry(entry) for entry in reversed(entries))


def _entry(entry: Entry) -> str:
    way = "was asked" if entry.direction == "asked" else "tells"
    headers = "\n".join(f"{name}: {value}" for name, value in entry.headers)
    cut = "" if entry.body_bytes <= len(entry.body.encode()) else f"\n… of {entry.body_bytes} bytes"
    body = f'<pre tabindex="0" aria-label="Body">{escape(entry.body + cut)}</pre>' if entry.body else ""
    return (
        f'<li id="entry-{entry.number}"><details><summary><time>{entry.at:%H:%M:%S}</time> '
        f"<strong>{escape(entry.provider)}</strong> {way} <code>{escape(entry.method)} {escape(entry.target)}</code> "
        f"{_ending(entry)}</summary>"
        f'<pre tabindex="0" aria-label="Headers">{escape(headers)}</pre>{body}</details></li>'
    )


def _ending(entry: Entry) -> str:
    if entry.outcome == "open":
        return '<span class="faint">…</span>'
    shown = {"dropped": "connection dropped", "failed": "no answer"}.get(entry.outcome, "")
    status = " ".join(filter(None, (str(entry.status or ""), shown)))
    bad = entry.outcome != "answered" or (entry.status or 0) >= 400
    note = f' <span class="faint">{escape(entry.note)}</span>' if entry.note else ""
    took = f'<span class="faint">{entry.milliseconds} ms</span>'
    return f'<span class="{"bad" if bad else "good"}">{status}</span> {took}{note}'
