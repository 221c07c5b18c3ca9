"""What `tripgate doctor` says of the templates of an account at Meta."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.local.providers.meta.conftest import TOKEN
from tripgate.local.providers.meta.stock import TEMPLATES as STOCK
from tripgate.local.providers.meta.wire import BUSINESS_ID
from tripgate.systems.trips.templates import TEMPLATES, whatsapp_templates

if TYPE_CHECKING:
    from tests.local.providers.meta.conftest import Meta

REMINDER = {"name": "trip_reminder", "language": "en", "category": "UTILITY"}


async def told(meta: Meta, **environment: str) -> list[tuple[str, str]]:
    given = {
        "WHATSAPP_ACCESS_TOKEN": TOKEN, "WHATSAPP_BUSINESS_ACCOUNT_ID": BUSINESS_ID, "WHATSAPP_API_BASE": meta.base,
        **environment,
    }  # fmt: skip
    async with httpx.AsyncClient() as client:
        found = await whatsapp_templates(client, given)
    assert all(TOKEN not in f"{each.text} {each.advice}" for each in found)
    assert all(each.advice for each in found if each.level != "ok")
    return [(each.level, each.text) for each in found]


def test_they_are_those_that_the_project_sends() -> None:
    def numbered(body: str) -> str:
        names = list(dict.fromkeys(re.findall(r"\{\{(\w+)\}\}", body)))
        return re.sub(r"\{\{(\w+)\}\}", lambda found: f"{{{{{names.index(found[1]) + 1}}}}}", body)

    wanted = [(name, kind, None if kind == "AUTHENTICATION" else numbered(body)) for name, kind, body in STOCK]
    assert [(each.name, each.category, each.body) for each in TEMPLATES] == wanted


async def test_an_account_that_is_as_it_should_be(meta: Meta) -> None:
    assert await told(meta) == [("ok", f"Meta has approved the template {each.name}.") for each in TEMPLATES]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (None, ("error", "Meta has no template trip_reminder in English.")),
        ({"language": "it"}, ("error", "Meta has no template trip_reminder in English.")),
        ({"name": "trip_reminder_2"}, ("error", "Meta has no template trip_reminder in English.")),
        ({"text": "Think of {{1}}, and {{2}}."}, ("warning", "Meta has other words for the template trip_reminder.")),
        ({"category": "MARKETING"}, ("warning", "Meta counts trip_reminder as marketing, and not as utility.")),
    ],
    ids=["missing", "another language", "another name", "other words", "another category"],
)
async def test_a_template_that_is_otherwise(
    meta: Meta, changes: dict[str, str] | None, sentence: tuple[str, str]
) -> None:
    await meta.ask("DELETE", f"{BUSINESS_ID}/message_templates?name=trip_reminder")
    if changes is not None:
        asked = {**REMINDER, "text": TEMPLATES[1].body, **changes}
        example = {"body_text": [["Rome", "Pack"]]}
        component = {"type": "BODY", "text": asked.pop("text"), "example": example}
        await meta.template(**asked, components=[component])
    assert (await told(meta))[1] == sentence


@pytest.mark.parametrize("name", ["WHATSAPP_ACCESS_TOKEN", "WHATSAPP_BUSINESS_ACCOUNT_ID"])
async def test_without_a_token_or_an_account_nothing_is_asked(meta: Meta, name: str) -> None:
    assert await told(meta, **{name: ""}) == [("note", "What Meta has approved was not looked at.")]


async def test_what_meta_refuses_and_where_the_token_may_not_go(meta: Meta) -> None:
    refused = [("error", "Meta does not know WHATSAPP_ACCESS_TOKEN.")]
    assert await told(meta, WHATSAPP_ACCESS_TOKEN="EAA_invalid") == refused
    ((level, text),) = await told(meta, WHATSAPP_BUSINESS_ACCOUNT_ID="5")
    assert (level, text.startswith("Meta answers 4")) == ("warning", True)
    ((level, text),) = await told(meta, WHATSAPP_API_BASE="http://graph.example")
    assert (level, text) == ("error", "WHATSAPP_API_BASE is no HTTPS address, so the token was not sent there.")
