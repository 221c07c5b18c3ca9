"""Over a PostgREST that does not permit aggregates, as a hosted project's does not by itself.

Whole rows are counted all the same, and the rest says what is switched off.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.support import Person, Wire, serving
from tripgate.local import binaries, ports, postgrest
from tripgate.local.process import Supervisor
from tripgate.local.stack import StackInfo

pytestmark = pytest.mark.postgrest

SETUP = """
create role counting_only login noinherit password 'counting';
grant anon, authenticated to counting_only;
alter role counting_only set pgrst.db_aggregates_enabled = 'false';
"""


@pytest.fixture(scope="module")
async def wire_off(seeded: StackInfo, ada: Person, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    """The wire to a second PostgREST over the same database, whose login role switches aggregates off."""
    home: Path = tmp_path_factory.mktemp("aggregates-off")
    async with ada.http.get(f"{seeded.api_url}/auth/v1/.well-known/jwks.json") as response:
        jwks = await response.json()
    address = urlsplit(seeded.db_url)
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        connection.execute(SETUP)  # type: ignore[call-overload]
        lock = os.open(home / "lock", os.O_CREAT | os.O_RDWR)
        supervisor = Supervisor(home, lock)
        port = ports.free_port()
        try:
            postgrest.start(
                supervisor,
                binaries.postgrest(lambda _: None),
                home,
                database_url=f"postgresql://counting_only:counting@{address.hostname}:{address.port}{address.path}",
                jwks=jwks,
                schemas=("public",),
                port=port,
                admin_port=ports.free_port(),
            )
            async with Wire(f"http://{ports.HOST}:{port}") as wire:
                yield wire
        finally:
            supervisor.stop()
            os.close(lock)
            connection.execute("drop owned by counting_only; drop role counting_only")


@pytest.fixture(scope="module")
async def ada_off(seeded: StackInfo, ada: Person, wire_off: Wire) -> AsyncIterator[Person]:
    """Ada at a gateway over that PostgREST."""
    async with serving(seeded, rest_url=wire_off.url) as url:
        yield Person(ada.http, url, ada.token, id=ada.id)


@pytest.mark.parametrize(
    "query",
    [
        "{ trips { totalCount } }",
        "{ trips { nodes { title } aggregate { count } } }",
        "{ trips { nodes { title items { totalCount aggregate { count } nodes { votes { totalCount } } } } } }",
        "{ trips { nodes { items(filter: { cost: { gt: 1 }, kind: { in: [FOOD, LODGING] } }) { totalCount } } } }",
        "{ trips { nodes { items(filter: { place: {} }) { totalCount nodes { title } } } } }",
        "{ trips { nodes { items(filter: { or: [{ place: {} }, { cost: { gt: 100 } }] }) { totalCount } } } }",
        "{ trips(filter: { items: { some: { kind: { eq: FOOD } } } }) { totalCount aggregate { count } } }",
        "{ profiles { nodes { places { totalCount } trips { totalCount } } } }",
        "{ invitations { totalCount aggregate { count } } }",
    ],
)
async def test_rows_are_counted(ada: Person, ada_off: Person, wire_off: Wire, query: str) -> None:
    wire_off.clear()
    assert await ada_off.ask(query) == await ada.ask(query)
    assert len(wire_off.requests) == 1


@pytest.mark.parametrize(
    "query",
    [
        "{ trips { aggregate { sum { budget } } } }",
        "{ trips { totalCount aggregate { count avg { budget } } } }",
        "{ trips { nodes { title } aggregate { min { title } } } }",
        "{ trips { nodes { items { aggregate { count max { cost } } } } } }",
        "{ tripsGrouped(by: [STATUS]) { key { status } count } }",
        # A filter on the relation of a relation.
        "{ trips { nodes { items(filter: { votes: { none: { user: {} } } }) { totalCount } } } }",
        # Counted by their key, since nobody may read all of their columns.
        "{ trips { nodes { invitations { totalCount } } } }",
    ],
)
async def test_what_takes_the_setting_names_it(ada_off: Person, query: str) -> None:
    error = await ada_off.refused(query)
    assert (error["code"], error["setting"]) == ("NOT_ENABLED", "pgrst.db_aggregates_enabled")
    assert "pgrst.db_aggregates_enabled" in error["message"]
    assert "PGRST123" in error["message"]
