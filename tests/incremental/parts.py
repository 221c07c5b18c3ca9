"""Asks for answers in parts, and puts them together again as clients do."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.support import Person

BY_PATH = "multipart/mixed;deferSpec=20220824, application/json"
BY_ID = "multipart/mixed;incrementalSpec=v0.2, application/json"


@asynccontextmanager
async def asking(
    person: Person, query: str, accept: str = BY_PATH, **variables: Any
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The response to a request, which may not have ended."""
    headers = {"Accept": accept, **({"Authorization": f"Bearer {person.token}"} if person.token else {})}
    async with person.http.post(person.url, json={"query": query, "variables": variables}, headers=headers) as response:
        yield response


async def parts(person: Person, query: str, accept: str = BY_PATH, **variables: Any) -> list[dict[str, Any]]:
    """All parts of an answer, each as it came; one that comes whole is one."""
    async with asking(person, query, accept, **variables) as response:
        assert response.status == 200, await response.text()
        if response.content_type.endswith("json"):
            return [await response.json(content_type=None)]
        assert response.content_type == "multipart/mixed"
        return [part async for part in each(response)]


async def each(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The parts of a response, each as soon as the boundary behind it is there, as clients take them."""
    text = b""
    async for chunk in response.content.iter_any():
        *found, text = (text + chunk).split(b"\r\n--graphql")
        for part in found:
            if part:
                headers, _, body = part.partition(b"\r\n\r\n")
                assert headers == b"\r\nContent-Type: application/json"
                yield json.loads(body)
    assert text == b"--\r\n"


def put_together(found: list[dict[str, Any]]) -> Any:
    """The data that parts in either format amount to."""
    whole = {"data": found[0]["data"]}
    pending = {each["id"]: each["path"] for each in found[0].get("pending", ())}
    for part in found[1:]:
        pending |= {each["id"]: each["path"] for each in part.get("pending", ())}
        for one in part.get("incremental", ()):
            path = one["path"] if "path" in one else [*pending[one["id"]], *one.get("subPath", ())]
            if "items" in one:
                _append(whole["data"], path if "id" in one else path[:-1], one["items"])
                continue
            at = _at(whole["data"], path)
            if one["data"] is not None:
                _merge(at, one["data"])
    if len(found) == 1:
        assert "hasNext" not in found[0]
        return whole["data"]
    assert [part["hasNext"] for part in found] == [True] * (len(found) - 1) + [False]
    return whole["data"]


def _at(data: Any, path: list[str | int]) -> Any:
    for step in path:
        data = data[step]
    return data


def _append(data: Any, path: list[str | int], items: list[Any] | None) -> None:
    _at(data, path).extend(items or [])


def _merge(into: Any, data: Any) -> None:
    for key, value in data.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        elif isinstance(value, list) and isinstance(into.get(key), list):
            raise AssertionError(f"the list {key} came twice")
        else:
            into[key] = value
