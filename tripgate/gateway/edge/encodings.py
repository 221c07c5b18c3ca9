"""Compressed bodies: `Content-Encoding` as RFC 9110 has it, read within a bound.

The server hands bodies on as they came. Left to itself it would refuse what it cannot read in plain text, and take an
unknown coding for none and the beginning of a body for all of it.
"""

import zlib
from collections.abc import Iterable

from gql.errors import ApiError, ErrorCode
from tripgate.gateway.edge.http_error import HttpError

# What is taken, as `Accept-Encoding` tells it beside a 415.
TAKEN = "gzip, deflate"
_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS
_BARE = -zlib.MAX_WBITS
_ZLIB_METHOD = 8


class TooLargeError(Exception):
    """The body has more bytes than are allowed once it is decompressed."""


def decoded(body: bytes, encodings: Iterable[str], *, most: int) -> bytes:
    """A body as it was before it was compressed.

    Args:
        encodings: The values of each header `Content-Encoding`.
        most: How many bytes it may be then; not one more is made.

    Raises:
        HttpError: 415, it is compressed otherwise, or more than once.
        ApiError: BAD_REQUEST, it is broken or incomplete.
        TooLargeError: It is larger than that.
    """
    codings = [coding.strip().lower() for value in encodings for coding in value.split(",")]
    applied = [coding for coding in codings if coding not in {"", "identity"}]
    if not applied:
        return body
    # RFC 9110, 8.4.1.3: `x-gzip` is another name of `gzip`.
    if len(applied) > 1 or applied[0] not in {"gzip", "x-gzip", "deflate"}:
        raise HttpError(
            415,
            "Send the body as it is, or compressed once: Content-Encoding gzip or deflate.",
            headers={"Accept-Encoding": TAKEN},
        )
    try:
        return _inflated(body, is_gzip=applied[0] != "deflate", most=most)
    except (zlib.error, EOFError):
        message = f"The body is not one whole stream of {applied[0]}, as its Content-Encoding says."
        raise ApiError(ErrorCode.BAD_REQUEST, message) from None


def _inflated(body: bytes, *, is_gzip: bool, most: int) -> bytes:
    """Raises zlib.error, EOFError or TooLargeError."""
    # Some clients send `deflate` without the frame that the RFC asks for.
    window = _GZIP if is_gzip else _ZLIB if body[:1] and body[0] & 15 == _ZLIB_METHOD else _BARE
    inflater = zlib.decompressobj(window)
    found = inflater.decompress(body, most + 1)
    if len(found) > most:
        raise TooLargeError
    # Incomplete, or followed by something. No client sends members of gzip one after the other, and thousands of empty
    # ones would take long.
    if not inflater.eof or inflater.unused_data:
        raise EOFError
    return found
