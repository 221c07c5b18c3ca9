"""Large pages, whose rows come some at a time and whose related rows are read at once, answer what others do."""

import dataclasses
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from tests.differential.documents import Document, documents
from tests.planner import planned
from tests.postgres.test_answers import READ, ROWS_WITH_LISTS, WRITTEN, body
from tests.support import Person, examples, reading, serving
from tripgate.local.stack import StackInfo
from tripgate.planner.planner import ConnectionPlan
from tripgate.upstream.postgres.render import Frame, answer_query, large
from tripgate.upstream.postgres.render.frame import Piece, Total

ITEMS = "{ nodes { title kind place { name } } }"
PAGES = [
    f"{{ trips {{ nodes {{ title items {ITEMS} }} }} }}",
    f"{{ trips {{ nodes {{ items {ITEMS} status items2: items(first: 1) {ITEMS} title }} }} }}",
    f"{{ trips(last: 3) {{ edges {{ cursor node {{ title items(last: 2) {ITEMS} }} }} pageInfo {{ hasNextPage "
    "hasPreviousPage startCursor endCursor } } }",
    "{ trips(first: 2) { __typename pageInfo { endCursor startCursor hasNextPage hasPreviousPage } nodes { title items("
    "first: 2, orderBy: [{ cost: DESC_NULLS_LAST }]) { edges { cursor node { title } } pageInfo { hasNextPage "
    "hasPreviousPage startCursor endCursor } } } } }",
    "{ trips { nodes { items(filter: { kind: { eq: FOOD } }, first: 2) { nodes { title } } collaborators { nodes { "
    "role user { displayName trips(first: 1) { nodes { title } } } } } owner { trips(first: 2) { nodes { title } } "
    "} } } }",
    '{ trips(filter: { title: { eq: "none is called so" } }) { nodes { title items { nodes { title } } } pageInfo { '
    "endCursor hasNextPage } } }",
    "{ trips { nodes { title items(first: 2, offset: 1) { nodes { title } } } } }",
    "{ trips { nodes { title items(orderBy: [{ place: { name: ASC_NULLS_FIRST } }]) { nodes { title } } } } }",
    "{ trips { nodes { items { nodes { title voteSummary { score } } } } } }",
    "{ trips { nodes { items(first: 1) { nodes { title } totalCount } } } }",
    "{ trips { nodes { title } edges { cursor } } }",
    "{ trips(first: 1) { totalCount nodes { title items(first: 1) { nodes { title } } } aggregate { count sum { "
    "budget } max { title } } again: totalCount } }",
    '{ trips(filter: { title: { eq: "none" }, items: { some: { kind: { eq: FOOD } } } }) { nodes { title } totalCount '
    "aggregate { max { budget } } } }",
    "{ trips(first: 0) { nodes { title items { nodes { title } } } pageInfo { hasNextPage endCursor } } }",
    "{ tripItems(orderBy: [{ place: { name: ASC_NULLS_FIRST } }, { startsAt: DESC }]) { nodes { votes { nodes { "
    "value } } } pageInfo { endCursor } } }",
    '{ searchPlaces(text: "kyoto") { nodes { name items(first: 2) { nodes { title } } } } }',
]
AT_ONCE = PAGES[:6]
AS_THEY_ARE = {name: getattr(large, name) for name in ("LARGE", "TOGETHER", "AT_MOST")}


@pytest.fixture(scope="module", params=[2, 0], ids=["at once", "one by one"])
async def all_large(request: pytest.FixtureRequest, seeded: StackInfo) -> AsyncIterator[str]:
    """The address of a gateway to which all pages are large, and related rows few, or none few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large, "LARGE", 1)
        patch.setattr(large, "TOGETHER", 2)
        patch.setattr(large, "AT_MOST", request.param)
        given = reading(seeded, "postgres")
        async with serving(seeded, introspection=True, max_aliases=1000, max_directives=1000, **given) as url:
            yield url


@pytest.fixture
def as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large and what is few, whatever other tests make of it."""
    for name, value in AS_THEY_ARE.items():
        monkeypatch.setattr(large, name, value)


@pytest.fixture
def each_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LARGE", 1)


@pytest.mark.parametrize("query", PAGES + WRITTEN + ROWS_WITH_LISTS + READ)
async def test_they_answer_the_same_bytes(ada: Person, all_large: str, query: str) -> None:
    expected = await body(ada, query)
    assert b'"errors"' not in expected
    assert await body(dataclasses.replace(ada, url=all_large), query) == expected


@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(document=documents())
async def test_any_document_is_answered_by_the_same_bytes(
    seeded: StackInfo, ada: Person, all_large: str, wide: str, document: Document
) -> None:
    expected = await body(dataclasses.replace(ada, url=wide), document.text, **document.variables)
    assert await body(dataclasses.replace(ada, url=all_large), document.text, **document.variables) == expected


@pytest.fixture(scope="module")
async def wide(seeded: StackInfo) -> AsyncIterator[str]:
    """The address of a gateway that takes what the random documents need, over PostgREST."""
    async with serving(
        seeded, introspection=True, max_aliases=1000, max_directives=1000, rest_url=seeded.rest_url
    ) as url:
        yield url


@pytest.mark.usefixtures("each_large")
@pytest.mark.parametrize("query", AT_ONCE)
def test_related_rows_are_read_at_once(query: str) -> None:
    assert "of0_few" in sql(query)


@pytest.mark.usefixtures("each_large")
@pytest.mark.parametrize("query", PAGES[6:10])
def test_what_cannot_be_numbered_is_read_row_by_row(query: str) -> None:
    """Offsets, orders by related columns, computed columns, and totals."""
    assert query_of(query).frame is None


@pytest.mark.usefixtures("as_they_are")
@pytest.mark.parametrize(("first", "framed"), [(100, False), (199, False), (200, True)])
def test_pages_are_large_by_their_limit(first: int, framed: bool) -> None:
    (plan,) = planned.root_plans(
        f"{{ trips(first: {first}) {{ nodes {{ items {{ nodes {{ title }} }} }} }} }}", {}, max_page_size=1000
    ).values()
    assert isinstance(plan, ConnectionPlan)
    made = answer_query(plan)
    assert made is not None
    assert (made.frame is not None) is framed


@pytest.mark.usefixtures("each_large")
def test_two_that_differ_in_their_keys_alone_are_not_the_same() -> None:
    """The keys of a connection are not part of its SQL."""
    one, other = (query_of(f"{{ trips {{ {key}: nodes {{ items {{ nodes {{ title }} }} }} }} }}") for key in ("a", "b"))
    assert one.statements == other.statements
    assert one.identity != other.identity


def test_one_text_is_made_of_several() -> None:
    frame = Frame(('{"rows":[', Piece.ROWS, '],"more":', Piece.MORE, ",", Piece.FIRST, ",", Piece.LAST, "}"), 2, True)
    assert frame.around([b"1", b"2"], 3, (b"a", b"b")) == b'{"rows":[1,2],"more":true,a,b}'
    assert frame.around([b"1,2"], 2, (b"a", b"b")) == b'{"rows":[1,2],"more":false,a,b}'
    totals = Frame(("[", Total(1), ",", Total(0), "]"), 2, cursors=False)
    assert totals.around([], 0, None, [b"7", b"8"]) == b"[8,7]"
    assert frame.around([], 0, None) == b'{"rows":[],"more":false,null,null}'


@pytest.fixture(scope="module")
def crowded(seeded: StackInfo) -> Iterator[psycopg.Connection]:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        yield connection


@pytest.mark.usefixtures("as_they_are")
async def test_many_related_rows_are_not_all_read(
    seeded: StackInfo, anonymous: Person, crowded: psycopg.Connection
) -> None:
    """Of a trip with thousands of items as many are read as are wanted, and the answer is the same."""
    person = await anonymous.sign_up()
    trips = [await person.trip(title=f"Trip {number}") for number in range(3)]
    crowded.execute(
        "insert into public.trip_items (trip_id, title, day_number) "
        "select trip::uuid, 'Item ' || n, (n + 1) / 2 from unnest(%s::text[]) as trip, generate_series(1, 2000) as n",
        [trips],
    )
    query = "{ trips(first: 300) { nodes { title items(first: 3) { nodes { title } } } } }"
    async with (
        serving(seeded, max_page_size=1000, max_cost=10**6, rest_url=seeded.rest_url) as over_postgrest,
        serving(seeded, max_page_size=1000, max_cost=10**6, **reading(seeded, "postgres")) as over_postgres,
    ):
        expected = await body(dataclasses.replace(person, url=over_postgrest), query)
        assert expected.count(b'Item 1"') == 3
        assert await body(dataclasses.replace(person, url=over_postgres), query) == expected
    (plan,) = planned.root_plans(query, {}, max_page_size=1000).values()
    (statement,) = answer_query(plan).statements  # type: ignore[union-attr]
    with crowded.transaction(force_rollback=True):
        crowded.execute(
            "select set_config('request.jwt.claims', json_build_object('sub', %s::text)::text, true), "
            "set_config('role', 'authenticated', true)",
            [person.id],
        )
        (explained,) = crowded.execute(f"explain (analyze, format json) {statement.text}").fetchone() or ()
    looked_at = -(-300 // large.EACH)
    assert most_rows(explained[0]["Plan"]) <= large.AT_MOST * 3 * looked_at + 1


def most_rows(node: dict[str, Any]) -> float:
    """The most that a step of a plan has read each time of the table of items."""
    own = node["Actual Rows"] if node.get("Relation Name") == "trip_items" else 0.0
    return max([own, *(most_rows(each) for each in node.get("Plans", ()))])


def sql(query: str) -> str:
    """How a query's only root field is asked for."""
    (statement,) = query_of(query).statements
    return statement.text


def query_of(query: str) -> Any:
    (plan,) = planned.root_plans(query, {}).values()
    assert isinstance(plan, ConnectionPlan)
    return answer_query(plan)
