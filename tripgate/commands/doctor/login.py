"""Looks at the login by which the gateway reads Postgres itself, as the gateway does before it serves."""

from gql.errors import ApiError
from tripgate.commands.doctor.report import Finding, failure, ok
from tripgate.gateway.settings import Settings

_ADVICE = "See `Reads straight from Postgres` in docs/deploy.md."


async def login(settings: Settings) -> list[Finding]:
    """What is wrong with the login of TRIPGATE_DATABASE_URL; nothing where there is none."""
    if settings.database_url is None:
        return []
    try:
        from tripgate.upstream.postgres.opening import UnusableDatabaseError, look_at_login  # noqa: PLC0415 - an extra
    except ImportError:
        return [failure("TRIPGATE_DATABASE_URL takes psycopg, which is not installed.", "Install the extra `direct`.")]
    try:
        await look_at_login(settings.database_url.get_secret_value(), named=settings.database_prepared)
    except UnusableDatabaseError as error:
        return [failure(line, _ADVICE) for line in str(error).splitlines()]
    except ApiError as error:
        # The kind alone: libpq's own words may repeat parts of the address.
        kind = type(error.__cause__).__name__
        return [failure(f"The database of TRIPGATE_DATABASE_URL cannot be connected to ({kind}).", _ADVICE)]
    return [ok("The login of TRIPGATE_DATABASE_URL can do nothing but become a caller, and its settings hold.")]
