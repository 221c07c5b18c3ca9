"""What lies below a to-one relation is read once for each row that it leads to, however many rows lead there."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.planner import planned
from tests.postgres.conftest import ADA, BEN, Own
from tripgate.planner.planner import ConnectionPlan
from tripgate.upstream.postgres.render import Statement, answer_query, read_query

OWNERS = 2
TRIPS = "trips(first: 7, orderBy: [{ costTotal: ASC }]) { nodes { title } totalCount }"
TESTED = 'trips(first: 7, filter: { items: { some: { title: { contains: "3" } } } }) { nodes { title } }'
BELOW = [
    f"{{ trips(first: 100) {{ nodes {{ title owner {{ displayName {TRIPS} }} }} }} }}",
    f"{{ trips(first: 100) {{ edges {{ cursor node {{ owner {{ {TESTED} }} }} }} pageInfo {{ hasNextPage }} }} }}",
    f"{{ tripItems(first: 100) {{ nodes {{ title trip {{ title owner {{ displayName {TRIPS} }} }} }} }} }}",
    f'{{ profile(id: "{ADA}") {{ trips(first: 100) {{ nodes {{ owner {{ {TRIPS} }} }} }} }} }}',
]


@pytest.fixture(scope="module")
def shared_trips(own: Own) -> Iterator[psycopg.Connection]:
    """A hundred trips of two people, with an item each, as Ada, who takes part in all of them."""
    with psycopg.connect(own.info.admin_db_url) as connection:
        connection.execute(
            "insert into public.trips (user_id, title) "
            "select case when n %% 2 = 0 then %s else %s end::uuid, 'Shared ' || n from generate_series(1, 100) as n",
            [ADA, BEN],
        )
        connection.execute(
            "insert into public.trip_items (trip_id, title, day_number) "
            "select id, 'Item of ' || title, 1 from public.trips where title like 'Shared %'"
        )
        connection.execute(
            "insert into public.collaborators (trip_id, user_id, role) "
            "select id, %s, 'viewer' from public.trips where title like 'Shared %%' and user_id = %s",
            [ADA, BEN],
        )
        connection.execute("analyze")
        connection.execute(
            "select set_config('request.jwt.claims', json_build_object('sub', %s::text)::text, true), "
            "set_config('role', 'authenticated', true)",
            [ADA],
        )
        yield connection
        connection.rollback()


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("form", ["text", "rows"])
@pytest.mark.parametrize("query", BELOW)
def test_lists_below_are_read_once_a_parent(shared_trips: psycopg.Connection, query: str, form: str, mode: str) -> None:
    plan = explained(shared_trips, statement(query, form), mode)
    parents = [node for node in nodes(plan) if node.get("Relation Name") == "profiles" and is_ours(node)]
    assert any(lists(node) for node in parents)
    for parent in parents:
        assert parent["Actual Loops"] <= OWNERS
        assert all(each["Actual Loops"] <= OWNERS for each in lists(parent))


@pytest.mark.parametrize("form", ["text", "rows"])
def test_what_has_nothing_below_is_a_subquery(form: str) -> None:
    query = "{ trips { nodes { title owner { displayName } items { nodes { place { name } } } } } }"
    assert "lateral" not in statement(query, form).text


def test_columns_are_taken_by_their_names() -> None:
    """Whole rows are not everybody's to read, and have no computed columns."""
    text = statement("{ trips { nodes { costTotal owner { trips { nodes { title } } } } } }", "text").text
    assert ' from (select t1."cost_total", t1."user_id" from "public"."trips" as t1 order by ' in text


def statement(query: str, form: str) -> Statement:
    """How a document's only root field is asked for, in one of the forms."""
    (plan,) = planned.root_plans(query, {}).values()
    found = answer_query(plan) if form == "text" else read_query(plan.read)
    assert found is not None
    assert form == "rows" or found.answers or not isinstance(plan, ConnectionPlan)
    return found.statements[0]


_names = itertools.count()
# Aliases of the query, which Postgres numbers once more where there are two.
_OURS = re.compile(r"t\d+(_\d+)?")


def explained(connection: psycopg.Connection, statement: Statement, mode: str) -> dict[str, Any]:
    """The plan of a prepared statement, with what it took."""
    name = sql.Identifier(f"of_parents_{next(_names)}")
    connection.execute("select set_config('plan_cache_mode', %s, true)", [mode])
    connection.execute(sql.SQL("prepare {} as {}").format(name, sql.SQL(statement.text)))
    values = sql.SQL(", ").join(sql.Literal(value.decode()) for value in statement.values)
    given = sql.SQL("({})").format(values) if statement.values else sql.SQL("")
    explain = sql.SQL("explain (analyze, format json) execute {}{}").format(name, given)
    (plans,) = connection.execute(explain).fetchone() or ()
    return dict(plans[0]["Plan"])


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A step of a plan and all below it."""
    yield node
    for each in node.get("Plans", ()):
        yield from nodes(each)


def lists(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The lists that are made of a step's rows."""
    below = (each for each in node.get("Plans", ()) if each.get("Parent Relationship") == "SubPlan")
    return [each for each in below if any(map(is_ours, nodes(each)))]


def is_ours(node: dict[str, Any]) -> bool:
    """Whether a table is read for the answer, not to decide who may see a row."""
    return _OURS.fullmatch(node.get("Alias", "")) is not None
