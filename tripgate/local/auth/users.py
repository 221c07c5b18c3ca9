"""People: rows of `auth.users` and `auth.identities`, and how GoTrue shows them."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from tripgate.local.auth.errors import of_database

if TYPE_CHECKING:
    from tripgate.local.auth.context import Connection, Row

AUDIENCE = "authenticated"
ROLE = "authenticated"
# GoTrue once served several instances; a single one has this id, and GoTrue finds nobody without it.
INSTANCE = UUID(int=0)
LONGEST_EMAIL = 255
# The index that lets an address belong to one person.
ONE_PER_ADDRESS = "users_email_partial_key"
EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)


def normal_email(email: str) -> str | None:
    """The address as it is kept, in lower case, or None if it is not an address."""
    email = email.lower()
    return email if len(email) <= LONGEST_EMAIL and EMAIL.fullmatch(email) else None


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


async def create(
    connection: Connection,
    *,
    email: str | None,
    password_hash: str,
    data: dict[str, Any],
    signs_up: bool = False,
    app_metadata: dict[str, Any] | None = None,
    user_id: UUID | None = None,
    role: str = ROLE,
) -> Row:
    """A new, unconfirmed person; without an address an anonymous one. Who signs up gets claims as metadata as well.

    Raises psycopg.errors.UniqueViolation for a known address or id.
    """
    user_id = user_id or uuid4()
    providers = {"provider": "email", "providers": ["email"]} if email else {}
    await connection.execute(
        """
        insert into auth.users (
            instance_id, id, aud, role, email, encrypted_password, raw_app_meta_data, raw_user_meta_data,
            is_super_admin, is_anonymous, confirmation_token, recovery_token, email_change, email_change_token_new,
            created_at, updated_at
        ) values (%s, %s, %s, %s, %s, %s, %s, %s, false, %s, '', '', '', '', now(), now())
        """,
        (
            INSTANCE,
            user_id,
            AUDIENCE,
            role,
            email,
            password_hash,
            Jsonb({**providers, **(app_metadata or {})}),
            Jsonb(data),
            email is None,
        ),
    )
    if email is None:
        return await update(connection, user_id)
    claims = await _add_email_identity(connection, user_id, email, verified=False, data=data if signs_up else {})
    if not signs_up:
        return await update(connection, user_id)
    return await update_with(connection, user_id, "raw_user_meta_data = raw_user_meta_data || %s", Jsonb(claims))


async def confirm_email(connection: Connection, user_id: UUID) -> Row:
    """Count the person's address as theirs."""
    return await update_with(
        connection,
        user_id,
        "email_confirmed_at = now(), confirmation_token = '', raw_user_meta_data = "
        "coalesce(raw_user_meta_data, '{}') || %s",
        Jsonb({"email_verified": True}),
    )


async def verify_identity(connection: Connection, user: Row) -> None:
    """Note that the address of the person's e-mail identity was proved to be theirs."""
    await connection.execute(
        """
        update auth.identities set identity_data = identity_data || '{"email_verified": true}', updated_at = now()
        where user_id = %s and provider = 'email' and email = %s
        """,
        (user["id"], user["email"]),
    )


async def set_email(connection: Connection, user: Row, email: str, *, verified: bool) -> Row:
    """Give the person another address, in their e-mail identity as well; an anonymous one is no longer so if verified.

    Raises psycopg.errors.UniqueViolation for an address that somebody else has.
    """
    changed = Jsonb({"email": email, "email_verified": verified})
    cursor = await connection.execute(
        "update auth.identities set identity_data = identity_data || %s, updated_at = now()"
        " where user_id = %s and provider = 'email'",
        (changed, user["id"]),
    )
    if cursor.rowcount == 0:
        await _add_email_identity(connection, user["id"], email, verified=verified, data={})
    app_metadata = {"provider": "email", **(user["raw_app_meta_data"] or {})}
    app_metadata["providers"] = sorted({*app_metadata.get("providers", ()), "email"})
    return await update(
        connection,
        user["id"],
        email=email,
        is_anonymous=user["is_anonymous"] and not verified,
        raw_app_meta_data=Jsonb(app_metadata),
    )


def merged(before: dict[str, Any] | None, changes: dict[str, Any]) -> Jsonb:
    """Metadata with changes: a null removes its key, as GoTrue does."""
    return Jsonb({key: value for key, value in {**(before or {}), **changes}.items() if value is not None})


async def signed_in(connection: Connection, user_id: UUID) -> Row:
    """Note the time of a new session."""
    return await update_with(connection, user_id, "last_sign_in_at = now()")


async def update(connection: Connection, user_id: UUID, **columns: Any) -> Row:
    """Set columns, which this package names. Raises LookupError if the person is gone."""
    assignments = "".join(f"{column} = %s, " for column in columns)
    return await update_with(connection, user_id, assignments.removesuffix(", "), *columns.values())


async def update_with(connection: Connection, user_id: UUID, assignments: str, *values: Any) -> Row:
    """Change a person by SQL of this package's own. Raises LookupError if they are gone."""
    comma = ", " if assignments else ""
    query = f"update auth.users set {assignments}{comma}updated_at = now() where id = %s returning *"  # noqa: S608 (own text)
    cursor = await connection.execute(query.encode(), (*values, user_id))
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"user {user_id} disappeared")
    return row


async def update_metadata(connection: Connection, user_id: UUID, **columns: Any) -> Row:
    """The same for metadata, which Postgres may refuse: AuthError `unexpected_failure` for U+0000 in a text."""
    try:
        return await update(connection, user_id, **columns)
    except psycopg.DataError as error:
        raise of_database(error, "Error updating user") from error


async def lock(connection: Connection, user_id: UUID) -> Row | None:
    """The person with this id, locked until the transaction ends: what works once is used by one request only."""
    cursor = await connection.execute("select * from auth.users where id = %s for update", (user_id,))
    return await cursor.fetchone()


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
    for column in OPTIONAL_COLUMNS:
        if user[column]:
            shown[SHOWN_AS.get(column, column)] = user[column]
    return shown


OPTIONAL_COLUMNS = (
    "email_confirmed_at",
    "phone_confirmed_at",
    "confirmed_at",
    "confirmation_sent_at",
    "recovery_sent_at",
    "email_change",
    "email_change_sent_at",
    "reauthentication_sent_at",
    "invited_at",
    "last_sign_in_at",
    "banned_until",
    "deleted_at",
)
SHOWN_AS = {"email_change": "new_email"}


async def _add_email_identity(
    connection: Connection, user_id: UUID, email: str, *, verified: bool, data: dict[str, Any]
) -> dict[str, Any]:
    """A person's e-mail identity; the claims that GoTrue copies to the person's metadata."""
    claims = {"sub": str(user_id), "email": email, "email_verified": verified, "phone_verified": False}
    await connection.execute(
        """
        insert into auth.identities (
            id, user_id, provider, provider_id, identity_data, last_sign_in_at, created_at, updated_at
        ) values (%s, %s, 'email', %s, %s, now(), now(), now())
        """,
        (uuid4(), user_id, str(user_id), Jsonb({**data, **claims})),
    )
    return claims


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
