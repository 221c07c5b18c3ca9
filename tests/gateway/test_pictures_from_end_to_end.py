"""A picture's life by GraphQL and plain HTTP: its ticket, its upload, how it is shown, its end; and Storage's crashes.

A trigger keeps what writes a row waiting for the test; policies' questions pass it by.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image

from tests.gateway.test_pictures import AVATAR, DELETE, INPUT, PLACE_PHOTO, PNG, TRIP_IMAGE, id_of, put, sql, upload
from tests.local.storage.conftest import eventually, kept, versions
from tests.local.storage.test_crashes import closed, kill

# Pytest finds it by its name.
from tests.local.storage.test_crashes import gate as gate  # noqa: PLC0414
from tests.support import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.conftest import Team
    from tests.support import Person
    from tripgate.local.stack import StackInfo

SIZE = 50_000_000
TUS = {"Tus-Resumable": "1.0.0"}
ONE = """query ($id: UUID!) { trip(id: $id) { images { totalCount nodes {
    id path size contentType url small: url(transform: { width: 40, resize: CONTAIN }) } } } }"""


@pytest.fixture
def info(seeded: StackInfo) -> StackInfo:
    """Where the gate is."""
    return seeded


async def shown(person: Person, url: str) -> tuple[int, bytes]:
    async with person.http.get(url) as answer:
        return answer.status, await answer.read()


async def test_ticket_upload_picture_thumbnail_and_deletion(team: Team) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (400, 200), "teal").save(drawn, "JPEG")
    bytes_ = drawn.getvalue()
    said = {"contentType": "image/jpeg", "size": str(len(bytes_))}
    ticket = (await team.editor.ask(TRIP_IMAGE, trip=team.trip, input=said))["createTripImageUpload"]
    assert (await team.viewer.ask(ONE, id=team.trip))["trip"]["images"]["totalCount"] == 0
    assert await put(team.editor, ticket["uploadUrl"], bytes_, "image/jpeg") == 200
    (found,) = (await team.viewer.ask(ONE, id=team.trip))["trip"]["images"]["nodes"]
    assert (found["path"], found["size"], found["contentType"]) == (ticket["path"], str(len(bytes_)), "image/jpeg")
    assert await shown(team.stranger, found["url"]) == (200, bytes_)
    status, small = await shown(team.stranger, found["small"])
    assert (status, Image.open(io.BytesIO(small)).size) == (200, (40, 20))
    assert await team.editor.ask(DELETE, ids=[found["id"]]) == {"deleteStoredFiles": [found["id"]]}
    assert (await team.viewer.ask(ONE, id=team.trip))["trip"]["images"] == {"totalCount": 0, "nodes": []}
    # An address that still holds shows nothing more.
    for url in (found["url"], found["small"]):
        assert (await shown(team.stranger, url))[0] == 400


async def test_fifty_megabytes_in_parts_with_a_ticket_interrupted_thrice(team: Team) -> None:
    block = hashlib.shake_256(b"lake").digest(1_000_000)
    said = {"contentType": "image/png", "size": str(SIZE)}
    ticket = (await team.editor.ask(TRIP_IMAGE, trip=team.trip, input=said))["createTripImageUpload"]
    names = {"bucketName": "trip-images", "objectName": ticket["path"], "contentType": "image/png"}
    metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in names.items())
    signed = {**TUS, "x-signature": ticket["token"]}
    begin = {**signed, "Upload-Length": str(SIZE), "Upload-Metadata": metadata}
    http = team.editor.http
    async with http.post(ticket["resumableUrl"], headers=begin) as made:
        assert made.status == 201, await made.text()
        place = made.headers["Location"]

    async def offset() -> int:
        async with http.head(place, headers=signed) as answer:
            assert answer.status == 200
            return int(answer.headers["Upload-Offset"])

    async def send(start: int, until: int) -> int:
        """Send what is between, and break the connection off unless it is the end."""

        async def body() -> Any:
            at = start
            while at < until:
                within = at % len(block)
                part = block[within : within + min(len(block) - within, until - at)]
                at += len(part)
                yield part
            if until < SIZE:
                raise ConnectionAbortedError

        headers = {**signed, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(start)}
        async with aiohttp.ClientSession() as own, own.patch(place, data=body(), headers=headers) as answer:
            return answer.status

    came = 0
    for share in (1, 2, 3):
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await send(came, share * SIZE // 4)
        before, came = came, await offset()
        assert before <= came <= share * SIZE // 4
    assert came > 0
    assert (await team.viewer.ask(ONE, id=team.trip))["trip"]["images"]["totalCount"] == 0
    assert await send(came, SIZE) == 204
    (found,) = (await team.viewer.ask(ONE, id=team.trip))["trip"]["images"]["nodes"]
    assert (found["path"], found["size"]) == (ticket["path"], str(SIZE))
    status, bytes_ = await shown(team.stranger, found["url"])
    assert (status, len(bytes_), bytes_ == block * (SIZE // len(block))) == (200, SIZE, True)
    assert await team.owner.ask(DELETE, ids=[found["id"]]) == {"deleteStoredFiles": [found["id"]]}


async def agree(stack: StackInfo, directory: Path, person: Person) -> dict[str, int]:
    """Storage runs again; what lies there of a person is what rows say, and what is counted. Their pictures."""

    async def runs() -> None:
        while True:
            async with person.http.get(f"{stack.api_url}/storage/v1/status") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.05)

    await asyncio.wait_for(runs(), 60)
    assert kept(directory) <= versions(stack)
    rows = await sql(
        stack,
        "select name, version, (metadata ->> 'size')::bigint from storage.objects where owner_id = %s",
        person.id,
    )
    sizes = {path.name: path.stat().st_size for path in (directory / "storage" / "objects").glob("*/*")}
    assert {version: size for _, version, size in rows} == {version: sizes[version] for _, version, _ in rows}
    ((used,),) = await sql(
        stack,
        "select coalesce(sum(used_amount), 0) from public.usage_limits where metric = 'storage_bytes' and user_id = %s",
        person.id,
    )
    assert used == sum(size for _, _, size in rows)
    return {name: size for name, _, size in rows}


async def test_storage_is_killed_during_an_upload_a_move_and_a_deletion(
    seeded: StackInfo, seeded_data_dir: Path, team: Team, gate: None
) -> None:
    first = await upload(team.editor, team.trip)
    file = await id_of(seeded, first)
    ticket = (await team.editor.ask(TRIP_IMAGE, trip=team.trip, input=INPUT))["createTripImageUpload"]
    moved = {"bucketId": "trip-images", "sourceKey": first, "destinationKey": ticket["path"]}
    headers = {"Authorization": f"Bearer {team.editor.token}"}

    async def move() -> int:
        url = f"{seeded.api_url}/storage/v1/object/move"
        async with team.editor.http.post(url, json=moved, headers=headers) as answer:
            return answer.status

    async def delete() -> str:
        return await team.editor.code(DELETE, ids=[file])

    for going, failed in (
        (lambda: put(team.editor, ticket["uploadUrl"]), (500, 502, 503)),
        (move, (500, 502, 503)),
        (delete, ("UPSTREAM_UNAVAILABLE",)),
    ):
        async with closed(seeded) as somebody_waits:
            running = asyncio.ensure_future(going())
            await somebody_waits()
            kill(seeded_data_dir)
            assert await running in failed
        assert await agree(seeded, seeded_data_dir, team.editor) == {first: len(PNG)}
    # Each of them goes through once it is asked again.
    assert await move() == 200
    assert await agree(seeded, seeded_data_dir, team.editor) == {ticket["path"]: len(PNG)}
    assert await team.editor.ask(DELETE, ids=[file]) == {"deleteStoredFiles": [file]}
    assert await agree(seeded, seeded_data_dir, team.editor) == {}


async def test_a_deleted_trip_place_and_person_leave_neither_rows_nor_bytes(
    seeded: StackInfo, seeded_data_dir: Path, team: Team, newcomer: Person
) -> None:
    owner = team.owner
    await upload(owner, team.trip)
    place = (await owner.ask('mutation { createSavedPlace(input: { name: "A pier" }) { id } }'))["createSavedPlace"]
    photo = (await owner.ask(PLACE_PHOTO, place=place["id"], input=INPUT))["createPlacePhotoUpload"]
    avatar = (await newcomer.ask(AVATAR, input=INPUT))["createAvatarUpload"]
    for person, ticket in ((owner, photo), (newcomer, avatar)):
        assert await put(person, ticket["uploadUrl"]) == 200
    theirs = {
        version
        for (version,) in await sql(
            seeded, "select version from storage.objects where owner_id = any (%s)", [owner.id, newcomer.id]
        )
    }
    assert len(theirs) == 3
    assert theirs <= kept(seeded_data_dir)
    await owner.ask("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=team.trip)
    await owner.ask("mutation ($id: UUID!) { deleteSavedPlace(id: $id) { id } }", id=place["id"])
    await newcomer.ask(f'mutation {{ deleteAccount(password: "{PASSWORD}") }}')
    url = f"{seeded.api_url}/functions/v1/clean-storage"
    async with owner.http.post(url, json={"wait": True}, headers={"apikey": seeded.secret_key}) as answer:
        assert answer.status == 200
    await eventually(lambda: theirs & (versions(seeded) | kept(seeded_data_dir)), set())
    assert await agree(seeded, seeded_data_dir, owner) == {}
