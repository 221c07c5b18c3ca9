"""The fake provider of models in its house, asked by OpenAI's own client library, unmodified, under Deno."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.providers.conftest import Served, house_of
from tests.local.providers.deno_client import script
from tripgate.local.providers.ai.provider import AI

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HERE = Path(__file__).parent
MODEL = "gpt-4.1-mini"


@dataclass
class Models:
    """The fake and its client."""

    served: Served

    @property
    def base(self) -> str:
        return f"{self.served.url}/providers/ai"

    async def client(self, *calls: list[Any]) -> list[Any]:
        """What each call gives; see client.js."""
        return list((await script(HERE / "client.js", self.base, json.dumps(calls)))["results"])

    async def scripted(self, *scripts: dict[str, Any]) -> None:
        await self.served.control("POST", "ai/scripts", list(scripts))

    async def tally(self, query: str = "") -> Any:
        return await self.served.control("GET", f"ai/calls{query}")

    async def calls(self) -> list[dict[str, Any]]:
        return list((await self.tally())["calls"])

    async def ask(self, path: str, body: Any, key: str = "sk-of-the-tests", **headers: str) -> tuple[int, Any, Any]:
        """Status, body and headers of a plain request."""
        headers = {"Authorization": f"Bearer {key}", **headers}
        async with self.served.http.post(f"{self.base}/v1/{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json(), answer.headers


def chat(prompt: str = "Hello", **more: Any) -> dict[str, Any]:
    """A request of one message."""
    return {"model": MODEL, "messages": [{"role": "user", "content": prompt}], **more}


def streamed(prompt: str = "Hello", **more: Any) -> dict[str, Any]:
    """The same, with usage at its end."""
    return chat(prompt, stream_options={"include_usage": True}, **more)


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[Served]:
    async with house_of([AI]) as served:
        yield served


@pytest.fixture
async def models(house: Served) -> Models:
    await house.house.reset()
    return Models(house)
