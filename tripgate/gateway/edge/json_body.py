"""A request's JSON with every digit of its numbers: as orjson reads it, and anew where that may have dropped some."""

import json
import re
from typing import Any

import orjson

from gql.json_numbers import decimal_number, whole_number


def _kind(character: str) -> str:
    if character in "0123456789.":
        return "0"
    return character.lower() if character in "eE-" else " "


# A float comes back as it was written with up to 15 digits, unless it is next to zero. Numbers may also be part of a
# text, which costs a second look; most requests cost no more than two searches for bytes.
_KINDS = "".join(_kind(chr(byte)) for byte in range(256)).encode()
_LONG, _TINY = b"0" * 16, b"0e-000"
_MAY_BE_INEXACT = re.compile(rb"(?<![^\s:,\[])-?(?:[0-9.]{16}|[0-9.]{1,15}[eE][+-]?[0-9]{3})")


class NotJsonError(ValueError):
    """The text is no JSON, or nests deeper than anything that is meant; the message says where."""


def read_json(text: bytes | str) -> Any:
    """The value of a JSON text. Numbers that Python would round are `Exact`.

    Raises:
        NotJsonError: There is none.
    """
    data = text if isinstance(text, bytes) else text.encode(errors="replace")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # It takes a number beyond a double's range for a mistake.
        if (exact := _exactly(data)) is not None:
            return exact
        raise NotJsonError(str(error)) from None
    kinds = data.translate(_KINDS)
    if (_LONG in kinds or _TINY in kinds) and (exact := _exactly(data)) is not None:
        return exact
    return found


def _exactly(data: bytes) -> Any:
    """The same by the library that tells each number's text; `None` where there is no need, or it is no JSON."""
    if _MAY_BE_INEXACT.search(data) is None:
        return None
    try:
        found = json.loads(
            data.decode(), parse_float=decimal_number, parse_int=whole_number, parse_constant=_refuse_constant
        )
        # Half a surrogate pair is text for that library, and for no other.
        json.dumps(found, ensure_ascii=False, default=repr).encode()
    except (ValueError, RecursionError):
        return None
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
