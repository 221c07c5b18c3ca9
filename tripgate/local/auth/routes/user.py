"""GET and PUT /user, POST /logout: what a signed-in person asks for."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from aiohttp import web

from tripgate.local.auth import (
    bodies,
    caller,
    flows,
    links,
    mailer,
    one_time_tokens,
    passwords,
    phones,
    sessions,
    users,
    verification,
)
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError
from tripgate.local.auth.one_time_tokens import Kind
from tripgate.local.auth.routes.signup import required_email

if TYPE_CHECKING:
    from tripgate.local.auth.context import AuthContext, Connection, Row
    from tripgate.local.auth.settings import AuthSettings
    from tripgate.local.inbox import Mail

routes = web.RouteTableDef()
# How old a session may be that changes the password without a mailed code, where the project asks for one.
RECENT = datetime.timedelta(hours=24)


@routes.get("/user", allow_head=False)
async def read_user(request: web.Request) -> web.Response:
    """The person as the database has them now, not as their token says."""
    auth = context(request)
    async with auth.pool.connection() as connection:
        who = await caller.identify(auth, connection, request)
        return json_response(await users.to_json(connection, who.user))


@routes.put("/user")
async def update_user(request: web.Request) -> web.Response:
    """Takes a new password (which ends all other sessions), a new address (which must be confirmed), `data`."""
    auth = context(request)
    async with auth.pool.connection() as connection:
        who = await caller.identify(auth, connection, request)
    auth.rates.take("sign_ins", request.remote)
    body = await bodies.read(request, bodies.UserUpdateBody)
    email = required_email(body.email) if body.email else ""
    if body.phone:
        phones.check(body.phone)
    if body.password is not None:
        passwords.check_strength(auth.settings, body.password)
    if body.app_metadata is not None:
        raise AuthError(403, "not_admin", "Updating app_metadata requires admin privileges")
    if who.user["is_anonymous"] and body.password is not None and not email:
        message = "Updating password of an anonymous user without an email or phone is not allowed"
        raise AuthError(422, "validation_failed", message)
    if body.phone:
        raise AuthError(500, "unexpected_failure", "Unable to get SMS provider", error_id=uuid4())
    if email and email != (who.user["email"] or ""):
        async with auth.pool.connection() as connection:
            await _refuse_taken(connection, email)
    # No connection is held while hashes are computed.
    hashed = await _hash_of_other(auth.settings, body.password, who.user) if body.password is not None else None
    mails: list[Mail] = []
    async with auth.pool.connection() as connection:
        user = await users.lock(connection, who.user["id"])
        if user is None:
            raise AuthError(403, "user_not_found", "User from sub claim in JWT does not exist")
        if hashed is not None:
            await _reauthenticate(auth, connection, user, who.session, body.nonce)
            user = await set_password(connection, user, hashed, keep=who.session)
        if body.data is not None:
            changed = users.merged(user["raw_user_meta_data"], body.data)
            user = await users.update_metadata(connection, user["id"], raw_user_meta_data=changed)
        if email and email != (user["email"] or ""):
            mails = await _change_email(auth, connection, request, user, email, body)
        user = await users.update(connection, user["id"])
        # Which the platform does not read again.
        shown = await users.to_json(connection, {**user, "confirmed_at": who.user["confirmed_at"]})
    for mail in mails:
        auth.send(mail)
    return json_response(shown)


async def _change_email(
    auth: AuthContext, connection: Connection, request: web.Request, user: Row, email: str, body: bodies.UserUpdateBody
) -> list[Mail]:
    """The mails that ask for confirmation; none where an anonymous person gets a first address that needs no proof."""
    await _refuse_taken(connection, email)
    if user["is_anonymous"] and auth.settings.autoconfirm:
        user = await users.update(connection, user["id"], email_change=email)
        await verification.confirm_email_change(connection, user)
        return []
    pkce = bool(body.code_challenge)
    if pkce:
        await flows.begin(connection, user, body, "email_change")
    redirect_to = links.application_url(auth, request)
    return await mailer.email_change(auth, connection, user, email, redirect_to, pkce=pkce)


async def _refuse_taken(connection: Connection, email: str) -> None:
    if await users.find_by_email(connection, email):
        raise AuthError(422, "email_exists", "A user with this email address has already been registered")


async def _hash_of_other(settings: AuthSettings, password: str, user: Row) -> str:
    """The new password's hash. Raises AuthError `same_password` where it is the old one."""
    if user["encrypted_password"] and await passwords.matches(settings, password, user["encrypted_password"]):
        raise AuthError(422, "same_password", "New password should be different from the old password.")
    return await passwords.hash_password(settings, password)


async def _reauthenticate(
    auth: AuthContext, connection: Connection, user: Row, session: Row | None, nonce: str
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    if not auth.settings.secure_password_change or (session is not None and now < session["created_at"] + RECENT):
        return
    if not nonce:
        raise AuthError(400, "reauthentication_needed", "Password update requires reauthentication")
    print_ = one_time_tokens.fingerprint(user["email"] or "", nonce)
    if not one_time_tokens.matching(user, print_, (Kind.REAUTHENTICATION,), auth.settings.otp_seconds):
        raise AuthError(422, "reauthentication_not_valid", "Nonce has expired or is invalid")
    await one_time_tokens.use_up(connection, user, Kind.REAUTHENTICATION)


async def set_password(connection: Connection, user: Row, hashed: str, *, keep: Row | None) -> Row:
    """Store a new password's hash. Whoever knew the old one loses their sessions, codes and links, but for `keep`."""
    await one_time_tokens.forget_all(connection, user["id"])
    await sessions.close_sessions(connection, user, keep, "global" if keep is None else "others")
    blank = {kind.column: "" for kind in Kind}
    return await users.update(
        connection, user["id"], encrypted_password=hashed, **blank, **{kind.sent_at: None for kind in Kind}
    )


@routes.post("/logout")
async def log_out(request: web.Request) -> web.Response:
    """Takes `scope` in the query: `global` (every session), `local` (this one) or `others`."""
    auth = context(request)
    scope = request.query.get("scope") or "global"
    async with auth.pool.connection() as connection:
        who = await caller.identify(auth, connection, request)
        if scope not in {"global", "local", "others"}:
            raise AuthError(400, "validation_failed", f'Unsupported logout scope "{scope}"')
        await sessions.close_sessions(connection, who.user, who.session, cast(sessions.LogoutScope, scope))
    return web.Response(status=204)
