"""People: rows of `auth.users` and `auth.identities`, and how GoTrue shows them."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from tripgate.local.auth.context import Connection, Row

AUDIENCE = "authenticated"
ROLE = "authenticated"
# GoTrue once served several instances; a single one has this id, and GoTrue finds nobody without it.
INSTANCE = UUID(int=0)
EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)


def normal_email(email: str) -> str | None:
    """The address as it is kept, in lower case, or None if it is not an address."""
    email = email.strip().lower()
    return email if len(email) <= 255 and EMAIL.fullmatch(email) else None


async def find_by_email(connection: Connection, email: str) -> Row | None:
    """The person with this address, in normal form."""
    query = "select * from auth.users where instance_id = %s and lower(email) = %s and aud = %s and not is_sso_user"
    cursor = await connection.execute(query, (INSTANCE, email, AUDIENCE))
    return await cursor.fetchone()


async def find_by_id(connection: Connection, user_id: UUID) -> Row | None:
    """The person with this id."""
    cursor = await connection.execute(
        "select * from auth.users where instance_id = %s and id = %s", (INSTANCE, user_id)
    )
    return await cursor.fetchone()


async def create_with_email(connection: Connection, email: str, password_hash: str, data: dict[str, Any]) -> Row:
    """A new, unconfirmed person with an e-mail identity. Raises psycopg.errors.UniqueViolation for a known address."""
    user_id = uuid4()
    await connection.execute(
        """
        insert into auth.users (
            instance_id, id, aud, role, email, encrypted_password, raw_app_meta_data, raw_user_meta_data,
            is_super_admin, confirmation_token, recovery_token, email_change, email_change_token_new,
            created_at, updated_at
        ) values (%s, %s, %s, %s, %s, %s, %s, %s, false, '', '', '', '', now(), now())
        """,
        (
            INSTANCE,
            user_id,
            AUDIENCE,
            ROLE,
            email,
            password_hash,
            Jsonb({"provider": "email", "providers": ["email"]}),
            Jsonb(data),
        ),
    )
    claims = {"sub": str(user_id), "email": email, "email_verified": False, "phone_verified": False}
    await connection.execute(
        """
        insert into auth.identities (
            id, user_id, provider, provider_id, identity_data, last_sign_in_at, created_at, updated_at
        ) values (%s, %s, 'email', %s, %s, now(), now(), now())
        """,
        (uuid4(), user_id, str(user_id), Jsonb({**data, **claims})),
    )
    return await _update(connection, user_id, "raw_user_meta_data = raw_user_meta_data || %s", Jsonb(claims))


async def confirm_email(connection: Connection, user_id: UUID) -> Row:
    """Count the person's address as theirs."""
    return await _update(
        connection,
        user_id,
        "email_confirmed_at = now(), confirmation_token = '', raw_user_meta_data = raw_user_meta_data || %s",
        Jsonb({"email_verified": True}),
    )


async def signed_in(connection: Connection, user_id: UUID) -> Row:
    """Note the time of a new session."""
    return await _update(connection, user_id, "last_sign_in_at = now()")


async def _update(connection: Connection, user_id: UUID, assignments: str, *values: Any) -> Row:
    query = f"update auth.users set {assignments}, updated_at = now() where id = %s returning *"  # noqa: S608 (own text)
    cursor = await connection.execute(query.encode(), (*values, user_id))
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"user {user_id} disappeared")
    return row


def is_banned(user: Row) -> bool:
    """True while the person may not sign in."""
    until = user["banned_until"]
    return until is not None and until > datetime.datetime.now(datetime.UTC)


async def to_json(connection: Connection, user: Row) -> dict[str, Any]:
    """The person as GoTrue answers: unset times are left out, unset texts are empty."""
    cursor = await connection.execute(
        "select * from auth.identities where user_id = %s order by created_at, id", (user["id"],)
    )
    shown: dict[str, Any] = {
        "id": user["id"],
        "aud": user["aud"],
        "role": user["role"],
        "email": user["email"] or "",
        "phone": user["phone"] or "",
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "identities": [_identity_json(row) for row in await cursor.fetchall()],
        "created_at": user["created_at"],
        "updated_at": user["updated_at"],
        "is_anonymous": user["is_anonymous"],
    }
    for name in OPTIONAL_MEMBERS:
        if user[name]:
            shown[name] = user[name]
    return shown


OPTIONAL_MEMBERS = (
    "email_confirmed_at",
    "phone_confirmed_at",
    "confirmed_at",
    "confirmation_sent_at",
    "recovery_sent_at",
    "email_change_sent_at",
    "invited_at",
    "last_sign_in_at",
    "banned_until",
    "deleted_at",
)


def _identity_json(row: Row) -> dict[str, Any]:
    return {
        "identity_id": row["id"],
        "id": row["provider_id"],
        "user_id": row["user_id"],
        "identity_data": row["identity_data"],
        "provider": row["provider"],
        "last_sign_in_at": row["last_sign_in_at"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "email": row["identity_data"].get("email", ""),
    }
