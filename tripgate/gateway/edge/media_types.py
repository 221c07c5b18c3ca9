"""Which media type an answer has, by the request's `Accept` header (RFC 9110 and GraphQL over HTTP)."""

import functools
from dataclasses import dataclass
from typing import NamedTuple

from multidict import CIMultiDictProxy

JSON_TYPE = "application/json"
RESPONSE_TYPE = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"
MULTIPART = "multipart/mixed"
BY_PATH = "deferSpec=20220824"
BY_ID = "incrementalSpec=v0.2"
"""The formats of an answer in parts, as a parameter of MULTIPART names them."""

# In the order in which a client that takes anything gets them.
_OFFERED = (JSON_TYPE, RESPONSE_TYPE, EVENT_STREAM, HTML)
# By what the client says of MULTIPART; one that says nothing takes either, and more know the first.
_FORMATS = {"": BY_PATH, BY_PATH.lower(): BY_PATH, BY_ID.lower(): BY_ID}
_EXACTLY, _BY_TYPE, _ANYTHING = 2, 1, 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a client takes.

    Attributes:
        best: What it would rather have the answer to a query or mutation in; `None`, in nothing that is offered.
        streams: Whether it takes an event stream, which the answers to a subscription are.
        page: Whether it would rather have a page than any of these, as a browser that visits an address.
        json: The media type of an error: what it would rather have, where that holds JSON.
        parts: Whether it would rather have the answers to a subscription as parts of one multipart answer, as Apollo
            Client asks for them: `multipart/mixed;subscriptionSpec=1.0`.
        incremental: The format in which it takes an answer in parts, at least as gladly as a whole one; `None` for
            whole ones alone.
    """

    best: str | None
    streams: bool
    page: bool
    json: str = JSON_TYPE
    parts: bool = False
    incremental: str | None = None


class _Range(NamedTuple):
    """One entry of the header.

    Attributes:
        more: Its parameters, as one text.
    """

    media_type: str
    quality: float
    position: int
    parts: bool = False
    more: str = ""


class _Match(NamedTuple):
    """How well an offered type matches an `Accept` header, to be compared: the greatest is the best match."""

    quality: float
    precision: int
    earliness: int


def accepted(headers: CIMultiDictProxy[str]) -> Accepted:
    """What the client behind these headers takes. One that does not say gets `application/json`."""
    lines = headers.getall("Accept", None)
    if lines is None:
        return _DEFAULT
    return _parsed(lines[0] if len(lines) == 1 else ", ".join(lines))


_DEFAULT = Accepted(JSON_TYPE, streams=False, page=False)


@functools.lru_cache(maxsize=256)
def _parsed(header: str) -> Accepted:
    if not header.strip():
        return _DEFAULT  # an empty header says nothing, as one that is not there
    ranges = [found for position, text in enumerate(split_header(header, ",")) if (found := _range(text, position))]
    matches = {offered: match for offered in _OFFERED if (match := _match(offered, ranges)) is not None}
    page = matches.pop(HTML, None)
    stream = matches.get(EVENT_STREAM)
    if stream is not None and stream.precision != _EXACTLY:
        # Only who asks for a stream gets one where there is a single answer.
        del matches[EVENT_STREAM]
    best = max(matches, key=matches.__getitem__, default=None)
    rather_a_page = page is not None and page.precision == _EXACTLY and (best is None or page > matches[best])
    parts = max((each.quality for each in ranges if each.parts), default=0.0)
    exactly = stream.quality if stream is not None and stream.precision == _EXACTLY else 0.0
    return Accepted(
        best,
        stream is not None,
        rather_a_page,
        RESPONSE_TYPE if best == RESPONSE_TYPE else JSON_TYPE,
        parts > exactly,
        _incremental(ranges, 0.0 if best is None else matches[best].quality),
    )


def _incremental(ranges: list[_Range], least: float) -> str | None:
    """The format of parts that is wanted most, and at least so much."""
    found = [each for each in ranges if each.media_type == MULTIPART and each.more in _FORMATS and each.quality > 0]
    wanted = max(found, key=lambda each: (each.quality, -each.position), default=None)
    return _FORMATS[wanted.more] if wanted is not None and wanted.quality >= least else None


def _range(text: str, position: int) -> _Range | None:
    """One entry, or `None` for one that nothing can match."""
    media_type, *parameters = (part.strip() for part in split_header(text, ";"))
    quality, parts, more = 1.0, False, []
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        name, value = name.strip().lower(), value.strip().strip('"').lower()
        if name == "q":
            try:
                quality = float(value)
            except ValueError:
                return None
        elif name == "subscriptionspec":
            parts = value == "1.0" and media_type.lower() == MULTIPART
            more.append(f"{name}={value}")
        elif name == "charset" and value not in {"utf-8", "utf8"}:
            return None  # every answer is in UTF-8
        elif name != "charset":
            more.append(f"{name}={value}")
    # A weight that is no number between the two is no weight.
    more_text = ";".join(more)
    return _Range(media_type.lower(), quality, position, parts, more_text) if 0 <= quality <= 1 else None


def _match(offered: str, ranges: list[_Range]) -> _Match | None:
    """How the most precise of the ranges that hold the type takes it; `None` where that is not at all."""
    wildcards = {offered: _EXACTLY, f"{offered.partition('/')[0]}/*": _BY_TYPE, "*/*": _ANYTHING}
    found = [
        _Match(each.quality, wildcards[each.media_type], -each.position)
        for each in ranges
        if each.media_type in wildcards
    ]
    match = max(found, key=lambda each: (each.precision, each.earliness), default=None)
    return match if match is not None and match.quality > 0 else None


def split_header(text: str, separator: str) -> list[str]:
    """The parts of a header, which quotes may hold together."""
    if '"' not in text:
        return text.split(separator)
    parts, quoted = [""], False
    for character in text:
        quoted ^= character == '"'
        if character == separator and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return parts
