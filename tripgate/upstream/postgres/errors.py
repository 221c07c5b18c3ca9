"""What Postgres says of a failure, and what that says about Postgres."""

import orjson
from psycopg import pq

from tripgate.upstream import database_errors
from tripgate.upstream.backend import BackendError
from tripgate.upstream.resilience.policy import Fault

_FIELD = pq.DiagnosticField
# Or prepared before a change of the schema. It is prepared anew on another connection.
_STALE = database_errors.PREPARED_ELSEWHERE | {"0A000"}
_RAISED_FOR_POSTGREST = "PGRST"


def failure_of(result: "pq.abc.PGresult") -> BackendError:
    """The failure in a result."""
    code, message, hint, details = (
        _text(result.error_field(field))
        for field in (_FIELD.SQLSTATE, _FIELD.MESSAGE_PRIMARY, _FIELD.MESSAGE_HINT, _FIELD.MESSAGE_DETAIL)
    )
    if code == _RAISED_FOR_POSTGREST:
        return _as_postgrest_tells_it(message)
    return BackendError(code, message, hint=hint, details=details)


def fault(error: BackendError) -> Fault | None:
    """What a failure says about Postgres, where it says that something is wrong with it."""
    code = str(error.code or "")
    if code in database_errors.TOOK_TOO_LONG:
        return Fault(transient=False, opens_breaker=False, late=True)
    if code in _STALE:
        return Fault(transient=True, opens_breaker=False)
    if database_errors.out_of_order(code):
        return Fault(transient=database_errors.transient(code), opens_breaker=True)
    return None


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _as_postgrest_tells_it(message: str | None) -> BackendError:
    """A failure raised with `sqlstate 'PGRST'`: its message is JSON, with the code that is meant."""
    try:
        found = orjson.loads(message or "")
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        return BackendError(None, message)
    code, text, hint, details = (
        value if isinstance(value := found.get(name), str) else None for name in ("code", "message", "hint", "details")
    )
    return BackendError(code, text, hint=hint, details=details)
