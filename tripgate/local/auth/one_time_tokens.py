"""Codes and links that are mailed: made, matched, used up.

A token is a code of some digits and a link with the code's fingerprint; a mail tells either or both. The database
holds the fingerprint alone, in the person's row (with the time it was sent) and in `auth.one_time_tokens`. A new token
replaces the one before.
Source: supabase/auth, internal/models/one_time_token.go and internal/api/verify.go.
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
from dataclasses import dataclass
from enum import Enum
from hmac import compare_digest
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from tripgate.local.auth import users
from tripgate.local.auth.errors import AuthError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tripgate.local.auth.context import Connection, Row

# Tells a link of the PKCE flow, which gives a code for the application instead of tokens.
PKCE_PREFIX = "pkce_"


class Kind(Enum):
    """What a token is for: its column in `auth.users`, which is also its type, and the column of the time."""

    CONFIRMATION = ("confirmation_token", "confirmation_sent_at")
    RECOVERY = ("recovery_token", "recovery_sent_at")
    EMAIL_CHANGE_CURRENT = ("email_change_token_current", "email_change_sent_at")
    EMAIL_CHANGE_NEW = ("email_change_token_new", "email_change_sent_at")
    REAUTHENTICATION = ("reauthentication_token", "reauthentication_sent_at")

    @property
    def column(self) -> str:
        """Where the person's row holds the fingerprint."""
        return self.value[0]

    @property
    def sent_at(self) -> str:
        """Where the person's row holds the time."""
        return self.value[1]


@dataclass(frozen=True)
class Issued:
    """A token as it is mailed: the digits, and what the link carries."""

    code: str
    link_token: str


def fingerprint(address: str, code: str) -> str:
    """What is kept of a code that was sent to this address."""
    return hashlib.sha224(f"{address}{code}".encode(errors="replace")).hexdigest()


async def issue(
    connection: Connection, user: Row, kind: Kind, address: str, *, digits: int, pkce: bool = False
) -> Issued:
    """A new token for the person, to be sent to this address."""
    code = f"{secrets.randbelow(10**digits):0{digits}}"
    link_token = (PKCE_PREFIX if pkce else "") + fingerprint(address, code)
    now = datetime.datetime.now(datetime.UTC)
    await users.update(connection, user["id"], **{kind.column: link_token, kind.sent_at: now})
    await _forget(connection, user["id"], kind)
    await connection.execute(
        """
        insert into auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to) values (%s, %s, %s, %s, %s)
        """,
        (uuid4(), user["id"], kind.column, link_token, address),
    )
    return Issued(code, link_token)


def check_frequency(user: Row, kind: Kind, seconds: float) -> None:
    """Raises AuthError `over_email_send_rate_limit` where the last mail of this kind is younger than that."""
    sent_at = user[kind.sent_at]
    if sent_at is None:
        return
    wait = seconds - (datetime.datetime.now(datetime.UTC) - sent_at).total_seconds()
    if wait > 0:
        message = f"For security purposes, you can only request this after {int(wait)} seconds."
        raise AuthError(429, "over_email_send_rate_limit", message)


async def find_by_link(connection: Connection, link_token: str, kinds: Iterable[Kind]) -> tuple[Row, Kind] | None:
    """Whose link this is, and what for."""
    by_type = {kind.column: kind for kind in kinds}
    cursor = await connection.execute(
        "select user_id, token_type from auth.one_time_tokens where token_hash = %s and token_type::text = any(%s)",
        (link_token, list(by_type)),
    )
    token = await cursor.fetchone()
    # The person's row is locked and compared again, so that of two requests with one link only the first gets through.
    user = await users.lock(connection, token["user_id"]) if token else None
    if token is None or user is None:
        return None
    kind = by_type[token["token_type"]]
    return (user, kind) if user[kind.column] == link_token else None


async def find_by_email_change(connection: Connection, link_token: str) -> Row | None:
    """Whose change of address this fingerprint confirms, in either flow; locked."""
    for prefix in ("", PKCE_PREFIX):
        found = await find_by_link(connection, prefix + link_token, EMAIL_CHANGE)
        if found:
            return found[0]
    return None


def matching(user: Row, print_: str, kinds: Iterable[Kind], seconds: int) -> Kind | None:
    """The kind of the person's token that has this fingerprint and is not too old."""
    for kind in kinds:
        expected = user[kind.column] or ""
        if expected and compare_digest(expected.removeprefix(PKCE_PREFIX), print_) and is_fresh(user, kind, seconds):
            return kind
    return None


def is_fresh(user: Row, kind: Kind, seconds: int) -> bool:
    """True until so long after the token was sent."""
    sent_at = user[kind.sent_at]
    return sent_at is not None and datetime.datetime.now(datetime.UTC) <= sent_at + datetime.timedelta(seconds=seconds)


async def use_up(connection: Connection, user: Row, kind: Kind) -> Row:
    """Make one token useless, and the links of all others of the person."""
    await forget_all(connection, user["id"])
    return await users.update(connection, user["id"], **{kind.column: ""})


async def use_up_one(connection: Connection, user: Row, kind: Kind) -> Row:
    """Make one token useless, and nothing else."""
    await _forget(connection, user["id"], kind)
    return await users.update(connection, user["id"], **{kind.column: ""})


async def forget_all(connection: Connection, user_id: UUID) -> None:
    """Make all links of the person useless."""
    await connection.execute("delete from auth.one_time_tokens where user_id = %s", (user_id,))


async def _forget(connection: Connection, user_id: UUID, kind: Kind) -> None:
    await connection.execute(
        "delete from auth.one_time_tokens where user_id = %s and token_type = %s", (user_id, kind.column)
    )


EMAIL_CHANGE = (Kind.EMAIL_CHANGE_CURRENT, Kind.EMAIL_CHANGE_NEW)
