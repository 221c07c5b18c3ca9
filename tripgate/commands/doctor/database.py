"""Inspects the database itself, over a connection: row level security, policies, grants, triggers, Realtime.

Only reads, in a transaction that cannot write. psycopg comes with extra `local` and is imported when it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from gql import pg_catalog
from tripgate.commands.checks import drift
from tripgate.commands.checks.conformity import conformity, schemas
from tripgate.commands.doctor import jobs, scheduling, storage
from tripgate.commands.doctor.pool import in_the_database
from tripgate.commands.doctor.report import Finding, Level, failure, listed, note, ok, warning
from tripgate.commands.pg_catalog import reading

if TYPE_CHECKING:
    import psycopg

_ROLES = ("anon", "authenticated", "authenticator")

_TIMEOUTS = """
select rolname, (
    select pg_catalog.split_part(setting, '=', 2) from pg_catalog.unnest(rolconfig) as setting
    where setting like 'statement_timeout=%%'
)
from pg_catalog.pg_roles where rolname = any(%s)"""


_BEGINNING = "requests.begin_request"
_SETTINGS = "select pg_catalog.unnest(rolconfig) from pg_catalog.pg_roles where rolname = 'authenticator'"


def inspect(url: str, *, deadline: float, pool: int, api_url: str) -> list[Finding]:
    """Everything that the catalog tells. Blocks until it is done.

    Args:
        url: A connection string; never repeated in what is said.
        deadline: Seconds that connecting and each query may take.
        pool: How many connections the gateway thinks that PostgREST has.
        api_url: Where the gateway finds the project.
    """
    try:
        import psycopg  # noqa: PLC0415 - an extra, see above
    except ImportError:
        return [note("The database was not looked at: psycopg is not installed.", "Install psycopg[binary].")]
    options = f"-c statement_timeout={int(deadline * 1000)} -c default_transaction_read_only=on"
    try:
        with psycopg.connect(url, connect_timeout=max(2, int(deadline)), options=options) as connection:
            return [
                *_findings(connection),
                *in_the_database(connection, pool),
                *scheduling.findings(connection, api_url),
                *jobs.nobodys(connection),
                *storage.buckets(connection),
            ]
    except psycopg.ProgrammingError as error:
        if error.sqlstate is None:
            # What psycopg says of a string that it cannot read repeats the string, password included.
            return [
                failure("The database URL is not a connection string.", "Write postgresql://user:password@host/name.")
            ]
        return [failure(f"The catalog cannot be read: {_first_line(error)}.", "Connect as role postgres.")]
    except psycopg.OperationalError as error:
        return [failure(f"The database cannot be used: {_first_line(error)}.", "Check the database URL.")]


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")


def _findings(connection: psycopg.Connection) -> list[Finding]:
    found = reading.read(connection, schemas())
    return [
        *_schemas(found),
        *_realtime(connection, found),
        *_timeouts(connection),
        *_deadlines(connection),
        *_remembered_tokens(connection),
    ]


def _names(connection: psycopg.Connection, query: LiteralString, *arguments: object) -> list[str]:
    return [row[0] for row in connection.execute(query, arguments)]


def _schemas(found: pg_catalog.Database) -> list[Finding]:
    """Whether the database has what the types are declared over, and what the schemas make beside."""
    expected = pg_catalog.loaded()
    said = conformity(found)
    findings = [*said.findings, *drift.compare(expected, found, told=said.told)]
    if any(finding.level in {Level.ERROR, Level.WARNING} for finding in findings):
        return findings
    policies = sum(len(table.policies) for table in found.stored)
    return [
        *findings,
        ok(f"Row level security is on for all {len(found.stored)} tables, with {policies} policies."),
        ok("Role anon is granted no table."),
        ok(f"The {len(drift.callable_by_people(expected))} functions are there, for signed-in people only."),
        ok("Types and tables agree, and nothing is missing that the fields need."),
    ]


def _realtime(connection: psycopg.Connection, found: pg_catalog.Database) -> list[Finding]:
    findings = []
    if connection.execute("select pg_catalog.to_regclass('realtime.messages')").fetchone() == (None,):
        findings.append(failure("There is no table realtime.messages.", "Is this the database of a Supabase?"))
    else:
        messages = found.platform.get("realtime.messages")
        if messages is None or not messages.policies_for("select"):
            findings.append(failure("No policy on realtime.messages lets signed-in people listen.", drift.PUSH))
    (wal,) = connection.execute("show wal_level").fetchone() or ("",)
    if wal != "logical":
        findings.append(failure(f"wal_level is {wal}, so Realtime sees no change.", "Set it to logical and restart."))
    return findings or [ok("Realtime has its policies and a logical WAL.")]


def _timeouts(connection: psycopg.Connection) -> list[Finding]:
    found: dict[str, str | None] = dict(connection.execute(_TIMEOUTS, (list(_ROLES),)).fetchall())
    without = [role for role in _ROLES if found.get(role) in {None, "0"}]
    if without:
        return [
            warning(
                f"No statement_timeout for {listed(without)}: one bad query may hold a connection for long.",
                "Run: alter role … set statement_timeout = '8s'.",
            )
        ]
    return [ok(f"Statements time out: {listed(f'{role} after {found[role]}' for role in _ROLES)}.")]


def _deadlines(connection: psycopg.Connection) -> list[Finding]:
    if f"pgrst.db_pre_request={_BEGINNING}" in _names(connection, _SETTINGS):
        return [ok("Postgres ends what the gateway has given up on.")]
    return [
        warning(
            f"PostgREST does not call {_BEGINNING}: what the gateway has given up on goes on for nobody, and "
            "what the token of a deleted account may not write is refused for reasons that mislead.",
            f"Run: alter role authenticator set pgrst.db_pre_request = '{_BEGINNING}'; notify pgrst, 'reload config'. "
            "If another function is called already, let that one call it.",
        )
    ]


def _remembered_tokens(connection: psycopg.Connection) -> list[Finding]:
    """What the role tells PostgREST of remembering verified tokens; the platform may tell it elsewhere."""
    told = dict(setting.split("=", 1) for setting in _names(connection, _SETTINGS) if "=" in setting)
    lifetime, entries = told.get("pgrst.jwt_cache_max_lifetime"), told.get("pgrst.jwt_cache_max_entries")
    findings = []
    if lifetime == "0" or entries == "0":
        findings.append(
            warning(
                "PostgREST is told to verify the token of each request anew, which takes about a tenth of its time.",
                "Run: alter role authenticator reset pgrst.jwt_cache_max_entries, "
                "and reset or raise pgrst.jwt_cache_max_lifetime.",
            )
        )
    elif lifetime is not None and entries is None:
        findings.append(
            note(
                "PostgREST is told jwt_cache_max_lifetime, which it knows up to version 13.",
                "From 14 on jwt_cache_max_entries takes its place, 1000 by default.",
            )
        )
    return findings
