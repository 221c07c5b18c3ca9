"""What the doctor asks Meta: whether the templates that are sent are approved there, in their words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tripgate.systems.system import Told, bad, doubtful, good, may_have_keys, unseen

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

API_VERSION = "v26.0"
LANGUAGE = "en"
_DOCS = "docs/whatsapp.md, step 5"


@dataclass(frozen=True, slots=True)
class Template:
    """A template in English.

    Attributes:
        body: Its words, with numbers for its places; `None` where Meta has words of its own.
    """

    name: str
    category: Literal["AUTHENTICATION", "MARKETING", "UTILITY"]
    body: str | None


_STOP = "\n\nReply STOP to end messages."
# As supabase/program/009_whatsapp.sql has them.
TEMPLATES = (
    Template("verification_code", "AUTHENTICATION", None),
    Template("trip_reminder", "UTILITY", f"Your reminder for “{{{{1}}}}”: {{{{2}}}}{_STOP}"),
    Template("trip_update", "UTILITY", f"News of “{{{{1}}}}”: {{{{2}}}}{_STOP}"),
    Template("trip_message", "UTILITY", f"A message from {{{{1}}}} about “{{{{2}}}}”: {{{{3}}}}{_STOP}"),
    Template("trip_ideas", "MARKETING", f"An idea for your next trip: {{{{1}}}}{_STOP}"),
)


async def whatsapp_templates(http: httpx.AsyncClient, environment: Mapping[str, str]) -> list[Told]:
    """Whether Meta has approved each template, read with WHATSAPP_ACCESS_TOKEN. Nothing is changed there.

    Raises:
        httpx.HTTPError: Nobody answers.
    """
    token, account = (environment.get(f"WHATSAPP_{name}", "") for name in ("ACCESS_TOKEN", "BUSINESS_ACCOUNT_ID"))
    if not (token and account.isascii() and account.isdigit()):
        advice = (
            "Set WHATSAPP_ACCESS_TOKEN, as the Edge Functions have it, and WHATSAPP_BUSINESS_ACCOUNT_ID, in digits."
        )
        return [unseen("What Meta has approved was not looked at.", advice)]
    base = environment.get("WHATSAPP_API_BASE") or "https://graph.facebook.com"
    if not may_have_keys(base):
        return [bad("WHATSAPP_API_BASE is no HTTPS address, so the token was not sent there.", "Correct or remove it.")]
    url = f"{base.rstrip('/')}/{environment.get('WHATSAPP_API_VERSION') or API_VERSION}/{account}/message_templates"
    told: list[Told] = []
    for wanted in TEMPLATES:
        answer = await http.get(
            url, params={"name": wanted.name, "limit": "100"}, headers={"Authorization": f"Bearer {token}"}
        )
        if answer.status_code == 401:
            return [bad("Meta does not know WHATSAPP_ACCESS_TOKEN.", "docs/whatsapp.md, step 3: make another.")]
        if answer.status_code != 200:
            advice = "The token needs whatsapp_business_management, and WHATSAPP_BUSINESS_ACCOUNT_ID is its account's."
            return [doubtful(f"Meta answers {answer.status_code} of the account's templates.", advice)]
        found: list[dict[str, Any]] = answer.json()["data"]
        told.append(_told(wanted, found))
    return told


def _told(wanted: Template, found: list[dict[str, Any]]) -> Told:
    name = wanted.name
    # Meta's filter takes what only contains the name as well.
    one = next((each for each in found if (each.get("name"), each.get("language")) == (name, LANGUAGE)), None)
    if one is None:
        return bad(f"Meta has no template {name} in English.", f"Register it: {_DOCS}.")
    if one.get("status") != "APPROVED":
        status = str(one.get("status")).lower()
        return bad(
            f"Meta has not approved the template {name}: it is {status}.", f"Wait, or register it anew: {_DOCS}."
        )
    bodies = [str(part.get("text")) for part in one.get("components") or [] if part.get("type") == "BODY"]
    if wanted.body is not None and bodies != [wanted.body]:
        return doubtful(f"Meta has other words for the template {name}.", f"Let both say the same: {_DOCS}.")
    if one.get("category") != wanted.category:
        text = f"Meta counts {name} as {str(one.get('category')).lower()}, and not as {wanted.category.lower()}."
        return doubtful(text, "Messages cost what that category does; Meta's manager of templates takes an appeal.")
    return good(f"Meta has approved the template {name}.")
