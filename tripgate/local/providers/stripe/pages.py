"""What the pages of the fake have in common."""

from __future__ import annotations

from html import escape

from aiohttp import web

_STYLE = """
:root { color-scheme: light dark; }
html { background: light-dark(#fff, #16181d); color: light-dark(#1b1b1f, #e6e6ea); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 2rem auto; padding: 0 1rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem; }
button { font: inherit; padding: .5rem 1rem; min-height: 44px; }
[role=alert] { color: light-dark(#b00020, #ff8a80); font-weight: 600; }
"""
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # No form-action: browsers apply it to where a form leads in the end, and that is the application's.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
}
# As Stripe writes amounts of these currencies: without parts.
_WHOLE = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf")
)
_THOUSANDTHS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])


def amount(minor: int, currency: str) -> str:
    """An amount for people, `9.90 EUR`."""
    decimals = 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
    return f"{minor / 10**decimals:.{decimals}f} {currency.upper()}"


def shown(title: str, body: str, status: int) -> web.Response:
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>{escape(title)}</title><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1><p>A fake of Stripe on this machine: no money moves.</p>{body}</main>"
        "</body></html>\n"
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


def leads_to(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})
