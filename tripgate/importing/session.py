"""The operator's connection, and the one transaction of an import."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import psycopg

from tripgate.importing.unfit import ImportFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_SECONDS = 10
_LOOK_SECONDS = 20
# The name of this program among the locks of the database: "tripgate".
_LOCK = 0x7472697067617465
_WAIT = "10s"


class UnknownEndError(Exception):
    """The database went away while the transaction ended; nobody knows how."""


@contextlib.contextmanager
def opened(url: str) -> Iterator[tuple[psycopg.Connection, str]]:
    """A connection in a transaction in which no other import runs, and the transaction's number.

    Raises:
        ImportFailedError: There is none, or the login may not see all rows.
    """
    try:
        connection = _connected(url)
    except psycopg.ProgrammingError:
        # What psycopg says of a string that it cannot read repeats the string, password included.
        raise ImportFailedError(
            "The database's address is no connection string. Write postgresql://user:password@host/name.",
            usage=True,
        ) from None
    except psycopg.OperationalError as error:
        raise ImportFailedError(f"The database cannot be reached: {_first_line(error)}.") from None
    try:
        yield connection, _begin(connection)
    except psycopg.OperationalError as error:
        raise ImportFailedError(f"The database went away, so nothing is imported: {_first_line(error)}.") from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise ImportFailedError(
            f"This login may not do that, so nothing is imported: {_first_line(error)}. Connect as role postgres.",
            usage=True,
        ) from None
    except psycopg.Error as error:
        raise ImportFailedError(f"The database refuses it, so nothing is imported: {_first_line(error)}.") from None
    finally:
        connection.close()


def _connected(url: str) -> psycopg.Connection:
    # Unprepared, as behind poolers of transactions.
    return psycopg.connect(
        url, connect_timeout=CONNECT_SECONDS, prepare_threshold=None, application_name="tripgate import"
    )


def _begin(connection: psycopg.Connection) -> str:
    connection.execute("set local search_path = ''")
    # An import may take long, and its connection waits while accounts are made.
    connection.execute("set local statement_timeout = 0")
    connection.execute("set local idle_in_transaction_session_timeout = 0")
    # Nothing is told only when all is over.
    connection.execute("set constraints all immediate")
    row = connection.execute(
        "select rolsuper or rolbypassrls, pg_catalog.pg_current_xact_id()::text"
        " from pg_catalog.pg_roles where rolname = current_user"
    ).fetchone()
    if row is None or not row[0]:
        raise ImportFailedError(
            "This login is held by row level security, so it would see and write a part of the rows. Connect as role "
            "postgres.",
            usage=True,
        )
    # One whose program has been killed lets go when the database notices.
    connection.execute(f"set local lock_timeout = '{_WAIT}'".encode())
    try:
        connection.execute("select pg_catalog.pg_advisory_xact_lock(%s)", (_LOCK,))
    except psycopg.errors.LockNotAvailable:
        raise ImportFailedError("Another import is running on this database. Wait for it to end.") from None
    connection.execute("set local lock_timeout = 0")
    return str(row[1])


def commit(connection: psycopg.Connection, transaction: str, url: str) -> None:
    """End the transaction.

    Raises:
        UnknownEndError: The database went away meanwhile, and does not say whether it had come to its end.
        psycopg.Error: It did not come to its end.
    """
    try:
        connection.commit()
    except psycopg.OperationalError:
        match _end_of(transaction, url):
            case "committed":
                return
            case "aborted":
                raise
            case _:
                raise UnknownEndError(
                    "The database went away as the import ended, and cannot be asked whether it is there. Run it "
                    "again: what is there already stays as it is."
                ) from None


def _end_of(transaction: str, url: str) -> str | None:
    deadline = time.monotonic() + _LOOK_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.Error), contextlib.closing(_connected(url)) as connection:
            row = connection.execute("select pg_catalog.pg_xact_status(%s::text::xid8)", (transaction,)).fetchone()
            if row is not None and row[0] in {"committed", "aborted"}:
                return str(row[0])
        time.sleep(0.5)
    return None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
