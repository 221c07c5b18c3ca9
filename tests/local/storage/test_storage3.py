"""Storage, judged by the unmodified `storage3` of Python."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from storage3.exceptions import StorageApiError

from tests.local.conftest import WEB
from tests.local.storage.conftest import claims_of

if TYPE_CHECKING:
    from tests.local.storage.conftest import Person
    from tripgate.local.stack import StackInfo

Client = "Callable[[str], SyncStorageClient]"


def test_a_bucket_is_made_changed_emptied_and_deleted(client: Client, service: Person) -> None:
    buckets = client(service.token)
    name = f"bucket-{uuid4()}"
    buckets.create_bucket(name, options={"public": True, "file_size_limit": 100, "allowed_mime_types": ["text/plain"]})
    made = buckets.get_bucket(name)
    assert (made.public, made.file_size_limit, made.allowed_mime_types) == (True, 100, ["text/plain"])
    buckets.update_bucket(name, {"public": False})
    assert buckets.get_bucket(name).public is False
    assert name in {bucket.id for bucket in buckets.list_buckets()}
    buckets.from_(name).upload("a.txt", b"hello", {"content-type": "text/plain"})
    with pytest.raises(StorageApiError, match="not empty"):
        buckets.delete_bucket(name)
    assert "Empty bucket" in buckets.empty_bucket(name)["message"]
    assert buckets.delete_bucket(name) == {"message": "Successfully deleted"}
    with pytest.raises(StorageApiError, match="Bucket not found"):
        buckets.get_bucket(name)


def test_a_file_comes_and_goes(client: Client, ada: Person) -> None:
    pictures = client(ada.token).from_("pictures")
    path = f"{ada.id}/lake.txt"
    made = pictures.upload(path, b"blue", {"content-type": "text/plain", "cache-control": "60"})
    assert (made.path, made.full_path) == (path, f"pictures/{path}")
    assert pictures.download(path) == b"blue"
    info = pictures.info(path)
    assert (info["size"], info["content_type"], info["cache_control"]) == (4, "text/plain", "max-age=60")
    assert pictures.exists(path)
    pictures.update(path, b"green", {"content-type": "text/plain"})
    assert pictures.download(path) == b"green"
    with pytest.raises(StorageApiError, match="already exists"):
        pictures.upload(path, b"red")
    pictures.upload(path, b"red", {"upsert": "true"})
    assert [found["name"] for found in pictures.list(ada.id)] == ["lake.txt"]
    assert pictures.move(path, f"{ada.id}/sea.txt")["message"] == "Successfully moved"
    assert pictures.copy(f"{ada.id}/sea.txt", path)["Key"] == f"pictures/{path}"
    assert pictures.download(path) == pictures.download(f"{ada.id}/sea.txt") == b"red"
    gone = pictures.remove([path, f"{ada.id}/sea.txt", f"{ada.id}/none.txt"])
    assert {row["name"] for row in gone} == {path, f"{ada.id}/sea.txt"}
    with pytest.raises(StorageApiError, match="Object not found"):
        pictures.download(path)
    assert not pictures.exists(path)


def test_signed_addresses(client: Client, ada: Person) -> None:
    pictures = client(ada.token).from_("pictures")
    path = f"{ada.id}/a b.txt"
    pictures.upload(path, b"blue", {"content-type": "text/plain"})
    signed = pictures.create_signed_url(path, 60, {"download": "c d.txt"})["signedURL"]
    answer = WEB.get(signed)
    assert answer.content == b"blue"
    assert answer.headers["Content-Disposition"] == "attachment; filename=c%20d.txt; filename*=UTF-8''c%20d.txt"
    assert abs(claims_of(signed)["exp"] - time.time() - 60) < 30
    one, other = pictures.create_signed_urls([path, f"{ada.id}/none.txt"], 60)
    assert WEB.get(one["signedURL"]).content == b"blue"
    assert other["error"] == "Either the object does not exist or you do not have access to it"
    ticket = pictures.create_signed_upload_url(f"{ada.id}/later.txt")
    made = pictures.upload_to_signed_url(
        f"{ada.id}/later.txt", ticket["token"], b"later", {"content-type": "text/plain"}
    )
    assert made.full_path == f"pictures/{ada.id}/later.txt"
    assert pictures.download(f"{ada.id}/later.txt") == b"later"


def test_lists_by_pages(client: Client, ada: Person) -> None:
    pictures = client(ada.token).from_("pictures")
    for name in ("a/1.txt", "a/2.txt", "b.txt", "c.txt"):
        pictures.upload(f"{ada.id}/{name}", b"x")
    assert [found["name"] for found in pictures.list(ada.id)] == ["a", "b.txt", "c.txt"]
    assert [found["name"] for found in pictures.list(ada.id, {"limit": 1, "offset": 2})] == ["c.txt"]
    assert [found["name"] for found in pictures.list(ada.id, {"search": "B"})] == ["b.txt"]
    first = pictures.list_v2({"prefix": f"{ada.id}/", "limit": 2, "with_delimiter": True})
    assert ([one.name for one in first.folders], [one.name for one in first.objects], first.hasNext) == (
        [f"{ada.id}/a/"],
        [f"{ada.id}/b.txt"],
        True,
    )
    assert first.nextCursor is not None
    rest = pictures.list_v2({"prefix": f"{ada.id}/", "limit": 2, "with_delimiter": True, "cursor": first.nextCursor})
    assert ([one.name for one in rest.objects], rest.hasNext) == ([f"{ada.id}/c.txt"], False)
    flat = pictures.list_v2({"prefix": f"{ada.id}/"})
    assert [one.name for one in flat.objects] == [
        f"{ada.id}/{name}" for name in ("a/1.txt", "a/2.txt", "b.txt", "c.txt")
    ]


def test_public_files(client: Client, service: Person, info: StackInfo) -> None:
    faces = client(service.token).from_("faces")
    path = f"{uuid4()}.txt"
    faces.upload(path, b"me", {"content-type": "text/html"})
    answer = WEB.get(faces.get_public_url(path))
    assert (answer.content, answer.headers["Content-Type"]) == (b"me", "text/plain")
    assert WEB.get(f"{info.api_url}/storage/v1/object/faces/{path}").content == b"me"
