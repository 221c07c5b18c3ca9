"""PostgREST's failures as public errors, classified by `code` since statuses overlap; Postgres' own go through it."""

from gql.errors import ApiError, ErrorCode
from gql.table import Table
from tripgate.upstream import database_errors
from tripgate.upstream.backend import BackendError, RelatedTables
from tripgate.upstream.caller import Caller
from tripgate.upstream.resilience.failures import timed_out, unavailable

_AGGREGATES_SETTING = "pgrst.db_aggregates_enabled"
_AGGREGATES_OFF = (
    f"Aggregates other than a count are switched off: {_AGGREGATES_SETTING} is not set for PostgREST (PGRST123)."
)
_AWAY = frozenset({"PGRST000", "PGRST001", "PGRST002"})
_NO_CONNECTION_IN_TIME = "PGRST003"
TOOK_TOO_LONG = database_errors.TOOK_TOO_LONG | {_NO_CONNECTION_IN_TIME}
"""A statement's time was over, or that of the wait for one of PostgREST's connections to Postgres."""


def public_error(error: BackendError, caller: Caller, table: Table | None, related: RelatedTables = ()) -> ApiError:
    """What the caller is told about a failure of PostgREST or Postgres; see `database_errors.public_error`.

    Raises:
        BackendError: It is none that a caller could have brought about.
    """
    match error.code:
        case "PGRST301" | "PGRST302" | "PGRST303":
            return ApiError(ErrorCode.UNAUTHENTICATED, "The access token is not accepted. Sign in again.")
        case "PGRST123":
            return ApiError(ErrorCode.NOT_ENABLED, _AGGREGATES_OFF, setting=_AGGREGATES_SETTING)
        case code if code == _NO_CONNECTION_IN_TIME:
            return timed_out()
        case code if code in _AWAY:
            return unavailable()
        case _:
            return database_errors.public_error(error, caller, table, related)


def out_of_order(code: str) -> bool:
    """Whether a failure's code says that the data service, and not this request, is what is wrong."""
    return code in _AWAY or database_errors.out_of_order(code)


def transient(code: str) -> bool:
    """Whether the same read may well succeed in a moment: the database was away, or is about to be back."""
    return code in _AWAY or database_errors.transient(code)
