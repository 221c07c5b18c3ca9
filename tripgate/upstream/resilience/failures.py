"""Failures that are nobody's mistake, as errors that say when to try again."""

import asyncio
import email.utils
import time

from gql.errors import ApiError, ErrorCode

_UNAVAILABLE = "The data service is not available right now. Try again shortly."
_TOOK_TOO_LONG = "The data service took too long. Ask for less, or try again."
_OVERLOADED = "Too much is going on at once here. Nothing of this was done; try again in a moment."
_OVERLOADED_SECONDS = 1.0
_LONGEST_WAIT = 24 * 60 * 60.0

TRANSIENT = frozenset({ErrorCode.UPSTREAM_UNAVAILABLE, ErrorCode.TIMEOUT, ErrorCode.OVERLOADED})
"""The codes of failures that may have passed when somebody asks again."""


class NoAnswerError(ApiError):
    """An upstream gave no answer, or not in time.

    Attributes:
        sent: Whether the request may have arrived, so that a write may have happened.
        over: Where the upstream goes on with it: done once it has answered, or will not any more.
    """

    def __init__(self, code: ErrorCode, message: str, *, sent: bool, retry_after: float | None = None) -> None:
        super().__init__(code, message, retryAfter=whole_seconds(retry_after))
        self.sent = sent
        self.over: asyncio.Future[None] | None = None


def unavailable(message: str = _UNAVAILABLE, *, sent: bool = True, retry_after: float | None = None) -> NoAnswerError:
    """It could not be reached, or hung up before its answer was whole."""
    return NoAnswerError(ErrorCode.UPSTREAM_UNAVAILABLE, message, sent=sent, retry_after=retry_after)


def timed_out(message: str = _TOOK_TOO_LONG, *, over: asyncio.Future[None] | None = None) -> NoAnswerError:
    """It did not answer in time."""
    error = NoAnswerError(ErrorCode.TIMEOUT, message, sent=True)
    error.over = over
    return error


def overloaded() -> NoAnswerError:
    """There is no room for one more, and nothing was sent."""
    return NoAnswerError(ErrorCode.OVERLOADED, _OVERLOADED, sent=False, retry_after=_OVERLOADED_SECONDS)


def whole_seconds(seconds: float | None) -> int | None:
    """Seconds as `Retry-After` says them: whole, at least one."""
    return None if seconds is None else max(1, int(-(-seconds // 1)))


def retry_after(value: bytes | str | None) -> float | None:
    """The seconds in a `Retry-After` header, a number or a date, at most a day; `None` for none and anything else."""
    if not value:
        return None
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if (digits := text.strip()).isdecimal():
        return min(float(digits), _LONGEST_WAIT)
    try:
        seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), _LONGEST_WAIT)
