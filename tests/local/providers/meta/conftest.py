"""The fake of Meta in its house, and one who hears its webhooks."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.providers.conftest import Heard, Served, house_of
from tripgate.local.providers.meta.provider import META
from tripgate.local.providers.meta.wire import BUSINESS_ID, PHONE_NUMBER_ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN = "EAA_of_the_tests"
SECRET = "app_secret_of_the_tests"
ANNA = "393330000001"
HOUR = 3600


@dataclass
class Meta:
    """The fake, and who hears its webhooks."""

    served: Served
    heard: Heard

    @property
    def base(self) -> str:
        return f"{self.served.url}/providers/meta"

    async def ask(self, method: str, path: str, body: Any = None, token: str | None = TOKEN) -> tuple[int, Any]:
        """Status and body of a plain request."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.served.http.request(method, f"{self.base}/v26.0/{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def post(self, body: dict[str, Any]) -> tuple[int, Any]:
        """What is answered to a message."""
        return await self.ask("POST", f"{PHONE_NUMBER_ID}/messages", {"messaging_product": "whatsapp", **body})

    async def sent(self, body: dict[str, Any]) -> str:
        """The id of a message that was taken."""
        status, answer = await self.post(body)
        assert status == 200, answer
        return str(answer["messages"][0]["id"])

    async def refused(self, body: dict[str, Any]) -> tuple[int, int, str]:
        """Status, code and details of a message that was not taken."""
        status, answer = await self.post(body)
        error = answer["error"]
        assert error["type"] == "OAuthException"
        assert error["fbtrace_id"]
        return status, error["code"], error.get("error_data", {}).get("details", "")

    async def control(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        return await self.served.control(method, f"meta/{path}", body, status)

    async def write(self, number: str = ANNA, text: str = "Ciao", **more: Any) -> str:
        """The id of what somebody writes."""
        return str((await self.control("POST", "inbound", {"from": number, "text": text, **more}))["wamid"])

    async def plan(self, **plan: Any) -> None:
        await self.control("POST", "plan", plan, 204)

    async def advance(self, seconds: float) -> None:
        await self.served.control("POST", "clock", {"advanceSeconds": seconds})

    async def settled(self) -> None:
        await self.served.control("POST", "deliveries/settle", status=204)

    async def template(self, **more: Any) -> None:
        """Have one more template: `hello`, of Italian, for a name."""
        body = {"type": "BODY", "text": "Ciao {{1}}, a presto.", "example": {"body_text": [["Anna"]]}}
        asked = {"name": "hello", "language": "it", "category": "UTILITY", "components": [body], **more}
        status, answer = await self.ask("POST", f"{BUSINESS_ID}/message_templates", asked)
        assert status == 200, answer

    async def values(self) -> list[dict[str, Any]]:
        """What each webhook told, once all are over."""
        await self.settled()
        return [json.loads(body)["entry"][0]["changes"][0]["value"] for body in self.heard.bodies]

    async def statuses(self) -> list[dict[str, Any]]:
        """All statuses that were told, in order."""
        return [status for value in await self.values() for status in value.get("statuses", [])]


def text(body: str = "See you at 9", to: str = ANNA, **more: Any) -> dict[str, Any]:
    """A message of free text."""
    return {"to": to, "type": "text", "text": {"body": body}, **more}


def template(name: str, *parameters: str, to: str = ANNA, language: str = "en", **more: Any) -> dict[str, Any]:
    """A message of a template."""
    given = [{"type": "text", "text": each} for each in parameters]
    components = [{"type": "body", "parameters": given}]
    asked = {"name": name, "language": {"code": language}, "components": components}
    return {"to": to, "type": "template", "template": asked, **more}


def code(value: str, to: str = ANNA) -> dict[str, Any]:
    """A message of the template that tells a code."""
    message = template("verification_code", value, to=to)
    button = {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": value}]}
    message["template"]["components"].append(button)
    return message


def signed(headers: dict[str, str], body: bytes, secret: str = SECRET) -> bool:
    """Whether a webhook is signed by this secret."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return headers.get("X-Hub-Signature-256") == f"sha256={digest}"


async def together(meta: Meta, messages: list[dict[str, Any]], at_once: int = 50) -> list[tuple[int, Any]]:
    """What is answered to many, several at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(message: dict[str, Any]) -> tuple[int, Any]:
        async with gate:
            return await meta.post(message)

    return await asyncio.gather(*(one(each) for each in messages))


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[Served]:
    async with house_of([META]) as served:
        yield served


@pytest.fixture
async def meta(house: Served, heard: Heard) -> Meta:
    """The fake, as at the start, which tells `heard`."""
    await house.house.reset()
    meta = Meta(house, heard)
    await meta.control("POST", "webhook", {"url": heard.url, "secret": SECRET}, 204)
    return meta
