"""POST /admin/generate_link: a code and a link to be sent by a mailer of the project's own. Service role only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from tripgate.local.auth import bodies, caller, links, one_time_tokens, passwords, users
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError
from tripgate.local.auth.one_time_tokens import Kind
from tripgate.local.auth.routes.admin import EMAIL_EXISTS, invited
from tripgate.local.auth.routes.signup import create, required_email

if TYPE_CHECKING:
    from tripgate.local.auth.context import AuthContext, Connection, Row

routes = web.RouteTableDef()
KINDS = {
    "signup": Kind.CONFIRMATION,
    "invite": Kind.CONFIRMATION,
    "magiclink": Kind.RECOVERY,
    "recovery": Kind.RECOVERY,
    "email_change_current": Kind.EMAIL_CHANGE_CURRENT,
    "email_change_new": Kind.EMAIL_CHANGE_NEW,
}


@routes.post("/admin/generate_link")
async def generate_link(request: web.Request) -> web.Response:
    """Takes `type`, `email` and what that type needs; answers the person with `action_link`, `email_otp` and more."""
    auth = context(request)
    caller.require_admin(auth, request)
    body = await bodies.read(request, bodies.GenerateLinkBody)
    email = required_email(body.email)
    if body.type not in KINDS:
        raise AuthError(400, "validation_failed", f"Invalid email action link type requested: {body.type}")
    redirect_to = links.application_url(auth, request)
    if body.redirect_to and links.is_allowed(auth.settings, body.redirect_to):
        redirect_to = body.redirect_to
    hashed = await _hash_of_new(auth, body, email) if body.type == "signup" else ""
    async with auth.pool.connection() as connection:
        type_, user = await _subject(connection, body, email, hashed)
        address = email
        if type_.startswith("email_change"):
            address = await _begin_change(auth, connection, user, body)
        issued = await one_time_tokens.issue(
            connection,
            user,
            KINDS[type_],
            address if type_ == "email_change_new" else email,
            digits=auth.settings.otp_digits,
        )
        shown = await users.to_json(connection, await users.update(connection, user["id"]))
    link_type = "email_change" if type_.startswith("email_change") else type_
    return json_response(
        {
            **shown,
            "action_link": links.action_link(auth, issued.link_token, link_type, redirect_to),
            "email_otp": issued.code,
            "hashed_token": issued.link_token,
            "verification_type": type_,
            "redirect_to": redirect_to,
        }
    )


async def _hash_of_new(auth: AuthContext, body: bodies.GenerateLinkBody, email: str) -> str:
    """The hash of the password of somebody who is to be signed up; none for somebody who is here already."""
    async with auth.pool.connection() as connection:
        if await users.find_by_email(connection, email):
            return ""
    if not body.password:
        raise AuthError(400, "validation_failed", "Signup requires a valid password")
    passwords.check_strength(auth.settings, body.password)
    return await passwords.hash_password(auth.settings, body.password)


async def _subject(connection: Connection, body: bodies.GenerateLinkBody, email: str, hashed: str) -> tuple[str, Row]:
    """Whom the link is for, and its type: a magic link for an unknown address is a sign-up."""
    if body.type == "invite":
        return "invite", await invited(connection, email, body.data)
    user = await users.find_by_email(connection, email)
    if user is None:
        if body.type not in {"signup", "magiclink"}:
            raise AuthError(404, "user_not_found", "User with this email not found")
        return "signup", await create(connection, email, hashed, body.data)
    if body.type == "signup":
        if user["email_confirmed_at"] is not None:
            raise AuthError(422, "email_exists", EMAIL_EXISTS)
        changed = users.merged(user["raw_user_meta_data"], body.data)
        user = await users.update_metadata(connection, user["id"], raw_user_meta_data=changed)
    return body.type, user


async def _begin_change(auth: AuthContext, connection: Connection, user: Row, body: bodies.GenerateLinkBody) -> str:
    """Note the new address of somebody who is to change theirs."""
    if body.type == "email_change_current" and not auth.settings.secure_email_change:
        message = "Enable secure email change to generate link for current email"
        raise AuthError(400, "validation_failed", message)
    new = required_email(body.new_email)
    if await users.find_by_email(connection, new):
        raise AuthError(422, "email_exists", EMAIL_EXISTS)
    await users.update(connection, user["id"], email_change=new, email_change_confirm_status=0)
    return new
