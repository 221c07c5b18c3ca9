"""What a request asks to be sent, checked as Meta checks it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tripgate.local.providers.meta.wire import WireError

if TYPE_CHECKING:
    from tripgate.local.providers.meta.templates import Template, Templates

MOST_TEXT = 4096
MOST_CALLBACK = 512
_NUMBER = re.compile(r"\+?[\d\s()-]+")
_BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")


@dataclass(frozen=True)
class Outgoing:
    """A message that may be sent.

    Attributes:
        number: Of who is to get it, digits alone; None where `bsuid` names them.
        given: How the request named them.
        text: What they read.
        template: Of which it is made; None for free text.
        callback: Comes back with each status.
        context: The message that it answers.
    """

    number: str | None
    bsuid: str | None
    given: str
    text: str
    template: Template | None
    callback: str | None
    context: str | None


def outgoing(body: dict[str, Any], templates: Templates) -> Outgoing:
    """The message of a request. Raises WireError."""
    if body.get("messaging_product") != "whatsapp":
        raise WireError(100, "messaging_product must be whatsapp.")
    if body.get("recipient_type", "individual") != "individual":
        raise WireError(131009, "recipient_type: only individual is known here.")
    number, bsuid, given = _recipient(body)
    callback = body.get("biz_opaque_callback_data")
    if callback is not None and (not isinstance(callback, str) or len(callback) > MOST_CALLBACK):
        raise WireError(131009, f"biz_opaque_callback_data is a text of at most {MOST_CALLBACK} characters.")
    context = body.get("context")
    if context is not None and not isinstance(context, dict):
        raise WireError(131009, "context is an object with message_id.")
    kind = body.get("type", "text")
    template = None
    match kind:
        case "text":
            text = _text(_object(body, "text"))
        case "template":
            template, text = _templated(_object(body, "template"), templates)
        case _:
            raise WireError(131051, f"Messages of type {str(kind)[:50]} are not known here.")
    replied = (context or {}).get("message_id")
    return Outgoing(number, bsuid, given, text, template, callback, replied if isinstance(replied, str) else None)


def _recipient(body: dict[str, Any]) -> tuple[str | None, str | None, str]:
    to, recipient = body.get("to"), body.get("recipient")
    if to is not None:  # Where both are there, Meta takes the number.
        digits = re.sub(r"\D", "", to) if isinstance(to, str) and _NUMBER.fullmatch(to) else ""
        if not 7 <= len(digits) <= 15 or digits.startswith("0"):
            raise WireError(131009, "to is no phone number with its country.")
        return digits, None, str(to)
    if recipient is not None:
        if not isinstance(recipient, str) or not _BSUID.fullmatch(recipient):
            raise WireError(131009, "recipient is no business-scoped user ID.")
        return None, recipient, recipient
    raise WireError(131008, "to or recipient is missing.")


def _text(text: dict[str, Any]) -> str:
    said = text.get("body")
    if not isinstance(said, str) or not said.strip():
        raise WireError(131008, "text.body is missing.")
    if len(said) > MOST_TEXT:
        raise WireError(100, f"text.body has at most {MOST_TEXT} characters.")
    return said


def _templated(asked: dict[str, Any], templates: Templates) -> tuple[Template, str]:
    name, language = asked.get("name"), _object(asked, "language", "template.").get("code")
    if not isinstance(name, str) or not isinstance(language, str):
        raise WireError(131008, "template.name or template.language.code is missing.")
    template = templates.approved(name, language)
    components = asked.get("components", [])
    if not isinstance(components, list) or not all(isinstance(each, dict) for each in components):
        raise WireError(131009, "template.components is a list of objects.")
    return template, template.filled(components)


def _object(body: dict[str, Any], name: str, before: str = "") -> dict[str, Any]:
    value = body.get(name)
    if not isinstance(value, dict):
        raise WireError(131008, f"{before}{name} is missing.")
    return value
