"""What Meta tells, over HTTP: what is forged leaves nothing, and one bad part spoils no other."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from tests.functions.whatsapp.conftest import APP_SECRET, VERIFY_TOKEN, Messaging, signature, status

RIGHT = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (RIGHT, (200, "1158201444")),
        ({**RIGHT, "hub.verify_token": "guessed_0123456789"}, (403, "FORBIDDEN")),
        ({**RIGHT, "hub.verify_token": ""}, (403, "FORBIDDEN")),
        ({**RIGHT, "hub.mode": "unsubscribe"}, (403, "FORBIDDEN")),
        ({**RIGHT, "hub.challenge": "<script>"}, (403, "FORBIDDEN")),
    ],
    ids=["agreed", "guessed", "empty", "another mode", "no challenge"],
)
async def test_meta_asks_whether_this_is_the_place(
    messaging: Messaging, http: aiohttp.ClientSession, asked: dict[str, str], answer: tuple[int, str]
) -> None:
    url = f"{messaging.info.api_url}/functions/v1/handle-whatsapp-webhook"
    async with http.get(url, params=asked) as response:
        text = await response.text()
    assert (response.status, json.loads(text)["code"] if text.startswith("{") else text) == answer


def body(*statuses: dict[str, Any]) -> bytes:
    value = {"metadata": {"phone_number_id": "100000000000002"}, "statuses": list(statuses)}
    entry = [{"changes": [{"field": "messages", "value": value}]}]
    return json.dumps({"object": "whatsapp_business_account", "entry": entry}, indent=1).encode()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        signature(body(), "another_secret_0123456789"),
        signature(body(), APP_SECRET),  # of another body
    ],
)
async def test_what_is_forged_is_refused_and_leaves_no_row(messaging: Messaging, header: str) -> None:
    answer, said = await messaging.tell_bytes(body(status("wamid.forged", "read")), header)
    assert (answer, said["code"]) == (403, "FORBIDDEN")
    assert messaging.one("select count(*) from public.delivery_events") == 0
