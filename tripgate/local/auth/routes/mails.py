"""What is answered by a mail: POST /recover, /otp, /magiclink, /resend and GET /reauthenticate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from tripgate.local.auth import bodies, caller, flows, links, mailer, passwords, users
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError
from tripgate.local.auth.routes.signup import create, create_confirmed, required_email

if TYPE_CHECKING:
    from tripgate.local.auth.context import AuthContext
    from tripgate.local.inbox import Mail

routes = web.RouteTableDef()
EMAIL_LOGINS_DISABLED = "Email logins are disabled"


@routes.post("/recover")
async def recover(request: web.Request) -> web.Response:
    """Mails a link for a new password. An unknown address gets the same answer and no mail."""
    auth = context(request)
    auth.rates.take("sign_ins", request.remote)
    if not auth.settings.email_enabled:
        raise AuthError(400, "email_provider_disabled", EMAIL_LOGINS_DISABLED)
    body = await bodies.read(request, bodies.RecoverBody)
    if not body.email:
        raise AuthError(400, "validation_failed", "Password recovery requires an email")
    email = required_email(body.email)
    pkce = flows.check(body)
    async with auth.pool.connection() as connection:
        user = await users.find_by_email(connection, email)
        if user is None:
            return json_response({})
        if pkce:
            await flows.begin(connection, user, body, "recovery")
        mail = await mailer.recovery(auth, connection, user, links.application_url(auth, request), pkce=pkce)
    auth.send(mail)
    return json_response({})


@routes.post("/otp")
async def otp(request: web.Request) -> web.Response:
    """Mails a link that signs in; makes the account unless `create_user` is false."""
    auth = context(request)
    auth.rates.take("sign_ins", request.remote)
    body = await bodies.read(request, bodies.OtpBody)
    if body.email and body.phone:
        raise AuthError(400, "validation_failed", "Only an email address or phone number should be provided")
    if body.email and body.channel:
        raise AuthError(400, "validation_failed", "Channel should only be specified with Phone OTP")
    flows.check(body)
    if not body.create_user and (body.email or body.phone) and not await _is_known(auth, body.email):
        raise AuthError(422, "otp_disabled", "Signups not allowed for otp")
    if body.email:
        return await _magic_link(auth, request, body)
    if body.phone:
        raise AuthError(400, "phone_provider_disabled", "Unsupported phone provider")
    raise AuthError(400, "validation_failed", "One of email or phone must be set")


async def _is_known(auth: AuthContext, email: str) -> bool:
    normal = users.normal_email(email)
    if normal is None:
        return False
    async with auth.pool.connection() as connection:
        return await users.find_by_email(connection, normal) is not None


@routes.post("/magiclink")
async def magic_link(request: web.Request) -> web.Response:
    """The same, as older clients ask for it: always makes the account."""
    auth = context(request)
    auth.rates.take("sign_ins", request.remote)
    return await _magic_link(auth, request, await bodies.read(request, bodies.OtpBody))


async def _magic_link(auth: AuthContext, request: web.Request, body: bodies.OtpBody) -> web.Response:
    if not auth.settings.email_enabled:
        raise AuthError(422, "email_provider_disabled", EMAIL_LOGINS_DISABLED)
    if not body.email:
        raise AuthError(422, "validation_failed", "Password recovery requires an email")
    email = required_email(body.email)
    pkce = flows.check(body)
    redirect_to = links.application_url(auth, request)
    async with auth.pool.connection() as connection:
        user = await users.find_by_email(connection, email)
        # A password that nobody knows, as the platform gives to whoever comes by a mail.
        hashed = "" if user else await passwords.hash_password(auth.settings, passwords.unknown(auth.settings))
        if (user is None or user["email_confirmed_at"] is None) and not auth.settings.signup_enabled:
            raise AuthError(422, "signup_disabled", "Signups not allowed for this instance")
        if auth.settings.autoconfirm and (user is None or user["email_confirmed_at"] is None):
            user = await create_confirmed(connection, email, hashed, body.data)
        elif user is None:
            user = await create(connection, email, hashed, body.data, signs_up=True)
        # Who has yet to prove their address does so by the same mail.
        known = user["email_confirmed_at"] is not None
        if pkce:
            await flows.begin(connection, user, body, "magiclink" if known else "signup")
        write = mailer.magic_link if known else mailer.confirmation
        mail = await write(auth, connection, user, redirect_to, pkce=pkce)
    auth.send(mail)
    return json_response({})


@routes.post("/resend")
async def resend(request: web.Request) -> web.Response:
    """Mails once more what confirms a sign-up or a change of address. The answer does not say whether there was any."""
    auth = context(request)
    auth.rates.take("sign_ins", request.remote)
    body = await bodies.read(request, bodies.ResendBody)
    pkce = _check_resend(body)
    if not auth.settings.email_enabled:
        raise AuthError(400, "email_provider_disabled", EMAIL_LOGINS_DISABLED)
    email = required_email(body.email)
    redirect_to = links.application_url(auth, request)
    mails: list[Mail] = []
    async with auth.pool.connection() as connection:
        user = await users.find_by_email(connection, email)
        if user is not None and body.type == "signup" and user["email_confirmed_at"] is None:
            if pkce:
                await flows.begin(connection, user, body, "signup")
            mails = [await mailer.confirmation(auth, connection, user, redirect_to, pkce=pkce)]
        elif user is not None and body.type == "email_change" and user["email_change"]:
            if pkce:
                await flows.begin(connection, user, body, "email_change")
            mails = await mailer.email_change(auth, connection, user, user["email_change"], redirect_to, pkce=pkce)
    for mail in mails:
        auth.send(mail)
    return json_response({})


def _check_resend(body: bodies.ResendBody) -> bool:
    """Whether the PKCE flow is wanted. Raises AuthError for a body that names no address of its type."""
    if body.type not in {"signup", "email_change", "sms", "phone_change"}:
        message = "Missing one of these types: signup, email_change, sms, phone_change"
        raise AuthError(400, "validation_failed", message)
    pkce = flows.check(body) if body.type in {"signup", "email_change"} else False
    if not body.email and body.type == "signup":
        raise AuthError(400, "validation_failed", "Type provided requires an email address")
    if not body.phone and body.type == "sms":
        raise AuthError(400, "validation_failed", "Type provided requires a phone number")
    if body.email and body.phone:
        raise AuthError(400, "validation_failed", "Only an email address or phone number should be provided.")
    if body.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    if not body.email:
        raise AuthError(400, "validation_failed", "Missing email address or phone number")
    return pkce


@routes.get("/reauthenticate", allow_head=False)
async def reauthenticate(request: web.Request) -> web.Response:
    """Mails the code that PUT /user takes as `nonce`."""
    auth = context(request)
    async with auth.pool.connection() as connection:
        who = await caller.identify(auth, connection, request)
        if not who.user["email"]:
            message = "Reauthentication requires the user to have an email or a phone number"
            raise AuthError(400, "validation_failed", message)
        if who.user["email_confirmed_at"] is None:
            raise AuthError(422, "email_not_confirmed", "Please verify your email first.")
        mail = await mailer.reauthentication(auth, connection, who.user)
    auth.send(mail)
    return json_response({})
