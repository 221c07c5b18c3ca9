"""What Postgres says of a failure, and what that says about Postgres."""

from typing import Any

import orjson
from psycopg import pq

from tripgate.upstream import database_errors
from tripgate.upstream.backend import BackendError
from tripgate.upstream.resilience.policy import Fault

_FIELD = pq.DiagnosticField
_RAISED_FOR_POSTGREST, _NOT_AS_POSTGREST_READS = "PGRST", "PGRST121"
_STALE, _FOUND_STALE_BY = "0A000", b"RevalidateCachedQuery"
_THERE_ALREADY = "42P05"
_ABOUT_STATEMENTS = database_errors.PREPARED_ELSEWHERE | {_STALE}


class StatementError(BackendError):
    """A prepared statement of ours is not there, or there already, or its columns are no longer what they were."""

    @property
    def stale(self) -> bool:
        """Whether the statement alone is of no use any more: it was prepared before a change of the schema."""
        return self.code == _STALE


def failure_of(result: "pq.abc.PGresult") -> BackendError:
    """The failure in a result."""
    code, message, hint, details = (
        _text(result.error_field(field))
        for field in (_FIELD.SQLSTATE, _FIELD.MESSAGE_PRIMARY, _FIELD.MESSAGE_HINT, _FIELD.MESSAGE_DETAIL)
    )
    if code == _RAISED_FOR_POSTGREST:
        return _as_postgrest_tells_it(message, details)
    made = StatementError if _is_about_a_statement(result, code) else BackendError
    return made(code, message, hint=hint, details=details)


def _is_about_a_statement(result: "pq.abc.PGresult", code: str | None) -> bool:
    """Whether a statement that was prepared here failed, and not what a function does within one, for which Postgres
    has the same codes. Messages are of the server's language, so they do not tell."""
    if code == _THERE_ALREADY:
        # Whoever has prepared it, of us or of functions, on another connection it is not there.
        return True
    if code not in _ABOUT_STATEMENTS or result.error_field(_FIELD.CONTEXT) is not None:
        return False
    return code != _STALE or result.error_field(_FIELD.SOURCE_FUNCTION) == _FOUND_STALE_BY


def fault(error: BackendError) -> Fault | None:
    """What a failure says about Postgres, where it says that something is wrong with it."""
    code = str(error.code or "")
    if code in database_errors.TOOK_TOO_LONG:
        return Fault(transient=False, opens_breaker=False, late=True)
    if isinstance(error, StatementError):
        return Fault(transient=True, opens_breaker=False)
    if database_errors.out_of_order(code):
        return Fault(transient=database_errors.transient(code), opens_breaker=True)
    return None


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _as_postgrest_tells_it(message: str | None, details: str | None) -> BackendError:
    """A failure raised with `sqlstate 'PGRST'`: its message and its details are JSON, with the code that is meant."""
    said, how = _object(message), _object(details)
    code, text = said.get("code"), said.get("message")
    whole = isinstance(how.get("status"), int) and isinstance(how.get("headers"), dict)
    if not isinstance(code, str) or not isinstance(text, str) or not whole:
        return BackendError(_NOT_AS_POSTGREST_READS, message)
    hint, details = (value if isinstance(value := said.get(name), str) else None for name in ("hint", "details"))
    return BackendError(code, text, hint=hint, details=details)


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
