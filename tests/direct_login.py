"""The login that a gateway reads Postgres with, as docs/deploy.md makes it."""

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tripgate.local.stack import StackInfo

PASSWORD = "of the gateway's login"
LOGIN = "tripgate_gateway"


def direct_login(stack: StackInfo, name: str = LOGIN) -> str:
    """Make the login in the stack's database; the address that goes into TRIPGATE_DATABASE_URL."""
    role = sql.Identifier(name)
    with psycopg.connect(stack.db_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login noinherit password {}").format(role, sql.Literal(PASSWORD)))
        connection.execute(sql.SQL("grant anon, authenticated to {}").format(role))
        connection.execute(sql.SQL("alter role {} set default_transaction_read_only = on").format(role))
        connection.execute(sql.SQL("alter role {} set default_transaction_isolation = 'repeatable read'").format(role))
    return address(stack, name)


def address(stack: StackInfo, name: str = LOGIN) -> str:
    """Where the login connects to."""
    found = conninfo_to_dict(stack.db_url)
    return f"postgresql://{name}:{PASSWORD.replace(' ', '%20')}@{found['host']}:{found['port']}/{found['dbname']}"
