"""People who call functions over HTTP with the platform's own API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import pytest

from tripgate.local.stack import StackInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

LINK = re.compile(r"http://127\.0\.0\.1:3000/invitations\?token=([\w-]{43})")


class Account:
    """Somebody signed in with the platform's own API."""

    def __init__(self, http: aiohttp.ClientSession, info: StackInfo, session: dict[str, Any]) -> None:
        self._http = http
        self._info = info
        self.id: str = session["user"]["id"]
        self.email: str = session["user"]["email"]
        self._headers = {"apikey": info.publishable_key, "Authorization": f"Bearer {session['access_token']}"}

    async def function(self, name: str, body: object) -> tuple[int, Any]:
        """Status and body of a function's answer."""
        url = f"{self._info.api_url}/functions/v1/{name}"
        async with self._http.post(url, json=body, headers=self._headers) as response:
            return response.status, await response.json()

    async def rest(self, method: str, path: str, body: object = None, prefer: str = "return=representation") -> Any:
        """The body of the Data API's answer."""
        headers = {**self._headers, "Prefer": prefer}
        async with self._http.request(
            method, f"{self._info.api_url}/rest/v1/{path}", json=body, headers=headers
        ) as response:
            return await response.json()

    async def trip(self) -> str:
        """The id of a new trip."""
        ((row),) = await self.rest("POST", "trips", {"title": "Sailing"})
        return str(row["id"])

    async def invite(self, trip: str, email: str, role: str = "viewer") -> tuple[int, Any]:
        """Status and body of `invite-collaborator`."""
        return await self.function("invite-collaborator", {"trip_id": trip, "email": email, "role": role})

    async def mailed_token(self, link: re.Pattern[str] = LINK) -> str:
        """The secret of the newest invitation in this person's mail."""
        async with self._http.get(
            self._info.inbox_url, params={"to": self.email}, headers={"Accept": "application/json"}
        ) as response:
            mail = (await response.json())[0]
        found = link.search(mail["text"])
        assert found is not None
        assert found[1] in mail["html"]
        return found[1]


@pytest.fixture
async def accounts(http: aiohttp.ClientSession, seeded: StackInfo) -> AsyncIterator[Callable[[], Awaitable[Account]]]:
    """Makes accounts, and takes them away afterwards with all they own."""
    made: list[Account] = []

    async def sign_up() -> Account:
        body = {"email": f"traveller{id(made)}.{len(made)}@example.com", "password": "correct horse"}
        url = f"{seeded.api_url}/auth/v1/signup"
        async with http.post(url, json=body, headers={"apikey": seeded.publishable_key}) as response:
            made.append(Account(http, seeded, await response.json()))
        return made[-1]

    yield sign_up
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as db:
        db.execute("delete from auth.users where id = any (%s)", ([account.id for account in made],))


@pytest.fixture
async def owner(accounts: Callable[[], Awaitable[Account]]) -> Account:
    return await accounts()


@pytest.fixture
async def guest(accounts: Callable[[], Awaitable[Account]]) -> Account:
    return await accounts()
