"""pywa, a client that is kept up to date, unmodified: it registers templates, sends, names refusals as Meta documents
them, checks signatures and reads webhooks, those of people without numbers included.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pywa import WhatsApp, errors
from pywa.types import Message, MessageStatus, PhoneNumberChange
from pywa.types.templates import BodyText, ParamFormat, Template, TemplateCategory, TemplateLanguage

from tests.local.providers.meta.conftest import ANNA, SECRET, TOKEN, Meta
from tripgate.local.providers.meta.wire import BUSINESS_ID, PHONE_NUMBER_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HELLO = BodyText("Ciao {{name}}, a presto.", name="Anna")


class Here(httpx.HTTPTransport):
    """Leads what is for Meta's address to the fake's."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = httpx.URL(base)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert request.url.host == "graph.facebook.com"
        path = self._base.raw_path + request.url.raw_path
        request.url = self._base.copy_with(raw_path=path)
        request.headers["Host"] = self._base.netloc.decode()
        return super().handle_request(request)


@dataclass
class Pywa:
    """The client, and what it made of the webhooks that it was given."""

    meta: Meta
    client: WhatsApp
    told: list[Any] = field(default_factory=list)

    async def do(self, call: Callable[[WhatsApp], Any]) -> Any:
        """What it gives, asked beside the fake."""
        return await asyncio.to_thread(call, self.client)

    async def heard(self) -> list[Any]:
        """What it reads in all webhooks so far, each of which it takes as signed."""
        await self.meta.settled()
        self.told.clear()
        for headers, body in self.meta.heard.requests:
            assert self.client.webhook_update_validator(body, headers["X-Hub-Signature-256"]) is None
            assert self.client.webhook_update_validator(body + b" ", headers["X-Hub-Signature-256"]) is not None
            assert self.client.webhook_update_handler(body) == ("ok", 200)
        return self.told


@pytest.fixture
def pywa(meta: Meta) -> Iterator[Pywa]:
    session = httpx.Client(transport=Here(meta.base))
    options = {"verify_token": "of the tests", "app_secret": SECRET, "skip_duplicate_updates": False}
    client = WhatsApp(PHONE_NUMBER_ID, TOKEN, session=session, waba_id=BUSINESS_ID, **options)  # type: ignore[arg-type]
    made = Pywa(meta, client)
    for listen in (client.on_message, client.on_message_status, client.on_phone_number_change):
        listen(lambda _, update: made.told.append(update))  # type: ignore[operator]
    yield made
    session.close()


async def test_it_registers_templates_and_sends_them(meta: Meta, pywa: Pywa) -> None:
    hello = Template(
        name="hello",
        language=TemplateLanguage.ITALIAN,
        category=TemplateCategory.UTILITY,
        components=[HELLO],
        parameter_format=ParamFormat.NAMED,
    )
    created = await pywa.do(lambda client: client.create_template(hello))
    assert (created.status, created.category) == ("APPROVED", "UTILITY")
    listed = await pywa.do(lambda client: [each.name for each in client.get_templates()])
    assert "hello" in listed
    parameters = HELLO.params(name="Ben")
    sent = await pywa.do(
        lambda client: client.send_template(ANNA, "hello", TemplateLanguage.ITALIAN, [parameters], tracker="m1")
    )
    (message,) = (await meta.control("GET", f"phones/{ANNA}"))["messages"]
    assert (message["wamid"], message["text"], message["callback"]) == (sent.id, "Ciao Ben, a presto.", "m1")


async def test_it_reads_statuses_with_their_prices(meta: Meta, pywa: Pywa) -> None:
    await meta.write()
    sent = await pywa.do(lambda client: client.send_message(ANNA, "See you", tracker="m1"))
    await meta.control("POST", f"phones/{ANNA}", {"name": "Anna"})
    inbound, *statuses = await pywa.heard()
    assert isinstance(inbound, Message)
    assert (inbound.text, inbound.from_user.wa_id) == ("Ciao", ANNA)
    assert all(isinstance(each, MessageStatus) for each in statuses)
    assert [(each.id, each.status, each.tracker) for each in statuses] == [
        (sent.id, "sent", "m1"),
        (sent.id, "delivered", "m1"),
    ]
    pricing = statuses[0].pricing
    assert (pricing.billable, pricing.model, pricing.type, pricing.category) == (
        False,
        "PMP",
        "free_customer_service",
        "service",
    )
    assert statuses[0].from_user.bsuid == inbound.from_user.bsuid


async def test_it_reads_a_failure(meta: Meta, pywa: Pywa) -> None:
    await meta.plan(refusals="status")
    await pywa.do(lambda client: client.send_message(ANNA, "Hi"))
    (failed,) = await pywa.heard()
    assert failed.status == "failed"
    assert isinstance(failed.error, errors.ReEngagementMessage)


@pytest.mark.parametrize(
    ("change", "send", "error"),
    [
        ({}, ("text",), errors.ReEngagementMessage),
        ({"undeliverable": True}, ("text",), errors.MessageUndeliverable),
        ({"stopsMarketing": True}, ("trip_ideas", "Go north"), errors.UserStoppedMarketingMessages),
        ({}, ("trip_reminder", "Rome"), errors.TemplateParamCountMismatch),
        ({}, ("gone",), errors.TemplateNotExists),
        ({}, ("trip_ideas", "x" * 1025), errors.TemplateTextTooLong),
    ],
)
async def test_it_names_refusals(
    meta: Meta, pywa: Pywa, change: dict[str, Any], send: tuple[str, ...], error: type[Exception]
) -> None:
    await meta.control("POST", f"phones/{ANNA}", change)
    name, *parameters = send

    def call(client: WhatsApp) -> Any:
        if name == "text":
            return client.send_message(ANNA, "Hi")
        texts = [{"type": "text", "text": each} for each in parameters]
        return client.send_template(
            ANNA, name, TemplateLanguage.ENGLISH, [{"type": "body", "parameters": texts}] if texts else []
        )

    with pytest.raises(error):
        await pywa.do(call)


async def test_it_is_throttled(meta: Meta, pywa: Pywa) -> None:
    await meta.write()
    await pywa.do(lambda client: client.send_message(ANNA, "One"))
    with pytest.raises(errors.TooManyMessages):
        await pywa.do(lambda client: client.send_message(ANNA, "Two"))


async def test_it_reads_new_numbers_and_people_without_one(meta: Meta, pywa: Pywa) -> None:
    ben = (await meta.control("POST", "phones", {"username": "ben.k", "name": "Ben"}, 201))["bsuid"]
    await meta.write(ben)
    await meta.settled()
    moved = await meta.control("POST", "number-change", {"from": ANNA, "to": "393330000009"})
    inbound, change = await pywa.heard()
    assert (inbound.from_user.bsuid, inbound.from_user.username, inbound.from_user.wa_id) == (ben, "ben.k", None)
    assert isinstance(change, PhoneNumberChange)
    assert (change.old_wa_id, change.new_wa_id, change.new_user_id) == (ANNA, "393330000009", moved["bsuid"])
    sent = await pywa.do(lambda client: client.send_message(ben, "Ciao Ben"))
    assert [each["wamid"] for each in (await meta.control("GET", f"phones/{ben}"))["messages"]][1:] == [sent.id]
