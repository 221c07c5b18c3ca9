"""What of a request is written down: everything but what opens doors.

Headers and fields are judged by their names, all text by what looks like a key of one of the vendors, or a token.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "(hidden)"

_HEADER = re.compile(r"auth|cookie|secret|signature|password|token(?!s)|api-?_?key|credential", re.IGNORECASE)
# `"access_token": "…"` of JSON and `access_token=…` of forms and queries.
_FIELD = re.compile(
    r"""((?:^|[?&"'])[\w.\[\]%-]*(?:secret|password|token|api_?key|authorization))"""
    r"""(?:("\s*:\s*")(?:[^"\\]|\\.)+|(=)[^"&\s]+)""",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"\b(?:sk|rk|pk|whsec|sb_secret|sb_publishable)[_-][A-Za-z0-9_-]{8,}"  # of Stripe, OpenAI and Supabase
    r"|\bEAA[A-Za-z0-9]{20,}"  # of Meta
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # JSON Web Tokens
    r"|\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}"
)


def text(value: str) -> str:
    """The text with `(hidden)` where a secret stands."""
    return _VALUE.sub(HIDDEN, _FIELD.sub(lambda found: f"{found[1]}{found[2] or found[3]}{HIDDEN}", value))


def headers(given: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers, in order, secrets hidden; that they were there is told."""
    return [(name, HIDDEN if _HEADER.search(name) else text(value)) for name, value in given]
