"""JSON is stored and answered to the last digit, and one value that nobody can read costs nothing but itself."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import Person, examples
from tripgate.local.stack import StackInfo
from tripgate.upstream.postgrest import long_rows

CREATE = "mutation ($input: CreateTripItemInput!) { createTripItem(input: $input) { id details } }"
COUNT = "query ($details: JSONFilter) { tripItems(filter: { details: $details }) { totalCount } }"

EXACT = [
    *("0", "-1", "9007199254740993", "18446744073709551615", "18446744073709551617", "-9223372036854775809"),
    *("123456789012345678901234567890", "0.1", "12.50", "0.12345678901234567890", "-1234567890.123456789012"),
    *("1e300", "1.5e-7", "1.7976931348623157e308", "2.5E+3", "1.234567890123456e-320", "1" + "0" * 308),
]
REFUSED = ["1e400", "-1e400", "1" + "0" * 400, "1e-400", "1e-20000", "0." + "1" * 2000, "1e999999999", "1" * 5000]


@pytest.fixture(scope="module")
async def planner(anonymous: Person) -> Person:
    """Somebody who has just signed up."""
    return await anonymous.sign_up()


@pytest.fixture(scope="module")
async def trip(planner: Person) -> str:
    """A trip of theirs."""
    return await planner.trip(title="Numbers")


async def exchange(person: Person, body: str) -> tuple[str, dict[str, Any]]:
    """The text of the answer to a body that is sent as it is, and what it says, its numbers as decimals."""
    headers = {"Authorization": f"Bearer {person.token}", "Content-Type": "application/json"}
    async with person.http.post(person.url, data=body, headers=headers) as response:
        text = await response.text()
        return text, json.loads(text, parse_float=Decimal, parse_int=Decimal)


def with_variables(query: str, variables: str) -> str:
    return f'{{"query":{json.dumps(query)},"variables":{variables}}}'


async def created(person: Person, trip: str, number: str, *, literal: bool) -> dict[str, Any]:
    """The answer to a new item whose details hold a number at three places."""
    if literal:
        details = f"{{ n: {number}, list: [{number}, {{ n: {number} }}] }}"
        input_ = f'{{ tripId: "{trip}", title: "x", details: {details} }}'
        document = f"mutation {{ createTripItem(input: {input_}) {{ id details }} }}"
        return (await exchange(person, json.dumps({"query": document})))[1]
    details = f'{{"n": {number}, "list": [{number}, {{"n": {number}}}]}}'
    return (
        await exchange(
            person, with_variables(CREATE, f'{{"input":{{"tripId":"{trip}","title":"x","details":{details}}}}}')
        )
    )[1]


@pytest.mark.parametrize("literal", [False, True], ids=["variable", "literal"])
@pytest.mark.parametrize("number", EXACT, ids=lambda number: number[:30])
async def test_a_number_comes_back_with_all_its_digits(
    planner: Person, trip: str, seeded: StackInfo, number: str, *, literal: bool
) -> None:
    made = (await created(planner, trip, number, literal=literal))["data"]["createTripItem"]
    assert made["details"] == {"n": Decimal(number), "list": [Decimal(number), {"n": Decimal(number)}]}
    with psycopg.connect(seeded.admin_db_url) as connection:
        found = connection.execute("select (details ->> 'n')::numeric from trip_items where id = %s", [made["id"]])
        assert found.fetchone() == (Decimal(number),)
    read = with_variables("query ($id: UUID!) { tripItem(id: $id) { details } }", json.dumps({"id": made["id"]}))
    assert (await exchange(planner, read))[1]["data"]["tripItem"]["details"] == made["details"]


@pytest.mark.parametrize("literal", [False, True], ids=["variable", "literal"])
@pytest.mark.parametrize("number", REFUSED, ids=lambda number: f"{number[:12]} of {len(number)}")
async def test_a_number_that_readers_of_json_do_not_take_is_refused(
    planner: Person, trip: str, number: str, *, literal: bool
) -> None:
    answer = await created(planner, trip, number, literal=literal)
    assert answer["data"] == {"createTripItem": None}
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": "details"}
    assert "too large, too small or too long" in error["message"]


@pytest.mark.parametrize("literal", [False, True], ids=["variable", "literal"])
async def test_filters_compare_all_digits(planner: Person, trip: str, *, literal: bool) -> None:
    number, beside = (f"1844674407370955{end}" for end in (("1629", "1628") if literal else ("2629", "2628")))
    await created(planner, trip, number, literal=False)
    for asked, expected in ((number, 1), (beside, 0), (f"{number}.0", 1), (f"{number}.000000000000000001", 0)):
        for made in (
            f'{{"at": [{{"path": ["n"], "eq": {asked}}}]}}',
            f'{{"contains": {{"list": [{{"n": {asked}}}]}}}}',
        ):
            if literal:
                filter_ = re.sub(r'"(\w+)":', r"\1:", made)
                body = json.dumps({"query": f"{{ tripItems(filter: {{ details: {filter_} }}) {{ totalCount }} }}"})
            else:
                body = with_variables(COUNT, f'{{"details": {made}}}')
            assert (await exchange(planner, body))[1] == {"data": {"tripItems": {"totalCount": expected}}}, made


async def test_a_number_alone_is_held_to_the_same(planner: Person, trip: str) -> None:
    _, answer = await exchange(planner, with_variables(COUNT, '{"details": {"at": [{"path": ["n"], "eq": -1e400}]}}'))
    assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": "filter.details.at[0]"}
    input_ = f'{{"input": {{"tripId": "{trip}", "title": "x", "details": 1e400}}}}'
    _, answer = await exchange(planner, with_variables(CREATE, input_))
    assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": "details"}


@pytest.mark.parametrize(
    "body", ['{"query":"{__typename}","x":NaN,"y":1e400}', '{"query":"{__typename}","x":"\\ud800","y":1e400}', "1e400}"]
)
async def test_long_numbers_make_no_json_of_what_is_none(planner: Person, body: str) -> None:
    _, answer = await exchange(planner, body)
    assert answer["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


async def test_a_long_number_is_no_number_of_another_type(planner: Person) -> None:
    query = "query ($first: Int) { trips(first: $first) { totalCount } }"
    for number in ("18446744073709551617", "1e400", "1" * 5000, "1.00000000000000000001"):
        _, answer = await exchange(planner, with_variables(query, f'{{"first": {number}}}'))
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert "Int cannot represent" in answer["errors"][0]["message"]


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**60), max_value=10**60).map(str)
TREES = st.recursive(
    st.one_of(NUMBERS, st.sampled_from(["true", "null"]), st.text('aé\\"[{1', max_size=5).map(json.dumps)),
    lambda below: st.one_of(
        st.lists(below, max_size=3).map(lambda parts: f"[{','.join(parts)}]"),
        st.dictionaries(st.text('ab0"\\', max_size=3), below, max_size=3).map(
            lambda parts: "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in parts.items()) + "}"
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
async def test_any_value_comes_back_as_it_was(planner: Person, trip: str, tree: str) -> None:
    body = with_variables(CREATE, f'{{"input":{{"tripId":"{trip}","title":"x","details":{{"v":{tree}}}}}}}')
    _, answer = await exchange(planner, body)
    expected = json.loads(tree, parse_float=Decimal, parse_int=Decimal)
    assert answer["data"]["createTripItem"]["details"] == {"v": expected}


UNREADABLE = {
    "1e400": '{"n": 1e400}',
    "-1e400": '{"a": [{"n": [0, -1e400]}]}',
    "300 lists": '{"a": ' + "[" * 300 + "]" * 300 + "}",
    "3000 lists": '{"a": ' + "[" * 3000 + "]" * 3000 + "}",
    "65 objects": '{"a": ' * 65 + "1" + "}" * 65,
}


@pytest.fixture
async def unreadable(planner: Person, seeded: StackInfo) -> AsyncIterator[tuple[str, list[str]]]:
    """A trip of three items, the second of which was written when nothing kept its details from being unreadable."""
    trip = await planner.trip(title="Old")
    made = await planner.ask(
        "mutation ($inputs: [CreateTripItemInput!]!) { createTripItems(inputs: $inputs) { id } }",
        inputs=[{"tripId": trip, "title": title, "details": {"is": title}} for title in "abc"],
    )
    yield trip, [item["id"] for item in made["createTripItems"]]
    with psycopg.connect(seeded.admin_db_url) as connection:
        connection.execute("delete from trips where id = %s", [trip])


def spoil(seeded: StackInfo, item: str, details: str) -> None:
    """Store details as an editor could before the constraint was there."""
    with psycopg.connect(seeded.admin_db_url) as connection:
        (check,) = connection.execute(
            "select pg_get_constraintdef(oid) from pg_constraint where conname = 'trip_items_details_check'"
        ).fetchone() or ("",)
        connection.execute("alter table trip_items drop constraint trip_items_details_check")
        connection.execute("update trip_items set details = %s where id = %s", [details, item])
        check = check.removesuffix(" NOT VALID")
        connection.execute(f"alter table trip_items add constraint trip_items_details_check {check} not valid")


@pytest.fixture(params=UNREADABLE.values(), ids=UNREADABLE)
def second(request: pytest.FixtureRequest, seeded: StackInfo, unreadable: tuple[str, list[str]]) -> str:
    """The item with the unreadable details."""
    item = unreadable[1][1]
    spoil(seeded, item, request.param)
    return item


def at(*path: str | int) -> dict[str, Any]:
    """The error of a value that cannot be answered."""
    return {
        "message": "What is stored here nests deeper than 64 levels, or holds a number that no reader of JSON "
        "could take: too large, infinite or NaN. It can be replaced.",
        "path": list(path),
        "extensions": {"code": "NOT_REPRESENTABLE"},
    }


LISTS = """query ($trip: UUID!) {
  trip(id: $trip) { title items(orderBy: [{ title: ASC }]) { nodes { title said: details } totalCount } }
  tripItems(filter: { tripId: { eq: $trip } }, orderBy: [{ title: ASC }]) { edges { node { title details } } }
  trips(first: 1) { totalCount }
}"""


async def test_the_other_rows_and_fields_stay(planner: Person, unreadable: tuple[str, list[str]], second: str) -> None:
    status, body = await planner.post(LISTS, trip=unreadable[0])
    assert status == 200
    expected = [("a", {"is": "a"}), ("b", None), ("c", {"is": "c"})]
    assert body["data"]["trip"] == {
        "title": "Old",
        "items": {"nodes": [{"title": title, "said": details} for title, details in expected], "totalCount": 3},
    }
    edges = [{"node": {"title": title, "details": details}} for title, details in expected]
    assert body["data"]["tripItems"] == {"edges": edges}
    assert body["data"]["trips"]["totalCount"] >= 1
    assert body["errors"] == [
        at("trip", "items", "nodes", 1, "said"),
        at("tripItems", "edges", 1, "node", "details"),
    ]


async def test_a_row_by_its_key(planner: Person, second: str) -> None:
    query = """query ($id: UUID!) { tripItem(id: $id) { nodeId title details } }"""
    _, body = await planner.post(query, id=second)
    node_id = body["data"]["tripItem"]["nodeId"]
    assert body["data"]["tripItem"] == {"nodeId": node_id, "title": "b", "details": None}
    assert body["errors"] == [at("tripItem", "details")]
    query = """query ($id: ID!) { node(nodeId: $id) { ... on TripItem { details title } }
      nodes(nodeIds: [$id]) { ... on TripItem { details title } } }"""
    _, body = await planner.post(query, id=node_id)
    row = {"details": None, "title": "b"}
    assert body == {
        "data": {"node": row, "nodes": [row]},
        "errors": [at("node", "details"), at("nodes", 0, "details")],
    }


@pytest.fixture
def taken_apart() -> Iterator[None]:
    """Take every answer that may be long apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_rows, "LONG", 1)
        yield


@pytest.mark.usefixtures("taken_apart")
async def test_a_long_answer(planner: Person, unreadable: tuple[str, list[str]], second: str) -> None:
    query = """query ($id: UUID!) { trips(first: 20, filter: { id: { eq: $id } }) {
      edges { node { title items(first: 60, orderBy: [{ title: DESC }]) { nodes { details id } } } } totalCount } }"""
    _, body = await planner.post(query, id=unreadable[0])
    nodes = [{"details": {"is": "c"}}, {"details": None}, {"details": {"is": "a"}}]
    found = body["data"]["trips"]["edges"][0]["node"]["items"]["nodes"]
    assert [{"details": each["details"]} for each in found] == nodes
    assert body["data"]["trips"]["totalCount"] == 1
    assert body["errors"] == [at("trips", "edges", 0, "node", "items", "nodes", 1, "details")]
    flat = """query ($id: UUID!) { tripItems(first: 100, filter: { tripId: { eq: $id } }, orderBy: [{ title: ASC }]) {
      nodes { details trip { items(first: 20) { nodes { id } } } } } }"""
    _, body = await planner.post(flat, id=unreadable[0])
    assert [node["details"] for node in body["data"]["tripItems"]["nodes"]] == [{"is": "a"}, None, {"is": "c"}]
    assert body["errors"] == [at("tripItems", "nodes", 1, "details")]


async def test_a_deletion_that_happened_says_so(
    planner: Person, unreadable: tuple[str, list[str]], second: str
) -> None:
    query = """mutation ($id: UUID!, $trip: UUID!) {
      deleteTripItem(id: $id) { title details }
      updateTrip(id: $trip, patch: { title: "New" }) { title items { nodes { title } } } }"""
    _, body = await planner.post(query, id=second, trip=unreadable[0])
    nodes = [{"title": "a"}, {"title": "c"}]
    assert body["data"]["deleteTripItem"] == {"title": "b", "details": None}
    assert body["data"]["updateTrip"]["title"] == "New"
    assert sorted(body["data"]["updateTrip"]["items"]["nodes"], key=lambda node: str(node["title"])) == nodes
    assert body["errors"] == [at("deleteTripItem", "details")]


async def test_deletions_by_filter(planner: Person, unreadable: tuple[str, list[str]], second: str) -> None:
    query = """mutation ($trip: UUID!) { deleteTripItems(filter: { tripId: { eq: $trip } }, atMost: 3) {
      id details trip { title } } }"""
    _, body = await planner.post(query, trip=unreadable[0])
    deleted = body["data"]["deleteTripItems"]
    place = [row["id"] for row in deleted].index(second)
    assert len(deleted) == 3
    assert deleted[place]["details"] is None
    assert body["errors"] == [at("deleteTripItems", place, "details")]


async def test_it_can_be_replaced_and_nothing_like_it_is_taken(planner: Person, second: str) -> None:
    patch = (
        "mutation ($id: UUID!, $details: JSON) { updateTripItem(id: $id, patch: { details: $details }) { details } }"
    )
    deep: Any = {}
    for _ in range(15):
        deep = {"a": [deep]}
    assert await planner.ask(patch, id=second, details=deep) == {"updateTripItem": {"details": deep}}


async def test_a_direct_write_of_what_nobody_could_read_is_refused(
    planner: Person, seeded: StackInfo, unreadable: tuple[str, list[str]]
) -> None:
    headers = {"apikey": seeded.publishable_key, "Authorization": f"Bearer {planner.token}"}
    url = f"{seeded.api_url}/rest/v1/trip_items?id=eq.{unreadable[1][1]}"
    for details in UNREADABLE.values():
        body = f'{{"details": {details}}}'
        headers["Content-Type"] = "application/json"
        async with planner.http.patch(url, data=body, headers=headers) as response:
            assert (response.status, orjson.loads(await response.read())["code"]) == (400, "23514")
