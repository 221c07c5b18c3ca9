"""Random filters, orders, pages and aggregates over all kinds of columns, compared with SQL."""

import random
import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from tests.support import Person


@dataclass(frozen=True)
class Sampled:
    """A type of `declared`: its root fields of many and of groups, its table, and its key as field, column and type."""

    plural: str
    table: str
    key: str
    key_column: str
    key_type: str

    @property
    def type_name(self) -> str:
        """As in `UuidSample`."""
        return self.plural[0].upper() + self.plural[1:-1]


SAMPLED = [
    Sampled("uuidSamples", "uuid_samples", "id", "id", "uuid"),
    Sampled("textSamples", "text_samples", "code", "code", "text"),
    Sampled("bigintSamples", "bigint_samples", "number", "number", "bigint"),
]
UUIDS = [str(uuid.UUID(int=number)) for number in range(1, 4)]
VALUES: dict[str, tuple[str, str, list[Any]]] = {
    "big": ("big", "bigint", ["-9223372036854775808", "0", "9007199254740992", "9007199254740993", "7"]),
    "ratio": ("ratio", "double precision", [-1.5e100, 0.1, 0.30000000000000004, 2.0, 5e-324]),
    "startsAt": ("starts_at", "time", ["00:00:00", "09:30:00", "09:30:00.000001", "23:59:59.999999"]),
    "lasts": ("lasts", "interval", ["P1M", "P30D", "PT-1H", "P1Y2M3DT4H5M6.5S", "PT0S", "P1D", "PT24H"]),
}
LISTS: dict[str, tuple[str, str, list[Any]]] = {
    "refs": ("refs", "uuid[]", [[], UUIDS[:1], UUIDS[:2], UUIDS[1:], UUIDS[::-1]]),
    "counts": ("counts", "integer[]", [[], [1], [1, 2], [2, 1], [-2147483648, 2147483647]]),
}
COMPARISONS = {
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "distinctFrom": "is distinct from",
}
OF_LISTS = {"eq": "=", "neq": "<>", "contains": "@>", "containedBy": "<@", "overlaps": "&&"}
ORDERS = ["ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_LAST"]


@pytest.fixture(scope="module", params=SAMPLED, ids=lambda each: each.table)
def sampled(request: pytest.FixtureRequest, database: psycopg.Connection, owner: Person) -> Sampled:
    """A table with rows of random values, many of them equal or null."""
    table: Sampled = request.param
    draw = random.Random(table.table)
    columns = [*VALUES.values(), *LISTS.values()]
    for number in range(60):
        given = [
            None if type_[-1] != "]" and draw.random() < 0.2 else draw.choice(values) for _, type_, values in columns
        ]
        names, places = [name for name, _, _ in columns], [f"%s::{type_}" for _, type_, _ in columns]
        if table.key_type == "text":
            names, places, given = [*names, table.key_column], [*places, "%s"], [*given, f'{owner.id},"{number}:%\\é']
        database.execute(
            f"insert into public.{table.table} (user_id, label, {', '.join(names)})"
            f" values (%s, 'random', {', '.join(places)})",
            [owner.id, *given],
        )
    return table


@pytest.fixture(scope="module")
async def owner(person: Person) -> Person:
    """Whose rows they are: somebody with no others."""
    return await Person(person.http, person.url).sign_up()


def condition(draw: random.Random, depth: int = 2) -> tuple[dict[str, Any], str, list[Any]]:
    """A filter, and what it means in SQL with its parameters."""
    if depth and draw.random() < 0.5:
        word = draw.choice(["and", "or", "not"])
        parts = [condition(draw, depth - 1) for _ in range(1 if word == "not" else draw.randint(1, 3))]
        values = [value for _, _, given in parts for value in given]
        if word == "not":
            return {"not": parts[0][0]}, f"not ({parts[0][1]})", values
        return {word: [part[0] for part in parts]}, f" {word} ".join(f"({part[1]})" for part in parts), values
    field, (column, type_, choices) = draw.choice([*VALUES.items(), *LISTS.items()])
    word = draw.random()
    if word < 0.1:
        return {field: {"isNull": True}}, f"{column} is null", []
    if field in LISTS:
        operator, value = draw.choice(list(OF_LISTS)), draw.choice(choices)
        return {field: {operator: value}}, f"{column} {OF_LISTS[operator]} %s::{type_}", [value]
    if word < 0.3:
        some = draw.sample(choices, 2)
        name, sql = draw.choice([("in", "in"), ("notIn", "not in")])
        return {field: {name: some}}, f"{column} {sql} (%s::{type_}, %s::{type_})", some
    operator, value = draw.choice(list(COMPARISONS)), draw.choice(choices)
    return {field: {operator: value}}, f"{column} {COMPARISONS[operator]} %s::{type_}", [value]


def keys(
    database: psycopg.Connection, of: Sampled, person: Person, where: str, order: str, given: list[Any]
) -> list[str]:
    """The keys of the rows that satisfy this, in this order."""
    rows = database.execute(
        f"select {of.key_column}::text as found from public.{of.table}"
        f" where user_id = %s and ({where}) order by {order}",
        [person.id, *given],
    )
    return [key for (key,) in rows]


@pytest.mark.parametrize("seed", range(40))
async def test_filters(database: psycopg.Connection, owner: Person, sampled: Sampled, seed: int) -> None:
    filter_, where, given = condition(random.Random(seed))
    document = f"""query ($filter: {sampled.type_name}Filter) {{
        {sampled.plural}(first: 100, filter: $filter, orderBy: [{{ {sampled.key}: ASC }}]) {{
            totalCount nodes {{ {sampled.key} }} }} }}"""
    found = (await owner.ask(document, filter=filter_))[sampled.plural]
    expected = keys(database, sampled, owner, where, sampled.key_column, given)
    assert [node[sampled.key] for node in found["nodes"]] == expected
    assert found["totalCount"] == len(expected)


@pytest.mark.parametrize("seed", range(12))
async def test_orders_and_pages(database: psycopg.Connection, owner: Person, sampled: Sampled, seed: int) -> None:
    draw = random.Random(seed)
    chosen = [(field, draw.choice(ORDERS)) for field in draw.sample(list(VALUES), draw.randint(1, 2))]
    order = ", ".join(f"{VALUES[field][0]} {word.replace('_', ' ')}" for field, word in chosen)
    expected = keys(database, sampled, owner, "true", f"{order}, {sampled.key_column}", [])
    order_by = [{field: word} for field, word in chosen]
    fields = f"edges {{ node {{ {sampled.key} }} }} pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }}"
    forward = f"""query ($order: [{sampled.type_name}Order!], $at: String) {{
        {sampled.plural}(first: 7, after: $at, orderBy: $order) {{ {fields} }} }}"""
    backward = forward.replace("first", "last").replace("after", "before")
    for document, more, cursor in (
        (forward, "hasNextPage", "endCursor"),
        (backward, "hasPreviousPage", "startCursor"),
    ):
        found: list[str] = []
        at = None
        while True:
            page = (await owner.ask(document, order=order_by, at=at))[sampled.plural]
            read = [edge["node"][sampled.key] for edge in page["edges"]]
            found = found + read if document == forward else read + found
            if not page["pageInfo"][more]:
                break
            at = page["pageInfo"][cursor]
        assert found == expected


async def test_aggregates(database: psycopg.Connection, owner: Person, sampled: Sampled) -> None:
    document = f"""query ($filter: {sampled.type_name}Filter) {{ {sampled.plural}(filter: $filter) {{ aggregate {{
        count sum {{ big ratio }} avg {{ big ratio }} min {{ big ratio startsAt }} max {{ lasts ratio }} }} }} }}"""
    for seed in range(10):
        filter_, where, given = condition(random.Random(seed))
        found = (await owner.ask(document, filter=filter_))[sampled.plural]["aggregate"]
        count, *exact, total, average, longest = database.execute(
            "select count(*), sum(big)::text, avg(big)::text, min(big)::text, min(starts_at)::text, min(ratio),"
            " max(ratio), sum(ratio), avg(ratio), max(lasts)::text"
            f" from public.{sampled.table} where user_id = %s and ({where})",
            [owner.id, *given],
        ).fetchone() or (None, None, None, None)
        assert found["count"] == count
        least, greatest = found["min"], found["max"]
        sums, averages = found["sum"], found["avg"]
        assert exact == [
            sums["big"],
            averages["big"],
            least["big"],
            least["startsAt"],
            least["ratio"],
            greatest["ratio"],
        ]
        # The order in which floats are added is nobody's promise.
        assert (sums["ratio"], averages["ratio"]) == (pytest.approx(total), pytest.approx(average))
        (equal,) = database.execute(
            "select %s::interval is not distinct from %s::interval", [greatest["lasts"], longest]
        ).fetchone() or (False,)
        assert equal


async def test_groups(database: psycopg.Connection, owner: Person, sampled: Sampled) -> None:
    document = f"{{ {sampled.plural}Grouped(by: [BIG]) {{ key {{ big }} count max {{ lasts ratio }} }} }}"
    found = (await owner.ask(document))[f"{sampled.plural}Grouped"]
    expected = database.execute(
        f"select big::text, count(*), max(ratio) from public.{sampled.table} where user_id = %s"
        " group by big order by big",
        [owner.id],
    ).fetchall()
    assert [(each["key"]["big"], each["count"], each["max"]["ratio"]) for each in found] == expected
