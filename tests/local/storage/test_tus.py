"""Resumable uploads on the wire: TUS 1.0.0, who may, and what makes no sense."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import pytest

from tests.local.storage.conftest import Person, kept, versions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.storage.conftest import Answer
    from tripgate.local.keys import Signer
    from tripgate.local.stack import StackInfo

PART = "application/offset+octet-stream"
TUS = {"Tus-Resumable": "1.0.0"}


async def begin(who: Person, whose: Person, name: str, *, signed: bool = False, **headers: str) -> Answer:
    """Begin an upload of eight bytes."""
    given = {**TUS, "Upload-Length": "8", "Upload-Metadata": whose.metadata(name), **headers}
    return await who.ask("POST", f"/upload/resumable{'/sign' if signed else ''}", headers=given)


async def send(who: Person, made: Answer, offset: int, data: bytes, **headers: str) -> Answer:
    """Go on with it."""
    given = {**TUS, "Content-Type": PART, "Upload-Offset": str(offset), **headers}
    return await who.ask("PATCH", place(who, made), headers=given, data=data)


def place(who: Person, made: Answer) -> str:
    """Where it goes on."""
    assert made.status == 201, made.body
    return made.headers["Location"].removeprefix(who.url)


async def test_an_upload_in_parts(ada: Person) -> None:
    made = await begin(ada, ada, "lake.txt")
    assert made.headers["Tus-Resumable"] == "1.0.0"
    assert "Upload-Expires" in made.headers
    first = await send(ada, made, 0, b"blue")
    assert (first.status, first.headers["Upload-Offset"]) == (204, "4")
    head = await ada.ask("HEAD", place(ada, made), headers=TUS)
    shown = {name: head.headers[name] for name in ("Upload-Offset", "Upload-Length", "Cache-Control")}
    assert shown == {"Upload-Offset": "4", "Upload-Length": "8", "Cache-Control": "no-store"}
    assert (await ada.ask("GET", f"/object/{ada.path('lake.txt')}")).refusal[2] == "NoSuchKey"
    assert (await send(ada, made, 0, b"gray")).status == 409
    last = await send(ada, made, 4, b"gray")
    assert (last.status, last.headers["Upload-Offset"], last.headers["Tus-Complete"]) == (204, "8", "1")
    assert (await ada.ask("GET", f"/object/{ada.path('lake.txt')}")).body == b"bluegray"
    # Whoever did not hear of its end learns of it.
    assert (await ada.ask("HEAD", place(ada, made), headers=TUS)).headers["Upload-Offset"] == "8"
    ended = await ada.ask("DELETE", place(ada, made), headers=TUS)
    assert (ended.status, ended.body) == (400, b"Cannot terminate an already completed upload")


async def test_a_length_that_is_told_later(ada: Person) -> None:
    headers = {**TUS, "Upload-Defer-Length": "1", "Upload-Metadata": ada.metadata("later.txt")}
    made = await ada.ask("POST", "/upload/resumable", headers=headers)
    assert (await send(ada, made, 0, b"blue")).status == 204
    assert (await ada.ask("HEAD", place(ada, made), headers=TUS)).headers["Upload-Defer-Length"] == "1"
    assert (await send(ada, made, 4, b"gray", **{"Upload-Length": "8"})).headers["Tus-Complete"] == "1"


async def test_nothing_at_all_and_all_at_once(ada: Person) -> None:
    empty = await ada.ask(
        "POST", "/upload/resumable", headers={**TUS, "Upload-Length": "0", "Upload-Metadata": ada.metadata("empty")}
    )
    assert empty.headers["Tus-Complete"] == "1"
    assert (await ada.ask("GET", f"/object/{ada.path('empty')}")).body == b""
    headers = {**TUS, "Upload-Length": "8", "Upload-Metadata": ada.metadata("whole"), "Content-Type": PART}
    whole = await ada.ask("POST", "/upload/resumable", headers=headers, data=b"bluegray")
    assert (whole.headers["Upload-Offset"], whole.headers["Tus-Complete"]) == ("8", "1")


async def test_who_comes_back_is_not_kept_waiting_by_the_connection_that_broke(ada: Person) -> None:
    made = await begin(ada, ada, "twice.txt")
    sent, never = asyncio.Event(), asyncio.Event()

    async def half() -> Any:
        yield b"blue"
        sent.set()
        await never.wait()
        yield b"gray"

    headers = {**TUS, "Content-Type": PART, "Upload-Offset": "0"}
    hanging = asyncio.ensure_future(ada.ask("PATCH", place(ada, made), headers=headers, data=half()))
    await sent.wait()
    offset = "0"
    # Also before the bytes have arrived: then they are sent again.
    offset = (await ada.ask("HEAD", place(ada, made), headers=TUS)).headers["Upload-Offset"]
    assert offset in {"0", "4"}
    assert (await send(ada, made, int(offset), b"bluegray"[int(offset) :])).headers["Tus-Complete"] == "1"
    never.set()
    ended = await asyncio.gather(hanging, return_exceptions=True)
    assert isinstance(ended[0], aiohttp.ClientError) or ended[0].status == 400  # type: ignore[union-attr]
    assert (await ada.ask("GET", f"/object/{ada.path('twice.txt')}")).body == b"bluegray"


async def test_what_this_server_can(ada: Person, http: aiohttp.ClientSession) -> None:
    async with http.options(f"{ada.url}/upload/resumable") as answer:
        assert answer.status == 204
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Extension"] == (
            "creation,creation-with-upload,creation-defer-length,termination,expiration"
        )
        assert answer.headers["Tus-Max-Size"] == str(50 * 1024**2)


async def test_pages_of_any_origin_may_read_how_far_it_has_come(ada: Person) -> None:
    made = await begin(ada, ada, "page.txt", Origin="https://app.example")
    assert made.headers["Access-Control-Allow-Origin"] == "*"
    exposed = set(made.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"Location", "Upload-Offset", "Upload-Length", "Tus-Resumable", "Upload-Expires"} <= exposed


@pytest.mark.parametrize(
    ("headers", "status", "sentence"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "Tus-Resumable Required"),
        ({"Upload-Length": "-1"}, 400, "Invalid upload-length"),
        ({"Upload-Length": "many"}, 400, "Invalid upload-length"),
        ({"Upload-Length": str(10**18)}, 400, "Invalid upload-length"),
        ({"Upload-Defer-Length": "1"}, 400, "Upload-Length or Upload-Defer-Length header required"),
        ({"Upload-Length": str(51 * 1024**2)}, 413, "Maximum size exceeded"),
        ({"Upload-Metadata": "bucketName é"}, 400, "Invalid Upload-Metadata header"),
        ({"Upload-Metadata": ""}, 400, "Bucket name invalid"),
        ({"Upload-Metadata": "bucketName cGljdHVyZXM="}, 400, "Invalid key: "),
    ],
)
async def test_beginnings_that_make_no_sense(ada: Person, headers: dict[str, str], status: int, sentence: str) -> None:
    answer = await begin(ada, ada, "no.txt", **headers)
    assert (answer.status, answer.body.decode()) == (status, sentence)


async def test_parts_that_make_no_sense(ada: Person, info: StackInfo, storage_data_dir: Path) -> None:
    made = await begin(ada, ada, "no.txt")
    long = await send(ada, made, 0, b"more than eight")
    assert (long.status, long.body) == (413, b"upload's size exceeded")
    kind = await send(ada, made, 0, b"blue", **{"Content-Type": "text/plain"})
    assert (kind.status, kind.body) == (403, b"Content-Type header required")
    offset = await ada.ask("PATCH", place(ada, made), headers={**TUS, "Content-Type": PART}, data=b"blue")
    assert (offset.status, offset.body) == (403, b"Upload-Offset header required")
    for key in ("bm90aGluZw", "%00", "Li4vLi4va2V5cw"):
        none = await ada.ask("HEAD", f"/upload/resumable/{key}", headers=TUS)
        assert none.status == 404
    assert (await ada.ask("DELETE", place(ada, made), headers=TUS)).status == 204
    assert (await ada.ask("HEAD", place(ada, made), headers=TUS)).status == 404
    assert kept(storage_data_dir) == versions(info)


async def test_a_chunk_that_goes_on_for_ever_stops_at_its_length(ada: Person) -> None:
    made = await begin(ada, ada, "endless.txt")

    async def endless() -> Any:
        for _ in range(1000):
            yield b"x" * 1000

    answer = await send(ada, made, 0, endless())  # type: ignore[arg-type]
    assert (answer.status, answer.body) == (413, b"Maximum size exceeded")
    assert (await ada.ask("GET", f"/object/{ada.path('endless.txt')}")).refusal[2] == "NoSuchKey"


async def test_who_may(ada: Person, ben: Person, signer: Signer) -> None:
    refused = await begin(ben, ada, "theirs.txt")
    assert (refused.status, refused.body) == (403, b"new row violates row-level security policy")
    made = await begin(ada, ada, "lake.txt")
    other = await send(ben, made, 0, b"blue")
    assert (other.status, other.body) == (403, b"new row violates row-level security policy")
    assert (await ben.ask("DELETE", place(ada, made), headers=TUS)).status == 403
    nobody = Person("", "", ada.url, ada.http)
    for answer in (await begin(nobody, ada, "lake.txt"), await send(nobody, made, 0, b"blue")):
        assert (answer.status, answer.body) == (403, b"Invalid Compact JWS")
    assert (await nobody.ask("HEAD", place(ada, made), headers=TUS)).status == 403
    over = signer.sign({"sub": ada.id, "role": "authenticated", "exp": int(time.time()) - 5})
    late = await send(Person(ada.id, over, ada.url, ada.http), made, 0, b"blue")
    assert (late.status, late.body) == (403, b'"exp" claim timestamp check failed')
    assert (await ada.ask("HEAD", place(ada, made), headers=TUS)).headers["Upload-Offset"] == "0"


async def test_whoever_may_no_longer_does_not_finish(ada: Person, info: StackInfo) -> None:
    made = await begin(ada, ada, "lake.txt")
    assert (await send(ada, made, 0, b"blue")).status == 204
    with psycopg.connect(info.db_url) as db:
        db.execute(
            'create policy "Not any more" on storage.objects as restrictive for insert to authenticated'
            " with check (objects.name <> %s)".replace("%s", f"'{ada.id}/lake.txt'").encode()
        )
    try:
        assert (await send(ada, made, 4, b"gray")).status == 403
        assert (await ada.ask("GET", f"/object/{ada.path('lake.txt')}")).refusal[2] == "NoSuchKey"
    finally:
        with psycopg.connect(info.db_url) as db:
            db.execute('drop policy "Not any more" on storage.objects')


async def test_a_ticket_is_for_one_object_and_says_whether_it_may_replace(ada: Person) -> None:
    path = f"/object/upload/sign/{ada.path('lake.txt')}"
    ticket = (await ada.ask("POST", path)).json["token"]
    replacing = (await ada.ask("POST", path, headers={"x-upsert": "true"})).json["token"]
    nobody = Person("", "", ada.url, ada.http)
    made = await begin(nobody, ada, "lake.txt", signed=True, **{"X-Signature": ticket})
    assert place(nobody, made).startswith("/upload/resumable/sign/")
    assert (await send(nobody, made, 0, b"bluegray", **{"X-Signature": ticket})).headers["Tus-Complete"] == "1"
    assert (await ada.ask("GET", f"/object/{ada.path('lake.txt')}")).body == b"bluegray"
    again = await begin(nobody, ada, "lake.txt", signed=True, **{"X-Signature": ticket, "X-Upsert": "true"})
    assert (again.status, again.body) == (409, b"The resource already exists")
    over = await begin(nobody, ada, "lake.txt", signed=True, **{"X-Signature": replacing})
    assert (await send(nobody, over, 0, b"redgreen", **{"X-Signature": replacing})).status == 204
    assert (await ada.ask("GET", f"/object/{ada.path('lake.txt')}")).body == b"redgreen"


async def test_tickets_that_do_not_hold(ada: Person, signer: Signer) -> None:
    await ada.ask("POST", f"/object/{ada.path('lake.txt')}", data=b"blue")
    read = (await ada.ask("POST", f"/object/sign/{ada.path('lake.txt')}", json={"expiresIn": 60})).json["signedURL"]
    ticket = (await ada.ask("POST", f"/object/upload/sign/{ada.path('one.txt')}")).json["token"]
    over = signer.sign({"url": ada.path("two.txt"), "scope": "upload", "upsert": False, "exp": int(time.time()) - 5})
    nobody = Person("", "", ada.url, ada.http)
    for name, token, sentence in (
        ("lake.txt", read.partition("token=")[2], b"Token is not scoped for upload"),
        ("two.txt", ticket, b"Invalid signature"),
        ("two.txt", over, b'"exp" claim timestamp check failed'),
        ("one.txt", f"{ticket[:-8]}AAAAAAAA", b"signature verification failed"),
        ("one.txt", "", b"Missing x-signature header"),
    ):
        answer = await begin(nobody, ada, name, signed=True, **{"X-Signature": token})
        assert (answer.status, answer.body) == (400, sentence)
    # Somebody's upload is not gone on with by another's ticket.
    made = await begin(ada, ada, "own.txt")
    key = place(ada, made).rpartition("/")[2]
    headers = {**TUS, "Content-Type": PART, "Upload-Offset": "0", "X-Signature": ticket}
    answer = await nobody.ask("PATCH", f"/upload/resumable/sign/{key}", headers=headers, data=b"bluegray")
    assert (answer.status, answer.body) == (400, b"Invalid signature")


async def test_a_bucket_takes_types_and_sizes(service: Person) -> None:
    metadata = service.metadata("x.png", bucket="drawings", folder="", contentType="image/jpeg")
    refused = await service.ask(
        "POST", "/upload/resumable", headers={**TUS, "Upload-Length": "8", "Upload-Metadata": metadata}
    )
    assert (refused.status, refused.body) == (415, b"mime type image/jpeg is not supported")
    metadata = service.metadata("x.png", bucket="drawings", folder="", contentType="image/png")
    refused = await service.ask(
        "POST", "/upload/resumable", headers={**TUS, "Upload-Length": "1001", "Upload-Metadata": metadata}
    )
    assert (refused.status, refused.body) == (413, b"Maximum size exceeded")
