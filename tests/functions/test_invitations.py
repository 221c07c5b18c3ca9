"""From an invitation to a collaborator, over HTTP, as the project's own functions do it: mail, link, acceptance."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.functions.conftest import Account
from tripgate.local.stack import StackInfo

ACCEPT = "accept-invitation"


@pytest.fixture
async def trip(owner: Account) -> str:
    return await owner.trip()


async def test_two_people_come_to_plan_together(owner: Account, guest: Account, trip: str) -> None:
    status, answer = await owner.invite(trip, guest.email.upper(), "editor")
    assert status == 201
    invitation = answer["invitation"]
    assert (invitation["email"], invitation["role"], invitation["status"]) == (guest.email, "editor", "pending")
    assert "token_hash" not in invitation
    assert await guest.rest("GET", "invitations?select=id,status") == [{"id": invitation["id"], "status": "pending"}]
    assert await guest.rest("GET", f"trips?id=eq.{trip}") == []

    status, answer = await guest.function(ACCEPT, {"token": await guest.mailed_token()})
    assert status == 200
    assert answer["collaborator"] | {"trip_id": trip, "user_id": guest.id, "role": "editor"} == answer["collaborator"]
    ((seen),) = await guest.rest("PATCH", f"trips?id=eq.{trip}&select=title", {"title": "Sailing south"})
    assert seen == {"title": "Sailing south"}
    assert await owner.rest("GET", f"invitations?trip_id=eq.{trip}&select=status") == [{"status": "accepted"}]


async def test_a_link_works_once_even_at_the_same_moment(owner: Account, guest: Account, trip: str) -> None:
    await owner.invite(trip, guest.email)
    token = await guest.mailed_token()
    answers = await asyncio.gather(*(guest.function(ACCEPT, {"token": token}) for _ in range(5)))
    assert sorted(status for status, _ in answers) == [200, 404, 404, 404, 404]
    assert {body["code"] for status, body in answers if status == 404} == {"NOT_FOUND"}


async def test_a_link_is_for_the_invited_alone(owner: Account, guest: Account, trip: str, accounts: Any) -> None:
    await owner.invite(trip, guest.email)
    token = await guest.mailed_token()
    for other in (await accounts(), owner):
        assert (await other.function(ACCEPT, {"token": token}))[0] == 404
    assert (await guest.function(ACCEPT, {"token": token}))[0] == 200


async def test_a_link_ends(owner: Account, guest: Account, trip: str, seeded: StackInfo) -> None:
    await owner.invite(trip, guest.email)
    token = await guest.mailed_token()
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as db:
        db.execute("update public.invitations set expires_at = now() where trip_id = %s", (trip,))
    unknown = await guest.function(ACCEPT, {"token": "x" * 43})
    assert unknown[0] == 404
    assert await guest.function(ACCEPT, {"token": token}) == unknown


async def test_a_revoked_link_is_none(owner: Account, guest: Account, trip: str) -> None:
    _, answer = await owner.invite(trip, guest.email)
    token = await guest.mailed_token()
    path = f"invitations?id=eq.{answer['invitation']['id']}&select=status"
    assert await owner.rest("PATCH", path, {"status": "revoked"}) == [{"status": "revoked"}]
    assert (await guest.function(ACCEPT, {"token": token}))[0] == 404


async def test_a_second_invitation_replaces_the_first(owner: Account, guest: Account, trip: str) -> None:
    await owner.invite(trip, guest.email)
    first = await guest.mailed_token()
    await owner.invite(trip, guest.email, "editor")
    assert (await guest.function(ACCEPT, {"token": first}))[0] == 404
    assert (await guest.function(ACCEPT, {"token": await guest.mailed_token()}))[0] == 200


async def test_only_the_owner_invites(owner: Account, guest: Account, trip: str) -> None:
    status, body = await guest.invite(trip, "else@example.com")
    assert (status, body["code"]) == (404, "NOT_FOUND")
    await owner.invite(trip, guest.email, "editor")
    await guest.function(ACCEPT, {"token": await guest.mailed_token()})
    status, body = await guest.invite(trip, "else@example.com")
    assert (status, body["code"]) == (403, "FORBIDDEN")


async def test_a_trip_takes_so_many_open_invitations(owner: Account, trip: str) -> None:
    answers = [await owner.invite(trip, f"guest{number}@example.com") for number in range(21)]
    assert [status for status, _ in answers] == [201] * 20 + [429]
    assert answers[-1][1]["code"] == "RATE_LIMITED"
    assert "20 open invitations" in answers[-1][1]["message"]


async def test_nobody_calls_without_an_account(http: aiohttp.ClientSession, seeded: StackInfo) -> None:
    for name in ("invite-collaborator", ACCEPT):
        url = f"{seeded.api_url}/functions/v1/{name}"
        async with http.post(url, json={}, headers={"apikey": seeded.publishable_key}) as response:
            assert (response.status, (await response.json())["code"]) == (401, "UNAUTHENTICATED")
        async with http.post(url, json={}) as response:
            assert response.status == 401
