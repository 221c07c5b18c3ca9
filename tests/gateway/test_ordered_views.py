"""Lists whose rows have lists of their own are read from a view in their order: the same rows, filters and totals."""

from typing import Any

import pytest

from gql.table import Hop, Sort
from tests.support import Person, Wire
from tripgate.planner.plan import ALWAYS, And, Compare, Condition, Embed, IsNull, Not, Operator, Or, Pick, Read, Related
from tripgate.upstream.postgrest.render import read_request

PAGE = """query (
  $filter: TripFilter, $orderBy: [TripOrder!], $first: Int, $last: Int, $after: String, $before: String
) {
  trips(filter: $filter, orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before) {
    edges { cursor node { title startDate %s } }
    pageInfo { hasNextPage hasPreviousPage }
    totalCount
  } }"""
PLAIN = PAGE % ""
WITH_LISTS = PAGE % "items { nodes { title } totalCount }"

NEWEST = (Sort("created_at", descending=True, nulls_first=True), Sort("id"))
ITEMS = Embed("r0", "trip_id", many=True, read=Read("trip_items", (Pick("title"),), limit=2))
OWNER = Embed("r0", "user_id", many=False, read=Read("profiles", (Pick("display_name"),)))
SOME_FOOD = Related("trip_items", "trip_id", many=True, where=Compare("kind", Operator.EQ, "food"))


@pytest.fixture(scope="module")
async def planner(anonymous: Person) -> Person:
    """Somebody with seven trips, some beginning on one day or on none, and every other one with two items."""
    person = await anonymous.sign_up()
    days = ["2027-05-01", None, "2027-03-01", "2027-05-01", None, "2027-04-01", "2027-05-01"]
    for number, day in enumerate(days):
        items = [{"title": f"Item {number}{name}"} for name in "ab"] if number % 2 else []
        await person.trip(title=f"Trip {number}", startDate=day, status=["PLANNING", "BOOKED"][number % 2], items=items)
    return person


@pytest.mark.parametrize(
    ("order", "view"),
    [
        (None, "trips_by_created_at_desc"),
        ([{"createdAt": "DESC"}], "trips_by_created_at_desc"),
        ([{"startDate": "ASC"}], "trips_by_start_date"),
        ([{"startDate": "DESC"}], "trips_by_start_date_desc"),
        ([{"title": "ASC"}], "trips"),
        ([{"startDate": "ASC_NULLS_FIRST"}], "trips"),
        ([{"createdAt": "DESC"}, {"title": "ASC"}], "trips"),
    ],
)
@pytest.mark.parametrize("filter_", [None, {"status": {"eq": "BOOKED"}}, {"items": {"none": {}}}])
async def test_pages_are_the_same_with_lists_in_them(
    planner: Person, wire: Wire, order: list[dict[str, str]] | None, view: str, filter_: dict[str, Any] | None
) -> None:
    whole = await rows(planner, PLAIN, filter=filter_, orderBy=order)
    assert whole["totalCount"] == (7 if filter_ is None else 3 if "status" in filter_ else 4)
    for size in (2, 3):
        for way, begins, from_end in (("first", "after", False), ("last", "before", True)):
            wire.clear()
            cursor: str | None = None
            seen: list[Any] = []
            while True:
                page = {"filter": filter_, "orderBy": order, way: size, begins: cursor}
                plain, listed = await rows(planner, PLAIN, **page), await rows(planner, WITH_LISTS, **page)
                for edge in listed["edges"]:
                    number = int(edge["node"]["title"][-1])
                    items = edge["node"].pop("items")
                    assert items["totalCount"] == len(items["nodes"]) == (2 if number % 2 else 0)
                assert listed == plain
                seen = [*plain["edges"], *seen] if from_end else [*seen, *plain["edges"]]
                if not plain["pageInfo"]["hasPreviousPage" if from_end else "hasNextPage"]:
                    break
                cursor = plain["edges"][0 if from_end else -1]["cursor"]
            assert [edge["node"] for edge in seen] == [edge["node"] for edge in whole["edges"]]
            with_lists = {path(request) for request in wire.requests if "r0:trip_items" in request}
            assert with_lists == {f"{view}_reversed" if from_end and view != "trips" else view}


async def rows(person: Person, query: str, **variables: Any) -> Any:
    return (await person.ask(query, **variables))["trips"]


def path(request: str) -> str:
    return request.removeprefix("GET /").partition("?")[0]


def test_what_is_read_from_a_view() -> None:
    assert source(embeds=(ITEMS,)) == "trips_by_created_at_desc"
    assert source(where=SOME_FOOD) == "trips_by_created_at_desc"
    assert source(where=Or((IsNull("budget"), Not(And((SOME_FOOD,)))))) == "trips_by_created_at_desc"
    reverse = tuple(key.reversed() for key in NEWEST)
    assert source(embeds=(ITEMS,), order=reverse) == "trips_by_created_at_desc_reversed"


@pytest.mark.parametrize(
    "read",
    [
        {},
        {"embeds": (OWNER,)},
        {"where": Related("profiles", "user_id", many=False, where=Compare("display_name", Operator.EQ, "Ada"))},
        {"embeds": (ITEMS,), "limit": 0},
        {"embeds": (ITEMS,), "limit": None},
        {"embeds": (ITEMS,), "order": (Sort("title"), Sort("id"))},
        {"embeds": (ITEMS,), "order": (*NEWEST[:1], Sort("title"), Sort("id"))},
        {"embeds": (ITEMS,), "order": (Sort("display_name", path=(Hop("profiles", "user_id"),)), Sort("id"))},
        # Functions of the table's rows, which a view's rows are not.
        {"embeds": (ITEMS,), "columns": (Pick("title"), Pick("cost_total", "text"))},
        {"embeds": (ITEMS,), "where": Compare("duration_days", Operator.GT, "3")},
        {"embeds": (ITEMS,), "where": Not(Or((SOME_FOOD, Compare("search", Operator.SEARCH, "maple"))))},
    ],
)
def test_what_is_read_from_the_table(read: dict[str, Any]) -> None:
    assert source(**read) == "trips"


def source(
    columns: tuple[Pick, ...] = (Pick("title"),),
    embeds: tuple[Embed, ...] = (),
    where: Condition = ALWAYS,
    order: tuple[Sort, ...] = NEWEST,
    limit: int | None = 3,
) -> str:
    request = read_request(Read("trips", columns, embeds, where, order, limit))
    return path(f"{request.method} /{request.path}")
