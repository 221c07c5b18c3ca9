"""What a caller may not see leaves no trace: not in orders, cursors, filters, counts, aggregates or groups."""

import base64
from typing import Any

import orjson
import psycopg
import pytest

from tests.support import Person
from tripgate.local.stack import StackInfo

ITEMS = """
query ($trip: UUID!, $order: [TripItemOrder!], $filter: TripItemFilter!) {
  tripItems(filter: { and: [{ tripId: { eq: $trip } }, $filter] }, orderBy: $order) {
    totalCount
    edges { cursor node { title place { name owner { displayName } } } }
    aggregate { count max { title } }
  }
}
"""


@pytest.fixture(scope="module")
async def oracle(anonymous: Person, seeded: StackInfo) -> tuple[Person, str, list[Person]]:
    """A traveller with a trip that names places of two strangers, whose names the traveller may not see."""
    traveller, *strangers = [await anonymous.sign_up() for _ in range(3)]
    trip = await traveller.trip()
    with psycopg.connect(seeded.admin_db_url) as connection:
        for number, stranger in enumerate(strangers):
            connection.execute(
                """with place as (insert into public.places (user_id, name) values (%s, %s) returning id)
                   insert into public.trip_items (trip_id, place_id, title, order_index)
                   select %s, id, %s, %s from place""",
                [stranger.id, f"Place {number}", trip, f"Item {number}", number],
            )
    return traveller, trip, strangers


async def rename(stranger: Person, name: str) -> None:
    await stranger.ask("mutation ($name: String!) { updateMyProfile(patch: { displayName: $name }) { id } }", name=name)


async def items(oracle: tuple[Person, str, list[Person]], **variables: Any) -> dict[str, Any]:
    traveller, trip, _ = oracle
    found: dict[str, Any] = (await traveller.ask(ITEMS, trip=trip, **{"filter": {}, **variables}))["tripItems"]
    return found


async def test_an_order_by_a_hidden_name_is_no_order(oracle: tuple[Person, str, list[Person]]) -> None:
    order = [{"place": {"owner": {"displayName": "ASC"}}}, {"title": "ASC"}]
    first, second = oracle[2]
    await rename(first, "Aaron")
    await rename(second, "Zoe")
    before = await items(oracle, order=order)
    await rename(first, "Zoe")
    await rename(second, "Aaron")
    assert await items(oracle, order=order) == before
    assert [edge["node"]["title"] for edge in before["edges"]] == ["Item 0", "Item 1"]
    assert [edge["node"]["place"]["owner"] for edge in before["edges"]] == [None, None]
    for edge in before["edges"]:
        _, name, *_ = orjson.loads(base64.urlsafe_b64decode(edge["cursor"] + "=="))
        assert name is None


@pytest.mark.parametrize(
    "guess", [{"eq": "Aaron"}, {"startsWith": "A"}, {"neq": "Nobody"}, {"gt": ""}, {"isNull": False}, {"isNull": True}]
)
async def test_a_guess_at_a_hidden_name_finds_nothing_right_or_wrong(
    oracle: tuple[Person, str, list[Person]], guess: dict[str, Any]
) -> None:
    await rename(oracle[2][0], "Aaron")
    found = await items(oracle, filter={"place": {"owner": {"displayName": guess}}})
    assert found == {"totalCount": 0, "edges": [], "aggregate": {"count": 0, "max": {"title": None}}}
    opposite = await items(oracle, filter={"not": {"place": {"owner": {"displayName": guess}}}})
    assert opposite["totalCount"] == 2


async def test_groups_and_writes_by_a_hidden_name(oracle: tuple[Person, str, list[Person]]) -> None:
    traveller, trip, strangers = oracle
    await rename(strangers[0], "Aaron")
    hidden = {"tripId": {"eq": trip}, "place": {"owner": {"displayName": {"eq": "Aaron"}}}}
    groups = "query ($filter: TripItemFilter) { tripItemsGrouped(by: [KIND], filter: $filter) { count } }"
    assert await traveller.ask(groups, filter=hidden) == {"tripItemsGrouped": []}
    write = """mutation ($filter: TripItemFilter!) {
      updateTripItems(filter: $filter, patch: { notes: "found" }, atMost: 9) { id }
      deleteTripItems(filter: $filter, atMost: 9) { id } }"""
    assert await traveller.ask(write, filter=hidden) == {"updateTripItems": [], "deleteTripItems": []}
    assert (await items(oracle))["totalCount"] == 2


@pytest.mark.parametrize("aggregate", ["sum { budget }", "max { title }", "min { createdAt }", "count"])
async def test_aggregates_of_a_strangers_trips(
    anonymous: Person, oracle: tuple[Person, str, list[Person]], aggregate: str
) -> None:
    del oracle
    stranger = await anonymous.sign_up()
    found = (await stranger.ask(f"{{ trips {{ totalCount aggregate {{ {aggregate} }} }} }}"))["trips"]
    name = aggregate.split(maxsplit=1)[0]
    assert found["totalCount"] == 0
    assert found["aggregate"][name] == (0 if name == "count" else {aggregate.split()[2]: None})
    _, body = await anonymous.post(f"{{ trips {{ aggregate {{ {aggregate} }} }} }}")
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
