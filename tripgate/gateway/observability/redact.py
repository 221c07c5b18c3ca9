"""What logs must not hold is taken out: what the client said, credentials, addresses, rows."""

import re
import traceback
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from tripgate.planner.plan import as_data
from tripgate.upstream.record import RequestRecord

_STRING = re.compile(r'"""(.*?)"""|"((?:[^"\\\n]|\\.)*)"', re.DOTALL)
_HIDDEN = "[hidden]"
_SHORTEST = 4
_LONGEST_CHAIN = 5
_MOST_SAID = 1000
_PATTERNS = (
    re.compile(r"\beyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"),  # a token
    re.compile(r"(?i)\bbearer\s+[^\s'\",]+"),
    re.compile(r"\bsb_[a-z]+_[A-Za-z0-9_-]+"),
    re.compile(r"[A-Za-z0-9_.+%-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
)

# The parts of a plan that come from the declared schema and from numbers; all others hold what a client said.
_OPEN = frozenset(
    {
        *("table", "columns", "embeds", "where", "order", "limit", "offset", "count", "keys", "aggregates", "source"),
        *("column", "cast", "operator", "of", "via", "many", "alias", "function", "read", "parts"),
        *("returning", "on_conflict", "merge", "exactly", "descending", "nulls_first"),
    }
)


def without_secrets(text: str, said: Sequence[str] = ()) -> str:
    """The text without credentials and e-mail addresses.

    Args:
        said: What else must not show, as the strings of a request's variables. Where that is very much, nothing shows.
    """
    if len(said) > _MOST_SAID:
        return _HIDDEN
    for each in said:
        if len(each) >= _SHORTEST:
            text = text.replace(each, _HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(_HIDDEN, text)
    return text


def strings_in(value: object) -> list[str]:
    """All strings in JSON data but the names of its objects' members; numbers of some length too. Longest first."""
    found: list[str] = []
    left = [value]
    while left:
        match left.pop():
            case str() as text:
                found.append(text)
            case bool() | None:
                pass
            case int() | float() as number:
                found.append(str(number))
            case dict() as members:
                left.extend(members.values())
            case list() as items:
                left.extend(items)
    return sorted(found, key=len, reverse=True)


def said_in(record: RequestRecord | None) -> list[str]:
    """What the request said, as strings, longest first: what no line of the log may repeat."""
    if record is None or record.request is None:
        return []
    source = record.operation.document.loc if record.operation is not None else None
    text = record.request.query if source is None else source.source.body
    literals = [first or second for first, second in _STRING.findall(text)]
    return strings_in([record.request.variables, literals, record.caller.token, record.caller.email])


def error_as_data(error: BaseException, said: Sequence[str] = ()) -> dict[str, Any]:
    """An exception and what caused it, with files and lines, but without source, locals and rows."""
    chain: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in chain and len(chain) < _LONGEST_CHAIN:
        chain.append(here)
        here = here.__cause__ or (None if here.__suppress_context__ else here.__context__)
    found: dict[str, Any] | None = None
    for each in reversed(chain):
        shown: dict[str, Any] = {
            "type": f"{type(each).__module__}.{type(each).__qualname__}",
            "message": without_secrets(_words(each), said),
            "trace": [
                f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(each.__traceback__)
            ],
        }
        if found is not None:
            shown["cause"] = found
        found = shown
    return found or {}


def _words(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        # It quotes what it was given, a session for instance.
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{error.title}.{'.'.join(map(str, each['loc']))}: {each['type']}" for each in problems)
    return str(error)


def plan_without_values(plan: object) -> Any:
    """A plan as JSON data: tables, columns, operators and numbers of rows, but none of the client's values."""
    return _without_values(as_data(plan))


def _without_values(data: Any) -> Any:
    if isinstance(data, list | tuple):
        return [_without_values(each) for each in data]
    if not isinstance(data, dict):
        return data
    return {name: _member(name, value) for name, value in data.items()}


def _member(name: str, value: Any) -> Any:
    if name == "parts":
        return [{"table": table, "rows": len(rows)} for table, rows in value]
    if name == "rows":
        return len(value)
    if name in {"changes", "arguments", "match"}:
        return sorted(value if isinstance(value, dict) else (each for each, _ in value))
    if name in _OPEN or name[:1].isupper():
        return _without_values(value)
    return f"? of {len(value)}" if isinstance(value, list) else "?"
