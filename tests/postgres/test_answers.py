"""Answers whose text Postgres writes are, byte for byte, what the program would have made of the rows."""

import dataclasses
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gql.catalog import catalog
from gql.table import Sort
from tests.planner import planned
from tests.postgres.conftest import ADA, Own, backend_of, caller
from tests.support import Person, examples, reading, serving
from tripgate.local.stack import StackInfo
from tripgate.planner.plan import Compare, Operator, Or, Pick, Read
from tripgate.planner.planner import ConnectionPlan
from tripgate.upstream.backend import BackendError
from tripgate.upstream.postgres.render import answer_query, read_query

WRITTEN = [
    "{ trips { nodes { title } } }",
    "{ trips { __typename nodes { id __typename nodeId title description status startDate budget currency "
    "createdAt labels } } }",
    f"{{ trips {{ {'n' * 200}: nodes {{ {'_t' * 100}: title again: title title }} }} }}",
    "{ trips(first: 2, orderBy: [{ title: ASC }]) { edges { cursor node { title } __typename } pageInfo { __typename "
    "hasNextPage hasPreviousPage startCursor endCursor } totalCount } }",
    "{ trips(last: 2, orderBy: [{ title: ASC }]) { edges { cursor node { title } } nodes { title } pageInfo { "
    "hasNextPage hasPreviousPage startCursor endCursor } } }",
    "{ trips(first: 2, offset: 1) { nodes { title } pageInfo { hasNextPage hasPreviousPage } } }",
    "{ trips(first: 0) { nodes { title } edges { cursor } totalCount pageInfo { hasNextPage endCursor } } }",
    '{ trips(filter: { title: { eq: "none is called so" } }) { nodes { title } totalCount aggregate { count '
    "sum { budget } max { createdAt startDate } } pageInfo { endCursor hasNextPage } } }",
    "{ trips { totalCount aggregate { count sum { budget } avg { budget } min { title startDate } max { budget } } "
    "nodes { durationDays costTotal } } }",
    "{ trips { nodes { owner { displayName } items(first: 2) { totalCount nodes { title kind cost startsAt "
    "voteSummary { score up down mine } place { name category } } pageInfo { hasNextPage endCursor } "
    "aggregate { count avg { cost } } } collaborators { edges { cursor node { role user { displayName } } } } } } }",
    "{ trips(orderBy: [{ owner: { displayName: DESC_NULLS_LAST } }, { budget: ASC }]) { edges { cursor "
    "node { title } } } }",
    "{ tripItems { nodes { title place { name items(first: 1) { nodes { title trip { title owner { trips(first: 2) "
    "{ nodes { title } pageInfo { endCursor } totalCount } } } } } } } pageInfo { endCursor } } }",
    "{ trips(last: 3) { edges { cursor node { costTotal owner { n: displayName displayName trips { aggregate { sum { "
    "budget } } } places(first: 1) { nodes { category } } } again: owner { trips(first: 1) { nodes { title } } } } } "
    "nodes { owner { trips(first: 2) { nodes { status } } } } } }",
    "{ votes { nodes { value tripItem { title voteSummary { score mine } trip { costTotal owner { trips(first: 1) { "
    "nodes { durationDays } } } } } user { votes(orderBy: { tripItem: { title: DESC } }) { edges { cursor } } } } } }",
    "{ trips { nodes { title preferenceSummary { __typename people paces { pace people } interests { i: interest "
    "people } dietaryNeeds { __typename need } budgets { currency people shared { min max } } } preferences { nodes { "
    "pace } } } } }",
    '{ searchPlaces(text: "kyoto") { nodes { name latitude } totalCount } }',
    "{ tripItems(orderBy: [{ place: { name: ASC_NULLS_FIRST } }, { startsAt: DESC }], first: 3) { edges { cursor } } }",
]
ROWS_WITH_LISTS = [
    '{ trip(id: "ada00000-0000-4000-8002-000000000001") { title items(first: 2) { nodes { title } totalCount } } }',
    '{ trip(id: "ada00000-0000-4000-8002-999999999999") { title items(first: 2) { nodes { title } totalCount } } }',
    "{ viewer { displayName trips(first: 1) { nodes { title owner { places { totalCount } } } } } }",
    '{ node(nodeId: "VHJpcDphZGEwMDAwMC0wMDAwLTQwMDAtODAwMi0wMDAwMDAwMDAwMDE") { nodeId '
    "... on Trip { items { totalCount } } } }",
    'query ($n: Int = 2) { trip(id: "ada00000-0000-4000-8002-000000000001") { items(first: $n) { nodes { title } } } }',
]
READ = [
    "{ trips { nodes { title isOver } } }",
    "{ tripItems { nodes { title details } } }",
    "{ trips { nodes { items { nodes { details } } } } }",
    "{ tripItems { nodes { details place { name items(first: 1) { nodes { details } } } trip { costTotal isOver owner "
    "{ displayName trips(first: 2) { nodes { title isOver } totalCount } } } } } }",
]


async def body(person: Person, query: str, **variables: Any) -> bytes:
    """The body of an answer, as it comes."""
    headers = {"Authorization": f"Bearer {person.token}"}
    async with person.http.post(person.url, json={"query": query, "variables": variables}, headers=headers) as response:
        assert response.status == 200
        return await response.read()


@pytest.mark.parametrize("query", WRITTEN + ROWS_WITH_LISTS + READ)
async def test_both_backends_answer_the_same_bytes(ada: Person, direct: str, query: str) -> None:
    expected = await body(ada, query)
    assert b'"errors"' not in expected
    assert await body(dataclasses.replace(ada, url=direct), query) == expected


@pytest.mark.parametrize("query", WRITTEN)
def test_postgres_writes_them(query: str) -> None:
    (plan,) = planned.root_plans(query, {}).values()
    assert isinstance(plan, ConnectionPlan)
    assert answer_query(plan) is not None


@pytest.mark.parametrize("query", READ)
def test_what_only_the_program_can_say_is_read_as_rows(query: str) -> None:
    (plan,) = planned.root_plans(query, {}).values()
    assert answer_query(plan) is None


async def test_a_row_with_lists_is_written_and_one_without_is_read(seeded: StackInfo, ada: Person) -> None:
    """Its key open, or not, where something below depends on variables."""
    async with serving(seeded, development=True, **reading(seeded, "postgres")) as url:
        for query in ROWS_WITH_LISTS:
            assert (await sql(dataclasses.replace(ada, url=url), query)).startswith("select '{")
        plain = '{ trip(id: "ada00000-0000-4000-8002-000000000001") { title owner { displayName } } }'
        assert (await sql(dataclasses.replace(ada, url=url), plain)).startswith("select row_to_json")


async def sql(person: Person, query: str) -> str:
    """What the only request of a query is told to be."""
    asked = {"query": query, "extensions": {"explain": True}}
    headers = {"Authorization": f"Bearer {person.token}"}
    async with person.http.post(person.url, json=asked, headers=headers) as response:
        ((sent,),) = [
            field["requests"] for field in (await response.json())["extensions"]["explain"]["fields"].values()
        ]
    return str(sent["sql"])


@pytest.fixture(scope="module")
async def writer(seeded: StackInfo, anonymous: Person) -> tuple[Person, str]:
    """Somebody new, and their trip."""
    person = await anonymous.sign_up()
    return person, await person.trip(title="Texts")


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=TEXTS, labels=st.lists(TEXTS, max_size=3))
async def test_any_text_is_written_alike(
    seeded: StackInfo, writer: tuple[Person, str], direct: str, text: str, labels: list[str]
) -> None:
    person, trip = writer
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        connection.execute("update public.trips set description = %s, labels = %s where id = %s", [text, labels, trip])
    query = "{ trips { nodes { description labels } edges { cursor } pageInfo { endCursor } } }"
    expected = await body(person, query)
    assert await body(dataclasses.replace(person, url=direct), query) == expected


async def test_an_enum_value_without_a_name_fails_and_is_not_left_out(own: Own) -> None:
    own.run(
        "alter table public.trips drop constraint trips_status_check",
        f"update public.trips set status = 'dreamt' where user_id = '{ADA}'",
    )
    try:
        backend, pool = backend_of(own.url)
        prepared = backend.prepare_answer(planned.root_plans("{ trips { nodes { status } } }", {})["trips"])
        assert prepared is not None
        with pytest.raises(BackendError, match="42602"):
            await backend.fetch(prepared, caller(ADA), catalog["Trip"])
        pool.close()
    finally:
        own.run(
            f"update public.trips set status = 'planning' where user_id = '{ADA}'",
            "alter table public.trips add constraint trips_status_check "
            "check (status in ('planning', 'booked', 'completed', 'cancelled'))",
        )


HOSTILE = Read(
    "trips",
    (Pick("title"),),
    where=Or((Compare("title", Operator.EQ, "it's \"$1\" \\' $2 -- ;\n"), Compare("status", Operator.EQ, "booked"))),
    order=(Sort("title", descending=False, nulls_first=False),),
    count=True,
)
SHOWN = {**{name: name for name in planned.names()}, "hostile": HOSTILE}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
def test_the_sql_that_is_shown_can_be_run_as_it_is(seeded: StackInfo, shown: str | Read) -> None:
    """Its values are written out, and it answers what it answers with parameters."""
    queries = [read_query(shown)] if isinstance(shown, Read) else planned.queries(shown)
    with psycopg.connect(seeded.admin_db_url) as connection:
        connection.execute(
            "select set_config('request.jwt.claims', %s, true), set_config('role', 'authenticated', true), "
            "set_config('search_path', 'public, extensions', true)",
            [f'{{"sub": "{ADA}", "role": "authenticated"}}'],
        )
        for query in queries:
            asked = [
                psycopg.RawCursor(connection).execute(each.text, [value.decode() for value in each.values]).fetchall()
                for each in query.statements
            ]
            cursor = connection.execute(query.shown["sql"])
            found = [cursor.fetchall()]
            while cursor.nextset():
                found.append(cursor.fetchall())
            assert found == asked


async def test_below_graphql_core_rows_are_read(seeded: StackInfo, ada: Person) -> None:
    """It goes on below the field, and so it needs objects."""
    async with serving(seeded, introspection=True, **reading(seeded, "postgres")) as url:
        query = '{ trips(first: 1) { nodes { title } } __type(name: "Trip") { name } }'
        assert await body(dataclasses.replace(ada, url=url), query) == await body(ada, query)
