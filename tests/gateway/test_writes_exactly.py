"""Whatever the filter: an update or a deletion touches the rows that a list of the same filter shows, and no other."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from tests.support import Person, examples
from tripgate.local.stack import StackInfo

LIST = "query ($filter: TripFilter!) { trips(filter: $filter, first: 100) { nodes { id } } }"
UPDATE = """mutation ($filter: TripFilter!, $patch: TripPatch!) {
  updateTrips(filter: $filter, patch: $patch, atMost: 100) { id title status budget }
}"""
DELETE = "mutation ($filter: TripFilter!) { deleteTrips(filter: $filter, atMost: 100) { id } }"

# Text that means something to PostgREST, to a URL or to LIKE.
TITLES = ["a", "b", "*", "a*b", "%", "x_y", '","', "not.eq.a", "a),b", "\\", "ä 🧳", "null"]
STATUSES = ["planning", "booked", "completed"]
BUDGETS = [None, "0.00", "10.50", "99.99"]
# What each of the two owners has: title, status, budget and the items' titles.
ROWS: list[tuple[str, str, str | None, list[str]]] = [
    (title, STATUSES[number % 3], BUDGETS[number % 4], [["a"], ["a", "b"], []][number % 3])
    for number, title in enumerate([*TITLES, "a", "b"])
]


def texts(values: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    one = st.sampled_from(["eq", "neq", "distinctFrom", "gt", "lte", "contains", "startsWith"])
    pattern = st.sampled_from(["like", "ilike"])
    several = st.sampled_from(["in", "notIn"])
    return st.one_of(
        st.dictionaries(one, values, min_size=1, max_size=2),
        st.dictionaries(pattern, values.filter(lambda text: text != "\\"), min_size=1, max_size=2),
        st.dictionaries(several, st.lists(values, max_size=3), min_size=1, max_size=1),
        st.just({"isNull": False}),
    )


TITLE = texts(st.sampled_from([*TITLES, "", "c"]))
BUDGET = st.one_of(
    st.builds(
        lambda name, value: {name: value}, st.sampled_from(["eq", "neq", "gte", "lt"]), st.sampled_from(BUDGETS[1:])
    ),
    st.builds(lambda holds: {"isNull": holds}, st.booleans()),
)
STATUS = st.builds(
    lambda name, values: {name: [value.upper() for value in values]},
    st.sampled_from(["in", "notIn"]),
    st.lists(st.sampled_from(STATUSES), max_size=2),
)
ITEMS = st.dictionaries(
    st.sampled_from(["some", "none", "every"]),
    st.builds(lambda title: {"title": title}, texts(st.sampled_from(["a", "b", "c"]))),
    min_size=1,
    max_size=2,
)
# A filter of a write says something in each of its parts.
LEAF = st.fixed_dictionaries({}, optional={"title": TITLE, "budget": BUDGET, "status": STATUS, "items": ITEMS}).filter(
    bool
)
FILTER = st.recursive(
    LEAF,
    lambda inner: st.builds(
        lambda leaf, more: {**leaf, **more},
        LEAF,
        st.one_of(
            st.builds(
                lambda name, of: {name: of}, st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)
            ),
            st.builds(lambda of: {"not": of}, inner),
        ),
    ),
    max_leaves=4,
)
PATCH = st.fixed_dictionaries(
    {"title": st.sampled_from(TITLES)},
    optional={"status": st.just("CANCELLED"), "budget": st.sampled_from(BUDGETS)},
)


class Shelves:
    """The trips of two owners, equal but for their ids: put there anew for each example, and what became of them."""

    def __init__(self, connection: psycopg.Connection, owner: Person, other: Person) -> None:
        self.connection = connection
        self.owner = owner
        self.other = other

    def fill(self) -> None:
        people = [self.owner.id, self.other.id]
        self.connection.execute("delete from public.trips where user_id = any (%s::uuid[])", [people])
        for person in people:
            self.connection.execute(
                """
                with given as (
                    select value ->> 0 as title, value ->> 1 as status, (value ->> 2)::numeric as budget,
                        value -> 3 as items, gen_random_uuid() as id
                    from jsonb_array_elements(%s::jsonb)
                ),
                made as (
                    insert into public.trips (id, user_id, title, status, budget)
                    select id, %s, title, status, budget from given
                )
                insert into public.trip_items (trip_id, title)
                select id, item from given, jsonb_array_elements_text(items) as item
                """,
                [json.dumps(ROWS), person],
            )

    def found(self, person: Person) -> dict[str, tuple[Any, ...]]:
        rows = self.connection.execute(
            """
            select id::text, title, status, budget::text, updated_at,
                (select count(*) from public.trip_items where trip_id = trips.id)
            from public.trips where user_id = %s
            """,
            [person.id],
        )
        return {row[0]: row[1:] for row in rows}


@pytest.fixture(scope="module")
async def people(anonymous: Person) -> tuple[Person, Person]:
    return await anonymous.sign_up(), await anonymous.sign_up()


@pytest.fixture(scope="module")
def shelves(seeded: StackInfo, people: tuple[Person, Person]) -> Iterator[Shelves]:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        yield Shelves(connection, *people)


def exhaustively(number: int) -> settings:
    return settings(max_examples=examples(number), deadline=None, suppress_health_check=list(HealthCheck))


async def listed(person: Person, filter_: dict[str, Any]) -> set[str]:
    nodes = (await person.ask(LIST, filter=filter_))["trips"]["nodes"]
    event("all" if len(nodes) == len(ROWS) else "none" if not nodes else "some")
    return {node["id"] for node in nodes}


@exhaustively(30)
@given(filter_=FILTER, patch=PATCH)
@example(filter_={"or": [{"title": {"eq": "a"}}, {"title": {"eq": "b"}}]}, patch={"title": "c"})
@example(filter_={"title": {"like": "a*b"}, "items": {"none": {"title": {"eq": "b"}}}}, patch={"title": "a*b"})
@example(filter_={"title": {"notIn": ['","', "\\"]}, "budget": {"isNull": True}}, patch={"title": "a", "budget": "1"})
async def test_updates(shelves: Shelves, filter_: dict[str, Any], patch: dict[str, Any]) -> None:
    shelves.fill()
    before, untouched = shelves.found(shelves.owner), shelves.found(shelves.other)
    meant = await listed(shelves.owner, filter_)
    answered = (await shelves.owner.ask(UPDATE, filter=filter_, patch=patch))["updateTrips"]
    assert [row["id"] for row in answered] == sorted(meant)
    after = shelves.found(shelves.owner)
    assert {id_ for id_ in after if after[id_] != before[id_]} == meant
    for row in answered:
        title, status, budget, *_ = after[row["id"]]
        assert (row["title"], row["status"].lower(), row["budget"]) == (title, status, budget)
        assert title == patch["title"]
        assert status == patch.get("status", before[row["id"]][1].upper()).lower()
        assert "budget" in patch or budget == before[row["id"]][2]
    assert after.keys() == before.keys()
    assert shelves.found(shelves.other) == untouched


@exhaustively(20)
@given(filter_=FILTER)
@example(filter_={"or": [{"title": {"eq": "a"}}, {"items": {"some": {"id": {"isNull": False}}}}]})
async def test_deletions(shelves: Shelves, filter_: dict[str, Any]) -> None:
    shelves.fill()
    before, untouched = shelves.found(shelves.owner), shelves.found(shelves.other)
    meant = await listed(shelves.owner, filter_)
    answered = (await shelves.owner.ask(DELETE, filter=filter_))["deleteTrips"]
    assert [row["id"] for row in answered] == sorted(meant)
    kept = {id_: row for id_, row in before.items() if id_ not in meant}
    assert shelves.found(shelves.owner) == kept
    assert shelves.found(shelves.other) == untouched
