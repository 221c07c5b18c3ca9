"""The login by which a gateway reads Postgres itself: it can do nothing but become `anon` or `authenticated`."""

import secrets
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

NAME = "tripgate_gateway"

_SETTINGS = (
    "alter role {} login noinherit password {}",
    "grant anon, authenticated to {}",
    "alter role {} set default_transaction_read_only = on",
    "alter role {} set default_transaction_isolation = 'repeatable read'",
)


def make_direct_login(database_url: str, name: str = NAME) -> str:
    """Make the login, or give the one that is there a new password; the address that it connects to.

    Args:
        database_url: The database over TCP, as a role that may make others.
    """
    role, password = sql.Identifier(name), secrets.token_urlsafe(24)
    with psycopg.connect(database_url, autocommit=True) as connection:
        if connection.execute("select from pg_catalog.pg_roles where rolname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("create role {} noinherit").format(role))
        for statement in _SETTINGS:
            # What has one place only passes over the second.
            connection.execute(sql.SQL(statement).format(role, sql.Literal(password)))
    address = urlsplit(database_url)
    return f"postgresql://{quote(name)}:{password}@{address.hostname}:{address.port}{address.path}"
