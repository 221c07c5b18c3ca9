"""What is answered by a mail: POST /recover, /otp, /magiclink, /resend and GET /reauthenticate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from tripgate.local.auth import bodies, caller, flows, links, mailer, users
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError
from tripgate.local.auth.routes.signup import create, create_confirmed, required_email

if TYPE_CHECKING:
    from tripgate.local.auth.context import AuthContext

routes = web.RouteTableDef()


@routes.post("/recover")
async def recover(request: web.Request) -> web.Response:
    """Mails a code and a link for a new password. An unknown address gets the same answer and no mail."""
    auth = context(request)
    body = await bodies.read(request, bodies.RecoverBody)
    if not body.email:
        raise AuthError(400, "validation_failed", "Password recovery requires an email")
    email = required_email(body.email)
    pkce = flows.check(body)
    async with auth.pool.connection() as connection:
        user = await users.find_by_email(connection, email)
        if user is None:
            return json_response({})
        mail = await mailer.recovery(auth, connection, user, links.application_url(auth, request), pkce=pkce)
        if pkce:
            await flows.begin(connection, user, body, "recovery")
    auth.send(mail)
    return json_response({})


@routes.post("/otp")
async def otp(request: web.Request) -> web.Response:
    """Mails a code and a link that sign in; makes the account unless `create_user` is false."""
    return await _magic_link(context(request), request, await bodies.read(request, bodies.OtpBody))


@routes.post("/magiclink")
async def magic_link(request: web.Request) -> web.Response:
    """The same, as older clients ask for it: always makes the account."""
    body = await bodies.read(request, bodies.OtpBody)
    return await _magic_link(context(request), request, body.model_copy(update={"create_user": True}))


async def _magic_link(auth: AuthContext, request: web.Request, body: bodies.OtpBody) -> web.Response:
    if body.phone:
        raise AuthError(400, "phone_provider_disabled", "Unsupported phone provider")
    if not body.email:
        raise AuthError(400, "validation_failed", "One of email or phone must be set")
    email = required_email(body.email)
    pkce = flows.check(body)
    redirect_to = links.application_url(auth, request)
    async with auth.pool.connection() as connection:
        user = await users.find_by_email(connection, email)
        if user is None:
            if not body.create_user:
                raise AuthError(422, "otp_disabled", "Signups not allowed for otp")
            if not auth.settings.signup_enabled:
                raise AuthError(422, "signup_disabled", "Signups not allowed for this instance")
        if auth.settings.autoconfirm:
            if user is None:
                user = await create_confirmed(connection, email, "", body.data)
            elif user["email_confirmed_at"] is None:
                user = await users.confirm_email(connection, user["id"])
        elif user is None:
            user = await create(connection, email, "", body.data)
        # Who has yet to prove their address does so by the same mail.
        known = user["email_confirmed_at"] is not None
        write = mailer.magic_link if known else mailer.confirmation
        mail = await write(auth, connection, user, redirect_to, pkce=pkce)
        if pkce:
            await flows.begin(connection, user, body, "magiclink" if known else "signup")
    auth.send(mail)
    return json_response({})


@routes.post("/resend")
async def resend(request: web.Request) -> web.Response:
    """Mails once more what confirms a sign-up or a change of address. The answer does not say whether there was any."""
    auth = context(request)
    body = await bodies.read(request, bodies.ResendBody)
    if body.type in {"sms", "phone_change"} or body.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    if body.type not in {"signup", "email_change"}:
        message = "Missing one of these types: signup, email_change, sms, phone_change"
        raise AuthError(400, "validation_failed", message)
    email = required_email(body.email)
    redirect_to = links.application_url(auth, request)
    async with auth.pool.connection() as connection:
        user = await users.find_by_email(connection, email)
        if user is None:
            mails = []
        elif body.type == "signup":
            confirmed = user["email_confirmed_at"] is not None
            mails = [] if confirmed else [await mailer.confirmation(auth, connection, user, redirect_to, pkce=False)]
        else:
            new = user["email_change"]
            mails = await mailer.email_change(auth, connection, user, new, redirect_to, pkce=False) if new else []
    for mail in mails:
        auth.send(mail)
    return json_response({})


@routes.get("/reauthenticate")
async def reauthenticate(request: web.Request) -> web.Response:
    """Mails the code that PUT /user takes as `nonce`."""
    auth = context(request)
    async with auth.pool.connection() as connection:
        who = await caller.identify(auth, connection, request)
        if not who.user["email"]:
            message = "Reauthentication requires the user to have an email or a phone number"
            raise AuthError(422, "validation_failed", message)
        if who.user["email_confirmed_at"] is None:
            raise AuthError(422, "email_not_confirmed", "Please verify your email first.")
        mail = await mailer.reauthentication(auth, connection, who.user)
    auth.send(mail)
    return json_response({})
