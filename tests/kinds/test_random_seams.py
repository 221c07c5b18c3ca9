"""Random filters, orders and pages of rows in another Postgres schema, of each of several rows, compared with SQL."""

import random
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.support import Person

CODES = ["a,b", 'say "x"', "50%:*", "ü/\\?&=", "none"]
MINUTES = ["1", "2", "9007199254740992", "9007199254740993", None]
ORDERS = ["ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_LAST"]
COMPARISONS = {"eq": "=", "neq": "<>", "gt": ">", "lte": "<=", "distinctFrom": "is distinct from"}


@pytest.fixture(scope="module")
async def owner(http: aiohttp.ClientSession, sampler: str, database: psycopg.Connection) -> Person:
    """Somebody with samples, and meetings about all of them but one."""
    database.execute("truncate public.text_samples, meetings.meetings cascade")
    person = await Person(http, sampler).sign_up()
    draw = random.Random(1)
    for code in CODES:
        database.execute(
            "insert into public.text_samples (code, user_id, label) values (%s, %s, %s)", [code, person.id, code]
        )
    for _ in range(80):
        database.execute(
            "insert into meetings.meetings (user_id, sample_code, title, minutes) values (%s, %s, %s, %s)",
            [person.id, draw.choice(CODES[:-1]), draw.choice("xyz"), draw.choice(MINUTES)],
        )
    return person


@pytest.mark.parametrize("seed", range(16))
async def test_pages_of_each_row(owner: Person, database: psycopg.Connection, seed: int) -> None:
    draw = random.Random(seed)
    operator, value = draw.choice(list(COMPARISONS)), draw.choice(MINUTES[:-1])
    keys = [(name, draw.choice(ORDERS)) for name in draw.sample(["minutes", "title"], draw.randint(1, 2))]
    size = draw.randint(1, 6)
    document = """query ($filter: MeetingFilter, $order: [MeetingOrder!], $first: Int, $last: Int, $after: String,
            $before: String) {
        textSamples(orderBy: [{ code: ASC }]) { nodes { code meetings(
            filter: $filter, orderBy: $order, first: $first, last: $last, after: $after, before: $before) {
                totalCount aggregate { sum { minutes } } nodes { id }
                pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } } }"""
    given: dict[str, Any] = {"filter": {"minutes": {operator: value}}, "order": [{name: way} for name, way in keys]}
    order = ", ".join(f"{name} {way.replace('_', ' ')}" for name, way in keys)
    pages = await owner.ask(document, first=size, **given)
    for index, sample in enumerate(pages["textSamples"]["nodes"]):
        rows = database.execute(
            f"select id::text as key, minutes from meetings.meetings where sample_code = %s"
            f" and minutes {COMPARISONS[operator]} %s order by {order}, id",
            [sample["code"], value],
        ).fetchall()
        expected, page, found = [id_ for id_, _ in rows], sample["meetings"], []
        total = [minutes for _, minutes in rows if minutes is not None]
        assert page["totalCount"] == len(expected)
        assert page["aggregate"]["sum"]["minutes"] == (str(sum(total)) if total else None)
        while True:  # forwards, page by page; what the other rows answer to the cursor is their affair
            found += [node["id"] for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            answer = await owner.ask(document, first=size, after=page["pageInfo"]["endCursor"], **given)
            page = answer["textSamples"]["nodes"][index]["meetings"]
        assert found == expected
        answer = await owner.ask(document, last=size, **given)
        page = answer["textSamples"]["nodes"][index]["meetings"]
        assert [node["id"] for node in page["nodes"]] == expected[-size:]
        assert page["pageInfo"]["hasPreviousPage"] is (len(expected) > size)
