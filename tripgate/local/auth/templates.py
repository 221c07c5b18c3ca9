"""The words of Auth's mails, in the platform's own template language as far as mails need it.

A template is HTML with `{{ .Name }}` for what a mail tells: see `NAMES`, and `{{ .Data.key }}` for a person's metadata.
Conditions and loops are not had here and are refused when a project's templates are read. The mail's text is made from
its HTML: a link is written as its words and its address.
"""

# Evaluated annotations: pydantic reads them at run time.
import re
from collections.abc import Mapping
from html import escape, unescape
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

TemplateName = Literal["confirmation", "recovery", "magic_link", "invite", "email_change", "reauthentication"]
TEMPLATE_NAMES: tuple[TemplateName, ...] = get_args(TemplateName)
NAMES = (
    "ConfirmationURL",
    "Email",
    "NewEmail",
    "RedirectTo",
    "SendingTo",
    "SiteURL",
    "Token",
    "TokenHash",
)
_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_FIELD = re.compile(r"\.(\w+)((?:\.\w+)*)")
_LINK = re.compile(r'<a\s[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL | re.IGNORECASE)
_UNSEEN = re.compile(r"<(style|script|title|head)\b.*?</\1>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_END_OF_LINE = re.compile(r"<br\s*/?>|</(?:p|h\d|div|li|tr|table|ul|ol)>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]+>")


class Template(BaseModel):
    """One kind of mail: its subject and its HTML, both with `{{ .Name }}` in them."""

    model_config = ConfigDict(frozen=True)

    subject: str
    html: str


def unknown_action(text: str) -> str | None:
    """The first action of a template that cannot be had here, as it is written; None where all can."""
    for found in _ACTION.finditer(text):
        field = _FIELD.fullmatch(found[1])
        if field is None or (field[1] != "Data" and (field[1] not in NAMES or field[2])):
            return found[0]
    return None


def fill(text: str, values: Mapping[str, Any], *, html: bool) -> str:
    """The template with its values; what has none is empty. In HTML they are escaped."""

    def value(found: re.Match[str]) -> str:
        told: Any = values
        for name in found[1].removeprefix(".").split("."):
            told = told.get(name) if isinstance(told, Mapping) else None
        shown = "" if told is None else str(told)
        return escape(shown) if html else shown

    return _ACTION.sub(value, text)


def as_text(html: str) -> str:
    """A mail's text for who reads no HTML."""
    text = _LINK.sub(lambda found: f"{found[2]}: {found[1]}", _UNSEEN.sub("", html))
    text = _END_OF_LINE.sub("\0", text)
    lines = (" ".join(unescape(_TAG.sub("", line)).split()) for line in text.split("\0"))
    return "\n".join(line for line in lines if line) + "\n"


def _linked(subject: str, introduction: str, action: str) -> Template:
    link = f'<p><a href="{{{{ .ConfirmationURL }}}}">{action}</a></p>'
    return Template(subject=subject, html=f"<h2>{subject}</h2>\n<p>{introduction}</p>\n{link}\n")


# As the platform's own: a link and no code, but where a code is all that there is.
DEFAULTS: dict[TemplateName, Template] = {
    "confirmation": _linked(
        "Confirm your e-mail address", "Somebody signed up with this address.", "Confirm the address"
    ),
    "recovery": _linked(
        "Reset your password", "Somebody asked to reset the password of this account.", "Reset the password"
    ),
    "magic_link": _linked("Sign in", "Somebody asked to sign in with this address.", "Sign in"),
    "invite": _linked("You are invited", "You are invited to make an account.", "Accept the invitation"),
    "email_change": _linked(
        "Confirm the change of your e-mail address",
        "{{ .Email }} is to become {{ .NewEmail }}.",
        "Confirm the change",
    ),
    "reauthentication": Template(
        subject="Confirm that it is you",
        html="<h2>Confirm that it is you</h2>\n<p>Somebody wants to change this account.</p>\n"
        "<p>Your code: <strong>{{ .Token }}</strong></p>\n",
    ),
}
