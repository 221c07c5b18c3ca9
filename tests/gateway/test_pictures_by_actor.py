"""Who may do what with the pictures of a trip, a place and a person over plain HTTP, as Storage answers each actor."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.gateway.test_pictures import INPUT, PLACE_PHOTO, PNG, TRIP_IMAGE, put, sql
from tripgate.local import keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.gateway.conftest import Team
    from tests.support import Person
    from tripgate.local.stack import StackInfo

ACTORS = ("owner", "editor", "viewer", "removed", "stranger", "anonymous")
TYPE = {"Content-Type": "image/png"}


class Said(NamedTuple):
    """What Storage answered: its status, and the body's code where it refused."""

    status: int
    code: str
    body: Any


class Actors:
    """Everybody who may ask, each with the words in which Storage is asked."""

    def __init__(self, stack: StackInfo, people: Mapping[str, Person]) -> None:
        self._url = f"{stack.api_url}/storage/v1"
        self._key = stack.publishable_key
        self._people = people

    async def ask(self, actor: str, method: str, path: str, **options: Any) -> Said:
        person = self._people[actor]
        # Whoever has not signed in is known by the publishable key alone.
        headers = {"apikey": self._key, "Authorization": f"Bearer {person.token or self._key}"}
        options["headers"] = {**headers, **options.get("headers", {})}
        async with person.http.request(method, f"{self._url}{path}", **options) as answer:
            is_json = answer.content_type == "application/json"
            body = await answer.json() if is_json else await answer.read()
            return Said(answer.status, body.get("code", "") if isinstance(body, dict) else "", body)

    async def made(self, by: str, bucket: str, folder: str) -> str:
        """The name of a new picture."""
        name = picture(folder)
        said = await self.ask(by, "POST", f"/object/{bucket}/{name}", data=PNG, headers=TYPE)
        assert said.status == 200, said
        return name

    async def outcome(self, actor: str, verb: str, bucket: str, folder: str, name: str) -> bool:
        """Whether the actor does it to the picture `name` that somebody else, or the owner, put there."""
        at = f"{bucket}/{name}"
        ways = {"bucketId": bucket, "sourceKey": name, "destinationKey": picture(folder)}
        match verb:
            case "read":
                said = await self.ask(actor, "GET", f"/object/authenticated/{at}")
                return said.status == 200 and said.body == PNG
            case "list":
                said = await self.ask(actor, "POST", f"/object/list/{bucket}", json={"prefix": folder})
                return name.partition("/")[2] in [each["name"] for each in said.body]
            case "upload":
                said = await self.ask(actor, "POST", f"/object/{bucket}/{picture(folder)}", data=PNG, headers=TYPE)
            case "overwrite":
                said = await self.ask(actor, "PUT", f"/object/{at}", data=PNG, headers=TYPE)
            case "upsert":
                headers = {**TYPE, "x-upsert": "true"}
                said = await self.ask(actor, "POST", f"/object/{at}", data=PNG, headers=headers)
            case "sign":
                said = await self.ask(actor, "POST", f"/object/sign/{at}", json={"expiresIn": 60})
            case "sign upload":
                said = await self.ask(actor, "POST", f"/object/upload/sign/{bucket}/{picture(folder)}")
            case "copy":
                said = await self.ask(actor, "POST", "/object/copy", json=ways)
            case "move":
                said = await self.ask(actor, "POST", "/object/move", json=ways)
            case _:
                said = await self.ask(actor, "DELETE", f"/object/{at}")
        assert (said.status == 200) == (said.code == ""), said
        return said.status == 200


def picture(folder: str) -> str:
    return f"{folder}/{uuid.uuid4()}.png"


@pytest.fixture
async def actors(seeded: StackInfo, team: Team, anonymous: Person) -> Actors:
    """The team, an editor who was removed again, and nobody."""
    removed = await anonymous.sign_up()
    await sql(
        seeded,
        "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')",
        team.trip,
        removed.id,
    )
    await sql(seeded, "delete from public.collaborators where user_id = %s", removed.id)
    people = {name: getattr(team, name) for name in ("owner", "editor", "viewer", "stranger")}
    return Actors(seeded, {**people, "removed": removed, "anonymous": anonymous})


ALL = ["read", "list", "upload", "overwrite", "upsert", "sign", "copy", "move", "delete"]
TRIP_IMAGES = {
    "owner": {*ALL, "sign upload"},
    "editor": {"read", "list", "upload", "sign", "sign upload", "copy"},
    "viewer": {"read", "list", "sign"},
}
PLACE_PHOTOS = {"owner": {*ALL, "sign upload"}}
# The bucket is public: whoever knows a path reads it, without asking policies.
AVATARS = {**{actor: {"read"} for actor in ACTORS}, **PLACE_PHOTOS}
BY_BUCKET = {"trip-images": TRIP_IMAGES, "place-photos": PLACE_PHOTOS, "user-avatars": AVATARS}


async def folder_of(bucket: str, team: Team) -> str:
    match bucket:
        case "trip-images":
            return team.trip
        case "place-photos":
            made = await team.owner.ask('mutation { createSavedPlace(input: { name: "A pier" }) { id } }')
            return str(made["createSavedPlace"]["id"])
        case _:
            return str(team.owner.id)


@pytest.mark.parametrize("bucket", BY_BUCKET)
async def test_what_each_actor_does_with_the_owners_pictures(
    seeded: StackInfo, team: Team, actors: Actors, bucket: str
) -> None:
    folder = await folder_of(bucket, team)
    found: dict[str, set[str]] = {}
    for actor in ACTORS:
        for verb in (*ALL, "sign upload"):
            name = await actors.made("owner", bucket, folder)
            if await actors.outcome(actor, verb, bucket, folder, name):
                found.setdefault(actor, set()).add(verb)
            elif verb in ("overwrite", "upsert", "move", "delete"):
                # It is as it was.
                ((owner,),) = await sql(seeded, "select owner_id from storage.objects where name = %s", name)
                assert owner == team.owner.id
    assert found == BY_BUCKET[bucket]


async def test_what_a_removed_editor_does_with_their_own_pictures(
    seeded: StackInfo, team: Team, actors: Actors
) -> None:
    async def does() -> set[str]:
        found = set()
        for verb, name in zip((*ALL, "sign upload"), names, strict=True):
            if await actors.outcome("editor", verb, "trip-images", team.trip, name):
                found.add(verb)
        return found

    names = [await actors.made("editor", "trip-images", team.trip) for _ in (*ALL, "sign upload")]
    assert await does() == {*ALL, "sign upload"}
    names = [await actors.made("editor", "trip-images", team.trip) for _ in (*ALL, "sign upload")]
    await sql(seeded, "delete from public.collaborators where user_id = %s", team.editor.id)
    assert await does() == set()


async def test_a_removed_editor_keeps_what_open_tickets_and_addresses_allow(
    seeded: StackInfo, team: Team, actors: Actors
) -> None:
    name = await actors.made("editor", "trip-images", team.trip)
    signed = await actors.ask("editor", "POST", f"/object/sign/trip-images/{name}", json={"expiresIn": 60})
    ticket = (await team.editor.ask(TRIP_IMAGE, trip=team.trip, input=INPUT))["createTripImageUpload"]
    await sql(seeded, "delete from public.collaborators where user_id = %s", team.editor.id)
    assert (await actors.ask("anonymous", "GET", signed.body["signedURL"])).body == PNG
    assert await put(team.editor, ticket["uploadUrl"]) == 200


async def test_tokens_that_are_forged_expired_re_pathed_or_for_something_else(
    seeded: StackInfo, seeded_data_dir: Path, team: Team, actors: Actors
) -> None:
    secrets = await asyncio.to_thread(keys.load_or_create, seeded_data_dir / "keys.json")
    signer = keys.Signer(algorithm="ES256", private_jwk=secrets.private_jwk, jwt_secret=secrets.jwt_secret)
    place = await folder_of("place-photos", team)
    photo = (await team.owner.ask(PLACE_PHOTO, place=place, input=INPUT))["createPlacePhotoUpload"]
    image = (await team.owner.ask(TRIP_IMAGE, trip=team.trip, input=INPUT))["createTripImageUpload"]
    for bucket, folder, ticket in (("trip-images", team.trip, image), ("place-photos", place, photo)):
        name, other = [await actors.made("owner", bucket, folder) for _ in range(2)]
        at = f"{bucket}/{name}"
        signed = await actors.ask("owner", "POST", f"/object/sign/{at}", json={"expiresIn": 60})
        token = signed.body["signedURL"].partition("token=")[2]
        over = int(time.time()) - 5
        expired = signer.sign({"url": at, "scope": "download", "exp": over})
        late = signer.sign(
            {"url": f"{bucket}/{ticket['path']}", "owner": team.owner.id, "scope": "upload", "exp": over}
        )
        reads = {
            "as it is": await actors.ask("anonymous", "GET", f"/object/sign/{at}?token={token}"),
            "forged": await actors.ask("anonymous", "GET", f"/object/sign/{at}?token={token[:-8]}AAAAAAAA"),
            "expired": await actors.ask("anonymous", "GET", f"/object/sign/{at}?token={expired}"),
            "re-pathed": await actors.ask("anonymous", "GET", f"/object/sign/{bucket}/{other}?token={token}"),
            "a ticket": await actors.ask("anonymous", "GET", f"/object/sign/{at}?token={ticket['token']}"),
        }
        assert {how: said.code for how, said in reads.items()} == {
            "as it is": "",
            "forged": "InvalidJWT",
            "expired": "InvalidJWT",
            "re-pathed": "InvalidSignature",
            "a ticket": "InvalidSignature",
        }
        to = f"/object/upload/sign/{bucket}/{ticket['path']}?token="
        elsewhere = f"/object/upload/sign/{bucket}/{picture(folder)}?token={ticket['token']}"
        onto = f"/object/upload/sign/{at}?token={token}"
        writes = {
            "a read token": await actors.ask("anonymous", "PUT", onto, data=b"x", headers=TYPE),
            "forged": await actors.ask(
                "anonymous", "PUT", f"{to}{ticket['token'][:-8]}AAAAAAAA", data=b"x", headers=TYPE
            ),
            "expired": await actors.ask("anonymous", "PUT", f"{to}{late}", data=b"x", headers=TYPE),
            "re-pathed": await actors.ask("anonymous", "PUT", elsewhere, data=b"x", headers=TYPE),
            "as it is": await actors.ask("anonymous", "PUT", f"{to}{ticket['token']}", data=PNG, headers=TYPE),
        }
        assert {how: said.code for how, said in writes.items()} == {
            "a read token": "InvalidSignature",
            "forged": "InvalidJWT",
            "expired": "InvalidJWT",
            "re-pathed": "InvalidSignature",
            "as it is": "",
        }
        # A token that signs one address in is nobody's session.
        for stolen in (token, ticket["token"]):
            headers = {"Authorization": f"Bearer {stolen}"}
            said = await actors.ask("anonymous", "GET", f"/object/authenticated/{at}", headers=headers)
            assert said.status == 400


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("{folder}/" + "a" * 984 + ".png", "InvalidKey"),
        ("{folder}/a%07b.png", "InvalidKey"),
        ("{folder}/a%7fb.png", "InvalidKey"),
        ("{folder}/a%C2%85b.png", "InvalidKey"),
        ("{folder}/" + "a" * 983 + ".png", "AccessDenied"),
        ("{folder}/lake.png", "AccessDenied"),
        ("{folder}/{folder}.svg", "AccessDenied"),
        ("{folder}/{folder}/{folder}.png", "AccessDenied"),
    ],
    ids=["1025 bytes", "bell", "delete", "C1", "1024 bytes", "no uuid", "no picture's", "a folder deeper"],
)
async def test_names_that_no_picture_has(team: Team, actors: Actors, name: str, code: str) -> None:
    at = name.format(folder=team.trip)
    said = await actors.ask("owner", "POST", f"/object/trip-images/{at}", data=PNG, headers=TYPE)
    assert said.code == code, said
