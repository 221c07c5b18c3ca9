"""Pictures by GraphQL: a ticket, an upload to Storage itself, deletion; who may, and what is told to who may not."""

from __future__ import annotations

import asyncio
import base64
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import pytest
from aiohttp import web

from tests.support import listening, serving
from tripgate.gateway import upstreams
from tripgate.upstream.storage import StorageClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.gateway.conftest import Team
    from tests.support import Person
    from tripgate.local.stack import StackInfo
    from tripgate.upstream.resilience.policy import Policy

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
INPUT = {"contentType": "image/png", "size": str(len(PNG))}
TICKET = "{ path uploadUrl token resumableUrl expiresAt }"
TRIP_IMAGE = f"""mutation ($trip: UUID!, $input: UploadInput!) {{
    createTripImageUpload(tripId: $trip, input: $input) {TICKET} }}"""
PLACE_PHOTO = f"""mutation ($place: UUID!, $input: UploadInput!) {{
    createPlacePhotoUpload(savedPlaceId: $place, input: $input) {TICKET} }}"""
AVATAR = f"mutation ($input: UploadInput!) {{ createAvatarUpload(input: $input) {TICKET} }}"
DELETE = "mutation ($ids: [UUID!]!) { deleteStoredFiles(ids: $ids) }"


async def ticket(person: Person, trip: str) -> dict[str, Any]:
    made: dict[str, Any] = (await person.ask(TRIP_IMAGE, trip=trip, input=INPUT))["createTripImageUpload"]
    return made


async def put(person: Person, url: str, body: bytes = PNG, content_type: str = "image/png") -> int:
    async with person.http.put(url, data=body, headers={"Content-Type": content_type}) as response:
        return response.status


async def upload(person: Person, trip: str) -> str:
    """Uploads a picture; its path."""
    made = await ticket(person, trip)
    assert await put(person, made["uploadUrl"]) == 200
    path: str = made["path"]
    return path


async def sql(stack: StackInfo, statement: str, *values: object) -> list[tuple[Any, ...]]:
    def ask() -> list[tuple[Any, ...]]:
        with psycopg.connect(stack.admin_db_url, autocommit=True) as db:
            found = db.execute(statement, values)  # type: ignore[arg-type]
            return found.fetchall() if found.description else []

    return await asyncio.to_thread(ask)


async def id_of(stack: StackInfo, path: str) -> str:
    ((found,),) = await sql(stack, "select id from public.stored_files where path = %s", path)
    return str(found)


async def test_a_ticket_an_upload_and_the_end_of_it(seeded: StackInfo, team: Team) -> None:
    made = await ticket(team.editor, team.trip)
    folder, _, name = made["path"].partition("/")
    assert (folder, name[-4:]) == (team.trip, ".png")
    assert made["uploadUrl"].startswith(
        f"{seeded.api_url}/storage/v1/object/upload/sign/trip-images/{made['path']}?token="
    )
    assert made["resumableUrl"] == f"{seeded.api_url}/storage/v1/upload/resumable/sign"
    assert await put(team.editor, made["uploadUrl"]) == 200
    # Once, since no ticket writes over what is there.
    assert await put(team.editor, made["uploadUrl"]) == 400
    ((size, uploader),) = await sql(
        seeded, "select size, uploader_id::text from public.stored_files where path = %s", made["path"]
    )
    assert (size, uploader) == (len(PNG), team.editor.id)
    file = await id_of(seeded, made["path"])
    assert await team.viewer.code(DELETE, ids=[file]) == "FORBIDDEN"
    assert await team.owner.ask(DELETE, ids=[file, file]) == {"deleteStoredFiles": [file]}
    assert await sql(seeded, "select from storage.objects where name = %s", made["path"]) == []
    assert await team.owner.code(DELETE, ids=[file]) == "NOT_FOUND"


IMAGES = """query ($id: UUID!) { trip(id: $id) { title images(first: 2) { totalCount nodes {
    id bucket path contentType size uploaderId tripId uploader { displayName } } } } }"""


async def test_a_trip_and_its_pictures(seeded: StackInfo, team: Team) -> None:
    paths = [await upload(person, team.trip) for person in (team.owner, team.editor, team.editor)]
    ids = [await id_of(seeded, path) for path in paths]
    names = [(await person.ask("{ viewer { displayName } }"))["viewer"] for person in (team.owner, team.editor)]
    expected = [
        {
            "id": ids[number],
            "bucket": "TRIP_IMAGES",
            "path": paths[number],
            "contentType": "image/png",
            "size": str(len(PNG)),
            "uploaderId": team.editor.id,
            "tripId": team.trip,
            "uploader": names[1],
        }
        for number in (2, 1)
    ]
    for person in (team.owner, team.editor, team.viewer):
        data = await person.ask(IMAGES, id=team.trip)
        assert data == {"trip": {"title": "Shared", "images": {"totalCount": 3, "nodes": expected}}}
    assert await team.stranger.ask(IMAGES, id=team.trip) == {"trip": None}
    # In lists, by filters, by orders of related rows, by what identifies them.
    data = await team.viewer.ask(
        """query ($uploader: UUID!, $none: UUID!) {
            trips(filter: { images: { some: { uploaderId: { eq: $uploader } } } }) { nodes {
                images(orderBy: [{ uploader: { displayName: ASC } }, { createdAt: ASC }]) { nodes { path } }
                none: images(filter: { uploader: { id: { eq: $none } } }) { nodes { path } } } }
            nothing: trips(filter: { images: { some: { uploaderId: { eq: $none } } } }) { totalCount } }""",
        uploader=team.owner.id,
        none=team.stranger.id,
    )
    ordered = sorted(
        zip([names[0], names[1], names[1]], range(3), strict=True), key=lambda each: each[0]["displayName"]
    )
    assert data == {
        "trips": {
            "nodes": [{"images": {"nodes": [{"path": paths[each]} for _, each in ordered]}, "none": {"nodes": []}}]
        },
        "nothing": {"totalCount": 0},
    }


URLS = """query ($id: UUID!) { trip(id: $id) { images { nodes { path
    url small: url(transform: { width: 1, resize: CONTAIN }, expiresIn: 60) } } } }"""


async def shown(person: Person, url: str) -> tuple[int, bytes]:
    async with person.http.get(url) as response:
        return response.status, await response.read()


async def test_each_picture_has_an_address_that_shows_it(seeded: StackInfo, team: Team) -> None:
    paths = [await upload(team.editor, team.trip) for _ in range(2)]
    data = await team.viewer.ask(URLS, id=team.trip)
    nodes = data["trip"]["images"]["nodes"]
    assert [node["path"] for node in nodes] == paths[::-1]
    for node in nodes:
        signed = f"{seeded.api_url}/storage/v1/object/sign/trip-images/{node['path']}?token="
        assert node["url"].startswith(signed)
        assert await shown(team.stranger, node["url"]) == (200, PNG)
        assert node["small"].startswith(
            f"{seeded.api_url}/storage/v1/render/image/sign/trip-images/{node['path']}?token="
        )
        # A token to read is none to upload by, and is for its path alone.
        upload_url = node["url"].replace("/object/sign/", "/object/upload/sign/")
        assert await put(team.editor, upload_url) == 400
        other = next(path for path in paths if path != node["path"])
        assert (await shown(team.editor, node["url"].replace(node["path"], other)))[0] == 400
    # Another is given one of their own; the same one the same.
    assert (await team.viewer.ask(URLS, id=team.trip)) == data
    owners = (await team.owner.ask(URLS, id=team.trip))["trip"]["images"]["nodes"]
    assert {node["url"] for node in owners}.isdisjoint(node["url"] for node in nodes)


async def test_addresses_in_what_is_written_and_under_aliases(team: Team) -> None:
    await upload(team.owner, team.trip)
    data = await team.owner.ask(
        """mutation ($id: UUID!, $seconds: Int!) { updateTrip(id: $id, patch: { title: "Shown" }) {
            title images { edges { node { a: url(expiresIn: $seconds) b: url(expiresIn: 60) } } } } }""",
        id=team.trip,
        seconds=120,
    )
    ((node,),) = [[edge["node"] for edge in data["updateTrip"]["images"]["edges"]]]
    assert all("/object/sign/" in url for url in node.values())
    assert node["a"] != node["b"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("expiresIn: 59", "expiresIn"),
        ("expiresIn: 86401", "expiresIn"),
        ("transform: { width: 0 }", "transform.width"),
        ("transform: { width: 2501 }", "transform.width"),
        ("transform: { height: -1 }", "transform.height"),
        ("transform: { height: 2501 }", "transform.height"),
        ("transform: { width: 10, quality: 19 }", "transform.quality"),
        ("transform: { width: 10, quality: 101 }", "transform.quality"),
        ("transform: {}", "transform"),
        ("transform: { resize: FILL }", "transform.resize"),
    ],
)
async def test_addresses_that_nobody_is_given(team: Team, arguments: str, field: str) -> None:
    error = await team.owner.refused(
        f"query ($id: UUID!) {{ trip(id: $id) {{ images {{ nodes {{ url({arguments}) }} }} }} }}", id=team.trip
    )
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", field)


async def test_an_avatar_is_seen_by_everybody(seeded: StackInfo, team: Team) -> None:
    query = "{ viewer { avatarUrl small: avatarUrl(transform: { width: 8 }) } }"
    assert await team.owner.ask(query) == {"viewer": {"avatarUrl": None, "small": None}}
    avatar = (await team.owner.ask(AVATAR, input=INPUT))["createAvatarUpload"]
    assert await put(team.owner, avatar["uploadUrl"]) == 200
    await team.owner.ask(
        "mutation ($path: String) { updateMyProfile(patch: { avatarPath: $path }) { avatarUrl } }", path=avatar["path"]
    )
    told = await team.viewer.ask("query ($id: UUID!) { profile(id: $id) { avatarUrl } }", id=team.owner.id)
    url = told["profile"]["avatarUrl"]
    assert url == f"{seeded.api_url}/storage/v1/object/public/user-avatars/{avatar['path']}"
    assert await shown(team.stranger, url) == (200, PNG)
    small = (await team.owner.ask(query))["viewer"]["small"]
    assert small == f"{seeded.api_url}/storage/v1/render/image/public/user-avatars/{avatar['path']}?width=8"


@dataclass
class Way:
    """The way to Storage: what was asked, and what is answered in its place."""

    asked: list[str] = field(default_factory=list)
    status: int | None = None
    transforms: bool = True
    held: str | None = None
    holds: int = 0
    eight_held: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def watched(stack: StackInfo, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> AsyncIterator[tuple[str, Way]]:
    """A gateway whose requests to Storage are seen, and its address."""
    way = Way()

    async def pass_on(request: web.Request) -> web.Response:
        way.asked.append(f"{request.method} {request.path}")
        if way.held is not None and request.headers.get("Authorization") == f"Bearer {way.held}":
            way.holds += 1
            if way.holds == 8:
                way.eight_held.set()
            await way.released.wait()
        if way.status is not None:
            return web.Response(status=way.status, text="away")
        body = await request.json()
        if not way.transforms:
            body.pop("transform", None)
        headers = {name: value for name, value in request.headers.items() if name in ("Authorization", "apikey")}
        async with (
            aiohttp.ClientSession() as session,
            session.request(request.method, f"{stack.api_url}{request.path}", json=body, headers=headers) as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", pass_on)
    async with listening(app) as url:

        def client(session: aiohttp.ClientSession, _: str, api_key: str, policy: Policy[Any]) -> StorageClient:
            return StorageClient(session, f"{url}/storage/v1", api_key, policy)

        monkeypatch.setattr(upstreams, "StorageClient", client)
        async with serving(stack, **changes) as gateway:
            yield gateway, way


async def test_many_addresses_are_one_request_and_those_of_other_sizes_are_known_the_second_time(
    seeded: StackInfo, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(10):
        await upload(team.owner, team.trip)
    async with watched(seeded, monkeypatch) as (gateway, way):
        viewer = at(team.viewer, gateway)
        plain = "{ trips { nodes { images { nodes { url uploader { avatarUrl } } } } } }"
        data = await viewer.ask(plain)
        assert len({node["url"] for trip in data["trips"]["nodes"] for node in trip["images"]["nodes"]}) == 10
        assert way.asked == ["POST /storage/v1/object/sign/trip-images"]
        way.asked.clear()
        small = "{ trips { nodes { images { nodes { url(transform: { width: 1 }) } } } } }"
        first = await viewer.ask(small)
        assert len(way.asked) == 10
        way.asked.clear()
        assert await viewer.ask(small) == first
        assert way.asked == []
        # Where the project makes no other sizes.
        way.transforms = False
        _, body = await viewer.post(small.replace("width: 1", "width: 2"))
        assert {error["extensions"]["code"] for error in body["errors"]} == {"NOT_ENABLED"}
        assert {node["url"] for node in body["data"]["trips"]["nodes"][0]["images"]["nodes"]} == {None}


async def test_nobody_waits_for_the_many_sizes_that_somebody_else_asks_for(
    seeded: StackInfo, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(10):
        await upload(team.owner, team.trip)
    small = "{ trips { nodes { images { nodes { url(transform: { width: 1 }) } } } } }"
    async with watched(seeded, monkeypatch) as (gateway, way):
        way.held = team.owner.token
        asking = asyncio.create_task(at(team.owner, gateway).ask(small))
        await way.eight_held.wait()
        data = await at(team.viewer, gateway).ask(small)
        assert len({node["url"] for trip in data["trips"]["nodes"] for node in trip["images"]["nodes"]}) == 10
        # Eight of one person at a time, and these still.
        assert (way.holds, asking.done()) == (8, False)
        way.released.set()
        await asking


async def test_of_sizes_that_storage_does_not_sign_in_time_none_is_waited_for_any_longer(
    seeded: StackInfo, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [await upload(team.owner, team.trip) for _ in range(10)]
    file = await id_of(seeded, paths[0])
    async with watched(seeded, monkeypatch, request_timeout=3) as (gateway, way):
        owner = at(team.owner, gateway)
        way.held = team.owner.token
        _, body = await owner.post(
            "query ($id: UUID!) { trip(id: $id) { images { nodes { url(transform: { width: 1 }) } } } }", id=team.trip
        )
        # Eight are asked for, and the other two waited for their turn.
        assert (way.holds, len(body["errors"])) == (8, 10)
        assert {error["extensions"]["code"] for error in body["errors"]} == {"TIMEOUT"}
        # Nothing that was only read can have happened.
        assert not any("repeat" in error["message"] for error in body["errors"])
        _, body = await owner.post(DELETE, ids=[file])
        (error,) = body["errors"]
        assert error["extensions"]["code"] == "TIMEOUT"
        assert error["message"] == (
            "Storage took too long. Some pictures may be gone: see which there are before you repeat it."
        )
        way.released.set()


async def test_many_sizes_of_many_pictures_cost_too_much(team: Team) -> None:
    sizes = " ".join(f"s{width}: url(transform: {{ width: {width} }})" for width in range(1, 26))
    query = f"query ($id: UUID!) {{ trip(id: $id) {{ images(first: 100) {{ nodes {{ {sizes} }} }} }} }}"
    assert await team.owner.code(query, id=team.trip) == "COST_LIMIT_EXCEEDED"


async def test_a_trip_answers_though_storage_is_away(
    seeded: StackInfo, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await upload(team.owner, team.trip)
    async with watched(seeded, monkeypatch) as (gateway, way):
        way.status = 503
        status, body = await at(team.owner, gateway).post(
            "query ($id: UUID!) { trip(id: $id) { title images { nodes { path url } } } }", id=team.trip
        )
        assert status == 200
        assert body["data"] == {"trip": {"title": "Shared", "images": {"nodes": [{"path": path, "url": None}]}}}
        (error,) = body["errors"]
        assert error["path"] == ["trip", "images", "nodes", 0, "url"]
        assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
        assert await at(team.owner, gateway).code(TRIP_IMAGE, trip=team.trip, input=INPUT) == "UPSTREAM_UNAVAILABLE"


def at(person: Person, url: str) -> Person:
    """The same person, at another gateway."""
    return replace(person, url=url)


async def test_a_saved_place_and_its_photos(team: Team) -> None:
    place = (await team.owner.ask('mutation { createSavedPlace(input: { name: "A bench" }) { id } }'))[
        "createSavedPlace"
    ]
    photo = (await team.owner.ask(PLACE_PHOTO, place=place["id"], input=INPUT))["createPlacePhotoUpload"]
    assert await put(team.owner, photo["uploadUrl"]) == 200
    data = await team.owner.ask("{ savedPlaces { nodes { photos { nodes { path tripId } } } } }")
    assert data == {"savedPlaces": {"nodes": [{"photos": {"nodes": [{"path": photo["path"], "tripId": None}]}}]}}


async def test_a_collection_shows_the_photos_of_its_places(seeded: StackInfo, team: Team) -> None:
    place = (await team.owner.ask('mutation { createPlace(input: { name: "Pier" }) { id } }'))["createPlace"]["id"]
    made = await team.owner.ask(
        """mutation ($place: UUID!) { createSavedPlace(input: { placeId: $place, name: "The pier" }) { id }
             createCollection(input: { name: "By the sea" }) { id } }""",
        place=place,
    )
    collection = made["createCollection"]["id"]
    await team.owner.ask(
        """mutation ($in: UUID!, $place: UUID!) {
             createCollectionPlace(input: { collectionId: $in, placeId: $place }) { id } }""",
        **{"in": collection, "place": place},
    )
    photo = (await team.owner.ask(PLACE_PHOTO, place=made["createSavedPlace"]["id"], input=INPUT))[
        "createPlacePhotoUpload"
    ]
    assert await put(team.owner, photo["uploadUrl"]) == 200
    asked = """query ($id: UUID!) { collection(id: $id) { collectionPlaces { nodes {
        photos { totalCount nodes { path url uploaderId } } } } } }"""

    def photos(data: dict[str, Any]) -> dict[str, Any]:
        (entry,) = data["collection"]["collectionPlaces"]["nodes"]
        found: dict[str, Any] = entry["photos"]
        return found

    assert await team.viewer.ask(asked, id=collection) == {"collection": None}
    await sql(
        seeded,
        "insert into public.collection_members (collection_id, user_id, role) values (%s, %s, 'viewer')",
        collection,
        team.viewer.id,
    )
    for person in (team.owner, team.viewer):
        found = photos(await person.ask(asked, id=collection))
        (node,) = found["nodes"]
        assert (found["totalCount"], node["path"], node["uploaderId"]) == (1, photo["path"], team.owner.id)
        assert await shown(team.stranger, node["url"]) == (200, PNG)


async def test_who_gets_a_ticket(team: Team, anonymous: Person) -> None:
    outcomes = {}
    for name in ("owner", "editor", "viewer", "stranger"):
        status, body = await getattr(team, name).post(TRIP_IMAGE, trip=team.trip, input=INPUT)
        assert status == 200
        outcomes[name] = body["errors"][0]["extensions"]["code"] if "errors" in body else "ticket"
    assert outcomes == {"owner": "ticket", "editor": "ticket", "viewer": "FORBIDDEN", "stranger": "NOT_FOUND"}
    assert await anonymous.code(TRIP_IMAGE, trip=team.trip, input=INPUT) == "UNAUTHENTICATED"
    assert await anonymous.code(AVATAR, input=INPUT) == "UNAUTHENTICATED"
    assert await anonymous.code(DELETE, ids=[str(uuid.uuid4())]) == "UNAUTHENTICATED"
    error = await team.owner.refused(TRIP_IMAGE, trip=str(uuid.uuid4()), input=INPUT)
    assert (error["code"], error["field"]) == ("NOT_FOUND", "tripId")


async def test_a_removed_editor_gets_none_and_deletes_nothing(seeded: StackInfo, team: Team) -> None:
    file = await id_of(seeded, await upload(team.editor, team.trip))
    await sql(seeded, "delete from public.collaborators where user_id = %s", team.editor.id)
    assert await team.editor.code(TRIP_IMAGE, trip=team.trip, input=INPUT) == "NOT_FOUND"
    assert await team.editor.code(DELETE, ids=[file]) == "NOT_FOUND"


async def test_a_ticket_is_for_its_path_and_a_token_for_what_it_was_made_for(team: Team) -> None:
    made, other = await ticket(team.owner, team.trip), await ticket(team.owner, team.trip)
    moved = made["uploadUrl"].replace(made["path"], other["path"])
    assert await put(team.owner, moved) == 400
    assert await put(team.owner, made["uploadUrl"] + "x") == 400
    assert await put(team.owner, made["uploadUrl"].partition("?")[0]) == 400
    # Types and sizes are the bucket's to refuse.
    assert await put(team.owner, made["uploadUrl"], b"<svg/>", "image/svg+xml") == 400
    assert await put(team.owner, made["uploadUrl"]) == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"contentType": "image/svg+xml"}, "input.contentType"),
        ({"contentType": "image/png\n"}, "input.contentType"),
        ({"contentType": ""}, "input.contentType"),
        ({"contentType": "x" * 2000}, "input.contentType"),
        ({"size": "0"}, "input.size"),
        ({"size": "-1"}, "input.size"),
        ({"size": "52428801"}, "input.size"),
        ({"size": str(2**62)}, "input.size"),
    ],
)
async def test_inputs_that_make_no_sense(team: Team, changes: dict[str, str], field: str) -> None:
    error = await team.owner.refused(TRIP_IMAGE, trip=team.trip, input={**INPUT, **changes})
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", field)


async def test_a_null_byte_in_a_type(team: Team) -> None:
    assert await team.owner.code(TRIP_IMAGE, trip=team.trip, input={**INPUT, "contentType": "a\0b"}) == "BAD_USER_INPUT"


async def test_photos_of_places_and_avatars(team: Team) -> None:
    made = await team.owner.ask('mutation { createSavedPlace(input: { name: "A bench" }) { id } }')
    place = made["createSavedPlace"]["id"]
    photo = (await team.owner.ask(PLACE_PHOTO, place=place, input=INPUT))["createPlacePhotoUpload"]
    assert photo["path"].startswith(f"{place}/")
    assert await put(team.owner, photo["uploadUrl"]) == 200
    error = await team.editor.refused(PLACE_PHOTO, place=place, input=INPUT)
    assert (error["code"], error["field"]) == ("NOT_FOUND", "savedPlaceId")
    avatar = (await team.owner.ask(AVATAR, input=INPUT))["createAvatarUpload"]
    assert await put(team.owner, avatar["uploadUrl"]) == 200
    data = await team.owner.ask(
        "mutation ($path: String) { updateMyProfile(patch: { avatarPath: $path }) { avatarPath } }", path=avatar["path"]
    )
    assert data == {"updateMyProfile": {"avatarPath": avatar["path"]}}
    too_large = {**INPUT, "size": str(5 * 2**20 + 1)}
    assert await team.owner.code(AVATAR, input=too_large) == "BAD_USER_INPUT"


async def test_what_is_there_counts(seeded: StackInfo, team: Team) -> None:
    await upload(team.editor, team.trip)
    left = "{ usageLimits(filter: { metric: { eq: STORAGE_BYTES } }) { nodes { used } } }"
    assert await team.editor.ask(left) == {"usageLimits": {"nodes": [{"used": str(len(PNG))}]}}
    open_ticket = await ticket(team.editor, team.trip)
    await sql(
        seeded,
        "update storage.objects set metadata = metadata || '{\"size\": 104857600}' where owner_id = %s",
        team.editor.id,
    )
    error = await team.editor.refused(TRIP_IMAGE, trip=team.trip, input=INPUT)
    assert (error["code"], error["metric"]) == ("USAGE_LIMIT_EXCEEDED", "STORAGE_BYTES")
    # A ticket that was given while there was room adds nothing either, and leaves no row.
    async with team.editor.http.put(
        open_ticket["uploadUrl"], data=PNG, headers={"Content-Type": "image/png"}
    ) as response:
        told = await response.json()
    assert (response.status, told["statusCode"], told["code"]) == (400, "403", "AccessDenied")
    assert await sql(seeded, "select from storage.objects where name = %s", open_ticket["path"]) == []


async def test_of_uploads_at_once_those_that_come_when_the_plan_is_used_up_are_refused(
    seeded: StackInfo, team: Team
) -> None:
    made = [await ticket(team.editor, team.trip) for _ in range(6)]
    await upload(team.editor, team.trip)
    # One byte is left, so that one more comes in, whichever is first.
    await sql(
        seeded,
        "update storage.objects set metadata = metadata || '{\"size\": 104857599}' where owner_id = %s",
        team.editor.id,
    )
    statuses = await asyncio.gather(*(put(team.editor, each["uploadUrl"]) for each in made))
    assert sorted(statuses) == [200, 400, 400, 400, 400, 400]
    paths = [each["path"] for each in made]
    ((kept,),) = await sql(seeded, "select count(*) from storage.objects where name = any (%s)", paths)
    assert kept == 1


async def test_nothing_at_all_and_too_much_at_once(team: Team) -> None:
    assert await team.owner.ask(DELETE, ids=[]) == {"deleteStoredFiles": []}
    error = await team.owner.refused(DELETE, ids=[str(uuid.uuid4()) for _ in range(101)])
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "ids")


async def test_what_a_deleted_trip_leaves_is_removed_bytes_and_rows(seeded: StackInfo, team: Team) -> None:
    path = await upload(team.editor, team.trip)
    await team.owner.ask("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=team.trip)
    late = await sql(seeded, "select name from storage.objects where name = %s", path)
    assert late == [(path,)]
    url = f"{seeded.api_url}/functions/v1/clean-storage"
    async with team.owner.http.post(url, json={"wait": True}, headers={"apikey": seeded.secret_key}) as response:
        assert response.status == 200
        outcome = await response.json()
    assert outcome["failed"] == outcome["again"] == 0
    assert await sql(seeded, "select name from storage.objects where name = %s", path) == []
    ((bytes_used,),) = await sql(
        seeded,
        "select used_amount from public.usage_limits where metric = 'storage_bytes' and user_id = %s",
        team.editor.id,
    )
    assert bytes_used == 0
