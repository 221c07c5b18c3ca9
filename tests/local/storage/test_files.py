"""Bytes as they come and go: heads, ranges, tags, limits, names, and what is said of what makes no sense."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import pytest
from yarl import URL

from tests.local.storage.conftest import Person, kept, versions

if TYPE_CHECKING:
    from pathlib import Path

    from tripgate.local.stack import StackInfo

DIGITS = b"0123456789"


@pytest.fixture
async def digits(ada: Person) -> str:
    """A file of ten bytes."""
    headers = {"Content-Type": "text/plain", "Cache-Control": "max-age=60"}
    assert (await ada.ask("POST", f"/object/{ada.path('digits')}", data=DIGITS, headers=headers)).status == 200
    return f"/object/{ada.path('digits')}"


async def test_what_an_answer_says_of_a_file(ada: Person, digits: str) -> None:
    for method in ("GET", "HEAD"):
        answer = await ada.ask(method, digits)
        assert (answer.status, answer.body) == (200, DIGITS if method == "GET" else b"")
        shown = {name: answer.headers[name] for name in ("Content-Type", "Cache-Control", "Content-Length")}
        assert shown == {
            "Content-Type": "text/plain",
            "Cache-Control": "max-age=60",
            "Content-Length": "10",
        }
        assert re.fullmatch('"[0-9a-f]{32}"', answer.headers["ETag"])
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["X-Robots-Tag"] == "none"


@pytest.mark.parametrize(
    ("wanted", "status", "body", "shown"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=-20", 206, DIGITS, "bytes 0-9/10"),
        ("bytes=8-20", 206, b"89", "bytes 8-9/10"),
    ],
)
async def test_parts_of_a_file(ada: Person, digits: str, wanted: str, status: int, body: bytes, shown: str) -> None:
    answer = await ada.ask("GET", digits, headers={"Range": wanted})
    assert (answer.status, answer.body, answer.headers["Content-Range"]) == (status, body, shown)


@pytest.mark.parametrize(
    "wanted", ["bytes=10-", "bytes=5-2", "bytes=-0", "bytes=-", "bytes=0-1,3-4", "lines=1-2", "bytes=\u0660-\u0663"]
)
async def test_parts_that_are_not_there(ada: Person, digits: str, wanted: str) -> None:
    answer = await ada.ask("GET", digits, headers={"Range": wanted})
    assert answer.refusal == (416, "416", "InvalidRange", "invalid range provided")


async def test_a_file_that_one_has_is_not_sent_again(ada: Person, digits: str) -> None:
    seen = await ada.ask("GET", digits)
    for header in ({"If-None-Match": seen.headers["ETag"]}, {"If-Modified-Since": seen.headers["Last-Modified"]}):
        assert (await ada.ask("GET", digits, headers=header)).status == 304
    await ada.ask("PUT", digits, data=DIGITS, headers={"Content-Type": "text/plain"})
    for header in ({"If-None-Match": seen.headers["ETag"]}, {"If-Modified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"}):
        assert (await ada.ask("GET", digits, headers=header)).body == DIGITS


async def test_a_form_tells_of_its_file(ada: Person) -> None:
    form = aiohttp.FormData()
    form.add_field("cacheControl", "120")
    form.add_field("metadata", '{"camera": "old"}')
    form.add_field("", DIGITS, filename="blob", content_type="image/png")
    answer = await ada.ask("POST", f"/object/{ada.path('form')}", data=form)
    assert answer.json["Key"] == ada.path("form")
    info = (await ada.ask("GET", f"/object/info/{ada.path('form')}")).json
    shown = {name: info[name] for name in ("size", "content_type", "cache_control", "metadata", "bucket_id")}
    assert shown == {
        "size": 10,
        "content_type": "image/png",
        "cache_control": "max-age=120",
        "metadata": {"camera": "old"},
        "bucket_id": "pictures",
    }
    assert info["created_at"].endswith("Z")


@pytest.mark.parametrize("body", [b"", b"--x\r\n", b"no form", b"--x--\r\n"])
async def test_a_form_without_a_file(ada: Person, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await ada.ask("POST", f"/object/{ada.path('form')}", data=body, headers=headers)
    assert answer.refusal == (400, "400", "InvalidRequest", "No content provided")


async def test_a_form_without_a_boundary(ada: Person) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    answer = await ada.ask("POST", f"/object/{ada.path('form')}", data=b"x", headers=headers)
    assert answer.refusal == (400, "400", "InvalidRequest", "No content provided")


async def test_a_bucket_takes_types_and_sizes(service: Person, info: StackInfo, storage_data_dir: Path) -> None:
    async def upload(kind: str, body: Any) -> tuple[int, str, str, str]:
        answer = await service.ask("PUT", "/object/drawings/x", data=body, headers={"Content-Type": kind})
        return answer.refusal

    async def chunks() -> Any:
        for _ in range(20):
            yield b"x" * 100

    assert await upload("image/jpeg", b"x") == (400, "415", "InvalidMimeType", "mime type image/jpeg is not supported")
    large = (400, "413", "EntityTooLarge", "The object exceeded the maximum allowed size")
    assert await upload("image/png", b"x" * 1001) == large
    assert await upload("image/png", chunks()) == large
    form = aiohttp.FormData()
    form.add_field("file", b"x" * 1001, filename="a.png", content_type="image/png")
    assert (await service.ask("PUT", "/object/drawings/x", data=form)).refusal == large
    fits = await service.ask("PUT", "/object/drawings/x", data=b"x" * 1000, headers={"Content-Type": "text/css"})
    assert fits.status == 200
    assert kept(storage_data_dir) == versions(info)


@pytest.mark.parametrize(
    "name", ["a%00b", "%C3%A9", "a%22b", "a%5Cb", "%F0%9F%8C%8A", "a%23b", "a%0Ab", "a%0D%0A", "x" * 1025]
)
async def test_names_that_no_object_has(service: Person, name: str) -> None:
    answers = [await service.ask("PUT", f"/object/faces/{name}", data=b"x")]
    answers += [
        await service.ask(method, f"/object/{kind}faces/{name}", json={"expiresIn": 60})
        for method, kind in (("POST", "sign/"), ("POST", "upload/sign/"), ("DELETE", ""))
    ]
    assert {answer.refusal[:3] for answer in answers} == {(400, "400", "InvalidKey")}


async def test_nobody_else_of_this_machine_reads_what_is_stored(
    ada: Person, digits: str, storage_data_dir: Path
) -> None:
    assert (await ada.ask("GET", digits)).body == DIGITS
    stored = storage_data_dir / "storage"
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in (stored, *stored.rglob("*"))}
    assert modes == {(True, 0o700), (False, 0o600)}


async def test_folders_upwards_lead_nowhere(
    service: Person, info: StackInfo, http: aiohttp.ClientSession, storage_data_dir: Path
) -> None:
    url = URL(f"{info.api_url}/storage/v1/object/faces/%2E%2E%2F%2E%2E%2Fkeys.json", encoded=True)
    headers = {"Authorization": f"Bearer {service.token}"}
    async with http.put(url, data=b"x", headers=headers) as answer:
        assert (await answer.json())["Key"] == "faces/../../keys.json"
    assert (storage_data_dir / "keys.json").read_bytes() != b"x"
    async with http.delete(url, headers=headers) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("name", ["", " drawings", "a/b", "x" * 101, "é", "data--iceberg"])
async def test_names_that_no_bucket_has(service: Person, name: str) -> None:
    answer = await service.ask("POST", "/bucket", json={"name": name})
    assert answer.refusal == (400, "400", "InvalidBucketName", "Bucket name invalid")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "body must have required property 'name'"),
        ({"name": "b", "file_size_limit": "much"}, "Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B"),
        ({"name": "b", "file_size_limit": -1}, "body/file_size_limit must be integer"),
        ({"name": "b", "allowed_mime_types": "image/png"}, "body/allowed_mime_types must be array"),
        ({"name": "b", "public": "perhaps"}, "body/public must be boolean"),
        ({"name": "b", "allowed_mime_types": ["picture"]}, "mime type picture is not supported"),
        ({"name": "b", "file_size_limit": "100GB"}, "The object exceeded the maximum allowed size"),
        ({"name": "drawings"}, "The resource already exists"),
    ],
)
async def test_buckets_that_make_no_sense(service: Person, body: dict[str, Any], message: str) -> None:
    assert (await service.ask("POST", "/bucket", json=body)).refusal[3] == message


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/object/sign/pictures/a", {"expiresIn": 0}, "body/expiresIn must be >= 1"),
        ("/object/sign/pictures/a", {}, "body must have required property 'expiresIn'"),
        ("/object/sign/pictures", {"expiresIn": 60, "paths": []}, "body/paths must NOT have fewer than 1 items"),
        ("/object/sign/pictures", {"expiresIn": 60, "paths": [1]}, "body/paths/0 must be string"),
        ("/object/list/pictures", {}, "body must have required property 'prefix'"),
        ("/object/list/pictures", {"prefix": "", "limit": 0}, "body/limit must be >= 1"),
        (
            "/object/list/pictures",
            {"prefix": "", "sortBy": {"column": "size"}},
            "body/sortBy/column must be equal to one of the allowed values",
        ),
        ("/object/list-v2/pictures", {"cursor": "?"}, "Invalid Parameter continuation token"),
        ("/object/move", {"bucketId": "pictures"}, "body must have required property 'destinationKey'"),
    ],
)
async def test_bodies_that_make_no_sense(service: Person, path: str, body: dict[str, Any], message: str) -> None:
    assert (await service.ask("POST", path, json=body)).refusal[3] == message


async def test_what_is_no_json(service: Person) -> None:
    answer = await service.ask("POST", "/object/move", data=b"{")
    assert answer.refusal[:3] == (400, "400", "InvalidRequest")


async def test_a_row_without_bytes_is_told_as_such(service: Person, info: StackInfo) -> None:
    with psycopg.connect(info.admin_db_url) as db:
        db.execute("insert into storage.objects (bucket_id, name, version) values ('faces', 'hollow', '../../keys')")
    try:
        answer = await service.ask("GET", "/object/public/faces/hollow")
        assert answer.refusal == (400, "404", "NoSuchKey", "The resource was not found")
    finally:
        assert (await service.ask("DELETE", "/object/faces/hollow")).status == 200


async def test_a_route_that_is_not_there(service: Person) -> None:
    answer = await service.ask("GET", "/iceberg/v1/config")
    assert answer.refusal == (404, "404", "InvalidRequest", "Route GET:/iceberg/v1/config not found")


async def test_large_files_pass_as_they_are(ada: Person) -> None:
    body = bytes(range(256)) * 4096 * 8
    assert (await ada.ask("POST", f"/object/{ada.path('large')}", data=io.BytesIO(body))).status == 200
    assert (await ada.ask("GET", f"/object/{ada.path('large')}")).body == body
