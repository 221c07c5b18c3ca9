"""Aggregates: over every row that matches, whatever the page; exactly what SQL computes for the same caller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gql.catalog import catalog
from gql.table import Column, Kind, Table
from tests.gateway.test_related_filters import Sql, filters
from tests.support import examples
from tripgate.gateway.schema import graphql_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import Person, Wire
    from tripgate.local.stack import StackInfo

# A list of this name is what a function returns, and not the table.
OF_FUNCTIONS = {"usage_limits"}
LISTED = [
    table
    for table in catalog
    if table.plural in graphql_schema().query_type.fields  # type: ignore[union-attr]
    and table.name not in OF_FUNCTIONS
]
FUNCTIONS = {
    "sum": {Kind.INT, Kind.NUMERIC},
    "avg": {Kind.INT, Kind.NUMERIC},
    "min": {Kind.TEXT, Kind.INT, Kind.NUMERIC, Kind.DATE, Kind.DATETIME, Kind.TIME},
    "max": {Kind.TEXT, Kind.INT, Kind.NUMERIC, Kind.DATE, Kind.DATETIME, Kind.TIME},
}


class Database:
    """Postgres, asked as one caller."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def rows(self, person: Person, statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        claims = json.dumps({"sub": person.id, "role": "authenticated"})
        with self._connection.transaction():
            self._connection.execute(
                "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)", [claims]
            )
            return self._connection.execute(statement, values).fetchall()  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def database(seeded: StackInfo) -> Iterator[Database]:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        yield Database(connection)


def computed(table: Table, functions: tuple[str, ...] = tuple(FUNCTIONS)) -> list[tuple[str, Column]]:
    """Everything that can be computed over a table."""
    return [(name, column) for name in functions for column in table.columns.values() if column.kind in FUNCTIONS[name]]


def selection(wanted: list[tuple[str, Column]]) -> str:
    """A selection of all this, and of the count."""
    functions = dict.fromkeys(name for name, _ in wanted)
    parts = [f"{each} {{ {' '.join(column.field for name, column in wanted if name == each)} }}" for each in functions]
    return f"{{ count {' '.join(parts)} }}"


def in_sql(wanted: list[tuple[str, Column]]) -> str:
    """The same as one JSON array."""
    parts = ["count(*)"]
    for name, column in wanted:
        as_text = name in {"sum", "avg"} or column.kind is Kind.NUMERIC
        # A function of the row is found by the row's name alone.
        value = f"each.{column.name}" if column.computed else column.name
        parts.append(f"{name}({value}){'::text' if as_text else ''}")
    return f"jsonb_build_array({', '.join(parts)})"


def flat(aggregate: dict[str, Any]) -> list[Any]:
    """The values of an aggregate in the order of its selection."""
    return [each for value in aggregate.values() for each in (value.values() if isinstance(value, dict) else [value])]


@pytest.mark.parametrize("table", LISTED, ids=lambda table: table.plural)
async def test_every_table_computes_what_sql_computes(
    ada: Person, ben: Person, database: Database, table: Table
) -> None:
    wanted = computed(table)
    for person in (ada, ben):
        data = await person.ask(f"{{ {table.plural} {{ totalCount aggregate {selection(wanted)} }} }}")
        ((expected,),) = database.rows(person, f"select {in_sql(wanted)} from public.{table.name} as each")
        assert flat(data[table.plural]["aggregate"]) == expected
        assert data[table.plural]["totalCount"] == expected[0]


def test_only_mapped_columns_of_fitting_kinds_are_offered() -> None:
    types = graphql_schema().type_map
    for table in LISTED:
        for function, kinds in FUNCTIONS.items():
            offered = types.get(f"{table.type_name}{function.capitalize()}")
            expected = {column.field for column in table.columns.values() if column.kind in kinds}
            assert set(offered.fields if offered is not None else ()) == expected  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
async def planner(anonymous: Person) -> Person:
    """Somebody with three trips and what they cost."""
    person = await anonymous.sign_up()
    for title, budget, costs in (
        ("Alps", "100.10", ["1.50", "2.25", None]),
        ("Bari", "0.2", ["7"]),
        ("Cork", None, []),
    ):
        trip = await person.trip(title=title, budget=budget)
        for day, cost in enumerate(costs, 1):
            await person.ask(
                "mutation ($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }",
                input={"tripId": trip, "title": f"{title} {day}", "dayNumber": day, "cost": cost},
            )
    return person


async def test_the_filter_counts_and_the_page_does_not(planner: Person) -> None:
    data = await planner.ask("""{
      trips(filter: { title: { gt: "Alps" } }, orderBy: [{ title: DESC }], first: 1, offset: 1) {
        nodes { title } totalCount aggregate { count sum { budget } min { title } max { title } }
      }
    }""")
    assert data["trips"] == {
        "nodes": [{"title": "Bari"}],
        "totalCount": 2,
        "aggregate": {
            "count": 2,
            "sum": {"budget": "0.20"},
            "min": {"title": "Bari"},
            "max": {"title": "Cork"},
        },
    }


async def test_a_cursor_changes_nothing(planner: Person, wire: Wire) -> None:
    page = await planner.ask("{ trips(orderBy: [{ title: ASC }], first: 1) { pageInfo { endCursor } } }")
    wire.clear()
    data = await planner.ask(
        """query ($after: String) { trips(orderBy: [{ title: ASC }], after: $after) {
             nodes { title } totalCount aggregate { sum { budget } } } }""",
        after=page["trips"]["pageInfo"]["endCursor"],
    )
    assert data["trips"]["aggregate"] == {"sum": {"budget": "100.30"}}
    assert (data["trips"]["totalCount"], len(data["trips"]["nodes"])) == (3, 2)
    assert len(wire.requests) == 2


async def test_related_rows_are_computed_for_each_row(planner: Person, wire: Wire) -> None:
    wire.clear()
    data = await planner.ask("""{
      trips(orderBy: [{ title: ASC }]) { nodes {
        items(first: 1, orderBy: [{ title: DESC }]) {
          nodes { title } aggregate { count sum { cost dayNumber } avg { cost } max { dayNumber title } } }
        dear: items(filter: { cost: { gte: "2" } }) { totalCount aggregate { count min { cost } } }
      } }
    }""")
    assert data["trips"]["nodes"] == [
        {
            "items": {
                "nodes": [{"title": "Alps 3"}],
                "aggregate": {
                    "count": 3,
                    "sum": {"cost": "3.75", "dayNumber": "6"},
                    "avg": {"cost": "1.8750000000000000"},
                    "max": {"dayNumber": 3, "title": "Alps 3"},
                },
            },
            "dear": {"totalCount": 1, "aggregate": {"count": 1, "min": {"cost": "2.25"}}},
        },
        {
            "items": {
                "nodes": [{"title": "Bari 1"}],
                "aggregate": {
                    "count": 1,
                    "sum": {"cost": "7.00", "dayNumber": "1"},
                    "avg": {"cost": "7.0000000000000000"},
                    "max": {"dayNumber": 1, "title": "Bari 1"},
                },
            },
            "dear": {"totalCount": 1, "aggregate": {"count": 1, "min": {"cost": "7.00"}}},
        },
        {
            "items": {
                "nodes": [],
                "aggregate": {
                    "count": 0,
                    "sum": {"cost": None, "dayNumber": None},
                    "avg": {"cost": None},
                    "max": {"dayNumber": None, "title": None},
                },
            },
            "dear": {"totalCount": 0, "aggregate": {"count": 0, "min": {"cost": None}}},
        },
    ]
    assert len(wire.requests) == 1


async def test_aliases_fragments_and_directives(planner: Person) -> None:
    query = """
      query ($all: Boolean!) {
        a: trips(filter: { title: { eq: "Alps" } }) {
          first: aggregate { __typename n: count ...Money }
          second: aggregate @include(if: $all) { sum { __typename total: budget budget } ...Money }
        }
        b: trips { aggregate { ...Money } }
      }
      fragment Money on TripAggregate { most: max { budget } avg @skip(if: $all) { budget } }"""
    most = {"most": {"budget": "100.10"}}
    avg = {"budget": "100.1000000000000000"}
    assert await planner.ask(query, all=True) == {
        "a": {
            "first": {"__typename": "TripAggregate", "n": 1, **most},
            "second": {"sum": {"__typename": "TripSum", "total": "100.10", "budget": "100.10"}, **most},
        },
        "b": {"aggregate": most},
    }
    data = await planner.ask(query, all=False)
    assert data["a"] == {"first": {"__typename": "TripAggregate", "n": 1, **most, "avg": avg}}


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ("{ trips { aggregate { count } } }", 1),
        ("{ trips { totalCount aggregate { count sum { budget } } } }", 1),
        ("{ trips { nodes { title } aggregate { count } } }", 1),
        ("{ trips { nodes { title } totalCount aggregate { sum { budget } } } }", 2),
        ("{ trips { nodes { items { nodes { title } totalCount aggregate { sum { cost } } } } } }", 1),
        ("{ trips { a: aggregate { sum { budget } } b: aggregate { avg { budget } } } }", 1),
        ("{ trips { aggregate { __typename } } }", 0),
        ("{ trips { aggregate { sum { __typename } } } }", 0),
    ],
)
async def test_how_often_postgrest_is_asked(ada: Person, wire: Wire, query: str, requests: int) -> None:
    wire.clear()
    await ada.ask(query)
    assert len(wire.requests) == requests


async def test_beside_what_a_write_answers(planner: Person) -> None:
    data = await planner.ask("""mutation { createTrip(input: { title: "New" }) {
      id items { aggregate { count sum { cost } } } } }""")
    assert data["createTrip"]["items"] == {"aggregate": {"count": 0, "sum": {"cost": None}}}
    await planner.ask("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=data["createTrip"]["id"])


# Filters on related rows ---------------------------------------------------------------------------------------------

# Least and greatest texts are asked for below, by themselves.
IN_PARTS = [(name, column) for name, column in computed(catalog["TripItem"]) if column.kind is not Kind.TEXT]


@pytest.fixture(scope="module")
async def sharing(seeded: StackInfo, anonymous: Person) -> tuple[Person, Person]:
    """Two people who share one of their trips; items with costs of unequal scale, places and votes."""
    owner, friend = await anonymous.sign_up(), await anonymous.sign_up()
    trips = [
        await owner.trip(title="Rome", budget="3"),
        await owner.trip(title="Oslo"),
        await friend.trip(title="Lima"),
    ]
    place = "mutation ($name: String!, $city: String) { createPlace(input: { name: $name, city: $city }) { id } }"
    places = [(await owner.ask(place, name="x", city=city))["createPlace"]["id"] for city in ("Rome", "Oslo", None)]
    costs = ["40", "120", "0.01", None, "33.33", "7"]
    for number, title in enumerate(["Dinner", "Walk", "Ferry"] * 4):
        trip = trips[number % 3]
        person = friend if trip == trips[2] else owner
        item = await person.ask(
            "mutation ($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }",
            input={
                "tripId": trip,
                "title": title,
                "cost": costs[number % 6],
                "dayNumber": number + 1,
                "placeId": None if person is friend or number % 2 else places[number % 3],
                "startsAt": None if number % 4 else f"2027-01-01T00:00:00.{number}Z",
            },
        )
        if number % 3 == 0:
            await person.ask(
                'mutation ($item: UUID!) { castVote(tripItemId: $item, value: UP, comment: "yes") { id } }',
                item=item["createTripItem"]["id"],
            )
    with psycopg.connect(seeded.admin_db_url) as connection:
        connection.execute(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')", [trips[0], friend.id]
        )
    return owner, friend


@settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(filter_=filters("TripItem"), as_friend=st.booleans())
async def test_any_filter_on_related_rows_computes_what_sql_computes(
    sharing: tuple[Person, Person], database: Database, filter_: dict[str, Any], *, as_friend: bool
) -> None:
    person = sharing[as_friend]
    writer = Sql()
    where = writer.condition(catalog["TripItem"], filter_, "item")
    data = await person.ask(
        f"""query ($filter: TripItemFilter) {{
          tripItems(filter: $filter) {{ totalCount aggregate {selection(IN_PARTS)} }}
          alone: tripItems(filter: $filter) {{ aggregate {{ count }} }}
          trips(orderBy: [{{ title: ASC }}]) {{ nodes {{
            items(filter: $filter) {{ totalCount aggregate {selection(IN_PARTS)} }}
            alone: items(filter: $filter) {{ totalCount }} }} }} }}""",
        filter=filter_,
    )
    statement = f"select {in_sql(IN_PARTS)} from public.trip_items item where {where}"
    ((expected,),) = database.rows(person, statement, writer.values)
    assert flat(data["tripItems"]["aggregate"]) == expected
    assert data["tripItems"]["totalCount"] == data["alone"]["aggregate"]["count"] == expected[0]
    nested = database.rows(
        person,
        f"""select (select {in_sql(IN_PARTS)} from public.trip_items item where trip_id = trip.id and {where})
            from public.trips trip order by title""",
        writer.values,
    )
    found = [node["items"] for node in data["trips"]["nodes"]]
    assert [flat(items["aggregate"]) for items in found] == [expected for (expected,) in nested]
    assert [items["totalCount"] for items in found] == [expected[0] for (expected,) in nested]
    assert [node["alone"]["totalCount"] for node in data["trips"]["nodes"]] == [expected[0] for (expected,) in nested]


LEAST_TITLE = "query ($filter: TripItemFilter) { tripItems(filter: $filter) { aggregate { min { title } } } }"


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"place": {"city": {"eq": "Rome"}}}, "Dinner"),
        ({"place": {"city": {"eq": "Nowhere"}}}, None),
        ({"not": {"or": [{"place": {}}, {"title": {"eq": "Walk"}}]}}, "Dinner"),
        ({"place": {"or": [{"city": {"eq": "Oslo"}}, {"city": {"eq": "x"}}]}}, "Walk"),
        ({"not": {"place": {}}, "or": [{"title": {"eq": "Walk"}}, {"title": {"eq": "Ferry"}}]}, "Walk"),
    ],
    ids=json.dumps,
)
async def test_least_texts_under_filters_on_related_rows(
    sharing: tuple[Person, Person], filter_: dict[str, Any], expected: str | None
) -> None:
    data = await sharing[0].ask(LEAST_TITLE, filter=filter_)
    assert data == {"tripItems": {"aggregate": {"min": {"title": expected}}}}


@pytest.mark.postgrest
async def test_least_texts_in_several_parts_are_refused(sharing: tuple[Person, Person]) -> None:
    # PostgREST answers one part for each outcome of the test of the place; only Postgres knows the order of texts.
    filter_ = {"or": [{"place": {"city": {"eq": "Rome"}}}, {"title": {"eq": "Walk"}}]}
    error = await sharing[0].refused(LEAST_TITLE, filter=filter_)
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "filter")
    assert error["message"].startswith("min of title cannot be computed under a filter whose `or` or `not`")
