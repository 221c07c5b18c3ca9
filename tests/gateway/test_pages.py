"""Pages after the Relay cursor connections specification: exact for every order, forwards and backwards."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import Person, examples

DIRECTIONS = ["ASC", "DESC", "ASC_NULLS_FIRST", "ASC_NULLS_LAST", "DESC_NULLS_FIRST", "DESC_NULLS_LAST"]
KEYS = {"dayNumber": "dayNumber", "cost": "cost", "notes": "notes", "startsAt": "startsAt", "kind": "kind"}
PAGE = """
query ($id: UUID!, $order: [TripItemOrder!], $first: Int, $after: String, $last: Int, $before: String) {
  trip(id: $id) {
    items(orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { title } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      totalCount
    }
  }
}
"""


@pytest.fixture(scope="module")
async def crowded(anonymous: Person) -> tuple[Person, str]:
    """Somebody with a trip of 24 items, many of them equal or null in every key, and the trip's id."""
    person = await anonymous.sign_up()
    trip_id = await person.trip()
    values = itertools.product([1, 2], [None, "5", "5.00"], [None, "a"], ["FOOD", "NOTE"])
    inputs = [
        {
            "tripId": trip_id,
            "title": f"{index:02}",
            "dayNumber": day,
            "cost": cost,
            "notes": notes,
            "kind": kind,
            "startsAt": None if index % 3 else "2027-01-01T00:00:00.123456Z",
        }
        for index, (day, cost, notes, kind) in enumerate(values)
    ]
    await person.ask(
        "mutation ($inputs: [CreateTripItemInput!]!) { createTripItems(inputs: $inputs) { id } }", inputs=inputs
    )
    return person, trip_id


async def items(crowded: tuple[Person, str], **variables: Any) -> Any:
    person, trip_id = crowded
    return (await person.ask(PAGE, id=trip_id, **variables))["trip"]["items"]


async def walk(crowded: tuple[Person, str], order: list[dict[str, str]], size: int, *, backward: bool) -> list[str]:
    """Every title, page by page."""
    titles: list[str] = []
    cursor: str | None = None
    while True:
        page = await (
            items(crowded, order=order, last=size, before=cursor)
            if backward
            else items(crowded, order=order, first=size, after=cursor)
        )
        found = [edge["node"]["title"] for edge in page["edges"]]
        titles = found + titles if backward else titles + found
        assert page["totalCount"] == 24
        info = page["pageInfo"]
        if found:
            assert (info["startCursor"], info["endCursor"]) == (page["edges"][0]["cursor"], page["edges"][-1]["cursor"])
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return titles
        cursor = info["startCursor" if backward else "endCursor"]


orders = st.lists(st.sampled_from(sorted(KEYS)), min_size=1, max_size=3, unique=True).flatmap(
    lambda keys: st.tuples(*(st.sampled_from(DIRECTIONS).map(lambda way, key=key: {key: way}) for key in keys)).map(
        list
    )
)


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=orders, size=st.integers(1, 9))
async def test_walking_page_by_page_visits_every_row_once_in_order(
    crowded: tuple[Person, str], order: list[dict[str, str]], size: int
) -> None:
    whole = [edge["node"]["title"] for edge in (await items(crowded, order=order, first=100))["edges"]]
    assert len(set(whole)) == 24
    assert await walk(crowded, order, size, backward=False) == whole
    assert await walk(crowded, order, size, backward=True) == whole


async def test_nulls_come_where_the_order_says(crowded: tuple[Person, str]) -> None:
    async def first_is_null(direction: str) -> bool:
        person, trip_id = crowded
        data = await person.ask(
            """query ($id: UUID!, $order: [TripItemOrder!]) {
                 trip(id: $id) { items(first: 1, orderBy: $order) { nodes { notes } } } }""",
            id=trip_id,
            order=[{"notes": direction}],
        )
        return data["trip"]["items"]["nodes"][0]["notes"] is None

    assert {direction: await first_is_null(direction) for direction in DIRECTIONS} == {
        "ASC": False,
        "DESC": True,
        "ASC_NULLS_FIRST": True,
        "ASC_NULLS_LAST": False,
        "DESC_NULLS_FIRST": True,
        "DESC_NULLS_LAST": False,
    }


async def test_after_and_before_bound_one_page_together(crowded: tuple[Person, str]) -> None:
    order = [{"cost": "ASC"}, {"notes": "DESC"}]
    whole = (await items(crowded, order=order, first=100))["edges"]
    page = await items(crowded, order=order, first=100, after=whole[3]["cursor"], before=whole[9]["cursor"])
    assert page["edges"] == whole[4:9]
    page = await items(crowded, order=order, last=2, after=whole[3]["cursor"], before=whole[9]["cursor"])
    assert page["edges"] == whole[7:9]
    assert page["pageInfo"]["hasPreviousPage"] is True
    assert page["pageInfo"]["hasNextPage"] is True


async def test_a_cursor_outlives_its_row(newcomer: Person) -> None:
    for title in ("a", "b", "c"):
        await newcomer.trip(title=title)
    query = """query ($after: String) {
      trips(orderBy: [{ title: ASC }], first: 1, after: $after) { edges { cursor node { id title } } } }"""
    (first,) = (await newcomer.ask(query))["trips"]["edges"]
    await newcomer.ask("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=first["node"]["id"])
    (second,) = (await newcomer.ask(query, after=first["cursor"]))["trips"]["edges"]
    assert second["node"]["title"] == "b"


async def test_first_zero_tells_whether_there_is_anything(newcomer: Person) -> None:
    query = "{ trips(first: 0) { nodes { id } pageInfo { hasNextPage startCursor endCursor } } }"
    empty = {"nodes": [], "pageInfo": {"hasNextPage": False, "startCursor": None, "endCursor": None}}
    assert await newcomer.ask(query) == {"trips": empty}
    await newcomer.trip()
    empty["pageInfo"] = {"hasNextPage": True, "startCursor": None, "endCursor": None}
    assert await newcomer.ask(query) == {"trips": empty}


async def test_twenty_rows_make_a_page_when_none_is_asked_for(crowded: tuple[Person, str]) -> None:
    page = await items(crowded)
    assert len(page["edges"]) == 20
    assert page["pageInfo"]["hasNextPage"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("first: -1", "first must be between 0 and 100, not -1."),
        ("first: 1000", "first must be between 0 and 100, not 1000."),
        ("last: 101", "last must be between 0 and 100, not 101."),
        ("first: 1, last: 1", "Give first or last, not both."),
        ("last: 1, offset: 1", "offset counts from the start: it goes with first and after, not with last or before."),
        ("offset: -1", "offset must not be negative, as -1 is."),
        ('after: "nonsense"', "after is not a cursor of this API."),
        ('before: "bm9uc2Vuc2U"', "before is not a cursor of this API."),
        ("orderBy: [{ title: ASC }, { title: DESC }]", "orderBy names title twice."),
    ],
)
async def test_page_mistakes(ada: Person, arguments: str, message: str) -> None:
    error = await ada.refused(f"{{ trips({arguments}) {{ nodes {{ id }} }} }}")
    assert (error["code"], error["message"]) == ("BAD_USER_INPUT", message)


async def test_a_cursor_of_another_order(ada: Person) -> None:
    data = await ada.ask("{ trips(first: 1) { pageInfo { endCursor } } }")
    error = await ada.refused(
        "query ($after: String) { trips(first: 1, after: $after, orderBy: [{ title: ASC }]) { nodes { id } } }",
        after=data["trips"]["pageInfo"]["endCursor"],
    )
    assert error["code"] == "BAD_USER_INPUT"
    assert error["message"] == "after is a cursor of another order. Page on with the order it was made in."
