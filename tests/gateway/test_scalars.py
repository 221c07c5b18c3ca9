"""What each scalar takes and refuses: as RFC 3339, RFC 9562, a decimal grammar and the IANA list say."""

# ruff: noqa: RUF001 - digits of other scripts are meant

from typing import Any
from zoneinfo import available_timezones

import psycopg
import pytest

from gql.catalog import catalog
from gql.table import Kind
from tests.support import Person
from tripgate.local.stack import StackInfo

CREATE = """mutation ($trip: UUID!, $at: DateTime, $cost: Decimal) {
  createTripItem(input: { tripId: $trip, title: "x", startsAt: $at, cost: $cost }) { startsAt cost } }"""
DATES = "query ($day: Date) { trips(filter: { startDate: { eq: $day } }) { totalCount } }"
ZONE = "mutation ($zone: String) { updateMyPreferences(patch: { timezone: $zone }) { timezone } }"


@pytest.fixture(scope="module")
async def planner(anonymous: Person) -> Person:
    """Somebody who has just signed up."""
    return await anonymous.sign_up()


@pytest.fixture(scope="module")
async def trip(planner: Person) -> str:
    """A trip of theirs."""
    return await planner.trip(title="Scalars", startDate="2026-05-01")


async def refused(person: Person, query: str, **variables: Any) -> tuple[str, str]:
    """The code and the words of a refusal."""
    _, body = await person.post(query, **variables)
    assert not any((body.get("data") or {}).values()), body
    return body["errors"][0]["extensions"]["code"], body["errors"][0]["message"]


@pytest.mark.parametrize(
    ("given", "instant"),
    [
        ("2026-01-01t00:00:00z", "2026-01-01T00:00:00"),
        ("2026-01-01T00:00:00+23:59", "2025-12-31T00:01:00"),
        ("2026-01-01T00:00:00-23:59", "2026-01-01T23:59:00"),
        ("2026-01-01T12:00:00-00:00", "2026-01-01T12:00:00"),
        ("2026-05-01T09:30:00.1Z", "2026-05-01T09:30:00.1"),
        ("2026-05-01T09:30:00.123456789+02:00", "2026-05-01T07:30:00.123456"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00"),
        ("2016-12-31T15:59:60.5-08:00", "2017-01-01T00:00:00.5"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00"),
    ],
)
async def test_instants_after_rfc_3339(planner: Person, trip: str, given: str, instant: str) -> None:
    made = await planner.ask(CREATE, trip=trip, at=given)
    assert made["createTripItem"]["startsAt"] == f"{instant}+00:00"
    found = f'{{ tripItems(filter: {{ startsAt: {{ eq: "{given}" }} }}) {{ totalCount }} }}'
    assert await planner.ask(found) == {"tripItems": {"totalCount": 1}} or instant == "2017-01-01T00:00:00"


@pytest.mark.parametrize(
    "given",
    [
        *("2026-W18-5T09:00:00Z", "20260501T090000Z", "2026-05-01T09Z", "2026-05-01T09:30Z", "2026-05-01T0930Z"),
        *("2026-05-01 09:30:00Z", "2026-05-01T09:30:00", "2026-05-01", "2026-121T09:30:00Z", "2026-05-01T09:30:00,5Z"),
        *("2026-05-01T09:30:00.Z", "2026-05-01T09:30:00+0200", "2026-05-01T09:30:00+02", "2026-05-01T09:30:00+24:00"),
        *("2026-05-01T09:30:00+02:60", "2026-05-01T24:00:00Z", "2026-05-01T09:60:00Z", "2026-05-01T09:30:61Z"),
        *("2026-05-01T09:30:60Z", "2026-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01"),
        *("9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z"),
        *(" 2026-05-01T09:30:00Z", "2026-05-01T09:30:00Z\n", "２026-05-01T09:30:00Z", "now", "infinity", "", 0, True),
        *("2026-05-01T09:30:00+02:00:30", "2026-05-01T09:30:00Z[Europe/Rome]", "2026-05-01T09:30:00 UTC"),
    ],
)
async def test_what_is_no_instant(planner: Person, trip: str, given: object) -> None:
    code, message = await refused(planner, CREATE, trip=trip, at=given)
    assert code == "BAD_USER_INPUT"
    assert message.startswith("input.startsAt: ")


@pytest.mark.parametrize(
    "given",
    [
        *("2026-W18-5", "20260501", "2026-121", "2026-5-1", "2026-02-30", "2026-05-01T00:00:00Z", " 2026-05-01"),
        *("0000-05-01", "10000-05-01", "2026-05-01\n", "٢٠٢٦-٠٥-٠١", "2026_05_01", "", 20260501),
    ],
)
async def test_what_is_no_date(planner: Person, given: object) -> None:
    assert (await refused(planner, DATES, day=given))[0] == "BAD_USER_INPUT"


async def test_dates(planner: Person, trip: str) -> None:
    for day, count in (("2026-05-01", 1), ("0001-01-01", 0), ("9999-12-31", 0), ("2024-02-29", 0)):
        assert await planner.ask(DATES, day=day) == {"trips": {"totalCount": count}}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        *(("12", "12.00"), (12, "12.00"), ("+1.5", "1.50"), ("007", "7.00"), (".5", "0.50"), ("5.", "5.00")),
        *(("1e3", "1000.00"), ("1.25E+2", "125.00"), ("100e-2", "1.00"), ("1.500000", "1.50"), ("-0", "0.00")),
        ("9999999999.99", "9999999999.99"),
    ],
)
async def test_decimals(planner: Person, trip: str, given: object, kept: str) -> None:
    assert (await planner.ask(CREATE, trip=trip, cost=given))["createTripItem"]["cost"] == kept


@pytest.mark.parametrize(
    "given",
    [
        *(
            "1_000",
            " 12 ",
            "12 ",
            "\t1",
            "12\n",
            "١٢",
            "１２",
            "1,5",
            "0x10",
            "1e",
            "e5",
            "1.2.3",
            ".",
            "",
            "--1",
            "+-1",
        ),
        *("NaN", "nan", "sNaN", "Infinity", "-inf", "1e99999", "1e1001", "1" * 1001, 1.5, True, "1 000", "$5", "½"),
    ],
)
async def test_what_is_no_decimal(planner: Person, trip: str, given: object) -> None:
    code, message = await refused(planner, CREATE, trip=trip, cost=given)
    assert code == "BAD_USER_INPUT"
    assert message.startswith("input.cost: ")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("12.345", "input.cost has more than 2 decimals. Round it first."),
        ("1e-3", "input.cost has more than 2 decimals. Round it first."),
        ("10000000000", "input.cost is too large. Between -9999999999.99 and 9999999999.99 it can be kept."),
        ("-1e999", "input.cost is too large. Between -9999999999.99 and 9999999999.99 it can be kept."),
        ("0." + "0" * 900 + "1", "input.cost has more than 2 decimals. Round it first."),
    ],
)
async def test_no_decimal_is_rounded(planner: Person, trip: str, given: str, said: str) -> None:
    error = await planner.refused(CREATE, trip=trip, cost=given)
    assert (error["code"], error["field"], error["message"]) == ("BAD_USER_INPUT", "cost", said)


async def test_filters_compare_with_any_decimal(planner: Person) -> None:
    query = "query ($cost: Decimal) { tripItems(filter: { cost: { gt: $cost } }) { totalCount } }"
    for cost in ("-1e999", "0." + "0" * 900 + "1", "9" * 1000):
        await planner.ask(query, cost=cost)


def test_decimals_are_declared_as_their_columns_are(seeded: StackInfo) -> None:
    with psycopg.connect(seeded.admin_db_url) as connection:
        stored = connection.execute(
            """select table_name, column_name, numeric_precision, numeric_scale from information_schema.columns
            where table_schema = 'public' and data_type = 'numeric' and is_updatable = 'YES'
                and numeric_precision is not null
                and table_name in (select tablename from pg_tables where schemaname = 'public')"""
        ).fetchall()
    declared = {
        (table.name, column.name, *column.digits)
        for table in catalog
        for column in table.columns.values()
        if column.kind is Kind.NUMERIC and column.digits
    }
    assert declared == set(stored)


UUIDS = [
    "6F1C2F0E-0d4c-4f0a-9d55-0a1c6c5e7b10",
    "6f1c2f0e0d4c4f0a9d550a1c6c5e7b10",
    "{6f1c2f0e-0d4c-4f0a-9d55-0a1c6c5e7b10}",
    "urn:uuid:6f1c2f0e-0d4c-4f0a-9d55-0a1c6c5e7b10",
]


@pytest.mark.parametrize("given", UUIDS)
async def test_uuids(planner: Person, given: str) -> None:
    assert await planner.ask("query ($id: UUID!) { trip(id: $id) { title } }", id=given) == {"trip": None}


@pytest.mark.parametrize(
    "given",
    [
        *(
            "6f1c2f0e-0d4c-4f0a-9d55-0a1c6c5e7b1",
            "6f1c2f0e-0d4c-4f0a-9d55-0a1c6c5e7b1_",
            "6f1c2f0e_0d4c4f0a9d550a1c6c5e7b10",
        ),
        *("6-f1c2f0e0d4c4f0a9d550a1c6c5e7b10", "+f1c2f0e0d4c4f0a9d550a1c6c5e7b10", " f1c2f0e0d4c4f0a9d550a1c6c5e7b10"),
        *(
            "6f1c2f0e-0d4c-4f0a-9d55-0a1c6c5e7b1٠",
            "6f1c2f0e-0d4c-4f0a-9d55-0a1c6c5e7b10\n",
            "{6f1c2f0e",
            "",
            6,
            "uuid:",
        ),
    ],
)
async def test_what_is_no_uuid(planner: Person, given: object) -> None:
    assert (await refused(planner, "query ($id: UUID!) { trip(id: $id) { title } }", id=given))[0] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "zone",
    ["Europe/Lisbon", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "Etc/GMT+3", "UTC", "GMT", "Europe/Kyiv"],
)
async def test_time_zones_of_the_list(planner: Person, zone: str) -> None:
    assert zone in available_timezones()
    assert await planner.ask(ZONE, zone=zone) == {"updateMyPreferences": {"timezone": zone}}


@pytest.mark.parametrize(
    "zone",
    [
        *(
            "Mars/Phobos",
            "Europe/Atlantis",
            "europe/lisbon",
            "EUROPE/LISBON",
            "Lisbon",
            "PDT",
            "UTC+3",
            "Foo+3",
            "Foo/Bar-3",
        ),
        *(
            "posix/Europe/Lisbon",
            "right/UTC",
            "Factory",
            "localtime",
            "posixrules",
            "Etc/GMT+30",
            "",
            "../etc/passwd",
            " UTC",
        ),
    ],
)
async def test_what_is_no_time_zone(planner: Person, seeded: StackInfo, zone: str) -> None:
    error = await planner.refused(ZONE, zone=zone)
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "timezone")
    assert (error["constraint"], error["sqlstate"]) == ("user_preferences_timezone_check", "23514")
    assert error["message"] == "A time zone is given by its IANA name, such as Europe/Lisbon."
    headers = {"apikey": seeded.publishable_key, "Authorization": f"Bearer {planner.token}"}
    url = f"{seeded.api_url}/rest/v1/user_preferences?user_id=eq.{planner.id}"
    async with planner.http.patch(url, json={"timezone": zone}, headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (400, "23514")
