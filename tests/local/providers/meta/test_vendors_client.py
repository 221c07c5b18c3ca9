"""Meta's own client library for Node, unmodified, under Deno: it sends, and reads answers and refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from tests.local.providers.deno_client import script
from tests.local.providers.meta.conftest import ANNA, TOKEN, Meta, template
from tests.local.providers.meta.https_door import certificates, https_door

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HERE = Path(__file__).parent
TO = int(ANNA)


@pytest.fixture
def client(meta: Meta, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[list[Any]]]:
    """What each call is answered: status and body."""
    trusted, shown = certificates(tmp_path)
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(trusted))

    async def calls(*asked: list[Any], token: str = TOKEN) -> list[Any]:
        port = URL(meta.served.url).port
        assert port is not None
        async with https_door(port, shown) as door:
            return list((await script(HERE / "client.js", str(door), token, json.dumps(asked)))["results"])

    return calls


async def test_it_sends_templates_and_texts(meta: Meta, client: Callable[..., Awaitable[list[Any]]]) -> None:
    await meta.control("POST", "limits", {"pairSeconds": 0}, 204)
    hello = template("trip_reminder", "Rome", "Pack")["template"]
    ((status, answer),) = await client(["template", hello, TO])
    assert (status, answer["messaging_product"], answer["contacts"]) == (
        200,
        "whatsapp",
        [{"input": ANNA, "wa_id": ANNA}],
    )
    wamid = await meta.write()
    ((status, answer),) = await client(["text", {"body": "See you"}, TO, wamid])
    assert (status, list(answer["messages"][0])) == (200, ["id"])
    held = (await meta.control("GET", f"phones/{ANNA}"))["messages"]
    assert [(each["text"].partition(":")[0], each["context"]) for each in held] == [
        ("Your reminder for “Rome”", None),
        ("Ciao", None),
        ("See you", wamid),
    ]


async def test_it_reads_refusals(meta: Meta, client: Callable[..., Awaitable[list[Any]]]) -> None:
    few = template("trip_reminder", "Rome")["template"]
    answers = await client(
        ["text", {"body": "Hi"}, TO], ["template", few, TO], ["image", {"link": "https://a.example/x.png"}, TO]
    )
    assert [(status, answer["error"]["code"]) for status, answer in answers] == [
        (400, 131047),
        (400, 132000),
        (400, 131051),
    ]
    ((status, answer),) = await client(["text", {"body": "Hi"}, TO], token="EAA_invalid")
    assert (status, answer["error"]["code"]) == (401, 190)
