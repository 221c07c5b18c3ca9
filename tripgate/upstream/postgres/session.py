"""What a request runs under: the role, the claims and the settings that PostgREST would give it, for one transaction.

They are plain output columns of one statement that goes before each request. Nothing else is safe: a condition may
leave out the second of two calls of `set_config`, and a join may read rows before it makes them. What each call answers
is compared with what was asked, each time for role and claims, and for every setting as a connection is opened.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import pq

from tripgate.upstream.postgres.render import Statement

if TYPE_CHECKING:
    from tripgate.upstream.postgres.wire import WireConnection

ANON, AUTHENTICATED = "anon", "authenticated"
ROLES = (ANON, AUTHENTICATED)
"""All that a caller can be."""

UNLOCK = Statement("select pg_catalog.pg_advisory_unlock_all()")
"""Gives up locks of the session, which outlive their transaction even where that fails."""
CLEAN: tuple[Statement, ...] = (Statement("reset all"),)
"""What ends a request: all that something in it has set for good, such as a function that a policy calls, is undone. It
is part of the transaction, so a pooler cannot lend another connection for it, and where a request fails Postgres undoes
both."""
CLEAN_AFTER_CALLS = (*CLEAN, Statement("close all"), Statement("unlisten *"), UNLOCK)
"""The same for one that calls functions, which may do whatever SQL can."""

# `now()` is when the request's transaction began.
_GO_ON = (
    "select set_config('statement_timeout', least($2::int, greatest(1, "
    "$1::int - (1000 * extract(epoch from clock_timestamp() - now()))::int))::text, true)"
)

ANONYMOUS_CLAIMS = b'{"role":"anon"}'

# The time zone that there is without any settings of roles; then of both, what PostgREST's own connections have, and
# what it applies with the role.
_SETTINGS = """\
select 'authenticator', 'TimeZone', reset_val from pg_catalog.pg_settings where name = 'TimeZone'
union all
(select r.rolname, split_part(s, '=', 1), substr(s, strpos(s, '=') + 1)
from pg_catalog.pg_db_role_setting as d
join pg_catalog.pg_roles as r on r.oid = d.setrole
cross join unnest(d.setconfig) as s
left join pg_catalog.pg_settings as p on p.name = split_part(s, '=', 1)
where r.rolname in ('authenticator', 'anon', 'authenticated')
    and d.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
    and (p.context = 'user' or s like 'pgrst.db_pre_request=%')
order by d.setdatabase)"""
_POSTGREST = "authenticator"
_PRE_REQUEST = "pgrst.db_pre_request"
# Which reads by GET need not call, as their deadline is in the preamble and nothing else of it is about reads.
_OUR_PRE_REQUEST = "requests.begin_request"
_OURS = frozenset(
    {
        "role",
        "search_path",
        "statement_timeout",
        "transaction_read_only",
        "transaction_isolation",
        "default_transaction_read_only",
        "default_transaction_isolation",
        "datestyle",
        _PRE_REQUEST,
    }
)
_LEGACY_CLAIMS = ("request.jwt.claim.sub", "request.jwt.claim.role", "request.jwt.claim.email")
"""`auth.uid()` and its like believe these before the claims: one that is set for good would name all who follow."""

_UNITS = {"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "us": 0.001}
_TIME = re.compile(r"([0-9.]+) *(us|ms|s|min|h|d|)")


class SessionError(Exception):
    """A connection does not do what it must: a setting took no effect, or outlived its transaction."""


@dataclass(frozen=True, slots=True)
class RoleSession:
    """How requests of one role begin, on one connection.

    Attributes:
        preamble: The statement. Its first column is the claims, its last the role.
        names: The settings that its columns make, in their order, the last one aside.
        pre_request: The function that PostgREST calls before each request, as a statement; `None` for none.
        reads_call_it: Whether a read of a table calls it too, or only a call of a function.
        timeout: Milliseconds that the role allows a statement; 0 for any number.
        role_name: The role as Postgres tells it, in the column at `role_place`.
    """

    role: str
    preamble: str
    names: tuple[str, ...]
    pre_request: Statement | None
    reads_call_it: bool
    timeout: int
    role_name: bytes
    role_place: int

    def begin(self, claims: bytes, milliseconds: int, method: bytes, path: bytes) -> Statement:
        """The preamble of one request."""
        allowed = min(milliseconds, self.timeout or milliseconds)
        return Statement(self.preamble, (claims, b"%d" % allowed, method, path))

    def go_on(self, milliseconds: int) -> Statement:
        """What stands before each further statement of a request, so that all have no longer together than one."""
        allowed = min(milliseconds, self.timeout or milliseconds)
        return Statement(_GO_ON, (b"%d" % milliseconds, b"%d" % allowed))

    def check(self, result: pq.abc.PGresult, claims: bytes) -> None:
        """Make sure that the preamble has made this the caller's transaction.

        Raises:
            SessionError: It is not.
        """
        if result.get_value(0, 0) != claims or result.get_value(0, self.role_place) != self.role_name:
            raise SessionError(f"a request did not become {self.role}")


def role_session(role: str, found: Mapping[str, Mapping[str, str]], search_path: str) -> RoleSession:
    """How requests of a role begin.

    Args:
        found: Settings by role, of the role and of PostgREST's own login.
        search_path: Where computed columns are found.
    """
    base, own = found.get(_POSTGREST, {}), found.get(role, {})
    given = {name: _literal(value) for name, value in {**base, **own}.items() if name.lower() not in _OURS}
    settings = {
        "request.jwt.claims": "$1",
        "search_path": _literal(search_path),
        "role": _literal(role),
        **given,
        "statement_timeout": "$2",
        "transaction_read_only": "'on'",
        "datestyle": "'ISO, MDY'",
        "request.method": "$3",
        "request.path": "$4",
        "request.headers": """'{"user-agent":"tripgate"}'""",
        "request.cookies": "'{}'",
        **dict.fromkeys(_LEGACY_CLAIMS, "''"),
    }
    calls = [f"set_config({_literal(name)}, {value}, true)" for name, value in settings.items()]
    pre_request = base.get(_PRE_REQUEST)
    return RoleSession(
        role,
        f"select {', '.join(calls)}, current_user",
        tuple(settings),
        Statement(f"select {_qualified(pre_request)}()") if pre_request else None,
        pre_request != _OUR_PRE_REQUEST,
        _milliseconds(own.get("statement_timeout", base.get("statement_timeout", "0"))),
        role.encode(),
        len(settings),
    )


async def open_sessions(connection: "WireConnection", search_path: str, seconds: float) -> dict[str, RoleSession]:
    """How requests begin on this connection, by role; each of its settings was seen to work and to end.

    Raises:
        SessionError: One does not.
    """
    (answer,) = await connection.ask((Statement(_SETTINGS),), seconds)
    found: dict[str, dict[str, str]] = {}
    for row in range(answer.ntuples):
        role, name, value = ((answer.get_value(row, column) or b"").decode() for column in range(3))
        found.setdefault(role, {})[name] = value
    sessions = {role: role_session(role, found, search_path) for role in ROLES}
    for session in sessions.values():
        await _prove(connection, session, seconds)
    return sessions


async def _prove(connection: "WireConnection", session: RoleSession, seconds: float) -> None:
    """Begin a request that asks for nothing but its settings, and look whether any outlives it."""
    claims = b'{"role":"%s","sub":"%s"}' % (session.role.encode(), uuid.uuid4().hex.encode())
    begun = session.begin(claims, 4321, b"GET", b"/")
    readings = [f"current_setting({_literal(name)}, true)" for name in session.names]
    reading = Statement(f"select {', '.join(readings)}, current_user")
    left_behind = Statement("select set_config('request.path', 'set for good', false)")
    made, seen, *_ = await connection.ask((begun, reading, left_behind, *CLEAN), seconds)
    session.check(made, claims)
    session.check(seen, claims)
    for place, name in enumerate(session.names):
        if made.get_value(0, place) != seen.get_value(0, place):
            raise SessionError(f"the setting {name} took no effect")
    (left,) = await connection.ask((reading,), seconds)
    for name in ("request.jwt.claims", "request.method", "request.path"):
        if left.get_value(0, session.names.index(name)):
            raise SessionError(f"the setting {name} outlived its request")
    if left.get_value(0, session.names.index("role")) != b"none":
        raise SessionError("the role outlived its request")


def _literal(value: str) -> str:
    """A text of the database's own settings as a literal."""
    escaped = value.replace("'", "''").replace("\\", "\\\\")
    return f"E'{escaped}'"


def _qualified(name: str) -> str:
    return ".".join('"' + part.strip().strip('"').replace('"', '""') + '"' for part in name.split("."))


def _milliseconds(text: str) -> int:
    """A time as Postgres' settings write it, as in `8s`."""
    found = _TIME.fullmatch(text.strip())
    return 0 if found is None else int(float(found[1]) * _UNITS[found[2]])
