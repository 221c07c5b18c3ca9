"""What a mailed code or link proves, and what follows from it.

Source: supabase/auth, internal/api/verify.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from psycopg.errors import UniqueViolation

from tripgate.local.auth import one_time_tokens, passwords, users
from tripgate.local.auth.errors import AuthError
from tripgate.local.auth.one_time_tokens import EMAIL_CHANGE, Kind

if TYPE_CHECKING:
    from tripgate.local.auth.context import AuthContext, Connection, Row

KINDS = {
    "signup": (Kind.CONFIRMATION,),
    "invite": (Kind.CONFIRMATION,),
    "recovery": (Kind.RECOVERY,),
    "magiclink": (Kind.RECOVERY,),
    "email": (Kind.CONFIRMATION, Kind.RECOVERY),
    "email_change": EMAIL_CHANGE,
}
HALF_DONE = "Confirmation link accepted. Please proceed to confirm link sent to the other email"


@dataclass(frozen=True)
class Proof:
    """A person, locked until the transaction ends, and the token that they showed."""

    user: Row
    kind: Kind


def kinds_of(type_: str) -> tuple[Kind, ...]:
    """What a token of this type may be. Raises AuthError `validation_failed` for an unknown type."""
    try:
        return KINDS[type_]
    except KeyError as error:
        raise AuthError(400, "validation_failed", "Invalid email verification type") from error


async def by_link(context: AuthContext, connection: Connection, type_: str, link_token: str) -> Proof:
    """Whose link this is. Raises AuthError `otp_expired` for one that is wrong, used or too old."""
    if "\0" in link_token:  # which no text in Postgres holds
        message = "Database error finding user from email link"
        raise AuthError(500, "unexpected_failure", message, error_id=uuid4())
    found = await one_time_tokens.find_by_link(connection, link_token, kinds_of(type_))
    if found is None or not one_time_tokens.is_fresh(*found, context.settings.otp_seconds):
        raise AuthError(403, "otp_expired", "Email link is invalid or has expired")
    return _allowed(Proof(*found))


async def by_code(context: AuthContext, connection: Connection, type_: str, email: str, code: str) -> Proof:
    """Whose code this is. Raises AuthError `otp_expired`; an unknown address gets the same answer."""
    # An unknown type has no code, and is not told from a wrong one.
    kinds = KINDS.get(type_, ())
    print_ = one_time_tokens.fingerprint(email, code)
    if type_ == "email_change":
        # The address may be the new one, which the person's row does not have yet.
        user = await one_time_tokens.find_by_email_change(connection, print_)
    else:
        found = await users.find_by_email(connection, email)
        user = await users.lock(connection, found["id"]) if found else None
    kind = one_time_tokens.matching(user, print_, kinds, context.settings.otp_seconds) if user else None
    if user is None or kind is None:
        raise wrong_code()
    return _allowed(Proof(user, kind))


def wrong_code() -> AuthError:
    """What is answered to a code that is nobody's."""
    return AuthError(403, "otp_expired", "Token has expired or is invalid")


def _allowed(proof: Proof) -> Proof:
    if users.is_banned(proof.user):
        raise AuthError(403, "user_banned", "User is banned")
    return proof


async def accept(context: AuthContext, connection: Connection, proof: Proof) -> Row | None:
    """Use the token up and do what it stands for. None while a change of address still misses its other half."""
    user, kind = proof.user, proof.kind
    if kind in EMAIL_CHANGE:
        return await _change_email(context, connection, user, kind)
    user = await one_time_tokens.use_up(connection, user, kind)
    if kind is Kind.CONFIRMATION:
        await users.verify_identity(connection, user)
        if not user["encrypted_password"] and user["invited_at"] is not None:
            # One that nobody knows, as on the platform: the application asks for another.
            hashed = await passwords.hash_password(context.settings, passwords.unknown(context.settings))
            user = await users.update(connection, user["id"], encrypted_password=hashed)
    if kind is Kind.CONFIRMATION or user["email_confirmed_at"] is None:
        user = await users.confirm_email(connection, user["id"])
    return user


async def _change_email(context: AuthContext, connection: Connection, user: Row, kind: Kind) -> Row | None:
    settings = context.settings
    both = settings.secure_email_change and not settings.autoconfirm and bool(user["email"])
    if both and user["email_change_confirm_status"] == 0:
        user = await one_time_tokens.use_up_one(connection, user, kind)
        await users.update(connection, user["id"], email_change_confirm_status=1)
        return None
    return await confirm_email_change(connection, user)


async def confirm_email_change(connection: Connection, user: Row) -> Row:
    """Make `email_change` the person's address. Raises AuthError `email_exists` if it has become somebody else's."""
    await one_time_tokens.forget_all(connection, user["id"])
    try:
        user = await users.set_email(connection, user, user["email_change"], verified=True)
    except UniqueViolation as error:
        message = "A user with this email address has already been registered"
        raise AuthError(422, "email_exists", message) from error
    user = await users.update(
        connection,
        user["id"],
        email_change="",
        email_change_token_current="",
        email_change_token_new="",
        email_change_confirm_status=0,
    )
    return user if user["email_confirmed_at"] else await users.confirm_email(connection, user["id"])
