"""Whether the gateway asks PostgREST for no more at once than PostgREST has connections to Postgres."""

from typing import TYPE_CHECKING

from tripgate.commands.doctor.report import Finding, note, ok, warning

if TYPE_CHECKING:
    import psycopg

_SET_IT = "Set TRIPGATE_UPSTREAM_POOL to PostgREST's `db-pool`, divided by the number of gateways."
# One more connection of its is no part of the pool: it listens.
_OPEN = """
select count(*) from pg_catalog.pg_stat_activity
where usename = 'authenticator' and application_name ilike 'postgrest%%' and query not ilike 'listen %%'"""


def from_outside(pool: int) -> list[Finding]:
    """What nobody can tell who only asks PostgREST."""
    return [
        note(
            f"How many connections PostgREST keeps cannot be seen from outside; the gateway asks for {pool} at once.",
            _SET_IT,
        )
    ]


def in_the_database(connection: "psycopg.Connection", pool: int) -> list[Finding]:
    """What the connections that are open tell: PostgREST may open more, and never fewer.

    Args:
        pool: What the gateway is told.
    """
    (open_now,) = connection.execute(_OPEN).fetchone() or (0,)
    (most,) = connection.execute("select pg_catalog.current_setting('max_connections')::int").fetchone() or (0,)
    if pool >= most:
        return [warning(f"TRIPGATE_UPSTREAM_POOL is {pool}, and Postgres takes {most} connections in all.", _SET_IT)]
    if open_now > pool:
        return [note(f"PostgREST has {open_now} connections open, and the gateway asks for {pool} at once.", _SET_IT)]
    return [
        ok(f"PostgREST has {open_now} connections open now; TRIPGATE_UPSTREAM_POOL={pool} must not be above its most.")
    ]
