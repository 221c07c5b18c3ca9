"""Inspects the database itself, over a connection: row level security, policies, grants, triggers, Realtime.

Only reads, in a transaction that cannot write. psycopg comes with extra `local` and is imported when it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from gql.table import catalog
from tripgate.commands.doctor.needs import FUNCTIONS, PUBLICATION, PUBLISHED, TRIGGERS
from tripgate.commands.doctor.pool import in_the_database
from tripgate.commands.doctor.report import Finding, failure, listed, note, ok, warning

if TYPE_CHECKING:
    import psycopg

_PUSH = "Push the migrations of supabase/migrations."
_ROLES = ("anon", "authenticated", "authenticator")

_OPEN_TABLES = """
select relname from pg_catalog.pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity
order by relname"""

_POLICIES = """
select tablename, cmd, policyname, roles::text[] from pg_catalog.pg_policies
where schemaname = 'public' order by tablename, policyname"""

_TABLES = (
    "select relname from pg_catalog.pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
)

_GRANTED_TO_ANON = """
select relname from pg_catalog.pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
    and (
        pg_catalog.has_table_privilege('anon', oid, 'select, insert, update, delete, truncate')
        or pg_catalog.has_any_column_privilege('anon', oid, 'select, insert, update')
    )
order by relname"""

_FUNCTIONS = """
select proname,
    bool_or(pg_catalog.has_function_privilege('authenticated', oid, 'execute')),
    bool_or(pg_catalog.has_function_privilege('anon', oid, 'execute'))
from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname = any(%s) group by proname"""

_TRIGGERS = """
select tgname, tgenabled <> 'D' from pg_catalog.pg_trigger
join pg_catalog.pg_class on pg_class.oid = tgrelid
join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
where not tgisinternal and nspname in ('public', 'auth')"""

_LISTENING = """
select relrowsecurity, exists (
    select from pg_catalog.pg_policies
    where schemaname = 'realtime' and tablename = 'messages' and cmd in ('SELECT', 'ALL')
        and roles && '{authenticated,public}'::name[]
)
from pg_catalog.pg_class where oid = pg_catalog.to_regclass('realtime.messages')"""

_PUBLISHED = "select tablename from pg_catalog.pg_publication_tables where pubname = %s and schemaname = 'public'"

_TIMEOUTS = """
select rolname, (
    select pg_catalog.split_part(setting, '=', 2) from pg_catalog.unnest(rolconfig) as setting
    where setting like 'statement_timeout=%%'
)
from pg_catalog.pg_roles where rolname = any(%s)"""


_BEGINNING = "requests.begin_request"
_SETTINGS = "select pg_catalog.unnest(rolconfig) from pg_catalog.pg_roles where rolname = 'authenticator'"


def inspect(url: str, *, deadline: float, pool: int) -> list[Finding]:
    """Everything that the catalog tells. Blocks until it is done.

    Args:
        url: A connection string; never repeated in what is said.
        deadline: Seconds that connecting and each query may take.
        pool: How many connections the gateway thinks that PostgREST has.
    """
    try:
        import psycopg  # noqa: PLC0415 - an extra, see above
    except ImportError:
        return [note("The database was not looked at: psycopg is not installed.", "Install psycopg[binary].")]
    options = f"-c statement_timeout={int(deadline * 1000)} -c default_transaction_read_only=on"
    try:
        with psycopg.connect(url, connect_timeout=max(2, int(deadline)), options=options) as connection:
            return [*_findings(connection), *in_the_database(connection, pool)]
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
    return [
        *_security(connection),
        *_grants(connection),
        *_functions(connection),
        *_triggers(connection),
        *_realtime(connection),
        *_timeouts(connection),
        *_deadlines(connection),
        *_remembered_tokens(connection),
    ]


def _names(connection: psycopg.Connection, query: LiteralString, *arguments: object) -> list[str]:
    return [row[0] for row in connection.execute(query, arguments)]


def _security(connection: psycopg.Connection) -> list[Finding]:
    findings = []
    mapped = {table.name for table in catalog}
    there = set(_names(connection, _TABLES))
    if missing := sorted(mapped - there):
        findings.append(failure(f"There is no table {listed(missing)}.", _PUSH))
    findings += [
        failure(
            f"Row level security is off on {name}: whoever is granted it sees and changes every row.",
            f"Run: alter table public.{name} enable row level security.",
        )
        for name in _names(connection, _OPEN_TABLES)
    ]
    policies = connection.execute(_POLICIES).fetchall()
    readable = {
        table for table, command, _, roles in policies if command in {"SELECT", "ALL"} and "authenticated" in roles
    }
    if unread := sorted((mapped & there) - readable):
        findings.append(failure(f"No policy lets signed-in people read {listed(unread)}.", _PUSH))
    findings += [
        failure(
            f'Policy "{name}" on {table} is for {listed(sorted(roles))}, so for people without an account too.',
            "Write it `to authenticated`.",
        )
        for table, _, name, roles in policies
        if table in mapped and {"anon", "public"} & set(roles)
    ]
    return findings or [
        ok(f"Row level security is on for all {len(there)} tables of schema public, with {len(policies)} policies.")
    ]


def _grants(connection: psycopg.Connection) -> list[Finding]:
    granted = _names(connection, _GRANTED_TO_ANON)
    if not granted:
        return [ok("Role anon is granted no table.")]
    return [
        failure(f"Role anon is granted rights on {name}.", f"Run: revoke all on public.{name} from anon, public.")
        for name in granted
    ]


def _functions(connection: psycopg.Connection) -> list[Finding]:
    needed = [
        *FUNCTIONS,
        *(item.name for table in catalog for item in table.computed.values()),
        *(column.name for table in catalog for column in table.columns.values() if column.computed),
        *(f"whole_{table.name}" for table in catalog if not table.hidden_columns),
    ]
    found = {name: (people, anybody) for name, people, anybody in connection.execute(_FUNCTIONS, (needed,))}
    findings = []
    if missing := [name for name in needed if name not in found]:
        findings.append(failure(f"There is no function {listed(missing)}.", _PUSH))
    if closed := [name for name, (people, _) in found.items() if not people]:
        findings.append(failure(f"Signed-in people may not call {listed(closed)}.", _PUSH))
    if opened := [name for name, (_, anybody) in found.items() if anybody]:
        findings.append(failure(f"Role anon may call {listed(opened)}.", "Revoke execute from anon and public."))
    return findings or [ok(f"The {len(needed)} functions are there, for signed-in people only.")]


def _triggers(connection: psycopg.Connection) -> list[Finding]:
    found: dict[str, bool] = dict(connection.execute(_TRIGGERS).fetchall())
    needed = {**TRIGGERS, **{f"set_{table.name}_updated_at": f"public.{table.name}" for table in catalog}}
    findings = []
    if missing := [f"{name} on {table}" for name, table in needed.items() if name not in found]:
        findings.append(failure(f"There is no trigger {listed(missing)}.", _PUSH))
    if off := [name for name in needed if found.get(name) is False]:
        findings.append(failure(f"Trigger {listed(off)} is switched off.", "Run alter table … enable trigger …."))
    return findings or [ok(f"The {len(needed)} triggers are there and on.")]


def _realtime(connection: psycopg.Connection) -> list[Finding]:
    findings = []
    row = connection.execute(_LISTENING).fetchone()
    if row is None:
        findings.append(failure("There is no table realtime.messages.", "Is this the database of a Supabase?"))
    else:
        secured, listening = row
        if not secured:
            findings.append(
                failure(
                    "Row level security is off on realtime.messages: anybody can listen to any trip.", "Switch it on."
                )
            )
        if not listening:
            findings.append(failure("No policy on realtime.messages lets signed-in people listen.", _PUSH))
    published = _names(connection, _PUBLISHED, PUBLICATION)
    if missing := [name for name in PUBLISHED if name not in published]:
        findings.append(
            warning(
                f"Publication {PUBLICATION} lacks {listed(missing)}, so clients of postgres_changes miss them.",
                _PUSH,
            )
        )
    (wal,) = connection.execute("show wal_level").fetchone() or ("",)
    if wal != "logical":
        findings.append(failure(f"wal_level is {wal}, so Realtime sees no change.", "Set it to logical and restart."))
    return findings or [ok("Realtime has its policies, its publication and a logical WAL.")]


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
