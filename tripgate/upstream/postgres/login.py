"""What the gateway's login may be: nothing but a way to become `anon` or `authenticated`."""

from typing import TYPE_CHECKING

from tripgate.upstream.postgres.render import Statement
from tripgate.upstream.postgres.session import ROLES

if TYPE_CHECKING:
    from tripgate.upstream.postgres.wire import WireConnection

# `pg_has_role` says of a superuser that it may become anybody, so that is asked first.
_FACTS = Statement(
    """\
select
    r.rolname,
    r.rolsuper,
    r.rolbypassrls,
    r.rolcreaterole or r.rolcreatedb or r.rolreplication,
    r.rolinherit,
    coalesce((
        select string_agg(o.rolname, ', ' order by o.rolname) from pg_catalog.pg_roles as o
        where o.oid <> r.oid and o.rolname not in ('anon', 'authenticated')
            and pg_catalog.pg_has_role(r.oid, o.oid, 'MEMBER')
    ), ''),
    coalesce((
        select string_agg(o.rolname, ', ' order by o.rolname) from pg_catalog.pg_roles as o
        where o.oid <> r.oid and pg_catalog.pg_has_role(r.oid, o.oid, 'USAGE')
    ), ''),
    coalesce((
        select string_agg(o.rolname, ', ' order by o.rolname) from pg_catalog.pg_roles as o
        where o.rolname in ('anon', 'authenticated') and not pg_catalog.pg_has_role(r.oid, o.oid, case
            when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)
    ), ''),
    coalesce((
        select string_agg(o.rolname, ', ' order by o.rolname) from pg_catalog.pg_auth_members as m
        join pg_catalog.pg_roles as o on o.oid = m.roleid
        where m.member = r.oid and m.admin_option
    ), ''),
    exists (
        select from pg_catalog.pg_shdepend as d
        where d.refclassid = 'pg_catalog.pg_authid'::regclass and d.refobjid = r.oid
            and (d.deptype = 'o' or (d.deptype = 'a' and d.classid <> 'pg_catalog.pg_database'::regclass))
    ) or exists (
        select from pg_catalog.pg_database as d cross join aclexplode(d.datacl) as a
        where a.grantee = r.oid and a.privilege_type = 'CREATE'
    ),
    current_setting('default_transaction_read_only'),
    current_setting('default_transaction_isolation'),
    pg_catalog.pg_is_in_recovery()
from pg_catalog.pg_roles as r where r.rolname = session_user"""
)


class LoginError(Exception):
    """The login may do more than it should, or less than it must; the message says what to do, a line each."""


async def check_login(connection: "WireConnection", seconds: float) -> None:
    """Make sure that whoever has this login can do nothing but what a caller of the API could.

    Raises:
        LoginError: It is not so.
    """
    (found,) = await connection.ask((_FACTS,), seconds)
    if found.ntuples != 1:
        raise LoginError("The login's role is not to be found among the database's roles.")
    values = [(found.get_value(0, column) or b"").decode() for column in range(found.nfields)]
    wrong = list(_wrong(*values))
    if wrong:
        raise LoginError("\n".join(wrong))


def _wrong(
    name: str,
    superuser: str,
    bypasses: str,
    creates: str,
    inherits: str,
    others: str,
    uses: str,
    missing: str,
    hands_on: str,
    owns: str,
    read_only: str,
    isolation: str,
    standby: str,
) -> list[str]:
    quoted = '"' + name.replace('"', '""') + '"'
    if superuser == "t":
        return [f"The login {name} is a superuser. Make one of its own, as docs/deploy.md says."]
    said = []
    if bypasses == "t":
        said.append(f"The login {name} passes by row level security. Run: alter role {quoted} nobypassrls;")
    if creates == "t":
        said.append(
            f"The login {name} may make roles or databases, or replicate. "
            f"Run: alter role {quoted} nocreaterole nocreatedb noreplication;"
        )
    if others:
        said.append(f"The login {name} may become {others}. Run: revoke {others} from {quoted};")
    if inherits == "t" or uses:
        said.append(
            f"The login {name} inherits what other roles may do. Run: alter role {quoted} noinherit; and, from "
            f"Postgres 16 on, grant {', '.join(ROLES)} to {quoted} with inherit false;"
        )
    if missing:
        said.append(f"The login {name} cannot become {missing}. Run: grant {missing} to {quoted};")
    if hands_on:
        said.append(
            f"The login {name} may make others members of {hands_on}. "
            f"Run: revoke admin option for {hands_on} from {quoted};"
        )
    if owns == "t":
        said.append(
            f"The login {name} owns something, or was granted rights of its own. Make one that has none, as "
            "docs/deploy.md says."
        )
    if read_only != "on":
        said.append(
            f"The login {name} begins transactions that may write. "
            f"Run: alter role {quoted} set default_transaction_read_only = on;"
        )
    if isolation != "repeatable read":
        said.append(
            f"The login {name} would see several states of the database in one request. "
            f"Run: alter role {quoted} set default_transaction_isolation = 'repeatable read';"
        )
    if standby == "t":
        said.append("The database is a standby, which learns late of what was just written. Name the primary.")
    return said
