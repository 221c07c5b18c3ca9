"""Groups: rows that agree in some fields, and what is computed over each, in one request."""

from typing import Any

import psycopg
import pytest

from gql.table import Kind
from tests.gateway.test_aggregates import LISTED
from tests.support import Person, Wire, serving
from tripgate.gateway.schema import graphql_schema
from tripgate.local.stack import StackInfo


@pytest.fixture(scope="module")
async def spender(anonymous: Person) -> Person:
    """Somebody with six trips in two currencies and three states, and items on the first."""
    person = await anonymous.sign_up()
    trips = [
        await person.trip(title=title, status=status, currency=currency, budget=budget, startDate=start)
        for title, status, currency, budget, start in [
            ("Alps", "PLANNING", "EUR", "100.10", "2027-01-01"),
            ("Bari", "PLANNING", "EUR", "0.20", "2027-01-01"),
            ("Cork", "PLANNING", "GBP", None, None),
            ("Delft", "BOOKED", "EUR", "5", "2027-02-01"),
            ("Essen", "BOOKED", "EUR", None, None),
            ("Fez", "CANCELLED", "GBP", "1", None),
        ]
    ]
    for title, day, kind in (("Ferry", 1, "TRANSPORT"), ("Dinner", 1, "FOOD"), ("Lunch", 2, "FOOD")):
        await person.ask(
            "mutation ($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }",
            input={"tripId": trips[0], "title": title, "dayNumber": day, "kind": kind},
        )
    return person


async def test_groups_of_one_field(spender: Person, wire: Wire) -> None:
    wire.clear()
    data = await spender.ask("""{
      tripsGrouped(by: [STATUS]) {
        key { status currency } count sum { budget } avg { budget } min { title startDate } max { budget }
      }
    }""")
    assert data["tripsGrouped"] == [
        {
            "key": {"status": "BOOKED", "currency": None},
            "count": 2,
            "sum": {"budget": "5.00"},
            "avg": {"budget": "5.0000000000000000"},
            "min": {"title": "Delft", "startDate": "2027-02-01"},
            "max": {"budget": "5.00"},
        },
        {
            "key": {"status": "CANCELLED", "currency": None},
            "count": 1,
            "sum": {"budget": "1.00"},
            "avg": {"budget": "1.00000000000000000000"},
            "min": {"title": "Fez", "startDate": None},
            "max": {"budget": "1.00"},
        },
        {
            "key": {"status": "PLANNING", "currency": None},
            "count": 3,
            "sum": {"budget": "100.30"},
            "avg": {"budget": "50.1500000000000000"},
            "min": {"title": "Alps", "startDate": "2027-01-01"},
            "max": {"budget": "100.10"},
        },
    ]
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("by", "key", "expected"),
    [
        (
            "STATUS, CURRENCY",
            "status currency",
            [("BOOKED", "EUR", 2), ("CANCELLED", "GBP", 1), ("PLANNING", "EUR", 2), ("PLANNING", "GBP", 1)],
        ),
        (
            "CURRENCY, STATUS",
            "currency status",
            [("EUR", "BOOKED", 2), ("EUR", "PLANNING", 2), ("GBP", "CANCELLED", 1), ("GBP", "PLANNING", 1)],
        ),
        ("START_DATE", "startDate", [("2027-01-01", 2), ("2027-02-01", 1), (None, 3)]),
        ("CURRENCY, CURRENCY", "currency", [("EUR", 4), ("GBP", 2)]),
    ],
)
async def test_several_fields_in_their_order_nulls_last(
    spender: Person, by: str, key: str, expected: list[tuple[Any, ...]]
) -> None:
    data = await spender.ask(f"{{ tripsGrouped(by: [{by}]) {{ key {{ {key} }} count }} }}")
    assert [(*group["key"].values(), group["count"]) for group in data["tripsGrouped"]] == expected


async def test_every_kind_of_key(spender: Person) -> None:
    data = await spender.ask("""{
      owners: tripsGrouped(by: [OWNER_ID]) { key { ownerId } count }
      days: tripItemsGrouped(by: [DAY_NUMBER, KIND]) { key { dayNumber kind } count }
      places: tripItemsGrouped(by: [PLACE_ID]) { key { placeId } count }
    }""")
    assert data == {
        "owners": [{"key": {"ownerId": spender.id}, "count": 6}],
        "days": [
            {"key": {"dayNumber": 1, "kind": "FOOD"}, "count": 1},
            {"key": {"dayNumber": 1, "kind": "TRANSPORT"}, "count": 1},
            {"key": {"dayNumber": 2, "kind": "FOOD"}, "count": 1},
        ],
        "places": [{"key": {"placeId": None}, "count": 3}],
    }


# Of which everybody sees one row, their own.
ONE_EACH = {"whatsapp_contacts"}


def test_every_listed_table_is_grouped_by_what_rows_may_agree_in() -> None:
    schema = graphql_schema()
    kinds = {Kind.ENUM, Kind.TEXT, Kind.UUID, Kind.DATE, Kind.BOOLEAN, Kind.INT}
    for table in LISTED:
        if table.name in ONE_EACH:
            continue
        assert f"{table.plural}Grouped" in schema.query_type.fields  # type: ignore[union-attr]
        expected = {column.field for column in table.columns.values() if column.kind in kinds} - {"id"}
        keys = schema.type_map[f"{table.type_name}GroupKey"].values  # type: ignore[attr-defined]
        assert {value.value for value in keys.values()} == expected
        assert set(schema.type_map[f"{table.type_name}GroupFields"].fields) == expected  # type: ignore[attr-defined]


async def test_a_page_of_groups(spender: Person) -> None:
    query = """query ($first: Int, $offset: Int) {
      tripsGrouped(by: [TITLE], first: $first, offset: $offset) { key { title } } }"""

    async def found(**variables: int | None) -> list[str]:
        data = await spender.ask(query, **variables)
        return [group["key"]["title"] for group in data["tripsGrouped"]]

    assert await found(first=2) == ["Alps", "Bari"]
    assert await found(first=2, offset=4) == ["Essen", "Fez"]
    assert await found(first=2, offset=6) == []
    assert await found(first=0) == []
    assert len(await found()) == 6


async def test_without_first_there_are_as_many_groups_as_a_page_may_have(seeded: StackInfo, spender: Person) -> None:
    async with serving(seeded, max_page_size=4) as url:
        person = Person(spender.http, url, spender.token)
        data = await person.ask("{ tripsGrouped(by: [TITLE]) { key { title } } }")
        assert [group["key"]["title"] for group in data["tripsGrouped"]] == ["Alps", "Bari", "Cork", "Delft"]
        error = await person.refused("{ tripsGrouped(by: [TITLE], first: 5) { count } }")
        assert error["message"] == "first must be between 0 and 4, not 5."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("by: []", "by is empty. Name at least one field to group by, or ask for aggregate."),
        ("by: [STATUS], first: -1", "first must be between 0 and 100, not -1."),
        ("by: [STATUS], first: 101", "first must be between 0 and 100, not 101."),
        ("by: [STATUS], offset: -1", "offset must not be negative, as -1 is."),
        (
            'by: [STATUS], filter: { or: [{ items: { some: {} } }, { title: { eq: "x" } }] }',
            "Rows cannot be grouped under a filter whose `or` or `not` holds several conditions, one of them on "
            "related rows.",
        ),
    ],
)
async def test_mistakes(ada: Person, wire: Wire, arguments: str, message: str) -> None:
    wire.clear()
    error = await ada.refused(f"{{ tripsGrouped({arguments}) {{ count }} }}")
    assert (error["code"], error["message"]) == ("BAD_USER_INPUT", message)
    assert wire.requests == []


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ('{ budget: { gte: "1" } }', {"BOOKED": 1, "CANCELLED": 1, "PLANNING": 1}),
        ("{ items: { some: {} } }", {"PLANNING": 1}),
        ("{ items: { none: {} } }", {"BOOKED": 2, "CANCELLED": 1, "PLANNING": 2}),
        ("{ items: { some: { kind: { eq: FOOD } }, none: { kind: { eq: NOTE } } }, owner: {} }", {"PLANNING": 1}),
        ("{ items: { some: { kind: { eq: NOTE } } } }", {}),
        ('{ items: { some: { or: [{ kind: { eq: NOTE } }, { trip: { title: { eq: "Alps" } } }] } } }', {"PLANNING": 1}),
        ("{ or: [] }", {}),
    ],
)
async def test_only_rows_that_match_are_grouped(spender: Person, filter_: str, expected: dict[str, int]) -> None:
    data = await spender.ask(f"{{ tripsGrouped(by: [STATUS], filter: {filter_}) {{ key {{ status }} count }} }}")
    assert {group["key"]["status"]: group["count"] for group in data["tripsGrouped"]} == expected


async def test_aliases_fragments_and_typenames(spender: Person) -> None:
    data = await spender.ask("""
      {
        a: tripsGrouped(by: [CURRENCY], first: 1) { ...All n: count }
        b: tripsGrouped(by: [STATUS], first: 1) { ...All }
      }
      fragment All on TripGroup { __typename key { __typename code: currency status } most: max { __typename budget } }
    """)
    most = {"__typename": "TripMax", "budget": "100.10"}
    first = {"__typename": "TripGroup", "key": {"__typename": "TripGroupFields", "code": "EUR", "status": None}}
    assert data["a"] == [{**first, "most": most, "n": 4}]
    assert data["b"] == [
        {
            **first,
            "key": {"__typename": "TripGroupFields", "code": None, "status": "BOOKED"},
            "most": {"__typename": "TripMax", "budget": "5.00"},
        }
    ]


async def test_rows_with_hidden_columns(seeded: StackInfo, newcomer: Person) -> None:
    trip = await newcomer.trip()
    with psycopg.connect(seeded.admin_db_url) as connection:
        for number, role in enumerate(["viewer", "editor", "viewer"]):
            connection.execute(
                """insert into public.invitations (trip_id, email, role, token_hash, invited_by)
                   values (%s, %s, %s, encode(sha256(%s::bytea), 'hex'), %s)""",
                [trip, f"{number}@{newcomer.id}.example", role, f"grouped {newcomer.id}{number}", newcomer.id],
            )
    data = await newcomer.ask("{ invitationsGrouped(by: [ROLE]) { key { role } count } }")
    assert data["invitationsGrouped"] == [
        {"key": {"role": "EDITOR"}, "count": 1},
        {"key": {"role": "VIEWER"}, "count": 2},
    ]
    assert await newcomer.code("{ invitationsGrouped(by: [TOKEN_HASH]) { count } }") == "GRAPHQL_VALIDATION_FAILED"
