"""Who may do what: policies on `storage.objects` decide, and tokens allow one thing for one object."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import pytest

from tests.local.storage.conftest import Person, kept, versions

if TYPE_CHECKING:
    from pathlib import Path

    from tripgate.local.keys import Signer
    from tripgate.local.stack import StackInfo

DENIED = (400, "403", "AccessDenied", "new row violates row-level security policy")
NOT_FOUND = (400, "404", "NoSuchKey", "Object not found")


@pytest.fixture
async def lake(ada: Person) -> str:
    """A picture of Ada's: its path behind the bucket."""
    assert (await ada.ask("POST", f"/object/{ada.path('lake.txt')}", data=b"blue")).status == 200
    return ada.path("lake.txt")


async def test_another_persons_objects_are_not_there(ada: Person, ben: Person, lake: str) -> None:
    name = lake.removeprefix("pictures/")
    assert (await ben.ask("GET", f"/object/{lake}")).refusal == NOT_FOUND
    assert (await ben.ask("GET", f"/object/authenticated/{lake}")).refusal == NOT_FOUND
    assert (await ben.ask("GET", f"/object/info/{lake}")).refusal == NOT_FOUND
    assert (await ben.ask("HEAD", f"/object/{lake}")).status == 400
    assert (await ben.ask("GET", f"/render/image/authenticated/{lake}")).refusal == NOT_FOUND
    assert (await ben.ask("POST", f"/object/sign/{lake}", json={"expiresIn": 60})).refusal == NOT_FOUND
    signed = await ben.ask("POST", "/object/sign/pictures", json={"expiresIn": 60, "paths": [name]})
    assert [one["signedURL"] for one in signed.json] == [None]
    listed = await ben.ask("POST", "/object/list/pictures", json={"prefix": ada.id})
    assert listed.json == []
    assert (await ben.ask("POST", "/object/list-v2/pictures", json={"prefix": ada.id})).json["objects"] == []


async def test_another_persons_objects_stay_as_they_are(ada: Person, ben: Person, lake: str) -> None:
    name = lake.removeprefix("pictures/")
    upsert = {"x-upsert": "true"}
    assert (await ben.ask("PUT", f"/object/{lake}", data=b"red")).refusal == DENIED
    assert (await ben.ask("POST", f"/object/{lake}", data=b"red", headers=upsert)).refusal == DENIED
    assert (await ben.ask("POST", f"/object/{ada.path('new.txt')}", data=b"red")).refusal == DENIED
    assert (await ben.ask("POST", f"/object/upload/sign/{ada.path('new.txt')}")).refusal == DENIED
    assert (await ben.ask("POST", f"/object/upload/sign/{lake}", headers=upsert)).refusal == DENIED
    for verb in ("move", "copy"):
        body = {"bucketId": "pictures", "sourceKey": name, "destinationKey": f"{ben.id}/mine.txt"}
        assert (await ben.ask("POST", f"/object/{verb}", json=body)).refusal == NOT_FOUND
        body = {"bucketId": "pictures", "sourceKey": name, "destinationKey": f"{ben.id}/theirs.txt"}
        refused = await ada.ask("POST", f"/object/{verb}", json=body)
        assert refused.refusal == DENIED
    assert (await ben.ask("DELETE", f"/object/{lake}")).refusal == (400, "403", "AccessDenied", "Access denied")
    assert (await ben.ask("DELETE", "/object/pictures", json={"prefixes": [name]})).json == []
    assert (await ada.ask("GET", f"/object/{lake}")).body == b"blue"


async def test_nothing_is_kept_of_what_was_refused(
    ben: Person, ada: Person, info: StackInfo, storage_data_dir: Path
) -> None:
    await ben.ask("POST", f"/object/{ada.path('new.txt')}", data=b"red")
    await ben.ask("POST", f"/object/{ben.path('old.txt')}", data=b"old")
    await ben.ask("PUT", f"/object/{ben.path('old.txt')}", data=b"new")
    await ben.ask("POST", f"/object/{ben.path('old.txt')}", data=b"never")
    assert kept(storage_data_dir) == versions(info)


async def test_who_may_only_read_writes_nothing(ada: Person, service: Person) -> None:
    await service.ask("POST", "/object/drawings/tree.txt", data=b"tree", headers={"Content-Type": "text/plain"})
    assert (await ada.ask("GET", "/object/drawings/tree.txt")).body == b"tree"
    refused = await ada.ask("POST", "/object/drawings/own.txt", data=b"x", headers={"Content-Type": "text/plain"})
    assert refused.refusal == DENIED
    refused = await ada.ask("DELETE", "/object/drawings/tree.txt")
    assert refused.refusal == (400, "403", "AccessDenied", "Access denied")


async def test_buckets_are_made_by_the_service_alone(ada: Person) -> None:
    assert (await ada.ask("POST", "/bucket", json={"name": "mine"})).refusal == DENIED
    gone = (400, "404", "NoSuchBucket", "Bucket not found")
    assert (await ada.ask("GET", "/bucket/pictures")).refusal == gone
    assert (await ada.ask("PUT", "/bucket/pictures", json={"public": True})).refusal == gone
    assert (await ada.ask("POST", "/bucket/pictures/empty")).refusal == gone
    assert (await ada.ask("GET", "/bucket")).json == []


async def test_without_a_token_only_public_objects_are_there(
    http: aiohttp.ClientSession, info: StackInfo, service: Person, lake: str
) -> None:
    await service.ask("PUT", "/object/faces/me.txt", data=b"me")
    nobody = Person("", "", f"{info.api_url}/storage/v1", http)
    assert (await nobody.ask("GET", "/object/public/faces/me.txt")).body == b"me"
    assert (await nobody.ask("GET", "/object/faces/me.txt")).body == b"me"
    gone = (400, "404", "NoSuchBucket", "Bucket not found")
    assert (await nobody.ask("GET", f"/object/public/{lake}")).refusal == gone
    assert (await nobody.ask("GET", f"/object/{lake}")).refusal == gone
    assert (await nobody.ask("GET", f"/render/image/public/{lake}")).refusal == gone
    refused = (400, "400", "InvalidRequest", "headers must have required property 'authorization'")
    assert (await nobody.ask("GET", "/object/authenticated/faces/me.txt")).refusal == refused
    assert (await nobody.ask("POST", "/object/faces/other.txt", data=b"x")).refusal == refused
    assert (await nobody.ask("DELETE", "/object/faces/me.txt")).refusal == refused


async def test_the_publishable_key_stands_for_nobody(http: aiohttp.ClientSession, info: StackInfo, lake: str) -> None:
    headers = {"apikey": info.publishable_key}
    async with http.post(f"{info.api_url}/storage/v1/object/{lake}", headers=headers, data=b"x") as answer:
        assert (await answer.json())["message"] == "new row violates row-level security policy"


async def test_tokens_that_do_not_hold(ada: Person, signer: Signer, lake: str) -> None:
    claims: dict[str, Any] = {"sub": ada.id, "role": "authenticated"}
    over = Person(ada.id, signer.sign({**claims, "exp": int(time.time()) - 5}), ada.url, ada.http)
    assert (await over.ask("GET", f"/object/authenticated/{lake}")).refusal[3] == '"exp" claim timestamp check failed'
    forged = Person(ada.id, f"{ada.token[:-8]}AAAAAAAA", ada.url, ada.http)
    assert (await forged.ask("GET", f"/object/authenticated/{lake}")).refusal[3] == "signature verification failed"


async def test_a_signed_address_is_of_one_object_for_a_while_and_to_read(
    ada: Person, signer: Signer, lake: str
) -> None:
    await ada.ask("POST", f"/object/{ada.path('other.txt')}", data=b"other")
    signed = (await ada.ask("POST", f"/object/sign/{lake}", json={"expiresIn": 60})).json["signedURL"]
    token = signed.partition("token=")[2]
    nobody = Person("", "", ada.url, ada.http)
    answer = await nobody.ask("GET", signed)
    assert (answer.body, "Expires" in answer.headers) == (b"blue", True)
    other = await nobody.ask("GET", f"/object/sign/{ada.path('other.txt')}?token={token}")
    assert other.refusal == (400, "400", "InvalidSignature", "Invalid signature")
    upload = await nobody.ask("PUT", f"/object/upload/sign/{lake}?token={token}", data=b"red")
    assert upload.refusal == (400, "400", "InvalidSignature", "Token is not scoped for upload")
    forged = await nobody.ask("GET", f"/object/sign/{lake}?token={token[:-8]}AAAAAAAA")
    assert forged.refusal == (400, "400", "InvalidJWT", "signature verification failed")
    none = await nobody.ask("GET", f"/object/sign/{lake}")
    assert none.refusal == (400, "400", "InvalidJWT", "Invalid Compact JWS")
    person = await nobody.ask("GET", f"/object/sign/{lake}?token={ada.token}")
    assert person.refusal == (400, "400", "InvalidSignature", "Token is not scoped for download")
    url = lake
    over = signer.sign({"url": url, "scope": "download", "exp": int(time.time()) - 5})
    late = await nobody.ask("GET", f"/object/sign/{lake}?token={over}")
    assert late.refusal == (400, "400", "InvalidJWT", '"exp" claim timestamp check failed')


async def test_a_ticket_is_for_one_upload_of_one_object(ada: Person, signer: Signer, lake: str) -> None:
    nobody = Person("", "", ada.url, ada.http)
    new = ada.path("new.txt")
    ticket = (await ada.ask("POST", f"/object/upload/sign/{new}")).json
    assert ticket["url"] == f"/object/upload/sign/{new}?token={ticket['token']}"
    claims = signer.verify(ticket["token"])
    assert (claims["url"], claims["owner"], claims["upsert"]) == (new, ada.id, False)
    assert claims["exp"] - claims["iat"] == 2 * 3600
    made = await nobody.ask("PUT", ticket["url"], data=b"new")
    assert made.json == {"Key": new}
    assert (await ada.ask("GET", f"/object/info/{new}")).status == 200
    again = await nobody.ask("PUT", ticket["url"], data=b"newer")
    assert again.refusal == (400, "409", "KeyAlreadyExists", "The resource already exists")
    forced = await nobody.ask("PUT", ticket["url"], data=b"newer", headers={"x-upsert": "true"})
    assert forced.refusal == (400, "409", "KeyAlreadyExists", "The resource already exists")
    moved = await nobody.ask("PUT", f"/object/upload/sign/{lake}?token={ticket['token']}", data=b"x")
    assert moved.refusal == (400, "400", "InvalidSignature", "Invalid signature")
    read = await nobody.ask("GET", f"/object/sign/{new}?token={ticket['token']}")
    assert read.refusal == (400, "400", "InvalidSignature", "Token is not scoped for download")
    over = (await ada.ask("POST", f"/object/upload/sign/{new}", headers={"x-upsert": "true"})).json
    assert (await nobody.ask("PUT", over["url"], data=b"newest")).status == 200
    assert (await ada.ask("GET", f"/object/{new}")).body == b"newest"


async def test_a_signed_address_gives_no_role(ada: Person, lake: str) -> None:
    signed = (await ada.ask("POST", f"/object/sign/{lake}", json={"expiresIn": 60})).json["signedURL"]
    bearer = Person("", signed.partition("token=")[2], ada.url, ada.http)
    assert (await bearer.ask("GET", f"/object/authenticated/{lake}")).refusal == NOT_FOUND


async def test_policies_see_what_is_done_and_by_whom(ada: Person, info: StackInfo) -> None:
    with psycopg.connect(info.db_url) as db:
        db.execute(
            'create policy "Uploads of one kind" on storage.objects as restrictive for insert to authenticated'
            " with check (metadata ->> 'mimetype' is distinct from 'text/secret' or (storage.operation() ="
            " 'storage.object.upload' and owner_id = (select auth.uid())::text"
            " and (metadata ->> 'contentLength')::int = 3))"
        )
    try:
        headers = {"Content-Type": "text/secret"}
        assert (await ada.ask("POST", f"/object/{ada.path('s1')}", data=b"abc", headers=headers)).status == 200
        assert (await ada.ask("POST", f"/object/{ada.path('s2')}", data=b"abcd", headers=headers)).refusal == DENIED
        assert (await ada.ask("PUT", f"/object/{ada.path('s3')}", data=b"abc", headers=headers)).refusal == DENIED
    finally:
        with psycopg.connect(info.db_url) as db:
            db.execute('drop policy "Uploads of one kind" on storage.objects')
