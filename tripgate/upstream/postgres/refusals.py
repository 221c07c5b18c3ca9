"""Why a connection is not to be had: for a mistake in the address, which somebody must mend, or for what passes.

libpq tells no SQLSTATE of a connection that was refused, only words, of which the server's are in its own language. So
what is not known here counts as something that passes, and is tried again.
"""

import re
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

_EACH_HOST = "\n- host:"
_FORM = (
    "Write it as postgresql://login:password@host:port/postgres, with %40 for @, %2F for /, %3A for : and %25 for % in "
    "the password"
)

#   what Postgres, a pooler or libpq says, and what to do; `{}` is what the first group has matched.
_MISTAKES = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (
            r"password authentication failed|SASL authentication failed|no password supplied",
            "There is no such login, or the password is not its own. Correct the address, or set the password anew "
            "as role postgres: alter role … password '…'",
        ),
        (
            r'role "([^"\n]+)" does not exist|no such user: ([^\n]+)',
            "There is no login {}. Make it, as docs/deploy.md says, or correct the name",
        ),
        (r'role "([^"\n]+)" is not permitted to log in', "The role {} may not log in. Run: alter role … login;"),
        (
            r"[Tt]enant or user not found|tenant/user [^\n]* not found",
            "The pooler knows no such login. Behind Supavisor its name ends in the project's reference, as in "
            "tripgate_gateway.abcdefghijklmnopqrst",
        ),
        (
            r"no pg_hba\.conf entry for|pg_hba\.conf rejects connection",
            "Postgres takes no connection of this login from here. Allow it in pg_hba.conf, or in the project's "
            "network restrictions; where it is only refused without encryption, add sslmode=verify-full",
        ),
        (
            r"authentication failed for user",
            "Postgres does not believe that this is the login. Correct its pg_hba.conf",
        ),
        (
            r'database "([^"\n]+)" does not exist|no such database: ([^\n]+)',
            "There is no database {}. Correct what stands behind the last /",
        ),
        (
            r'permission denied for database "?([^"\n]+)"?',
            "The login may not connect to the database {}. Run: grant connect on database … to …;",
        ),
        (
            r"session is read-only",
            "The login only reads, so with target_session_attrs=read-write no server is ever taken. Write primary",
        ),
        (
            r"server does not support SSL, but SSL was required",
            "The server speaks no TLS, and sslmode asks for it. Have it speak TLS, or correct sslmode or the port",
        ),
        (
            r"certificate verify failed|server certificate for|root certificate file|certificate file|private key file",
            "The server's certificate is not to be trusted, or a file of certificates is not there. Correct "
            "sslrootcert, sslmode or the host's name",
        ),
        (r'connection is bad: (invalid \w+ value: "[^"\n]*")', "libpq takes it not: {}. Correct it"),
        (r'connection is bad: (invalid port number: "[^"\n]*")', "libpq takes it not: {}. Correct it"),
    )
)
_NO_ROOM = re.compile(r"too many (clients|connections)|connection slots are reserved|max_client_conn|MaxClients")
_STOPS_OR_STARTS = re.compile(r"the database system is (starting up|shutting down|in recovery|not yet accepting)")


def mistake_in(url: str) -> str | None:
    """What is wrong with an address, before anybody is asked; `None` where it may be right."""
    try:
        found = conninfo_to_dict(url)
        host = str(found.get("host") or "")
        ports = str(found.get("port") or "5432").split(",")
    except psycopg.Error as error:
        # Its words repeat the address, or a part of the password; only the name of a setting is neither.
        named = re.search(r'invalid (?:URI query parameter|connection option)[: ]+"(\w+)"', str(error))
        if named is not None and named[1] not in urlsplit(url).netloc:
            return f"libpq knows no setting {named[1]}. Correct it, or leave it out."
        return f"libpq cannot read it. {_FORM}."
    if "@" in host or any(not port.isdecimal() for port in ports if port):
        return f"Its host or port is none. {_FORM}."
    return None


def mistake(error: BaseException | None) -> str | None:
    """What somebody must mend before a connection is to be had; `None` where it may be had in a while.

    Of several hosts each must be a mistake: one that is away may be the right one.
    """
    if not isinstance(error, psycopg.Error):
        return None
    first, *others = str(error).split(_EACH_HOST)
    found = [_mistake(said) for said in others or [first]]
    return None if None in found else found[0]


def passes(error: BaseException) -> str:
    """The SQLSTATE of a refusal that says when to come back, as far as it is known; an empty text for all else."""
    if _NO_ROOM.search(str(error)):
        return "53300"
    return "57P03" if _STOPS_OR_STARTS.search(str(error)) else ""


def _mistake(said: str) -> str | None:
    for pattern, words in _MISTAKES:
        if (found := pattern.search(said)) is not None:
            name = next((each for each in found.groups() if each), "")
            return f"{words.format(name)}."
    return None
