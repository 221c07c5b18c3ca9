"""Rows are found, written and told apart by keys of any kind: a uuid, a text, a bigint."""

import base64
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.support import Person

CODES = ["a,b", 'say "x"', "50%:*", "ü/\\?&=", "null", ""]
BIG = "9007199254740993"


@pytest.fixture
async def person(http: aiohttp.ClientSession, sampler: str, database: psycopg.Connection) -> Person:
    """Somebody whose codes nobody else has."""
    database.execute("truncate public.text_samples, public.bigint_samples, public.marks cascade")
    return await Person(http, sampler).sign_up()


async def texts(person: Person, *codes: str, **fields: Any) -> Any:
    document = "mutation ($inputs: [CreateTextSampleInput!]!) { createTextSamples(inputs: $inputs) { code nodeId } }"
    inputs = [{"code": code, "label": code, **fields} for code in codes]
    return (await person.ask(document, inputs=inputs))["createTextSamples"]


async def bigints(person: Person, *labels: str) -> Any:
    document = """mutation ($inputs: [CreateBigintSampleInput!]!) {
        createBigintSamples(inputs: $inputs) { number label nodeId } }"""
    return (await person.ask(document, inputs=[{"label": label} for label in labels]))["createBigintSamples"]


async def test_several_new_rows_are_answered_in_the_order_of_the_inputs(person: Person) -> None:
    assert [made["code"] for made in await texts(person, *CODES)] == CODES
    labels = [f"{number * 7 % 20}" for number in range(20)]
    assert [made["label"] for made in await bigints(person, *labels)] == labels


async def test_a_row_by_its_key(person: Person, database: psycopg.Connection) -> None:
    await texts(person, *CODES)
    for code in CODES:
        for _ in range(2):  # planned, and from the kept plan
            found = await person.ask("query ($code: String!) { textSample(code: $code) { label } }", code=code)
            assert found["textSample"] == {"label": code}
    database.execute(
        "insert into public.bigint_samples (number, user_id, label) values (%s, %s, 'big'), (%s, %s, 'less')",
        [BIG, person.id, int(BIG) - 1, person.id],
    )
    for number in BIG, int(BIG):
        found = await person.ask("query ($n: BigInt!) { bigintSample(number: $n) { number label } }", n=number)
        assert found["bigintSample"] == {"number": BIG, "label": "big"}
    assert await person.code('{ textSample(code: "a\\u0000") { label } }') == "BAD_USER_INPUT"


async def test_writes_by_key(person: Person) -> None:
    await texts(person, *CODES)
    for code in CODES:
        document = """mutation ($code: String!) {
            updateTextSample(code: $code, patch: { label: "new" }) { code label } }"""
        assert (await person.ask(document, code=code))["updateTextSample"] == {"code": code, "label": "new"}
    many = """mutation ($filter: TextSampleFilter!) {
        updateTextSamples(filter: $filter, patch: { label: "newer" }, atMost: 9) { code } }"""
    changed = await person.ask(many, filter={"code": {"in": CODES}})
    assert {row["code"] for row in changed["updateTextSamples"]} == set(CODES)
    gone = await person.ask("mutation ($code: String!) { deleteTextSample(code: $code) { code } }", code=CODES[0])
    assert gone["deleteTextSample"] == {"code": CODES[0]}
    first, second = [row["number"] for row in await bigints(person, "one", "two")]
    document = 'mutation ($n: BigInt!) { updateBigintSample(number: $n, patch: { label: "1" }) { number label } }'
    assert (await person.ask(document, n=first))["updateBigintSample"] == {"number": first, "label": "1"}
    document = "mutation ($f: BigintSampleFilter!) { deleteBigintSamples(filter: $f, atMost: 9) { number } }"
    gone = await person.ask(document, f={"label": {"in": ["1", "two"]}})
    assert [row["number"] for row in gone["deleteBigintSamples"]] == [first, second]
    missing = "mutation ($n: BigInt!) { deleteBigintSample(number: $n) { number } }"
    assert await person.code(missing, n=first) == "NOT_FOUND"


async def test_identifiers_carry_the_kind_of_the_key(person: Person) -> None:
    rows = [*await texts(person, *CODES), *await bigints(person, "one")]
    ids = [row["nodeId"] for row in rows]
    shown = "__typename ... on TextSample { code } ... on BigintSample { number }"
    found = (await person.ask(f"query ($ids: [ID!]!) {{ nodes(nodeIds: $ids) {{ {shown} }} }}", ids=ids))["nodes"]
    assert found == [
        *({"__typename": "TextSample", "code": code} for code in CODES),
        {"__typename": "BigintSample", "number": rows[-1]["number"]},
    ]
    for node_id, row in zip(ids, found, strict=True):
        one = await person.ask(f"query ($id: ID!) {{ node(nodeId: $id) {{ {shown} }} }}", id=node_id)
        assert one["node"] == row


async def test_entities_are_found_by_keys_of_every_kind(person: Person) -> None:
    await texts(person, *CODES)
    rows = await bigints(person, "one", "two")
    numbers = [row["number"] for row in rows]
    representations = [
        *({"__typename": "TextSample", "code": code, "id": "of nobody"} for code in CODES),
        {"__typename": "BigintSample", "number": numbers[0]},
        {"__typename": "BigintSample", "number": int(numbers[1])},
        {"__typename": "BigintSample", "number": "-1"},
    ]
    document = """query ($some: [_Any!]!) { _entities(representations: $some) {
        ... on TextSample { code } ... on BigintSample { number } } }"""
    assert (await person.ask(document, some=representations))["_entities"] == [
        *({"code": code} for code in CODES),
        {"number": numbers[0]},
        {"number": numbers[1]},
        None,
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"__typename": "BigintSample", "number": "x"},
        {"__typename": "BigintSample", "number": 1.0},
        {"__typename": "BigintSample", "number": True},
        {"__typename": "BigintSample", "number": 2**63},
        {"__typename": "BigintSample", "id": 1},
        {"__typename": "TextSample", "code": "\0"},
        {"__typename": "TextSample", "code": 1},
        {"__typename": "UuidSample", "id": "7"},
    ],
)
async def test_a_representation_of_another_kind_is_refused(person: Person, wrong: dict[str, Any]) -> None:
    document = "query ($some: [_Any!]!) { _entities(representations: $some) { __typename } }"
    assert await person.code(document, some=[wrong]) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "text", ["BigintSample:x", "BigintSample:9223372036854775808", "BigintSample:", "TextSample:\0", "UuidSample:7"]
)
async def test_an_identifier_of_another_kind_is_refused(person: Person, text: str) -> None:
    node_id = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    assert await person.code("query ($id: ID!) { node(nodeId: $id) { nodeId } }", id=node_id) == "BAD_USER_INPUT"
    assert await person.code("query ($id: ID!) { nodes(nodeIds: [$id]) { nodeId } }", id=node_id) == "BAD_USER_INPUT"


async def test_more_keys_than_a_url_holds(person: Person) -> None:
    await texts(person, *CODES)
    numbers = [row["number"] for row in await bigints(person, *(str(number) for number in range(30)))]
    document = "query ($in: [String!]) { textSamples(filter: { code: { in: $in } }) { totalCount nodes { code } } }"
    found = (await person.ask(document, **{"in": [*CODES, *(f"none{number}" for number in range(300))]}))["textSamples"]
    assert (found["totalCount"], {row["code"] for row in found["nodes"]}) == (len(CODES), set(CODES))
    document = """query ($in: [BigInt!]) { bigintSamples(first: 50, filter: { number: { in: $in } }) {
        totalCount nodes { number } } }"""
    found = (await person.ask(document, **{"in": [*numbers, *range(-300, 0)]}))["bigintSamples"]
    assert (found["totalCount"], {row["number"] for row in found["nodes"]}) == (30, set(numbers))


async def test_conditions_of_nothing_and_tests_of_related_rows(person: Person) -> None:
    await texts(person, "x", "y", marks=[{"note": "first"}])
    (numbered,) = await bigints(person, "one")
    document = "query ($filter: TextSampleFilter) { textSamples(filter: $filter) { totalCount aggregate { count } } }"
    for filter_, count in (
        ({"code": {"in": []}}, 0),
        ({"not": {"code": {"in": []}}}, 2),
        ({"or": [{"code": {"eq": "x"}}, {"code": {"in": []}}]}, 1),
        ({"marks": {"some": {"note": {"eq": "first"}}}}, 2),
        ({"marks": {"none": {"or": []}}}, 2),
        ({"marks": {"some": {"textSample": {"code": {"eq": "x"}}}}}, 1),
    ):
        found = (await person.ask(document, filter=filter_))["textSamples"]
        assert (found["totalCount"], found["aggregate"]["count"]) == (count, count), filter_
    assert numbered["label"] == "one"


async def test_rows_that_come_along_with_one_of_a_given_key(person: Person) -> None:
    await texts(person, "x", "y", marks=[{"note": "first"}, {"note": "second"}])
    found = await person.ask(
        "{ textSamples { nodes { code marks { totalCount nodes { note textSample { code } } } } } }"
    )
    assert found["textSamples"]["nodes"] == [
        {
            "code": code,
            "marks": {
                "totalCount": 2,
                "nodes": [{"note": note, "textSample": {"code": code}} for note in ("first", "second")],
            },
        }
        for code in ("x", "y")
    ]


async def test_a_unique_foreign_key_is_a_relation_to_one_from_its_other_side(person: Person) -> None:
    with_mark, without = [row["number"] for row in await bigints(person, "with", "without")]
    document = (
        'mutation ($n: BigInt) { createMark(input: { note: "only", bigintNumber: $n }) { bigintSample { label } } }'
    )
    made = await person.ask(document, n=with_mark)
    assert made["createMark"] == {"bigintSample": {"label": "with"}}
    shown = "nodes { number mark { note bigintSample { number } } }"
    for arguments, numbers in (
        ("orderBy: [{ mark: { note: ASC } }]", [with_mark, without]),
        ("orderBy: [{ mark: { note: DESC } }]", [without, with_mark]),
        ('filter: { mark: { note: { eq: "only" } } }', [with_mark]),
        ("filter: { not: { mark: { note: { isNull: false } } } }", [without]),
    ):
        found = (await person.ask(f"{{ bigintSamples({arguments}) {{ totalCount {shown} }} }}"))["bigintSamples"]
        assert found["totalCount"] == len(numbers)
        assert found["nodes"] == [
            {
                "number": number,
                "mark": {"note": "only", "bigintSample": {"number": number}} if number == with_mark else None,
            }
            for number in numbers
        ]
    page = """query ($at: String) { bigintSamples(first: 1, after: $at, orderBy: [{ mark: { note: ASC } }]) {
        nodes { number } pageInfo { endCursor } } }"""
    first = (await person.ask(page))["bigintSamples"]
    second = (await person.ask(page, at=first["pageInfo"]["endCursor"]))["bigintSamples"]
    assert [first["nodes"], second["nodes"]] == [[{"number": with_mark}], [{"number": without}]]
    looked = await person.ask("query ($n: BigInt!) { markByBigintNumber(bigintNumber: $n) { note } }", n=with_mark)
    assert looked["markByBigintNumber"] == {"note": "only"}
