"""A request's deadline reaches Postgres, and a header can shorten what a role may take but never lengthen it."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import ROOT
from tests.faults.conftest import Database, locked
from tests.support import Person, serving
from tripgate.local.stack import StackInfo


@pytest.fixture(scope="module")
def allowed(info: StackInfo, database: Database) -> Iterator[str]:
    """The address of a function that says how long a statement may take."""
    database.rows(
        "create function public.allowed() returns text language sql stable return current_setting('statement_timeout')"
    )
    database.rows("grant execute on function public.allowed() to anon, authenticated")
    database.rows("notify pgrst, 'reload schema'")
    yield f"{info.rest_url}/rpc/allowed"
    database.rows("drop function public.allowed()")
    database.rows("notify pgrst, 'reload schema'")


async def said(http: aiohttp.ClientSession, url: str, token: str | None, header: str | None) -> str:
    """What a statement may take when a client of PostgREST sends this."""
    headers = {} if header is None else {"X-Deadline-Ms": header}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    async with asyncio.timeout(60):
        while True:
            async with http.get(url, headers=headers) as response:
                if response.status == 200:
                    return str(await response.json())
            await asyncio.sleep(0.02)  # the schema is being read anew


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "8s"),
        ("1500", "1500ms"),
        ("7999", "7999ms"),
        ("8000", "8s"),
        ("8001", "8s"),
        ("60000", "8s"),
        ("999999999", "8s"),
        ("9999999999", "8s"),
        ("0", "8s"),
        ("00", "8s"),
        ("-1", "8s"),
        ("1.5", "8s"),
        ("1500ms", "8s"),
        ("1h", "8s"),
        ("", "8s"),
        ("'", "8s"),
        ("1500, 60000", "8s"),
    ],
)
async def test_a_header_can_only_shorten(
    http: aiohttp.ClientSession, somebody: Person, allowed: str, header: str | None, expected: str
) -> None:
    assert await said(http, allowed, somebody.token, header) == expected


async def test_everybody_may_shorten_what_their_role_may_take(http: aiohttp.ClientSession, allowed: str) -> None:
    assert await said(http, allowed, None, None) == "3s"
    assert await said(http, allowed, None, "60000") == "3s"
    assert await said(http, allowed, None, "1500") == "1500ms"


async def test_it_ends_with_the_request(http: aiohttp.ClientSession, somebody: Person, allowed: str) -> None:
    # More requests than PostgREST has connections, so that each is used again.
    for header, expected in (("1500", "1500ms"), (None, "8s")):
        found = await asyncio.gather(*(said(http, allowed, somebody.token, header) for _ in range(40)))
        assert set(found) == {expected}


def test_the_migrations_set_what_the_schemas_set() -> None:
    setting = r"pgrst\.db_pre_request\"? (?:=|to) '([\w.]+)'"
    found = {
        folder: re.findall(setting, _text(ROOT / "supabase" / folder), re.IGNORECASE)[-1]
        for folder in ("schemas", "migrations")
    }
    assert found == {"schemas": "requests.begin_request", "migrations": "requests.begin_request"}


def _text(folder: Path) -> str:
    return "\n".join(file.read_text() for file in sorted(folder.glob("*.sql")))


@pytest.mark.parametrize(
    "operation", ["{ trips { nodes { id } } }", 'mutation { createTrip(input: { title: "Too late" }) { id } }']
)
async def test_postgres_gives_up_when_the_gateway_does(
    http: aiohttp.ClientSession, info: StackInfo, somebody: Person, database: Database, operation: str
) -> None:
    async with serving(info, request_timeout=1) as url:
        person = Person(http, url, somebody.token)
        async with locked(database, "public.trips"):
            began = time.monotonic()
            error = await person.refused(operation)
            # Postgres ended it, a quarter of a second before the gateway would have, so it certainly did not happen.
            assert time.monotonic() - began > 0.7
            assert error["code"] == "TIMEOUT"
            # What PostgREST asks while it reads the schema anew may wait for the lock as well.
            assert database.waiting("trips") == 0
        assert database.trips("Too late") == 0
