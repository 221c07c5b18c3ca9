"""From an invitation to a shared collection, over HTTP, as the project's own functions do it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.functions.conftest import Account

if TYPE_CHECKING:
    from tripgate.local.stack import StackInfo

LINK = re.compile(r"http://127\.0\.0\.1:3000/invitations/collection\?token=([\w-]{43})")
INVITE = "invite-member"
ACCEPT = "accept-membership"


async def collection_of(person: Account) -> str:
    ((row),) = await person.rest("POST", "collections", {"name": "Bays"})
    return str(row["id"])


async def invite(person: Account, collection: str, email: str, **changes: Any) -> tuple[int, Any]:
    body = {"scope": "collection", "scope_id": collection, "email": email, "role": "viewer"}
    return await person.function(INVITE, {**body, **changes})


async def test_a_link_followed_five_times_at_once_makes_one_member_and_tells_all_the_same(
    owner: Account, guest: Account
) -> None:
    collection = await collection_of(owner)
    status, answer = await invite(owner, collection, guest.email.upper(), role="editor")
    assert (status, answer["invitation"]["email"], answer["invitation"]["role"]) == (201, guest.email, "editor")
    assert "token_hash" not in answer["invitation"]
    token = await guest.mailed_token(LINK)
    answers = await asyncio.gather(*(guest.function(ACCEPT, {"token": token}) for _ in range(5)))
    assert [status for status, _ in answers] == [200] * 5
    (member,) = await owner.rest("GET", f"collection_members?collection_id=eq.{collection}&select=id,user_id,role")
    assert member == {"id": member["id"], "user_id": guest.id, "role": "editor"}
    told = {"id": member["id"], "scope": "collection", "scope_id": collection, "role": "editor"}
    assert [body for _, body in answers] == [{"membership": told}] * 5


async def test_a_scope_is_taken_at_its_word(owner: Account, guest: Account) -> None:
    collection = await collection_of(owner)
    trip = await owner.trip()
    for given in ({"scope": "trip", "scope_id": trip}, {"scope": "couple"}, {"role": "owner"}, {"scope": "x'; --"}):
        status, body = await invite(owner, collection, guest.email, **given)
        assert (status, body["code"]) == (400, "BAD_USER_INPUT"), given
    assert (await invite(guest, collection, "else@example.com"))[0] == 404
    await invite(owner, collection, guest.email)
    token = await guest.mailed_token(LINK)
    status, body = await guest.function(ACCEPT, {"token": token, "scope": "couple"})
    assert (status, body["code"]) == (404, "NOT_FOUND")
    assert (await guest.function(ACCEPT, {"token": token, "scope": "collection"}))[0] == 200


async def test_nobody_calls_without_an_account(http: aiohttp.ClientSession, seeded: StackInfo) -> None:
    for name in (INVITE, ACCEPT):
        url = f"{seeded.api_url}/functions/v1/{name}"
        async with http.post(url, json={}, headers={"apikey": seeded.publishable_key}) as response:
            assert (response.status, (await response.json())["code"]) == (401, "UNAUTHENTICATED")
        async with http.post(url, json={}) as response:
            assert response.status == 401
