"""POST /signup: a new person, with a session or, where addresses must be confirmed, a mail; without an address an
anonymous one.
"""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
from aiohttp import web
from psycopg.errors import UniqueViolation

from tripgate.local.auth import bodies, flows, links, mailer, passwords, sessions, users
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError

if TYPE_CHECKING:
    from tripgate.local.auth.context import AuthContext, Connection, Row

routes = web.RouteTableDef()
log = logging.getLogger(__name__)


@routes.post("/signup")
async def sign_up(request: web.Request) -> web.Response:
    """Takes e-mail, password and `data` (the person's metadata); answers a session, or the person without one."""
    auth = context(request)
    body = await bodies.read(request, bodies.SignUpBody)
    if not body.email and not body.phone and not body.password:
        return await _sign_up_anonymously(auth, request, body)
    if not auth.settings.signup_enabled:
        raise AuthError(422, "signup_disabled", "Signups not allowed for this instance")
    if not body.password:
        raise AuthError(400, "validation_failed", "Signup requires a valid password")
    check_strength(body.password, auth.settings.password_min_length)
    if body.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone signups are disabled")
    if not body.email:
        raise AuthError(400, "validation_failed", "Sign up only available with email provider")
    email = required_email(body.email)
    pkce = flows.check(body)
    hashed = await passwords.hash_password(body.password)
    if auth.settings.autoconfirm:
        async with auth.pool.connection() as connection:
            user = await create_confirmed(connection, email, hashed, body.data)
            return json_response(await sessions.open_session(auth, connection, user, request))
    async with auth.pool.connection() as connection:
        known = await users.find_by_email(connection, email)
        if known is not None and known["email_confirmed_at"] is not None:
            return json_response(_nobody(email, body.data))
        user = known or await create(connection, email, hashed, body.data)
        mail = await mailer.confirmation(auth, connection, user, links.application_url(auth, request), pkce=pkce)
        if pkce:
            await flows.begin(connection, user, body, "signup")
        shown = await users.to_json(connection, await users.update(connection, user["id"]))
    auth.send(mail)
    return json_response(shown)


async def _sign_up_anonymously(auth: AuthContext, request: web.Request, body: bodies.SignUpBody) -> web.Response:
    if not auth.settings.anonymous_enabled:
        raise AuthError(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
    if not auth.settings.signup_enabled:
        raise AuthError(422, "signup_disabled", "Signups not allowed for this instance")
    async with auth.pool.connection() as connection:
        user = await create(connection, None, "", body.data)
        return json_response(await sessions.open_session(auth, connection, user, request, method="anonymous"))


def _nobody(email: str, data: dict[str, Any]) -> dict[str, Any]:
    """What a sign-up with somebody else's address is answered: a person who looks new and does not exist."""
    now = datetime.datetime.now(datetime.UTC)
    return {
        "id": uuid4(),
        "aud": users.AUDIENCE,
        "role": "",
        "email": email,
        "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": data,
        "identities": [],
        "confirmation_sent_at": now,
        "created_at": now,
        "updated_at": now,
        "is_anonymous": False,
    }


async def create_confirmed(connection: Connection, email: str, password_hash: str, data: dict[str, Any]) -> Row:
    """A person whose address needs no proof. Raises AuthError `user_already_exists` for a known address."""
    if await users.find_by_email(connection, email):
        raise AuthError(422, "user_already_exists", "User already registered")
    user = await create(connection, email, password_hash, data)
    return await users.confirm_email(connection, user["id"])


async def create(
    connection: Connection,
    email: str | None,
    password_hash: str,
    data: dict[str, Any],
    *,
    app_metadata: dict[str, Any] | None = None,
    user_id: UUID | None = None,
    role: str = users.ROLE,
) -> Row:
    """A new, unconfirmed person. Raises AuthError `user_already_exists`, or where a trigger of the project refuses."""
    try:
        return await users.create(
            connection,
            email=email,
            password_hash=password_hash,
            data=data,
            app_metadata=app_metadata,
            user_id=user_id,
            role=role,
        )
    except UniqueViolation as error:
        if error.diag.table_name != "users":
            raise
        raise AuthError(422, "user_already_exists", "User already registered") from error
    except psycopg.Error as error:
        # Most often a trigger of the project's own on auth.users.
        log.exception("a new user could not be saved")
        raise AuthError(500, "unexpected_failure", "Database error saving new user") from error


def required_email(email: str) -> str:
    """The address in normal form. Raises AuthError `validation_failed` for none, and for what is none."""
    if not email:
        raise AuthError(400, "validation_failed", "An email address is required")
    normal = users.normal_email(email)
    if normal is None:
        raise AuthError(400, "validation_failed", "Unable to validate email address: invalid format")
    return normal


def check_strength(password: str, min_length: int) -> None:
    """Raises AuthError `weak_password` for a short password, `validation_failed` for one that bcrypt would cut."""
    if len(password.encode()) > passwords.MAX_BYTES:
        raise AuthError(400, "validation_failed", f"Password cannot be longer than {passwords.MAX_BYTES} characters")
    if len(password.encode()) < min_length:
        message = f"Password should be at least {min_length} characters."
        raise AuthError(422, "weak_password", message, weak_password={"reasons": ["length"]})
