"""`/providers/meta/phone`: people's phones in a browser: what has come, live, and what they answer.

    GET   phone?number=            the page; without a number, those that are known
    GET   phone/messages?number=   what changed, for its script
    POST  phone/reply              number, text: they write
    POST  phone/read               number: they look at it

Messages come as HTML from here, whether with the page or later: one place escapes. Forms are the page's own alone.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import hdrs, web

from tripgate.local.providers.page import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tripgate.local.providers.meta.phones import Held, Phone, Phones

PATH = "/phone"
SHOWN = 100
MOST_TEXT = 4096
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --faint: light-dark(#4a4a4a, #b5b5b5); }
html { background: light-dark(#fff, #16181d); color: light-dark(#1b1b1f, #e6e6ea); }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 30rem; margin: 0 auto; padding: 0 .75rem 1rem; }
h1 { font-size: 1.25rem; margin: .5rem 0; overflow-wrap: anywhere; }
a { color: light-dark(#0b57d0, #a8c7fa); }
ol { padding: 0; list-style: none; }
ol li { border: 1px solid var(--line); border-radius: 12px; padding: .5rem .75rem; margin: .5rem 15% .5rem 0;
  overflow-wrap: anywhere; }
ol li.wrote { margin: .5rem 0 .5rem 15%; background: light-dark(#e7f6e2, #1e3320); }
li p { margin: 0; white-space: pre-wrap; }
li small { color: var(--faint); }
li.wrote small { color: light-dark(#3c4a39, #b9cbb5); }
ul { padding-left: 1.25rem; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin: .75rem 0; }
label.wide { flex: 1 1 100%; display: grid; gap: .25rem; }
input, button { font: inherit; }
input:not([type=checkbox]) { width: 100%; box-sizing: border-box; padding: .5rem; min-height: 44px; }
button { padding: .5rem 1rem; min-height: 44px; }
:is(a, button, input):focus-visible {
  outline: 3px solid light-dark(#0b57d0, #a8c7fa); outline-offset: 2px; }
.faint { color: var(--faint); }
[role=alert] { color: light-dark(#b00020, #ff8a80); font-weight: 600; }
"""
_SCRIPT = """
const list = document.querySelector("#list");
const state = document.querySelector("#state");
const form = document.querySelector("#reply");
const receipts = document.querySelector("#receipts");
const told = document.querySelector("#told");
const say = (words) => { if (state.textContent !== words) state.textContent = words; };
let version = list.dataset.version;
const down = () => { if (form) scrollTo(0, document.body.scrollHeight); };
// What is there stays, so that readers of screens hear what is new alone.
function show(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const items = [...fresh.content.children];
  for (const old of [...list.children]) if (!items.some((item) => item.id === old.id)) old.remove();
  if (!form) return list.replaceChildren(...items);
  for (const item of items) {
    const before = document.getElementById(item.id);
    if (!before) { list.append(item); down(); continue; }
    const [old, now] = [before, item].map((each) => each.querySelector("small"));
    if (old && old.textContent !== now.textContent) old.textContent = now.textContent;
  }
}
async function post(path, fields) {
  const answer = await fetch(path, { method: "POST", body: new URLSearchParams(fields) });
  if (!answer.ok) throw new Error((await answer.json()).message);
}
async function look() {
  const answer = await fetch(`phone/messages${location.search}`, { cache: "no-store" });
  if (!answer.ok) throw new Error(answer.status);
  const found = await answer.json();
  if (found.version !== version) {
    version = found.version;
    show(found.html);
  }
  if (found.unread && receipts?.checked) await post("phone/read", { number: form.elements.number.value });
}
async function follow() {
  if (document.visibilityState === "visible") {
    try {
      await look();
      say("Live");
    } catch {
      say("Not reached: trying again");
    }
  }
  setTimeout(follow, 500);
}
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new FormData(form, event.submitter);
  try {
    await post("phone/reply", fields);
    if (!event.submitter?.value) form.querySelector("input[name=text]").value = "";
    told.textContent = "";
    await look();
  } catch (error) {
    told.textContent = error.message;
  }
});
down();
follow();
"""
_POLICY = (
    f"default-src 'none'; style-src {digest(_STYLE)}; script-src {digest(_SCRIPT)}; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    hdrs.CACHE_CONTROL: "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": _POLICY,
}
_OPEN = """<form method="get" action="phone"><label class="wide">Number, with its country
<input name="number" type="tel" autocomplete="off" required placeholder="+39 333 000 0001"></label>
<button>Open</button></form>"""


class Pages:
    """The pages.

    Args:
        write: Has somebody write a text.
        read: Has somebody look at their phone.
    """

    def __init__(self, phones: Phones, write: Callable[[Phone, str], Any], read: Callable[[Phone], int]) -> None:
        self._phones = phones
        self._write = write
        self._read = read

    def add_to(self, app: web.Application) -> None:
        """Serve them."""
        app.router.add_get(PATH, self.page)
        app.router.add_get(f"{PATH}/messages", self.messages)
        app.router.add_post(f"{PATH}/reply", self.reply)
        app.router.add_post(f"{PATH}/read", self.look)

    async def page(self, request: web.Request) -> web.Response:
        """A phone, or those that are known."""
        name = request.query.get("number", "").strip()
        if not name:
            return self._list()
        try:
            return _chat(self._phones.named(name))
        except (ValueError, LookupError) as error:
            return self._list(str(error))

    async def messages(self, request: web.Request) -> web.Response:
        """What there is to be shown, and how many messages were not read."""
        name = request.query.get("number", "").strip()
        try:
            phone = self._phones.named(name) if name else None
        except (ValueError, LookupError) as error:
            return _said(400, str(error))
        if phone is None:
            body = {"version": self._version(), "html": self._links(), "unread": 0}
        else:
            body = {"version": _version_of(phone), "html": _listed(phone), "unread": len(phone.unread())}
        return web.json_response(body, headers=_HEADERS)

    async def reply(self, request: web.Request) -> web.Response:
        """Somebody writes, on the page itself."""
        form = await _form(request)
        text = form.get("text", "").strip()
        if not 1 <= len(text) <= MOST_TEXT:
            raise _Refused(f"A message has 1 to {MOST_TEXT} characters.")
        phone = self._named(form)
        self._write(phone, text)
        address = f"{request.path.rpartition('/')[0]}?{urlencode({'number': _name_of(phone)})}"
        return web.Response(status=303, headers={**_HEADERS, hdrs.LOCATION: address})

    async def look(self, request: web.Request) -> web.Response:
        """Somebody looks, on the page itself."""
        self._read(self._named(await _form(request)))
        return web.Response(status=204, headers=_HEADERS)

    def _named(self, form: dict[str, str]) -> Phone:
        try:
            return self._phones.named(form.get("number", ""))
        except (ValueError, LookupError) as error:
            raise _Refused(str(error)) from None

    def _list(self, refusal: str = "") -> web.Response:
        alert = f'<p role="alert">{escape(refusal)}.</p>' if refusal else ""
        body = (
            f'{alert}{_OPEN}<h2>Phones</h2><ul id="list" data-version="{self._version()}">{self._links()}</ul>'
            '<p id="told" role="alert"></p>'
        )
        return _shown("Phones", body, 400 if refusal else 200)

    def _links(self) -> str:
        phones = sorted(self._phones.all(), key=lambda each: each.messages[-1].at.timestamp() if each.messages else 0)
        return "".join(_link(each) for each in phones[::-1][:SHOWN]) or "<li>None yet: open a number.</li>"

    def _version(self) -> str:
        versions = [each.version for each in self._phones.all()]
        return f"{len(versions)}-{sum(versions)}"


class _Refused(web.HTTPBadRequest):
    """What somebody did makes no sense; it is said on the page."""

    def __init__(self, words: str) -> None:
        super().__init__(text=words)


@web.middleware
async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
    """Say refusals as the page's script reads them."""
    try:
        answer: web.StreamResponse = await handler(request)
    except _Refused as error:
        return _said(400, error.text or "")
    return answer


def _chat(phone: Phone) -> web.Response:
    body = f"""<div role="log" aria-label="Messages"><ol id="list" data-version="{_version_of(phone)}">
{_listed(phone)}</ol></div>
<p id="told" role="alert"></p>
<form id="reply" method="post" action="phone/reply">
<input type="hidden" name="number" value="{escape(_name_of(phone))}">
<label class="wide">Message <input name="text" maxlength="{MOST_TEXT}" autocomplete="off" required></label>
<button>Send</button> <button name="text" value="STOP" formnovalidate>STOP</button></form>
<p><label><input id="receipts" type="checkbox" checked> Tell that messages were read</label></p>"""
    return _shown(_title(phone), body, 200, back=f'<p><a href="phone">All phones</a> · {escape(phone.name)}</p>')


def _listed(phone: Phone) -> str:
    shown = list(phone.messages)[-SHOWN:]
    return "".join(_message(each) for each in shown) or '<li id="none"><p>No messages yet.</p></li>'


def _message(held: Held) -> str:
    about = [f"{held.at:%H:%M}"]
    if not held.wrote:
        about += filter(None, (held.standing, held.template, held.pricing.get("category")))
    kind = ' class="wrote"' if held.wrote else ""
    who = "You" if held.wrote else "Business"
    under = escape(" · ".join((who, *about)))
    return f'<li id="{escape(held.wamid)}"{kind}><p>{escape(held.text)}</p><small>{under}</small></li>'


def _link(phone: Phone) -> str:
    count = f"{len(phone.messages)} message{'' if len(phone.messages) == 1 else 's'}"
    address = escape(f"phone?{urlencode({'number': _name_of(phone)})}")
    return f'<li><a href="{address}">{escape(_title(phone))}</a> <span class="faint">{count}</span></li>'


def _name_of(phone: Phone) -> str:
    return f"+{phone.number}" if phone.number else phone.bsuid


def _title(phone: Phone) -> str:
    return f"+{phone.number}" if phone.number else f"@{phone.username}"


def _version_of(phone: Phone) -> str:
    return f"{phone.bsuid}-{phone.version}"


async def _form(request: web.Request) -> dict[str, str]:
    """The fields of a form of the page itself; the last of those that are there twice: the button's."""
    if request.headers.get(hdrs.ORIGIN) != f"{request.scheme}://{request.host}":
        raise _Refused("A phone is used by its own page alone.")
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _said(status: int, words: str) -> web.Response:
    return web.json_response({"message": words}, status=status, headers=_HEADERS)


def _shown(title: str, body: str, status: int, back: str = "") -> web.Response:
    text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<header><h1>{escape(title)}</h1>{back}
<p class="faint">On this machine: nothing leaves it. <span id="state" role="status">As of now</span></p></header>
<main>{body}</main><script>{_SCRIPT}</script></body></html>
"""
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)
