"""Filters through relations: to one row and to many, at any depth, against SQL that says the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gql.catalog import catalog
from gql.table import Relation, Table
from tests.support import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import Person, Wire
    from tripgate.local.stack import StackInfo

TITLES = (
    "query ($filter: TripFilter) { trips(filter: $filter, orderBy: [{ title: ASC }]) { totalCount nodes { title } } }"
)


async def titles(person: Person, filter_: dict[str, Any]) -> list[str]:
    trips = (await person.ask(TITLES, filter=filter_))["trips"]
    assert trips["totalCount"] == len(trips["nodes"])
    return [node["title"] for node in trips["nodes"]]


@pytest.fixture(scope="module")
async def people(anonymous: Person, seeded: StackInfo) -> tuple[Person, Person]:
    """A traveller with three trips, and a friend who edits one of them and has one of their own with like contents.

    Rome: dinner (40, at Trattoria, voted for by the friend) and a walk (free). Oslo: a ferry (120). Empty: nothing.
    """
    owner, friend = await anonymous.sign_up(), await anonymous.sign_up()
    rome = await owner.trip(title="Rome", status="BOOKED")
    oslo = await owner.trip(title="Oslo")
    await owner.trip(title="Empty")
    lima = await friend.trip(title="Lima")
    place = "mutation ($input: CreatePlaceInput!) { createPlace(input: $input) { id } }"
    trattoria = (await owner.ask(place, input={"name": "Trattoria", "city": "Rome"}))["createPlace"]["id"]
    item = "mutation ($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }"

    async def add(person: Person, **given: object) -> str:
        return str((await person.ask(item, input=given))["createTripItem"]["id"])

    dinner = await add(owner, tripId=rome, title="Dinner", kind="FOOD", cost="40", placeId=trattoria)
    await add(owner, tripId=rome, title="Walk", kind="ACTIVITY")
    await add(owner, tripId=oslo, title="Ferry", kind="TRANSPORT", cost="120")
    await add(friend, tripId=lima, title="Dinner", kind="FOOD", cost="40")
    with psycopg.connect(seeded.admin_db_url) as connection:
        connection.execute(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')", [rome, friend.id]
        )
    await friend.ask("mutation ($item: UUID!) { castVote(tripItemId: $item, value: UP) { id } }", item=dinner)
    return owner, friend


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"items": {"some": {"kind": {"eq": "FOOD"}}}}, ["Rome"]),
        ({"items": {"some": {}}}, ["Oslo", "Rome"]),
        ({"items": {"none": {}}}, ["Empty"]),
        ({"items": {"none": {"cost": {"gt": "100"}}}}, ["Empty", "Rome"]),
        ({"items": {"every": {"kind": {"eq": "TRANSPORT"}}}}, ["Empty", "Oslo"]),
        ({"items": {"every": {}}}, ["Empty", "Oslo", "Rome"]),
        ({"items": {"some": {"or": []}}}, []),
        ({"items": {"every": {"or": []}}}, ["Empty"]),
        ({"items": {}}, ["Empty", "Oslo", "Rome"]),
        ({"items": {"some": {"kind": {"eq": "FOOD"}}, "none": {"kind": {"eq": "ACTIVITY"}}}}, []),
        # One row must be both, or two rows may be one each.
        ({"items": {"some": {"kind": {"eq": "ACTIVITY"}, "cost": {"gt": "1"}}}}, []),
        (
            {"and": [{"items": {"some": {"kind": {"eq": "ACTIVITY"}}}}, {"items": {"some": {"cost": {"gt": "1"}}}}]},
            ["Rome"],
        ),
        ({"not": {"items": {"some": {"kind": {"eq": "FOOD"}}}}}, ["Empty", "Oslo"]),
        ({"or": [{"items": {"none": {}}}, {"items": {"some": {"cost": {"gte": "120"}}}}]}, ["Empty", "Oslo"]),
        ({"items": {"some": {"place": {"name": {"eq": "Trattoria"}}}}}, ["Rome"]),
        ({"items": {"some": {"not": {"place": {}}}}}, ["Oslo", "Rome"]),
        ({"items": {"some": {"votes": {"some": {"value": {"eq": "UP"}}}}}}, ["Rome"]),
        ({"items": {"some": {"votes": {"none": {}}, "place": {"city": {"startsWith": "Ro"}}}}}, []),
        ({"collaborators": {"some": {"role": {"eq": "EDITOR"}}}}, ["Rome"]),
        ({"owner": {"trips": {"some": {"title": {"eq": "Oslo"}}}}, "title": {"neq": "Oslo"}}, ["Empty", "Rome"]),
        ({"items": {"some": {"title": {"eq": 'a",f0.not.is.null)&limit=0'}}}}, []),
    ],
    ids=json.dumps,
)
async def test_which_trips(people: tuple[Person, Person], filter_: dict[str, Any], expected: list[str]) -> None:
    assert await titles(people[0], filter_) == expected


async def test_hidden_rows_count_as_absent(people: tuple[Person, Person]) -> None:
    _, friend = people
    assert await titles(friend, {}) == ["Lima", "Rome"]
    # The friend sees Rome and its owner, yet not the owner's other trips.
    assert await titles(friend, {"owner": {"trips": {"some": {"title": {"eq": "Oslo"}}}}}) == []
    assert await titles(friend, {"owner": {"trips": {"every": {"title": {"in": ["Rome", "Lima"]}}}}}) == [
        "Lima",
        "Rome",
    ]
    assert await titles(friend, {"owner": {"tags": {"none": {}}}}) == ["Lima", "Rome"]


async def test_a_stranger_finds_nothing_and_an_anonymous_caller_is_refused(anonymous: Person) -> None:
    stranger = await anonymous.sign_up()
    for filter_ in {"items": {"some": {"cost": {"gt": "0"}}}}, {"not": {"items": {"some": {"cost": {"gt": "0"}}}}}:
        assert await titles(stranger, filter_) == []
        _, body = await anonymous.post(TITLES, filter=filter_)
        assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_nested_connections_and_their_totals_filter_too(people: tuple[Person, Person], wire: Wire) -> None:
    wire.clear()
    data = await people[0].ask("""{
      trips(filter: { title: { eq: "Rome" } }) { nodes {
        items(filter: { votes: { none: {} } }) { totalCount nodes { title } }
        voted: items(filter: { votes: { some: { user: {} } } }) { totalCount nodes { title } } } } }""")
    assert data == {
        "trips": {
            "nodes": [
                {
                    "items": {"totalCount": 1, "nodes": [{"title": "Walk"}]},
                    "voted": {"totalCount": 1, "nodes": [{"title": "Dinner"}]},
                }
            ]
        }
    }
    assert len(wire.requests) == 1


async def test_null_where_a_filter_is_wanted(people: tuple[Person, Person]) -> None:
    for filter_, field in [
        ({"items": None}, "filter.items"),
        ({"items": {"some": None}}, "filter.items.some"),
        ({"or": [{"owner": None}]}, "filter.or[0].owner"),
    ]:
        _, body = await people[0].post(TITLES, filter=filter_)
        assert body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": field}


# Random trees over these types, their relations and some columns whose values both sides share.
TYPES = ("Trip", "TripItem", "Place", "Vote", "Collaborator")
VALUES = {
    ("Trip", "title"): st.sampled_from(["Rome", "Oslo", "Empty", "Lima"]),
    ("TripItem", "title"): st.sampled_from(["Dinner", "Walk", "Ferry"]),
    ("TripItem", "cost"): st.sampled_from(["40", "120"]),
    ("Place", "city"): st.sampled_from(["Rome", "Oslo"]),
    ("Vote", "comment"): st.sampled_from(["yes"]),
    ("Collaborator", "createdAt"): st.sampled_from(["2020-01-01T00:00:00Z"]),
}


def filters(type_name: str, depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """Filters of a type, relations nested up to `depth` deep."""
    table = catalog[type_name]
    leaves = [
        st.fixed_dictionaries({field: st.fixed_dictionaries({operator: values})})
        for (name, field), values in VALUES.items()
        if name == type_name
        for operator in ("eq", "neq", "gt")
    ]
    leaves += [
        st.fixed_dictionaries({field: st.fixed_dictionaries({"isNull": st.booleans()})})
        for name, field in VALUES
        if name == type_name
    ]
    choices = [st.one_of(leaves)]
    if depth:
        related = [relation for relation in table.relations.values() if relation.target in TYPES]
        below = {relation.field: filters(relation.target, depth - 1) for relation in related}
        choices += [
            st.fixed_dictionaries(
                {
                    relation.field: st.dictionaries(
                        st.sampled_from(["some", "none", "every"]), below[relation.field], min_size=1
                    )
                }
                if relation.many
                else {relation.field: below[relation.field]}
            )
            for relation in related
        ]
        same = filters(type_name, depth - 1)
        several = st.lists(same, max_size=3)
        choices += [
            st.fixed_dictionaries({"and": several}),
            st.fixed_dictionaries({"or": several}),
            st.fixed_dictionaries({"not": same}),
        ]
    return st.one_of(choices)


class Sql:
    """The same filter as SQL, written another way: subqueries with EXISTS."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self._rows = 0

    def row(self) -> str:
        self._rows += 1
        return f"row{self._rows}"

    def condition(self, table: Table, filter_: dict[str, Any], row: str) -> str:
        return " and ".join([self._part(table, name, value, row) for name, value in filter_.items()]) or "true"

    def _part(self, table: Table, name: str, value: Any, row: str) -> str:
        match name:
            case "and" | "or":
                parts = [f"({self.condition(table, each, row)})" for each in value]
                return f"({f' {name} '.join(parts)})" if parts else ("true" if name == "and" else "false")
            case "not":
                return f"not ({self.condition(table, value, row)})"
        if (relation := table.relations.get(name)) is not None:
            quantified = value if relation.many else {"some": value}
            return " and ".join([self._quantified(relation, how, inner, row) for how, inner in quantified.items()])
        ((operator, given),) = value.items()
        column = f"{row}.{table.columns[name].name}"
        if operator == "isNull":
            return f"{column} is {'' if given else 'not '}null"
        self.values.append(given)
        return f"{column} { {'eq': '=', 'neq': '<>', 'gt': '>'}[operator] } %s"

    def _quantified(self, relation: Relation, how: str, inner: dict[str, Any], row: str) -> str:
        target, other = catalog[relation.target], self.row()
        link = f"{other}.{relation.via} = {row}.id" if relation.many else f"{other}.id = {row}.{relation.via}"
        test = self.condition(target, inner, other)
        found = f"exists (select from public.{target.name} {other} where {link} and {{}})"
        match how:
            case "some":
                return found.format(f"({test})")
            case "none":
                return "not " + found.format(f"({test})")
            case _:
                return "not " + found.format(f"not ({test})")


@pytest.fixture(scope="module")
def database(seeded: StackInfo) -> Iterator[psycopg.Connection]:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        yield connection


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(filter_=filters("Trip"), as_friend=st.booleans())
async def test_any_filter_means_what_sql_means(
    people: tuple[Person, Person], database: psycopg.Connection, filter_: dict[str, Any], *, as_friend: bool
) -> None:
    person = people[as_friend]
    writer = Sql()
    where = writer.condition(catalog["Trip"], filter_, "trip")
    with database.transaction():
        database.execute(
            "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
            [json.dumps({"sub": person.id, "role": "authenticated"})],
        )
        statement = f"select title from public.trips trip where {where} order by title"
        expected = [title for (title,) in database.execute(statement, writer.values)]  # type: ignore[arg-type]
    assert await titles(person, filter_) == expected
