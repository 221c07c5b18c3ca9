"""The mails of Auth: a token is made, and the mail that carries it is given back to be sent after the commit.

Each mail has the code in digits, a link, and both again as HTML. Raises AuthError `over_email_send_rate_limit` where
the project limits how often mails go out.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from tripgate.local.auth import links, one_time_tokens, users
from tripgate.local.auth.one_time_tokens import Kind
from tripgate.local.inbox import Mail

if TYPE_CHECKING:
    from tripgate.local.auth.context import AuthContext, Connection, Row


@dataclass(frozen=True)
class Letter:
    """The words of one kind of mail."""

    subject: str
    introduction: str
    action: str


CONFIRM = Letter("Confirm your e-mail address", "Somebody signed up with this address.", "Confirm the address")
RECOVER = Letter("Reset your password", "Somebody asked to reset the password of this account.", "Reset the password")
MAGIC_LINK = Letter("Sign in", "Somebody asked to sign in with this address.", "Sign in")
INVITE = Letter("You are invited", "You are invited to make an account.", "Accept the invitation")
CHANGE = Letter("Confirm the change of your e-mail address", "{old} is to become {new}.", "Confirm the change")
REAUTHENTICATE = Letter("Confirm that it is you", "Somebody wants to change this account.", "")


async def confirmation(
    context: AuthContext, connection: Connection, user: Row, redirect_to: str, *, pkce: bool
) -> Mail:
    """For somebody who has signed up and must prove their address."""
    _check(context, user, Kind.CONFIRMATION)
    issued = await one_time_tokens.issue(connection, user, Kind.CONFIRMATION, user["email"], pkce=pkce)
    return _mail(context, CONFIRM, user["email"], issued, "signup", redirect_to)


async def recovery(context: AuthContext, connection: Connection, user: Row, redirect_to: str, *, pkce: bool) -> Mail:
    """For somebody who has forgotten their password."""
    _check(context, user, Kind.RECOVERY)
    issued = await one_time_tokens.issue(connection, user, Kind.RECOVERY, user["email"], pkce=pkce)
    return _mail(context, RECOVER, user["email"], issued, "recovery", redirect_to)


async def magic_link(context: AuthContext, connection: Connection, user: Row, redirect_to: str, *, pkce: bool) -> Mail:
    """For somebody who signs in without a password."""
    _check(context, user, Kind.RECOVERY)
    issued = await one_time_tokens.issue(connection, user, Kind.RECOVERY, user["email"], pkce=pkce)
    return _mail(context, MAGIC_LINK, user["email"], issued, "magiclink", redirect_to)


async def invitation(context: AuthContext, connection: Connection, user: Row, redirect_to: str) -> Mail:
    """For somebody whom an administrator wants here."""
    issued = await one_time_tokens.issue(connection, user, Kind.CONFIRMATION, user["email"])
    return _mail(context, INVITE, user["email"], issued, "invite", redirect_to)


async def reauthentication(context: AuthContext, connection: Connection, user: Row) -> Mail:
    """For somebody who is about to change their password in an old session: a code, no link."""
    _check(context, user, Kind.REAUTHENTICATION)
    issued = await one_time_tokens.issue(connection, user, Kind.REAUTHENTICATION, user["email"])
    return _mail(context, REAUTHENTICATE, user["email"], issued, None, "")


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
    words = Letter(
        CHANGE.subject, CHANGE.introduction.format(old=user["email"] or "No address", new=new), CHANGE.action
    )
    return [
        _mail(
            context,
            words,
            address,
            await one_time_tokens.issue(connection, user, kind, address, pkce=pkce),
            "email_change",
            redirect_to,
        )
        for kind, address in addresses.items()
    ]


def _check(context: AuthContext, user: Row, kind: Kind) -> None:
    one_time_tokens.check_frequency(user, kind, context.settings.mail_interval_seconds)


def _mail(
    context: AuthContext, letter: Letter, to: str, issued: one_time_tokens.Issued, type_: str | None, redirect_to: str
) -> Mail:
    minutes = context.settings.otp_seconds // 60
    end = f"The code works once, for {minutes} minutes. If this was not you, ignore this mail."
    text = f"{letter.introduction}\n\nYour code: {issued.code}\n"
    html = f"<h2>{escape(letter.subject)}</h2>\n<p>{escape(letter.introduction)}</p>\n"
    html += f"<p>Your code: <strong>{issued.code}</strong></p>\n"
    if type_ is not None:
        link = links.action_link(context, issued.link_token, type_, redirect_to)
        text += f"{letter.action}: {link}\n"
        html += f'<p><a href="{escape(link)}">{escape(letter.action)}</a></p>\n'
    return Mail(to=to, subject=letter.subject, text=f"{text}\n{end}\n", html=f"{html}<p>{escape(end)}</p>\n")
