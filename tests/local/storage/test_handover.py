"""The front door sends and writes objects' bytes, and Storage decides: nothing of what the two say to each other leaves
the house or comes from outside, and large bodies are judged as small ones are."""

from __future__ import annotations

import asyncio
import gzip
import uuid
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import pytest

from tests.local.storage.conftest import eventually, kept, versions
from tripgate.local.storage import handover

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.storage.conftest import Answer, Person
    from tripgate.local.stack import StackInfo

# More than what passes Storage itself.
LARGE = bytes(range(256)) * 2048
TEXT = {"Content-Type": "text/plain"}


def lengths(body: bytes, *, known: bool) -> Any:
    """A body whose length is told, or is not."""

    async def chunks() -> Any:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    return body if known else chunks()


@pytest.mark.parametrize("known", [True, False])
async def test_large_files_come_and_go_whole_and_in_part(ada: Person, *, known: bool) -> None:
    path = f"/object/{ada.path('large.bin')}"
    made = await ada.ask("POST", path, data=lengths(LARGE, known=known), headers=TEXT)
    assert (made.status, made.json["Key"]) == (200, ada.path("large.bin"))
    assert (await ada.ask("GET", path)).body == LARGE
    part = await ada.ask("GET", path, headers={"Range": "bytes=300000-400000"})
    assert (part.status, part.body) == (206, LARGE[300_000:400_001])
    assert part.headers["Content-Range"] == f"bytes 300000-400000/{len(LARGE)}"
    info = (await ada.ask("GET", f"/object/info/{ada.path('large.bin')}")).json
    assert (info["size"], info["content_type"]) == (len(LARGE), "text/plain")
    other = await ada.ask("PUT", path, data=lengths(LARGE[::-1], known=known), headers=TEXT)
    assert (other.status, (await ada.ask("GET", path)).body) == (200, LARGE[::-1])


async def test_a_large_file_of_a_form_and_one_that_comes_compressed(ada: Person) -> None:
    form = aiohttp.FormData()
    form.add_field("cacheControl", "60")
    form.add_field("file", LARGE, filename="a.txt", content_type="text/plain")
    assert (await ada.ask("POST", f"/object/{ada.path('form.bin')}", data=form)).status == 200
    assert (await ada.ask("GET", f"/object/{ada.path('form.bin')}")).body == LARGE
    packed = {"data": gzip.compress(LARGE), "headers": {**TEXT, "Content-Encoding": "gzip"}}
    assert (await ada.ask("POST", f"/object/{ada.path('gzip.bin')}", **packed)).status == 200
    assert (await ada.ask("GET", f"/object/{ada.path('gzip.bin')}")).body == LARGE


async def test_a_ticket_takes_a_large_file(ada: Person) -> None:
    name = ada.path("ticket.bin")
    ticket = (await ada.ask("POST", f"/object/upload/sign/{name}")).json
    assert (await ada.ask("PUT", ticket["url"], data=LARGE, headers=TEXT)).status == 200
    assert (await ada.ask("GET", f"/object/{name}")).body == LARGE
    assert (await ada.ask("PUT", ticket["url"] + "x", data=LARGE, headers=TEXT)).json["code"] == "InvalidJWT"


@pytest.mark.parametrize("known", [True, False])
async def test_a_large_file_that_is_refused_leaves_nothing(
    ada: Person, ben: Person, service: Person, info: StackInfo, storage_data_dir: Path, *, known: bool
) -> None:
    async def refused(who: Person, method: str, path: str, kind: str = "text/plain") -> tuple[int, str, str, str]:
        body = lengths(LARGE, known=known)
        return (await who.ask(method, path, data=body, headers={"Content-Type": kind})).refusal

    denied = (400, "403", "AccessDenied", "new row violates row-level security policy")
    assert await refused(ben, "POST", f"/object/{ada.path('x.bin')}") == denied
    assert await refused(ada, "POST", "/object/nowhere/x.bin") == (400, "404", "NoSuchBucket", "Bucket not found")
    assert await refused(ada, "PUT", "/object/sign/x.bin") == (400, "404", "NoSuchBucket", "Bucket not found")
    large = (400, "413", "EntityTooLarge", "The object exceeded the maximum allowed size")
    assert await refused(service, "PUT", "/object/drawings/x.txt") == large
    wrong = (400, "415", "InvalidMimeType", "mime type image/jpeg is not supported")
    assert await refused(service, "PUT", "/object/drawings/x.txt", "image/jpeg") == wrong
    await ada.ask("POST", f"/object/{ada.path('x.bin')}", data=b"x")
    again = (400, "409", "KeyAlreadyExists", "The resource already exists")
    assert await refused(ada, "POST", f"/object/{ada.path('x.bin')}") == again
    assert (await ada.ask("GET", f"/object/{ada.path('x.bin')}")).body == b"x"
    assert kept(storage_data_dir) == versions(info)


@pytest.mark.parametrize("declared", [True, False])
async def test_a_client_that_goes_half_way_leaves_nothing(
    ada: Person, info: StackInfo, storage_data_dir: Path, *, declared: bool
) -> None:
    before = kept(storage_data_dir)
    comes = asyncio.Event()

    async def body() -> Any:
        yield LARGE
        comes.set()
        await asyncio.Event().wait()

    headers = {**TEXT, **({"Content-Length": str(2 * len(LARGE))} if declared else {})}
    going = asyncio.ensure_future(ada.ask("POST", f"/object/{ada.path('half.bin')}", data=body(), headers=headers))
    await comes.wait()
    await eventually(lambda: len(kept(storage_data_dir) - before), 1)
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    await eventually(lambda: kept(storage_data_dir) == versions(info), True)
    assert (await ada.ask("GET", f"/object/{ada.path('half.bin')}")).refusal[2] == "NoSuchKey"


async def test_nothing_of_it_leaves_the_front_door(ada: Person) -> None:
    path = f"/object/{ada.path('lake.bin')}"
    answers: list[Answer] = [
        await ada.ask("POST", path, data=LARGE, headers=TEXT),
        await ada.ask("GET", path),
        await ada.ask("HEAD", path),
        await ada.ask("GET", path, headers={"Range": "bytes=0-9"}),
        await ada.ask("GET", path, headers={"Range": "bytes=x"}),
        await ada.ask("GET", f"/object/{ada.path('none.bin')}"),
    ]
    assert [answer.status for answer in answers] == [200, 200, 200, 206, 416, 400]
    told = {name.lower() for answer in answers for name in answer.headers}
    assert not told & handover.OWN


@pytest.mark.parametrize("body", [None, b"small", LARGE], ids=["none", "small", "large"])
async def test_nothing_of_it_comes_from_outside(
    ada: Person, ben: Person, info: StackInfo, storage_data_dir: Path, body: bytes | None
) -> None:
    await ada.ask("POST", f"/object/{ada.path('mine.bin')}", data=LARGE, headers=TEXT)
    version = (await ada.ask("GET", f"/object/info/{ada.path('mine.bin')}")).json["version"]
    said = {
        handover.OBJECT: f"{version} 0 {len(LARGE)}",
        handover.LENGTH: "1",
        handover.FRONT_DOOR: "x",
        "Expect": "100-continue",
    }
    method = "GET" if body is None else "POST"
    name = ben.path(f"{uuid.uuid4()}.bin")
    answer = await ben.ask(method, f"/object/{name}", data=body, headers={**TEXT, **said})
    if body is None:
        assert answer.refusal[2] == "NoSuchKey"
    else:
        assert answer.status == 200
        assert (await ben.ask("GET", f"/object/{name}", headers=said)).body == body
    assert (await ada.ask("GET", f"/object/{ada.path('mine.bin')}")).body == LARGE
    assert kept(storage_data_dir) == versions(info)


@pytest.mark.parametrize("shown", [None, "", "guess", "gué"])
async def test_storage_answers_the_front_door_alone(
    ada: Person, service: Person, http: aiohttp.ClientSession, storage_data_dir: Path, shown: str | None
) -> None:
    assert (await ada.ask("POST", f"/object/{ada.path('lake.bin')}", data=b"blue")).status == 200
    config = orjson.loads((storage_data_dir / "config" / "storage.json").read_bytes())
    headers = {"Authorization": f"Bearer {service.token}"}
    if shown is not None:
        headers[handover.FRONT_DOOR] = shown
    for method, path in (("GET", f"/object/{ada.path('lake.bin')}"), ("GET", "/bucket"), ("PUT", "/object/pictures/x")):
        async with http.request(method, f"http://127.0.0.1:{config['port']}{path}", headers=headers) as answer:
            told = await answer.json()
        assert (answer.status, told["code"], told["message"]) == (400, "AccessDenied", "Ask the front door")
        assert not {name.lower() for name in answer.headers} & handover.OWN
