"""PostgREST's failures as public errors, classified by `code` since statuses overlap.

`details` is never passed on: it holds row contents.
"""

import re
from typing import Any

from postgrest.exceptions import APIError

from gql.errors import ApiError, ErrorCode
from gql.table import Table
from tripgate.upstream.caller import Caller

_CONSTRAINT = re.compile(r'constraint "([^"]+)"')
_COLUMN = re.compile(r'column "([^"]+)"')

_UNAVAILABLE = "The data service is not available right now. Try again shortly."


def public_error(error: APIError, caller: Caller, table: Table | None) -> ApiError:
    """What the caller is told about a failure of PostgREST or Postgres.

    Args:
        table: The mapped table of the request, to name the field behind a column.
    """
    code = str(error.code or "")
    if code in {"PGRST301", "PGRST302", "PGRST303"}:
        return ApiError(ErrorCode.UNAUTHENTICATED, "The access token is not accepted. Sign in again.")
    if code == "42501":
        if caller.anonymous:
            return ApiError(ErrorCode.UNAUTHENTICATED, "Sign in to do this.")
        return ApiError(ErrorCode.FORBIDDEN, "You are not allowed to do this.")
    if code == "PT404":
        return ApiError(ErrorCode.NOT_FOUND, "There is no such thing, or you may not see it.")
    if code == "PT429":
        return ApiError(ErrorCode.RATE_LIMITED, "Too many of these. Wait a little and try again.")
    if code == "23505":
        return ApiError(ErrorCode.CONFLICT, "This already exists.", **_details(error, table))
    if code in {"57014", "PGRST003"}:
        return ApiError(ErrorCode.TIMEOUT, "The data service took too long. Ask for less, or try again.")
    if code in {"PGRST000", "PGRST001", "PGRST002", "57P01", "57P02", "57P03"} or code.startswith(("08", "53")):
        return ApiError(ErrorCode.UPSTREAM_UNAVAILABLE, _UNAVAILABLE)
    if code.startswith("22") or code in {"23502", "23503", "23514"}:
        return ApiError(ErrorCode.BAD_USER_INPUT, _input_message(error, code), **_details(error, table))
    raise error


def unavailable() -> ApiError:
    """The data service could not be reached."""
    return ApiError(ErrorCode.UPSTREAM_UNAVAILABLE, _UNAVAILABLE)


def timed_out() -> ApiError:
    """The data service did not answer within the request's deadline."""
    return ApiError(ErrorCode.TIMEOUT, "The data service took too long. Ask for less, or try again.")


def _input_message(error: APIError, code: str) -> str:
    constraint = _found(_CONSTRAINT, error)
    match code:
        case "23503":
            return "This refers to something that does not exist."
        case "23514":
            return f"A value breaks the rule {constraint}." if constraint else "A value breaks a rule."
        case "23502":
            return "A value that must be given is missing."
        case _:
            return "A value does not fit its type."


def _details(error: APIError, table: Table | None) -> dict[str, Any]:
    constraint = _found(_CONSTRAINT, error)
    return {
        "sqlstate": error.code,
        "constraint": constraint,
        "field": _field(error, table, constraint),
        "hint": error.hint,
    }


def _field(error: APIError, table: Table | None, constraint: str | None) -> str | None:
    """The field behind the column that the message or the constraint's name names."""
    if table is None:
        return None
    column = _found(_COLUMN, error)
    if column is None and constraint is not None:
        rest = re.sub(rf"^(fk_)?{re.escape(table.name)}_|_(check|key)$", "", constraint)
        candidates = [name for name in table.by_sql_name if rest == name or rest.startswith(f"{name}_")]
        column = max(candidates, key=len, default=None)
    found = table.by_sql_name.get(column) if column is not None else None
    return found.field if found is not None else None


def _found(pattern: re.Pattern[str], error: APIError) -> str | None:
    found = pattern.search(error.message or "")
    return found.group(1) if found is not None else None
