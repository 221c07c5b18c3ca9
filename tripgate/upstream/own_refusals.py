"""What SQL functions and Edge Functions of the project say to the client: a code, a sentence and extensions.

Both pass the one list `RAISED_CODES`. Nothing else that a service says is shown.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from gql.errors import RAISED_CODES, ApiError, ErrorCode

# They are ours to say: the code is the list's, and the id is a line's in the gateway's log.
_OURS = frozenset({"code", "errorId"})
_NO_REASON = "OTHER"
_LONGEST_WAIT = 24 * 60 * 60


def raised_in_sql(code: str, message: str | None, hint: str | None) -> ApiError | None:
    """What a SQL function said by `private.refuse`; `None` for whatever else fails.

    Args:
        hint: The extensions as the text of a JSON object. Who writes none there is not the helper, though they use one
            of its codes, as a service in front of the database may.
    """
    if code not in RAISED_CODES or hint is None:
        return None
    try:
        extensions = orjson.loads(hint)
    except orjson.JSONDecodeError:
        return None
    return refusal(code, message, extensions) if isinstance(extensions, dict) else None


def refusal(code: str, message: str | None, extensions: Mapping[str, Any]) -> ApiError | None:
    """The error for the client; `None` where the code is not one of the list, or nothing is said for people."""
    if code not in RAISED_CODES or not message:
        return None
    error = ApiError(ErrorCode(code), message)
    error.extensions.update(
        (name, value) for name, value in extensions.items() if value is not None and name not in _OURS
    )
    if "retryAfter" in error.extensions and not _is_wait(error.extensions["retryAfter"]):
        # Clients, and the gateway itself, count with it.
        del error.extensions["retryAfter"]
    if error.code is ErrorCode.CONFLICT and not _is_reason(error.extensions.get("reason")):
        # Clients may count on one.
        error.extensions["reason"] = _NO_REASON
    return error


def _is_reason(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_wait(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LONGEST_WAIT
