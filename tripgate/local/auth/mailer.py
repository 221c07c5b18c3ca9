"""The mails of Auth: a token is made, and the mail that carries it is given back to be sent after the commit.

Their words are the project's templates, or the platform's habit: a link and no code; see `templates`. Raises AuthError
`over_email_send_rate_limit` where the project limits how often mails go out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tripgate.local.auth import links, one_time_tokens, users
from tripgate.local.auth.one_time_tokens import Kind
from tripgate.local.auth.templates import as_text, fill
from tripgate.local.inbox import Mail

if TYPE_CHECKING:
    from tripgate.local.auth.context import AuthContext, Connection, Row
    from tripgate.local.auth.templates import TemplateName


async def confirmation(
    context: AuthContext, connection: Connection, user: Row, redirect_to: str, *, pkce: bool
) -> Mail:
    """For somebody who has signed up and must prove their address."""
    _check(context, user, Kind.CONFIRMATION)
    issued = await _issue(context, connection, user, Kind.CONFIRMATION, user["email"], pkce=pkce)
    return _mail(context, "confirmation", user, user["email"], issued, "signup", redirect_to)


async def recovery(context: AuthContext, connection: Connection, user: Row, redirect_to: str, *, pkce: bool) -> Mail:
    """For somebody who has forgotten their password."""
    _check(context, user, Kind.RECOVERY)
    issued = await _issue(context, connection, user, Kind.RECOVERY, user["email"], pkce=pkce)
    return _mail(context, "recovery", user, user["email"], issued, "recovery", redirect_to)


async def magic_link(context: AuthContext, connection: Connection, user: Row, redirect_to: str, *, pkce: bool) -> Mail:
    """For somebody who signs in without a password."""
    _check(context, user, Kind.RECOVERY)
    issued = await _issue(context, connection, user, Kind.RECOVERY, user["email"], pkce=pkce)
    return _mail(context, "magic_link", user, user["email"], issued, "magiclink", redirect_to)


async def invitation(context: AuthContext, connection: Connection, user: Row, redirect_to: str) -> Mail:
    """For somebody whom an administrator wants here."""
    issued = await _issue(context, connection, user, Kind.CONFIRMATION, user["email"])
    return _mail(context, "invite", user, user["email"], issued, "invite", redirect_to)


async def reauthentication(context: AuthContext, connection: Connection, user: Row) -> Mail:
    """For somebody who is about to change their password in an old session: a code, no link."""
    _check(context, user, Kind.REAUTHENTICATION)
    issued = await _issue(context, connection, user, Kind.REAUTHENTICATION, user["email"])
    return _mail(context, "reauthentication", user, user["email"], issued, None, "")


async def email_change(
    context: AuthContext, connection: Connection, user: Row, new: str, redirect_to: str, *, pkce: bool
) -> list[Mail]:
    """For both addresses of somebody who changes theirs; for the new one alone where that is enough."""
    _check(context, user, Kind.EMAIL_CHANGE_NEW)
    user = await users.update(
        connection,
        user["id"],
        email_change=new,
        email_change_confirm_status=0,
        email_change_token_current="",
        email_change_token_new="",
    )
    addresses = {Kind.EMAIL_CHANGE_NEW: new}
    if context.settings.secure_email_change and user["email"]:
        addresses[Kind.EMAIL_CHANGE_CURRENT] = user["email"]
    return [
        _mail(
            context,
            "email_change",
            user,
            address,
            await _issue(context, connection, user, kind, address, pkce=pkce),
            "email_change",
            redirect_to,
        )
        for kind, address in addresses.items()
    ]


def _check(context: AuthContext, user: Row, kind: Kind) -> None:
    one_time_tokens.check_frequency(user, kind, context.settings.mail_interval_seconds)


async def _issue(
    context: AuthContext, connection: Connection, user: Row, kind: Kind, address: str, *, pkce: bool = False
) -> one_time_tokens.Issued:
    context.rates.take("mails")
    digits = context.settings.otp_digits
    return await one_time_tokens.issue(connection, user, kind, address, digits=digits, pkce=pkce)


def _mail(
    context: AuthContext,
    name: TemplateName,
    user: Row,
    to: str,
    issued: one_time_tokens.Issued,
    type_: str | None,
    redirect_to: str,
) -> Mail:
    values = {
        "SiteURL": context.settings.site_url,
        "Email": user["email"] or "",
        "NewEmail": user["email_change"] if name == "email_change" else "",
        "SendingTo": to,
        "Token": issued.code,
        "Data": user["raw_user_meta_data"] or {},
    }
    if type_ is not None:
        values["TokenHash"] = issued.link_token
        values["RedirectTo"] = redirect_to
        values["ConfirmationURL"] = links.action_link(context, issued.link_token, type_, redirect_to)
    template = context.settings.templates[name]
    html = fill(template.html, values, html=True)
    subject = " ".join(fill(template.subject, values, html=False).split())
    return Mail(to=to, subject=subject[:998] or "(no subject)", text=as_text(html), html=html)
