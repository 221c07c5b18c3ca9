"""No call of a function names a column to it that it has not, whichever PostgREST sends it on.

The rules of versions 12 and 16 are the model `function_columns`; 12.0.2 itself says whether it is right about that one.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from yarl import URL

from gql.catalog import catalog
from gql.errors import ApiError
from gql.table import Sort, Table
from tests.differential.documents import Document, documents
from tests.differential.inputs import VALUES
from tests.planner import planned
from tests.support import examples
from tests.upstream.function_columns import VERSIONS, asked, hidden, mistakes, parsed
from tripgate.gateway.operation import RequestError
from tripgate.planner.plan import (
    ALWAYS,
    Aggregate,
    And,
    Compare,
    Condition,
    Embed,
    Function,
    FunctionCall,
    IsNull,
    Not,
    Operator,
    Or,
    Read,
    Related,
    both,
    pick,
)
from tripgate.upstream.postgrest.render import read_request

if TYPE_CHECKING:
    import aiohttp

    from tests.support import Person
    from tripgate.local.stack import StackInfo

NOWHERE = tuple(str(uuid.UUID(int=number, version=4)) for number in range(1, 102))
SEARCH = FunctionCall("search_places", (("words", "rome"),))


@dataclasses.dataclass(frozen=True)
class Call:
    """A call, and what each version names to the function that it does not know or did not get from it."""

    path: str
    by_12: frozenset[str] = frozenset()
    by_16: frozenset[str] = frozenset()


def call(path: str, by_12: str = "", by_16: str = "") -> Call:
    return Call(path, frozenset(by_12.split()), frozenset(by_16.split()))


CALLS = [
    # what is selected is what is asked for
    call("trips_by_ids?select=id,title,duration_days"),
    call("trips_by_ids?select=title&and=(title.eq.x,search.wfts(english).car)", by_12="search"),
    call("trips_by_ids?select=title&order=budget", by_12="budget", by_16="budget"),
    call("trips_by_ids?select=title,r0:profiles!user_id(display_name),r1:trip_items!trip_id(title)"),
    # filters below
    call("trips_by_ids?select=title,r0:trip_items!trip_id(title)&r0.kind=eq.food", by_16="kind"),
    call("trips_by_ids?select=title,r0:trip_items!trip_id(title)&r0.title=eq.x"),
    call("trips_by_ids?select=title,f0:trip_items!trip_id()&f0.limit=1&f0=not.is.null", by_16="trips_f0_1"),
    call(
        "trips_by_ids?select=title,f0:trip_items!trip_id(f0:places!place_id())&f0.f0.city=eq.Rome"
        "&f0.and=(f0.not.is.null,not.or(cost.gt.1,details.cs.{}))&or=(f0.is.null,title.eq.x)",
        by_16="city cost details trip_items_f0_2 trips_f0_1",
    ),
    call(
        "search_places?select=id.count(),f0:trip_items!place_id(x:id->nope)&f0.and=(kind.in.(food))&f0=not.is.null",
        by_16="kind places_f0_1",
    ),
    # a row that embeds itself
    call("trips_by_ids?select=title,w:whole_trips(),r0:trip_items!trip_id(title)&r0.kind=eq.food"),
    call("trips_by_ids?select=count,w:whole_trips(),f0:trip_items!trip_id()&f0=not.is.null"),
    call("trips_by_ids?select=...whole_trips!inner(cost_total),f0:trip_items!trip_id()&f0=not.is.null"),
    # of which columns alone are left
    call("trips_by_ids?select=title,w:whole_trips()&search=wfts(english).car", by_12="search", by_16="search"),
    call("trips_by_ids?select=title,f0:whole_trips()&f0.search=wfts(english).car&f0=not.is.null"),
    call("trips_by_ids?select=count"),
    call("trips_by_ids?select=count,r0:trip_items!trip_id(id)", by_12="count", by_16="count"),
]


@pytest.mark.parametrize("case", [pytest.param(each, id=each.path) for each in CALLS])
async def test_the_model_is_right(http: aiohttp.ClientSession, seeded: StackInfo, ada: Person, case: Call) -> None:
    assert [mistakes(f"rpc/{case.path}", version) for version in VERSIONS] == [case.by_12, case.by_16]
    arguments = {"words": "rome"} if case.path.startswith("search") else {"ids": []}
    status, _, body = await sent(http, seeded, ada, f"rpc/{case.path}", arguments)
    if case.by_12:
        # Of a count beside columns Postgres says that they are not grouped.
        assert (status, body["code"]) in {(400, "42703"), (400, "42803")}, body
    else:
        assert status == 200, body


async def sent(
    http: aiohttp.ClientSession,
    seeded: StackInfo,
    person: Person,
    path: str,
    body: object = None,
    *,
    counted: bool = False,
) -> tuple[int, str, Any]:
    """Status, how many rows there are, and the answer of PostgREST to a request below its address."""
    headers = {"Authorization": f"Bearer {person.token}", "Content-Type": "application/json"}
    if counted:
        headers["Prefer"] = "count=exact"
    async with http.request(
        "GET" if body is None else "POST",
        URL(f"{seeded.rest_url}/{path}", encoded=True),
        headers=headers,
        data=None if body is None else json.dumps(body),
    ) as response:
        total = response.headers.get("Content-Range", "").partition("/")[2]
        return response.status, total, json.loads(await response.read())


def calls(read: Read) -> list[str]:
    """The read as calls of functions: as it is, among more ids than a URL holds, and of what a search finds."""
    forms = [read]
    if read.source is None:
        forms.append(dataclasses.replace(read, where=both(read.where, Compare("id", Operator.IN, NOWHERE))))
    if read.source is None and read.table == "places":
        forms.append(dataclasses.replace(read, source=SEARCH))
    paths = [read_request(form).path for form in forms]
    return [path for path in paths if path.startswith("rpc/")]


def test_what_is_computed_from_a_row_is_had_from_its_embed() -> None:
    food = Related("trip_items", "trip_id", many=True, where=Compare("kind", Operator.EQ, "food"))
    read = Read(
        "trips",
        (pick(catalog["Trip"], "title"), pick(catalog["Trip"], "cost_total")),
        where=And(
            (
                Compare("id", Operator.IN, NOWHERE),
                Not(And((Compare("search", Operator.SEARCH, "car"), IsNull("budget"), food))),
            )
        ),
        order=(Sort("cost_total", descending=True), Sort("id")),
        limit=20,
    )
    assert unquote(read_request(read).path) == (
        "rpc/trips_by_ids?select=title,...whole_trips!inner(cost_total::text,o0:cost_total)"
        ",f0:whole_trips(),f1:trip_items!trip_id()"
        '&and=(or(f0.not.is.null,f1.is.null))&f0.and=(or(search.not.wfts(english)."car",budget.not.is.null))'
        "&f1.kind=eq.food&f1.limit=1&order=whole_trips(o0).desc.nullslast,id.asc&limit=20"
    )


def test_no_case_of_the_planner_names_what_a_function_has_not() -> None:
    seen = Counter[bool]()
    for name in planned.names():
        for reads in planned.reads(planned.query(name), planned.variables(name), **planned.settings(name)).values():
            for path in (path for read in reads for path in calls(read)):
                assert [mistakes(path, version) for version in VERSIONS] == [set(), set()], f"{name}: {path}"
                seen[hidden(path)] += 1
                if hidden(path):
                    assert asked(parsed(path), 16) == {"*"}
    assert min(seen[True], seen[False]) > 5


@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(document=documents())
def test_no_random_document_does(document: Document) -> None:
    note(str(document))
    try:
        planned_reads = planned.reads(document.text, document.variables)
    except (ApiError, RequestError):
        return  # too large, or refused for what it asks
    for path in (path for reads in planned_reads.values() for read in reads for path in calls(read)):
        assert [mistakes(path, version) for version in VERSIONS] == [set(), set()], path


# Reads of everything at once ---------------------------------------------------------------------------------------


def conditions(table: Table, depth: int = 2) -> st.SearchStrategy[Condition]:
    """Conditions on own columns, stored and computed, and on related rows."""
    columns = [column for column in table.columns.values() if column.enum is None and column.kind in VALUES]
    own: list[st.SearchStrategy[Condition]] = [
        st.sampled_from(columns).map(lambda column: IsNull(column.name)),
        st.sampled_from(columns).flatmap(
            lambda column: st.builds(
                Compare,
                st.just(column.name),
                st.sampled_from([Operator.EQ, Operator.NEQ, Operator.GT]),
                st.sampled_from(VALUES[column.kind]).map(
                    lambda value: str(value).lower() if value is True else str(value)
                ),
            )
        ),
    ]
    if table.search is not None:
        own.append(st.sampled_from(["car", "rome", "kyoto"]).map(lambda word: Compare("search", Operator.SEARCH, word)))
    if not depth:
        return st.one_of(own)
    below = st.deferred(lambda: conditions(table, depth - 1))
    related = st.sampled_from(list(table.relations.values())).flatmap(
        lambda each: st.one_of(st.just(ALWAYS), conditions(catalog[each.target], depth - 1)).map(
            lambda where: Related(catalog[each.target].name, each.via, each.many, where)
        )
    )
    return st.one_of(
        *own,
        related,
        related,
        below.map(Not),
        st.lists(below, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(below, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
    )


@st.composite
def reads(draw: st.DrawFn, table: Table) -> Read:
    """Lists with columns, orders, related rows and conditions of every kind."""
    names = [column.name for column in table.columns.values()]
    chosen = draw(st.lists(st.sampled_from(names), max_size=4, unique=True))
    keys = draw(st.lists(st.sampled_from([name for name in names if name not in {"details", "labels"}]), max_size=2))
    relations = draw(st.lists(st.sampled_from(list(table.relations.values())), max_size=2))
    return Read(
        table.name,
        tuple(pick(table, name) for name in dict.fromkeys(["id", *chosen])),
        tuple(
            Embed(f"r{number}", each.via, each.many, embedded(draw, catalog[each.target], many=each.many))
            for number, each in enumerate(relations)
        ),
        draw(conditions(table)),
        (*(Sort(name, *draw(st.tuples(st.booleans(), st.booleans()))) for name in dict.fromkeys(keys)), Sort("id")),
        limit=draw(st.sampled_from([2, 100])),
        offset=draw(st.sampled_from([0, 1])),
        count=True,
    )


def embedded(draw: st.DrawFn, target: Table, *, many: bool) -> Read:
    where = draw(conditions(target, 1)) if many else ALWAYS
    return Read(target.name, (pick(target, "id"),), where=where, order=(Sort("id"),) if many else ())


@pytest.fixture(scope="module")
async def ids(http: aiohttp.ClientSession, seeded: StackInfo, ada: Person) -> dict[str, tuple[str, ...]]:
    """The rows that Ada sees, by table; not so many that they make a long list."""
    found = {}
    for name in ("trips", "trip_items", "places"):
        _, _, rows = await sent(http, seeded, ada, f"{name}?select=id&order=id&limit=100")
        found[name] = tuple(row["id"] for row in rows)
        assert len(rows) > 3
    return found


@settings(
    max_examples=examples(50),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
async def test_a_function_answers_what_its_table_answers(
    http: aiohttp.ClientSession, seeded: StackInfo, ada: Person, ids: dict[str, tuple[str, ...]], data: st.DataObject
) -> None:
    table = catalog[data.draw(st.sampled_from(["Trip", "TripItem", "Place"]))]
    read = data.draw(reads(table))
    known = ids[table.name]
    if data.draw(st.booleans()):
        read = dataclasses.replace(read, columns=(), embeds=(), order=(), limit=None, offset=0, count=False)
        read = dataclasses.replace(read, aggregates=aggregates(table))
    note(str(read))
    few = dataclasses.replace(read, where=both(read.where, Compare("id", Operator.IN, known)))
    many = dataclasses.replace(read, where=both(read.where, Compare("id", Operator.IN, known + NOWHERE)))
    path = read_request(many).path
    assert [mistakes(path, version) for version in VERSIONS] == [set(), set()], path
    arguments = {"ids": known + NOWHERE}
    expected = await sent(http, seeded, ada, read_request(few).path, counted=read.count)
    found = await sent(http, seeded, ada, path, arguments, counted=read.count)
    assert answered(found, read) == answered(expected, read)


def aggregates(table: Table) -> tuple[Aggregate, ...]:
    """A count and a sum of what is computed or, where nothing is, of what is stored."""
    numbers = {"trips": "cost_total", "trip_items": "cost", "places": "latitude"}
    return (Aggregate("n", Function.COUNT, "id"), Aggregate("s", Function.SUM, numbers[table.name], "text"))


def answered(found: tuple[int, str, Any], read: Read) -> object:
    """What the read asked for, of what was answered: aggregates may come in parts, and tests may leave a trace."""
    status, total, body = found
    assert status < 300 or (status, body["code"]) == (416, "PGRST103"), body
    if status == 416:
        return status
    if read.aggregates:
        return sum(row["n"] for row in body), sum(Decimal(row["s"] or 0) for row in body)
    wanted = [*(pick.column for pick in read.columns), *(embed.alias for embed in read.embeds)]
    return total, [{name: row[name] for name in wanted} for row in body]
