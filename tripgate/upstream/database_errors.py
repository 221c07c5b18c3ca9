"""Postgres' failures as public errors, classified by SQLSTATE, whichever backend hears of them.

`details` is never passed on: it holds row contents.
"""

import logging
import re
from typing import Any

from gql.descriptions import describe
from gql.errors import ApiError, ErrorCode
from gql.table import Column, Table
from tripgate.planner.plan import FunctionCall, Read
from tripgate.upstream.backend import BackendError, NotExactlyError, RelatedTables
from tripgate.upstream.caller import Caller
from tripgate.upstream.own_refusals import raised_in_sql
from tripgate.upstream.resilience.failures import timed_out, unavailable

# Names as ours are, so that nothing else that stands in a message between such words is passed on.
_CONSTRAINT = re.compile(r'constraint "([A-Za-z_][A-Za-z0-9_]{0,62})"')
_COLUMN = re.compile(r'column "([^"]+)"')
_TABLE = re.compile(r'(?:relation|table) "([^"]+)"')

_AWAY = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})
"""It shuts down, starts, or has ended a connection that nobody used."""

TOOK_TOO_LONG = frozenset({"57014", "25P04"})
"""The time of a statement, or of a transaction, was over."""

PREPARED_ELSEWHERE = frozenset({"26000", "42P05"})
"""A prepared statement is not there, or there already, since a pooler has lent another connection."""

CHANGES_SOMETHING = "25006"
"""It would change something, in a transaction that only reads."""
_NOT_SUPPORTED = "0A000"
# Said of a function that claims to be stable, before its transaction is looked at.
_CHANGES_IN_STABLE = re.compile("is not allowed in a non-volatile function")

_ONLY_READS = "This would change something, and is asked for as something that only reads. Tell whoever runs the API."
_BACK_SECONDS = 1.0
_BACK_SOON = ("08", "53", "57P01", "57P02", "57P03")
"""It was cut off, has no room for one more, or is being stopped or started: of these PostgREST says so too."""

_log = logging.getLogger("tripgate.database")

# What PostgREST makes a status of, for functions that know no `private.refuse`.
_SAID_BY_THE_SCHEMA = {
    "PT401": (ErrorCode.UNAUTHENTICATED, "This account does not exist any more."),
    "PT403": (ErrorCode.FORBIDDEN, "This takes a sign-in of the last minutes. Sign in again."),
    "PT404": (ErrorCode.NOT_FOUND, "There is no such thing, or you may not see it."),
    "PT429": (ErrorCode.RATE_LIMITED, "Too many of these. Wait a little and try again."),
}


def public_error(error: BackendError, caller: Caller, table: Table | None, related: RelatedTables = ()) -> ApiError:
    """What the caller is told about a failure of Postgres.

    Args:
        table: The mapped table of the request, to name the field behind a column.
        related: The other tables that the request writes to.

    Raises:
        BackendError: It is none that a caller could have brought about.
    """
    code = str(error.code or "")
    if code == "42501":
        if caller.anonymous:
            return ApiError(ErrorCode.UNAUTHENTICATED, "Sign in to do this.")
        refused = next((path for path, each, _ in related if _is_about(each, error, None)), None)
        return ApiError(ErrorCode.FORBIDDEN, "You are not allowed to do this.", field=refused)
    if (raised := raised_in_sql(code, error.message, error.hint)) is not None:
        return raised
    if code in _SAID_BY_THE_SCHEMA:
        return ApiError(*_SAID_BY_THE_SCHEMA[code])
    if code == "23503" and _is_about_nobody(error, caller):
        return ApiError(*_SAID_BY_THE_SCHEMA["PT401"])
    if code == "PT412":
        return NotExactlyError()
    if code == "23505":
        found = _details(error, table, related)
        return ApiError(ErrorCode.CONFLICT, "This already exists.", reason="ALREADY_EXISTS", **found)
    if code in {"40001", "40P01"}:
        # Postgres has undone it, since somebody wrote the same rows at the same moment.
        message = "This was changed at the same moment, so nothing was done. Try again."
        return ApiError(ErrorCode.CONFLICT, message, reason="WRITTEN_AT_ONCE")
    if code in TOOK_TOO_LONG:
        return timed_out()
    if out_of_order(code) or code.startswith("53") or code in PREPARED_ELSEWHERE:
        return unavailable(retry_after=back_in(code))
    if code == CHANGES_SOMETHING:
        return ApiError(ErrorCode.NOT_ENABLED, _ONLY_READS)
    if code.startswith("22") or code in {"23502", "23503", "23514"}:
        return ApiError(
            ErrorCode.BAD_USER_INPUT, _input_message(error, code, table, related), **_details(error, table, related)
        )
    raise error


def failure_of_read(error: BackendError, plan: object) -> BackendError:
    """How a read failed. That it would change something has one code then, and whoever develops is told what does."""
    if error.code != CHANGES_SOMETHING and not (
        error.code == _NOT_SUPPORTED and _CHANGES_IN_STABLE.search(error.message or "")
    ):
        return error
    called = plan.source if isinstance(plan, Read) else plan
    if isinstance(called, FunctionCall):
        said = f"The function {called.function} changes something, and a query calls it."
        todo = "Have it change nothing and say `stable`, or call it in a mutation of your own."
    else:
        said = f"A view, a policy or a computed column changes something when {getattr(plan, 'table', 'it')} is read."
        todo = "Have what it calls change nothing."
    _log.error("read changes something", extra={"fields": {"reason": f"{said} {todo}"}})
    return BackendError(CHANGES_SOMETHING, error.message, hint=error.hint, details=error.details, status=error.status)


def back_in(code: str) -> float | None:
    """Seconds after which to ask again, where the failure is one that passes."""
    return _BACK_SECONDS if code.startswith(_BACK_SOON) else None


def out_of_order(code: str) -> bool:
    """Whether a failure's code says that the database, and not this request, is what is wrong.

    Of what Postgres runs out of (class 53), only connections are everybody's: memory, files and disk are a statement's.
    """
    return transient(code) or code == "53300"


def transient(code: str) -> bool:
    """Whether the same read may well succeed in a moment: the database was away, or is about to be back."""
    return code in _AWAY or code.startswith("08")


def _input_message(error: BackendError, code: str, table: Table | None, related: RelatedTables) -> str:
    constraint = _found(_CONSTRAINT, error)
    match code:
        case "23503":
            return "This refers to something that does not exist."
        case "23514":
            return _rule(error, constraint, (table, *(each for _, each, _ in related)))
        case "23502":
            return "A value that must be given is missing."
        case _:
            return "A value does not fit its type."


def _rule(error: BackendError, constraint: str | None, written: tuple[Table | None, ...]) -> str:
    """What the broken check says for people; the hint of one that a trigger makes in its place."""
    if constraint is None:
        return "A value breaks a rule."
    named = _found(_TABLE, error) or ""
    # A message names no schema: that of the table which is written, where it is called so.
    name = next((each.name for each in written if each is not None and each.bare_name == named), named)
    words = describe(name, constraint) or error.hint
    return words or f"A value breaks the rule {constraint}."


def _details(error: BackendError, table: Table | None, related: RelatedTables) -> dict[str, Any]:
    constraint = _found(_CONSTRAINT, error)
    field = _field(error, table, constraint)
    for path, each, via in related:
        if _is_about(each, error, constraint):
            below = _field(error, each, constraint, via)
            above = each.by_sql_name[via].field
            field = path if below in {None, above} else f"{path}.{below}"
    return {
        "sqlstate": error.code,
        "constraint": constraint,
        "field": field,
        "hint": error.hint,
    }


def _is_about(table: Table, error: BackendError, constraint: str | None) -> bool:
    """Whether the table failed: the message names it, or a constraint called after it."""
    named = _found(_TABLE, error)
    if named is not None:
        return named == table.bare_name
    return constraint is not None and constraint.removeprefix("fk_").startswith(f"{table.bare_name}_")


def _field(error: BackendError, table: Table | None, constraint: str | None, via: str | None = None) -> str | None:
    """The field behind the column that the message or the constraint's name names.

    Of a unique key over several columns it is the last that its writer chooses: what is there twice, as against the
    person, the trip or the collection in which it is.

    Args:
        via: A column that the rows above give and not the writer.
    """
    if table is None:
        return None
    column = _found(_COLUMN, error)
    if column is None and constraint is not None:
        rest = re.sub(rf"^(fk_)?{re.escape(table.bare_name)}_|_(check|key)$", "", constraint)
        if constraint.endswith("_key"):
            chosen = [name for name in _parts(rest, table) if name != via and _is_input(table.by_sql_name[name])]
            column = chosen[-1] if chosen else None
        else:
            candidates = [name for name in table.by_sql_name if rest == name or rest.startswith(f"{name}_")]
            column = max(candidates, key=len, default=None)
    found = table.by_sql_name.get(column) if column is not None else None
    return found.field if found is not None else None


def _parts(names: str, table: Table) -> tuple[str, ...]:
    """The columns whose names are strung together, as in `user_id_place_id`; none where they are not the table's."""
    if names in table.by_sql_name:
        return (names,)
    for name in table.by_sql_name:
        if names.startswith(f"{name}_") and (rest := _parts(names.removeprefix(f"{name}_"), table)):
            return (name, *rest)
    return ()


def _is_input(column: Column) -> bool:
    return column.creatable or column.patchable


def _is_about_nobody(error: BackendError, caller: Caller) -> bool:
    """Whether what a row refers to and is not there is the caller: their account is gone, and their token is not."""
    details = str(error.details or "")
    return caller.user_id is not None and f"=({caller.user_id}) is not present" in details


def _found(pattern: re.Pattern[str], error: BackendError) -> str | None:
    found = pattern.search(error.message or "")
    return found.group(1) if found is not None else None
