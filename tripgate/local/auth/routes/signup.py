"""POST /signup: a new person, with a session or, where addresses must be confirmed, a mail; without an address an
anonymous one.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
from aiohttp import web
from psycopg.errors import UniqueViolation

from tripgate.local.auth import bodies, flows, links, mailer, passwords, sessions, users
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError, of_database

if TYPE_CHECKING:
    from tripgate.local.auth.context import AuthContext, Connection, Row

routes = web.RouteTableDef()


@routes.post("/signup")
async def sign_up(request: web.Request) -> web.Response:
    """Takes e-mail, password and `data` (the person's metadata); answers a session, or the person without one."""
    auth = context(request)
    body = await bodies.read(request, bodies.SignUpBody)
    if not body.email and not body.phone:
        return await _sign_up_anonymously(auth, request, body)
    auth.rates.take("sign_ins", request.remote)
    email = _checked(auth, body)
    pkce = bool(body.code_challenge)
    hashed = await passwords.hash_password(auth.settings, body.password)
    if auth.settings.autoconfirm:
        async with auth.pool.connection() as connection:
            user = await create_confirmed(connection, email, hashed, body.data)
            return json_response(await sessions.open_session(auth, connection, user, request))
    async with auth.pool.connection() as connection:
        known = await users.find_by_email(connection, email)
        if known is not None and known["email_confirmed_at"] is not None:
            return json_response(_nobody(email, body.data))
        user = known or await create(connection, email, hashed, body.data, signs_up=True)
        mail = await mailer.confirmation(auth, connection, user, links.application_url(auth, request), pkce=pkce)
        if pkce:
            await flows.begin(connection, user, body, "signup")
        shown = await users.to_json(connection, await users.update(connection, user["id"]))
        if user["invited_at"] is not None:
            shown |= {"user_metadata": {}, "identities": []}
    auth.send(mail)
    return json_response(shown)


def _checked(auth: AuthContext, body: bodies.SignUpBody) -> str:
    """The address that signs up, in normal form. Raises AuthError for a body that cannot."""
    if not auth.settings.signup_enabled:
        raise AuthError(422, "signup_disabled", "Signups not allowed for this instance")
    if not body.password:
        raise AuthError(400, "validation_failed", "Signup requires a valid password")
    passwords.check_strength(auth.settings, body.password)
    if body.email and body.phone:
        message = "Only an email address or phone number should be provided on signup."
        raise AuthError(400, "validation_failed", message)
    if body.phone and body.code_challenge:
        raise AuthError(400, "validation_failed", "PKCE not supported for phone signups")
    flows.check(body)
    if body.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone signups are disabled")
    if not auth.settings.email_enabled:
        raise AuthError(400, "email_provider_disabled", "Email signups are disabled")
    return required_email(body.email)


async def _sign_up_anonymously(auth: AuthContext, request: web.Request, body: bodies.SignUpBody) -> web.Response:
    if not auth.settings.anonymous_enabled:
        raise AuthError(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
    auth.rates.take("anonymous_users", request.remote)
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
    """A person whose address needs no proof, who may have been here unconfirmed, with the password they had then.

    Raises AuthError `user_already_exists` for a confirmed address.
    """
    user = await users.find_by_email(connection, email)
    if user is not None and user["email_confirmed_at"] is not None:
        raise AuthError(422, "user_already_exists", "User already registered")
    user = user or await create(connection, email, password_hash, data, signs_up=True)
    return await users.confirm_email(connection, user["id"])


async def create(
    connection: Connection,
    email: str | None,
    password_hash: str,
    data: dict[str, Any],
    *,
    signs_up: bool = False,
    app_metadata: dict[str, Any] | None = None,
    user_id: UUID | None = None,
    role: str = users.ROLE,
) -> Row:
    """A new, unconfirmed person; `signs_up` where it is they who ask for it.

    Raises AuthError `user_already_exists`, or where the database refuses, a trigger of the project's for instance.
    """
    try:
        return await users.create(
            connection,
            email=email,
            password_hash=password_hash,
            data=data,
            signs_up=signs_up,
            app_metadata=app_metadata,
            user_id=user_id,
            role=role,
        )
    except UniqueViolation as error:
        if error.diag.constraint_name != users.ONE_PER_ADDRESS:
            raise of_database(error, "Database error creating new user") from error
        raise AuthError(422, "user_already_exists", "User already registered") from error
    except psycopg.Error as error:
        raise of_database(error, "Database error saving new user") from error


def required_email(email: str) -> str:
    """The address in normal form. Raises AuthError `validation_failed` for none, and for what is none."""
    if not email:
        raise AuthError(400, "validation_failed", "An email address is required")
    if len(email.encode(errors="replace")) > users.LONGEST_EMAIL:
        raise AuthError(400, "validation_failed", "An email address is too long")
    normal = users.normal_email(email)
    if normal is None:
        raise AuthError(400, "validation_failed", "Unable to validate email address: invalid format")
    return normal
