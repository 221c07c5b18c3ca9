"""POST /signup: a new person, confirmed at once, with a session."""

from __future__ import annotations

import logging

import psycopg
from aiohttp import web
from psycopg.errors import UniqueViolation

from tripgate.local.auth import bodies, passwords, sessions, users
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError

routes = web.RouteTableDef()
log = logging.getLogger(__name__)


@routes.post("/signup")
async def sign_up(request: web.Request) -> web.Response:
    """Takes e-mail, password and `data` (the person's metadata); answers a session."""
    auth = context(request)
    body = await bodies.read(request, bodies.SignUpBody)
    if not body.password:
        raise AuthError(400, "validation_failed", "Signup requires a valid password")
    check_strength(body.password, auth.password_min_length)
    if body.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone signups are disabled")
    if not body.email:
        raise AuthError(400, "validation_failed", "Sign up only available with email provider")
    email = users.normal_email(body.email)
    if email is None:
        raise AuthError(400, "validation_failed", "Unable to validate email address: invalid format")
    hashed = await passwords.hash_password(body.password)
    async with auth.pool.connection() as connection:
        if await users.find_by_email(connection, email):
            raise AuthError(422, "user_already_exists", "User already registered")
        try:
            user = await users.create_with_email(connection, email, hashed, body.data)
        except UniqueViolation as error:
            if error.diag.table_name != "users":
                raise
            raise AuthError(422, "user_already_exists", "User already registered") from error
        except psycopg.Error as error:
            # Most often a trigger of the project's own on auth.users.
            log.exception("a new user could not be saved")
            raise AuthError(500, "unexpected_failure", "Database error saving new user") from error
        user = await users.confirm_email(connection, user["id"])
        return json_response(await sessions.open_session(auth, connection, user, request))


def check_strength(password: str, min_length: int) -> None:
    """Raises AuthError `weak_password` for a short password, `validation_failed` for one that bcrypt would cut."""
    if len(password.encode()) > passwords.MAX_BYTES:
        raise AuthError(400, "validation_failed", f"Password cannot be longer than {passwords.MAX_BYTES} characters")
    if len(password.encode()) < min_length:
        message = f"Password should be at least {min_length} characters."
        raise AuthError(422, "weak_password", message, weak_password={"reasons": ["length"]})
