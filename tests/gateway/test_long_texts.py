"""Pages go on behind any text: in every order, both ways, in nested lists, by related rows and by functions."""

import itertools
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gql.catalog import catalog
from gql.table import Kind
from tests.support import Person, Wire, examples
from tripgate.local.stack import StackInfo

LENGTH = 5000
DIRECTIONS = ["ASC", "DESC", "ASC_NULLS_FIRST", "ASC_NULLS_LAST", "DESC_NULLS_FIRST", "DESC_NULLS_LAST"]

# Most differ only at their very end; all characters take as many bytes as any do, or must be escaped.
NOTES: list[str | None] = [
    *("旅" * (LENGTH - 1) + end for end in "一乙丙"),
    "旅" * (LENGTH - 1),
    "🧳" * (LENGTH - 1) + "é",
    *('"\\%,(){}.*\n' * (LENGTH // 11) + end for end in "ab"),
    "short",
    "",
    None,
    None,
]


@pytest.fixture(scope="module")
async def writer(anonymous: Person, seeded: StackInfo) -> Person:
    """Somebody with a trip whose items, and their places, have such notes, the items' and the places' apart."""
    person = await anonymous.sign_up()
    trip = await person.trip(title="Long")
    with psycopg.connect(seeded.admin_db_url) as connection:
        for number, notes in enumerate(NOTES):
            others = NOTES[(number * 4 + 3) % len(NOTES)]
            (place,) = connection.execute(
                "insert into places (user_id, name, notes) values (%s, %s, %s) returning id",
                [person.id, f"place {number}", others],
            ).fetchone() or (None,)
            connection.execute(
                "insert into trip_items (trip_id, title, notes, place_id, day_number) values (%s, %s, %s, %s, %s)",
                [trip, f"item {number}", notes, place if number % 5 else None, 1 + number % 3],
            )
    return person


CONNECTIONS = {
    "root": ("tripItems(%s) { %s }", ["tripItems"]),
    "nested": ("trips(first: 1) { nodes { items(%s) { %s } } }", ["trips", "nodes", 0, "items"]),
}
ITEM_ORDERS = [
    *([{"notes": direction}] for direction in DIRECTIONS),
    *([{"place": {"notes": direction}}] for direction in DIRECTIONS),
    [{"dayNumber": "DESC"}, {"notes": "ASC_NULLS_FIRST"}],
    [{"notes": "DESC"}, {"title": "ASC"}],
    [{"place": {"notes": "ASC"}}, {"dayNumber": "ASC"}],
]


def orders(order: list[dict[str, Any]]) -> str:
    """An order as a literal."""

    def text(value: Any) -> str:
        return (
            f"{{ {', '.join(f'{key}: {text(each)}' for key, each in value.items())} }}"
            if isinstance(value, dict)
            else value
        )

    return f"[{', '.join(map(text, order))}]"


async def connection(person: Person, query: str, path: list[str | int], arguments: str, **variables: Any) -> Any:
    """What a connection answers."""
    wanted = "edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    declared = "($cursor: String)" if "$cursor" in arguments else ""
    data = await person.ask(f"query {declared} {{ {query % (arguments, wanted)} }}", **variables)
    for step in path:
        data = data[step]
    return data


async def pages(
    person: Person, where: tuple[str, list[str | int]], begin: str, size: int, *, backward: bool
) -> list[str]:
    """The ids on all pages, one after the other, in the list's order."""
    ids: list[str] = []
    cursor = None
    for _ in itertools.count():
        count, beyond = (f"last: {size}", "before") if backward else (f"first: {size}", "after")
        page = await connection(person, *where, f"{begin}, {count}, {beyond}: $cursor", cursor=cursor)
        found = [edge["node"]["id"] for edge in page["edges"]]
        ids = found + ids if backward else ids + found
        if not page["pageInfo"]["hasPreviousPage" if backward else "hasNextPage"]:
            return ids
        cursor = page["pageInfo"]["startCursor" if backward else "endCursor"]
    raise AssertionError


@pytest.mark.parametrize("order", ITEM_ORDERS, ids=orders)
@pytest.mark.parametrize("where", CONNECTIONS.values(), ids=CONNECTIONS)
async def test_pages_are_the_list(
    writer: Person, where: tuple[str, list[str | int]], order: list[dict[str, Any]]
) -> None:
    begin = f"orderBy: {orders(order)}"
    whole = await connection(writer, *where, f"{begin}, first: 50")
    ids = [edge["node"]["id"] for edge in whole["edges"]]
    assert len(set(ids)) == len(NOTES)
    assert await pages(writer, where, begin, 2, backward=False) == ids
    assert await pages(writer, where, begin, 3, backward=True) == ids


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    order=st.lists(
        st.sampled_from(
            ["notes", "title", "dayNumber", "kind", "startsAt", "cost", "createdAt", "placeId", "place.notes"]
        ),
        min_size=1,
        max_size=3,
        unique=True,
    ),
    where=st.sampled_from(list(CONNECTIONS.values())),
)
async def test_between_any_two_cursors(
    writer: Person, data: st.DataObject, order: list[str], where: tuple[str, list[str | int]]
) -> None:
    keys = [(name.split("."), data.draw(st.sampled_from(DIRECTIONS))) for name in order]
    begin = "orderBy: " + orders([{p[0]: {p[1]: way} if p[1:] else way} for p, way in keys])
    edges = (await connection(writer, *where, f"{begin}, first: 50"))["edges"]
    first, last = sorted(data.draw(st.lists(st.integers(0, len(edges) - 1), min_size=2, max_size=2)))
    after = edges[first]["cursor"]
    page = await connection(writer, *where, f"{begin}, first: 50, after: $cursor", cursor=after)
    assert page["edges"] == edges[first + 1 :]
    page = await connection(writer, *where, f"{begin}, last: 50, before: $cursor", cursor=edges[last]["cursor"])
    assert page["edges"] == edges[:last]


@pytest.mark.parametrize("direction", DIRECTIONS)
async def test_between_two_long_texts(writer: Person, direction: str) -> None:
    begin = f"orderBy: [{{ notes: {direction} }}], first: 50"
    edges = (await connection(writer, *CONNECTIONS["root"], begin))["edges"]
    long = [number for number, edge in enumerate(edges) if 2000 < len(edge["cursor"]) < 21000]
    for first, last in itertools.combinations(long, 2):
        between = f"tripItems({begin}, after: $a, before: $b) {{ edges {{ cursor node {{ id }} }} }}"
        query = f"query ($a: String, $b: String) {{ {between} }}"
        data = await writer.ask(query, a=edges[first]["cursor"], b=edges[last]["cursor"])
        assert data["tripItems"]["edges"] == edges[first + 1 : last]


async def test_rows_of_a_function_and_of_many_ids(writer: Person) -> None:
    begin = 'text: "place", orderBy: [{ notes: DESC }]'
    where: tuple[str, list[str | int]] = ("searchPlaces(%s) { %s }", ["searchPlaces"])
    whole = [edge["node"]["id"] for edge in (await connection(writer, *where, f"{begin}, first: 50"))["edges"]]
    assert len(whole) == len(NOTES)
    assert await pages(writer, where, begin, 2, backward=False) == whole
    tested = f"{begin}, filter: {{ items: {{ none: {{ dayNumber: {{ eq: 9 }} }} }} }}"
    assert await pages(writer, where, tested, 2, backward=True) == whole
    padding = [f"00000000-0000-4000-8000-{number:012x}" for number in range(120)]
    listed = ", ".join(f'"{each}"' for each in [*whole, *padding])
    by_ids: tuple[str, list[str | int]] = ("places(%s) { %s }", ["places"])
    begin = f"filter: {{ id: {{ in: [{listed}] }} }}, orderBy: [{{ notes: DESC }}]"
    assert await pages(writer, by_ids, begin, 3, backward=False) == whole


async def test_totals_beside_such_a_cursor(writer: Person) -> None:
    query = """query ($after: String) { tripItems(orderBy: [{ notes: ASC }], first: 3, after: $after) {
      totalCount aggregate { count } pageInfo { endCursor } } }"""
    page = (await writer.ask(query))["tripItems"]
    for _ in range(3):
        assert (page["totalCount"], page["aggregate"]["count"]) == (len(NOTES), len(NOTES))
        page = (await writer.ask(query, after=page["pageInfo"]["endCursor"]))["tripItems"]


@pytest.mark.parametrize("operator", ["eq", "neq", "gt", "gte", "lt", "lte", "distinctFrom"])
async def test_filters_by_long_texts(writer: Person, operator: str) -> None:
    text = NOTES[1] or ""
    holds = {
        "eq": lambda each: each == text,
        "neq": lambda each: each != text,
        "gt": lambda each: each > text,
        "gte": lambda each: each >= text,
        "lt": lambda each: each < text,
        "lte": lambda each: each <= text,
        "distinctFrom": lambda each: each != text,
    }[operator]
    expected = sum(operator == "distinctFrom" if each is None else holds(each) for each in NOTES)
    query = "query ($filter: TripItemFilter) { tripItems(filter: $filter) { totalCount } }"
    for filter_, count in (
        ({"notes": {operator: text}}, expected),
        ({"not": {"or": [{"not": {"notes": {operator: text}}}]}}, expected),
    ):
        assert await writer.ask(query, filter=filter_) == {"tripItems": {"totalCount": count}}


async def test_a_single_row_with_such_a_cursor_in_the_document(writer: Person) -> None:
    query = (
        "{ trips { nodes { id items(orderBy: [{ notes: ASC }], first: 3) { nodes { id } pageInfo { endCursor } } } } }"
    )
    (trip,) = (await writer.ask(query))["trips"]["nodes"]
    query = "query ($id: UUID!) { trip(id: $id) { items(orderBy: [{ notes: ASC }], first: 50%s) { nodes { id } } } }"
    whole = (await writer.ask(query % "", id=trip["id"]))["trip"]["items"]["nodes"]
    after = f', after: "{trip["items"]["pageInfo"]["endCursor"]}"'
    if len(after) < 60_000:
        assert (await writer.ask(query % after, id=trip["id"]))["trip"]["items"]["nodes"] == whole[3:]


async def test_short_texts_stay_in_the_url(ada: Person, wire: Wire) -> None:
    wire.clear()
    await ada.ask('{ tripItems(filter: { notes: { gt: "%s" } }) { totalCount } }' % ("旅" * 250))
    assert "against" not in wire.requests[0]


# What programs know things by: equal or not, and never ordered or searched.
KEYS = {("scheduled_jobs", "dedupe_key"), ("delivery_events", "wamid")}


def test_every_text_that_may_be_long_is_declared_so(seeded: StackInfo) -> None:
    """Long is what people may read and has more than 255 characters: no address and no id of a service outside has."""
    with psycopg.connect(seeded.admin_db_url) as connection:
        found = connection.execute(
            r"""select relname, attname from pg_constraint
            join pg_class on pg_class.oid = conrelid
            join pg_attribute on attrelid = conrelid and attnum = any (conkey) and atttypid = 'text'::regtype
            where connamespace = 'public'::regnamespace and contype = 'c'
            and has_column_privilege('authenticated', conrelid, attnum, 'select') and exists (
                select from regexp_matches(
                    pg_get_constraintdef(pg_constraint.oid), 'length\([^<]*<= (\d+)', 'g'
                ) as most
                where most[1]::int > 255
            )"""
        ).fetchall()
        compared = connection.execute(
            "select proname, proargtypes[0]::regtype::text from pg_proc where proname ~ '_against$'"
        ).fetchall()
    long = {
        (table.name, column.name)
        for table in catalog
        for column in table.columns.values()
        if column.kind is Kind.TEXT and column.long
    }
    assert long == set(found) - KEYS
    assert {(table, f"{name}_against") for table, name in long} == {(table, name) for name, table in compared}
