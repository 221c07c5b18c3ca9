"""Every kind of column is written, read, filtered, ordered, paged and aggregated exactly as Postgres does it."""

import uuid
from typing import Any

import psycopg
import pytest

from tests.support import Person

FIELDS = "label big ratio startsAt lasts refs counts"
SOME = [str(uuid.UUID(int=number)) for number in range(1, 4)]
WRITTEN = {
    "label": "one",
    "big": "9007199254740993",
    "ratio": 0.1,
    "startsAt": "09:30:00.000001",
    "lasts": "P1Y2M-3DT4H5M6.5S",
    "refs": SOME[:2],
    "counts": [3, -1, 3],
}


async def create(person: Person, **given: Any) -> Any:
    document = f"mutation ($input: CreateUuidSampleInput!) {{ createUuidSample(input: $input) {{ id {FIELDS} }} }}"
    return (await person.ask(document, input=given))["createUuidSample"]


async def test_what_is_written_is_read_back_exactly(person: Person) -> None:
    made = await create(person, **WRITTEN)
    key = made.pop("id")
    assert made == WRITTEN
    read = await person.ask(f"query ($id: UUID!) {{ uuidSample(id: $id) {{ {FIELDS} }} }}", id=key)
    assert read["uuidSample"] == WRITTEN
    patch = {"big": -(2**63), "ratio": None, "startsAt": "00:00", "lasts": "P2W", "refs": [], "counts": []}
    document = (
        f"mutation ($id: UUID!, $patch: UuidSamplePatch!) {{ updateUuidSample(id: $id, patch: $patch) {{ {FIELDS} }} }}"
    )
    changed = await person.ask(document, id=key, patch=patch)
    assert changed["updateUuidSample"] == {
        **WRITTEN,
        **patch,
        "big": str(-(2**63)),
        "startsAt": "00:00:00",
        "lasts": "P14D",
    }


async def test_literals_in_the_document_are_as_good_as_variables(person: Person) -> None:
    made = await person.ask(
        """mutation { createUuidSample(input: {
             label: "literal", big: 9223372036854775807, ratio: 1, startsAt: "23:59:59.999999", lasts: "PT-0.000001S",
             refs: "00000000-0000-0000-0000-000000000001", counts: 7
           }) { big ratio startsAt lasts refs counts } }"""
    )
    assert made["createUuidSample"] == {
        "big": "9223372036854775807",
        "ratio": 1,
        "startsAt": "23:59:59.999999",
        "lasts": "PT-0.000001S",
        "refs": SOME[:1],
        "counts": [7],
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("big", "9223372036854775808"),
        ("big", 1.5),
        ("big", "1e3"),
        ("big", True),
        ("ratio", "NaN"),
        ("startsAt", "24:00:00"),
        ("startsAt", "09:30:00Z"),
        ("startsAt", "09:30:00.1234567"),
        ("lasts", "1 day"),
        ("lasts", "P"),
        ("lasts", "P1DT"),
        ("lasts", "P0.5D"),
        ("lasts", "P999999999Y"),
        ("refs", ["x"]),
        ("refs", [None]),
        ("counts", [2**31]),
        ("counts", [1.5]),
    ],
)
async def test_what_is_no_such_value_is_refused(person: Person, field: str, value: Any) -> None:
    document = "mutation ($input: CreateUuidSampleInput!) { createUuidSample(input: $input) { id } }"
    assert await person.code(document, input={"label": "never", field: value}) == "BAD_USER_INPUT"


async def test_what_no_number_of_json_is_leaves_the_rest_of_its_row(
    person: Person, database: psycopg.Connection
) -> None:
    for label, value in ("nan", "NaN"), ("infinite", "-Infinity"):
        database.execute(
            "insert into public.uuid_samples (user_id, label, ratio) values (%s, %s, %s)", [person.id, label, value]
        )
        document = (
            "query ($label: String!) { uuidSamples(filter: { label: { eq: $label } }) { nodes { label ratio } } }"
        )
        _, body = await person.post(document, label=label)
        assert body["data"]["uuidSamples"]["nodes"] == [{"label": label, "ratio": None}]
        (error,) = body["errors"]
        assert (error["extensions"]["code"], error["path"]) == (
            "NOT_REPRESENTABLE",
            ["uuidSamples", "nodes", 0, "ratio"],
        )
    database.execute("delete from public.uuid_samples where label in ('nan', 'infinite')")
