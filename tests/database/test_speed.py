"""Every documented query does little at volume, and by its index, under row level security.

What is measured is what the API sends: each GraphQL operation goes through a real gateway, and PostgREST then explains
the very requests that it was sent, as the same caller, who has many times the usual number of trips. Work is counted in
pages of 8 KiB that Postgres looks into and in rows that pass through its plan, which are the same on every machine. How
long clients wait is the benchmark's to tell (`make bench`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest
from yarl import URL

from tests.database.documented import DOCUMENTED, Documented
from tests.database.volume import fill, give
from tests.support import Person, Wire, serving, stack_options
from tripgate.local.stack import Stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import aiohttp

    from tripgate.local.stack import StackInfo

ROOT = Path(__file__).parents[2]
# What a page of rows takes, wherever they lie, among 120,000 items of 12,000 trips; and what has to look at each of the
# 200 trips of this person and at all that is on them.
PAGES, ROWS = 2_500, 10_000
PAGES_OF_EVERY_TRIP, ROWS_OF_EVERY_TRIP = 6_000, 20_000
PLAN = 'application/vnd.pgrst.plan+json; for="application/json"; options=analyze|buffers'

# Name, document and indexes of each.
QUERIES = [(each.name, each.document, each.indexes) for each in DOCUMENTED]

# What costs more the more trips somebody has, whatever the page: all their items in order, the words of each trip, a
# test of related rows or a sum over them.
OF_EVERY_TRIP = {
    "items of my trips with their votes",
    "Aggregates and groups, example 2",
    "Related rows, example 1",
    "Related rows, example 2",
    "Orders and pages, example 1",
    "Computed fields and functions, example 1",
    "trips by words",
    "Words, example 1",
    "places by words",
}


@dataclass(frozen=True)
class Explained:
    """Plans that were run.

    Attributes:
        pages: How often one looked into a page of a table or an index, at most.
        rows: How many rows passed through its nodes, those included that a filter took out; at most.
        indexes: Which indexes they used.
        scanned: Which tables they read from end to end.
    """

    pages: int
    rows: int
    indexes: set[str]
    scanned: set[str]


@dataclass(frozen=True)
class Traveller:
    """Somebody with twenty times the usual number of trips, and the wire behind their gateway."""

    person: Person
    wire: Wire
    variables: dict[str, str]

    async def explain(self, query: Documented) -> Explained:
        """Sends a document, then has PostgREST explain each of the requests that it took."""
        self.wire.clear()
        await self.person.ask(query.document, **query.variables(self.variables))
        # Totals are counted beside rows when a header asks for it.
        prefer = {"Prefer": "count=exact"} if "totalCount" in query.document else {}
        sent = dict.fromkeys(zip(self.wire.requests, self.wire.bodies, strict=True))
        plans = [await self._plan(request, body, prefer) for request, body in sent]
        # A page of no rows, beside which a total is counted, never begins.
        nodes = [node for plan in plans for node in _nodes(plan["Plan"]) if node["Actual Loops"]]
        return Explained(
            max(_pages(plan["Plan"]) for plan in plans),
            max(sum(map(_rows, _nodes(plan["Plan"]))) for plan in plans),
            {node["Index Name"] for node in nodes if "Index Name" in node},
            {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"},
        )

    async def _plan(self, request: str, body: bytes, prefer: dict[str, str]) -> dict[str, Any]:
        method, _, target = request.partition(" ")
        path, _, parameters = target.partition("?")
        # A read, by its address or by a function whose arguments come in the body.
        assert method == "GET" or path.startswith("/rpc/")
        url = URL(f"{self.wire.rest_url}{path}?{quote(parameters, safe='=&(),.:*!')}", encoded=True)
        headers = {"Authorization": f"Bearer {self.person.token}", "Accept": PLAN, **prefer}
        headers |= {"Content-Type": "application/json"} if body else {}
        async with self.person.http.request(method, url, headers=headers, data=body or None) as response:
            assert response.status == 200, await response.text()
            (answer,) = await response.json(content_type=None)
        return dict(answer)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _pages(node: dict[str, Any]) -> int:
    """Those of the nodes below count here, too."""
    return int(node["Shared Hit Blocks"] + node["Shared Read Blocks"])


def _rows(node: dict[str, Any]) -> int:
    """Rows that a node has made or thrown away, all its loops together."""
    thrown_away = sum(value for name, value in node.items() if name.startswith("Rows Removed by"))
    return int((node["Actual Rows"] + thrown_away) * node["Actual Loops"])


@pytest.fixture(scope="session")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """An embedded Supabase with many people, whose PostgREST explains."""
    data = tmp_path_factory.mktemp("volume") / "data"
    with Stack(stack_options(ROOT, data, seed=False)) as stack:
        assert stack.info is not None
        fill(stack.info.admin_db_url)
        with psycopg.connect(stack.info.admin_db_url, autocommit=True) as connection:
            connection.execute("alter role authenticator set pgrst.db_plan_enabled = 'true'")
            connection.execute("notify pgrst, 'reload config'")
        yield stack.info


@pytest.fixture(scope="session")
async def traveller(volume: StackInfo, http: aiohttp.ClientSession) -> AsyncIterator[Traveller]:
    async with Wire(volume.rest_url) as wire, serving(volume, rest_url=wire.url) as url:
        person = await Person(http, url).sign_up()
        assert person.id is not None
        trip, place = give(volume.admin_db_url, person.id, people=20)
        page = await person.ask("{ trips(first: 20, orderBy: [{ createdAt: DESC }]) { pageInfo { endCursor } } }")
        after = page["trips"]["pageInfo"]["endCursor"]
        yield Traveller(person, wire, {"me": person.id, "trip": trip, "place": place, "after": after})


@pytest.mark.parametrize("query", DOCUMENTED, ids=[query.name for query in DOCUMENTED])
async def test_does_little_and_by_index(traveller: Traveller, query: Documented) -> None:
    found = await traveller.explain(query)
    of_every_trip = query.name in OF_EVERY_TRIP
    assert found.pages <= (PAGES_OF_EVERY_TRIP if of_every_trip else PAGES)
    assert found.rows <= (ROWS_OF_EVERY_TRIP if of_every_trip else ROWS)
    assert found.scanned == set()
    assert [alternatives for alternatives in query.indexes if not alternatives & found.indexes] == [], found.indexes


def test_the_volume_is_one(volume: StackInfo) -> None:
    with psycopg.connect(volume.admin_db_url) as connection:
        row = connection.execute(
            "select (select count(*) from public.profiles), (select count(*) from public.trips),"
            " (select count(*) from public.trip_items)"
        ).fetchone()
    assert row is not None
    people, trips, items = row
    assert people >= 1_200
    assert trips >= 12_000
    assert items >= 120_000


async def test_more_work_without_an_index_is_noticed(volume: StackInfo, traveller: Traveller) -> None:
    query = next(each for each in DOCUMENTED if each.name == "items at a place")
    before = await traveller.explain(query)
    with psycopg.connect(volume.admin_db_url, autocommit=True) as connection:
        connection.execute("drop index public.idx_trip_items_place_id")
        try:
            found = await traveller.explain(query)
        finally:
            connection.execute("create index idx_trip_items_place_id on public.trip_items (place_id)")
    assert "idx_trip_items_place_id" not in found.indexes
    # Another one serves, of which much more has to be read.
    assert found.pages > 3 * before.pages
