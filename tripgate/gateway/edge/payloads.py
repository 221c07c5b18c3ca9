"""The payloads of `connection_init` and `ping`: where clients put a token, and what may be said back."""

import re
from typing import Any

import orjson

# What a JSON Web Token begins with, and a key of Supabase.
_SECRET = re.compile(rb"eyJ[\w-]{8,}\.|sb_(secret|publishable)_", re.ASCII)


class PayloadError(Exception):
    """A payload of a wrong form; the message says what is wrong with it."""


def authorization_in(payload: dict[str, Any]) -> str | None:
    """The `Authorization` of a payload, in any case: its own, otherwise that of its `headers`.

    Raises:
        PayloadError: It is no string, or `headers` no object.
    """
    found = _of(payload, "authorization")
    if found is None:
        headers = _of(payload, "headers")
        if headers is not None and not isinstance(headers, dict):
            raise PayloadError("headers must be an object")
        found = _of(headers, "authorization") if headers else None
    if found is not None and not isinstance(found, str):
        raise PayloadError("Authorization must be a string")
    return found


def echo_of(payload: dict[str, Any] | None) -> dict[str, Any]:
    """What a `pong` holds beside its type: the payload of its `ping`, unless a token stands anywhere in it."""
    if payload is None or authorization_in(payload) is not None or _SECRET.search(orjson.dumps(payload)):
        return {}
    return {"payload": payload}


def _of(names: dict[str, Any], wanted: str) -> Any:
    return next((value for name, value in names.items() if name.lower() == wanted and value is not None), None)
