"""Stripe's form encoding: `items[0][price]=price_1&metadata[a]=b&expand[]=customer` as dictionaries and lists."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

_PARTS = re.compile(r"\[([^\[\]]*)\]")
MAX_PAIRS = 2000
MAX_DEPTH = 12


class MalformedFormError(ValueError):
    """A key is not written as Stripe writes keys; the message names it."""


def decoded(text: str) -> dict[str, Any]:
    """What a query or a body says; every value is text. Raises MalformedFormError."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_PAIRS)
    except ValueError as error:
        raise MalformedFormError("Too many parameters") from error
    tree: dict[str, Any] = {}
    for key, value in pairs:
        name, bracket, rest = key.partition("[")
        parts = [name, *_PARTS.findall(bracket + rest)]
        if (
            not name
            or "]" in name
            or len(parts) > MAX_DEPTH
            or bracket + rest != "".join(f"[{part}]" for part in parts[1:])
        ):
            raise MalformedFormError(f"Invalid parameter: {key[:100]}")
        _put(tree, parts, value)
    return {name: _listed(value) for name, value in tree.items()}


def _put(tree: dict[str, Any], parts: list[str], value: str) -> None:
    for part in parts[:-1]:
        tree = tree.setdefault(part or str(len(tree)), {})
        if not isinstance(tree, dict):
            raise MalformedFormError(f"Invalid parameter: {parts[0]} is both a value and more")
    tree[parts[-1] or str(len(tree))] = value


def _listed(value: Any) -> Any:
    """Dictionaries whose keys are 0, 1, 2 … are lists."""
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(each) for key, each in value.items()}
    if inner and all(key.isascii() and key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
