"""Reads as requests: pages, orders, embeds, long lists and texts, ordered views and functions."""

import dataclasses
from typing import Any

import pytest

from gql.errors import ApiError
from gql.table import Hop, Kind, Sort, catalog
from tests.upstream.rendered import parameters
from tripgate.planner.plan import (
    ALWAYS,
    NEVER,
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
    Pick,
    Read,
    Related,
)
from tripgate.upstream.postgrest.merge import Part
from tripgate.upstream.postgrest.render import header_lines, keyed_request, read_request, value_request
from tripgate.upstream.postgrest.render.finish import askable
from tripgate.upstream.postgrest.render.grouping import splits
from tripgate.upstream.postgrest.render.long_texts import with_texts_apart

ID = (Pick("id"),)
NO_BUDGET = IsNull("budget")
COSTLY = Compare("cost_total", Operator.GT, "5")
ITEMS = Related("trip_items", "trip_id", True, ALWAYS)
INVITATIONS = Related("invitations", "trip_id", True, ALWAYS)
COUNT = Aggregate("count", Function.COUNT)
SUM = Aggregate("a0", Function.SUM, "budget", "text")
AVG = Aggregate("a0", Function.AVG, "budget", "text")
LEAST_TITLE = Aggregate("a0", Function.MIN, "title")
CALL = FunctionCall("trips_near", (("place", "x"), ("km", "5")))
OWNER = (Hop("profiles", "user_id"),)
ITEM_OWNER = (Hop("trips", "trip_id"), Hop("profiles", "user_id"))


def trips(**changes: Any) -> Read:
    return dataclasses.replace(Read("trips", ID), **changes)


def called(**changes: Any) -> str:
    """What is asked of the rows of a function."""
    request = read_request(trips(source=CALL, **changes))
    assert (request.method, request.body) == ("POST", b'{"place":"x","km":"5"}')
    path = parameters(request.path)
    assert path.startswith("rpc/trips_near?")
    return path.removeprefix("rpc/trips_near?")


def path(read: Read) -> str:
    return parameters(read_request(read).path)


def test_a_read_is_sent_by_get_and_known_by_all_that_it_asks() -> None:
    read = trips(count=True)
    request = read_request(read)
    assert (request.method, request.path, request.prefer) == ("GET", "trips?select=id", "count=exact")
    assert (request.body, request.exactly, request.plan, request.finish) == (None, None, read, None)
    assert request.identity == ("trips?select=id", "count=exact", None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"columns": (Pick("title"), Pick("budget", "text"))}, "select=title,budget::text"),
        ({"limit": 3, "offset": 2}, "select=id&limit=3&offset=2"),
        ({"limit": 0, "offset": 2}, "select=id&limit=0"),
        ({"offset": 2}, "select=id&offset=2"),
        (
            {"order": (Sort("title"), Sort("id", descending=True, nulls_first=True))},
            "select=id&order=title.asc,id.desc",
        ),
        ({"order": (Sort("title", nulls_first=True),)}, "select=id&order=title.asc.nullsfirst"),
        ({"order": (Sort("title", descending=True),)}, "select=id&order=title.desc.nullslast"),
        (
            {"order": (Sort("title"), Sort("display_name", path=OWNER))},
            "select=id,k1:profiles!user_id(o:display_name)&order=title.asc,k1(o).asc",
        ),
        (
            {"order": (Sort("display_name", path=ITEM_OWNER),), "keys": True},
            "select=id,k0:trips!trip_id(...profiles!user_id(o:display_name,v:display_name::text))&order=k0(o).asc",
        ),
        ({"columns": (), "aggregates": (COUNT,)}, "select=count"),
        ({"columns": (), "aggregates": (COUNT, SUM)}, "select=count(),a0:budget.sum()::text"),
        ({"columns": (Pick("status"),), "aggregates": (COUNT,)}, "select=status,count()"),
        (
            {"where": And((NO_BUDGET, ITEMS))},
            "select=id,f0:trip_items!trip_id()&and=(budget.is.null,f0.not.is.null)&f0.limit=1",
        ),
    ],
)
def test_rows_of_a_table(changes: dict[str, Any], expected: str) -> None:
    assert path(trips(**changes)) == f"trips?{expected}"


def test_embedded_rows_have_conditions_orders_and_pages_of_their_own() -> None:
    votes = Read("votes", ID, where=IsNull("comment"), limit=2)
    items = Read("trip_items", ID, (Embed("r0", "trip_item_id", True, votes),), IsNull("cost"), (Sort("id"),), 5, 1)
    assert path(trips(embeds=(Embed("r0", "trip_id", True, items),))) == (
        "trips?select=id,r0:trip_items!trip_id(id,r0:votes!trip_item_id(id))"
        "&r0.and=(cost.is.null)&r0.order=id.asc&r0.limit=5&r0.offset=1&r0.r0.and=(comment.is.null)&r0.r0.limit=2"
    )


def test_an_answer_that_may_be_long_is_marked() -> None:
    items = Embed("r0", "trip_id", True, Read("trip_items", ID, limit=9))
    assert path(trips(embeds=(items,), limit=99)).startswith("trips?select=id,")
    assert path(trips(embeds=(items,), limit=100)).partition("=")[2].split(",")[0] != "id"
    assert (
        path(Read("trips", (), limit=1000))
        == f"trips?select={path(trips(limit=1000)).split('=')[1].split(',')[0]}&limit=1000"
    )
    assert path(trips(limit=999)) == "trips?select=id&limit=999"
    assert (
        path(trips(limit=1000, columns=(Pick("status"),), aggregates=(COUNT,)))
        == "trips?select=status,count()&limit=1000"
    )


# By a key that is known later.


def test_one_row_by_a_key_that_comes_later() -> None:
    read = trips(embeds=(Embed("r0", "trip_id", True, Read("trip_items", ID, limit=1)),))
    keyed = keyed_request(read, "id")
    request = keyed.with_key("a&b")
    assert request.path == "trips?select=id,r0:trip_items!trip_id(id)&id=eq.a%26b&r0.limit=1"
    assert request.plan == dataclasses.replace(read, where=Compare("id", Operator.EQ, "a&b"))
    assert request.identity == (request.path, "", None)
    assert (request.method, request.prefer, request.body) == ("GET", "", None)


@pytest.mark.parametrize("changes", [{"where": NO_BUDGET}, {"order": (Sort("id"),)}, {"limit": 0}])
def test_a_key_finds_one_row_only_where_nothing_else_is_asked(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^only a read without condition, order and limit finds one row by its key$"):
        keyed_request(trips(**changes), "id")


def test_its_long_texts_travel_apart_as_well() -> None:
    text = "t" * 6000
    items = Read("trip_items", ID, where=Compare("notes", Operator.EQ, text))
    read = trips(embeds=(Embed("r0", "trip_id", True, items),))
    request = keyed_request(read, "id").with_key("x")
    assert parameters(request.path) == ("trips?select=id,r0:trip_items!trip_id(id)&id=eq.x&r0.notes_against->>0=eq.0")
    assert request.texts == (text,)
    assert request.plan == dataclasses.replace(read, where=Compare("id", Operator.EQ, "x"))
    assert request.identity == ((request.path, "", None), (text,))
    short = dataclasses.replace(items, where=Compare("notes", Operator.EQ, "t" * 5000))
    assert keyed_request(trips(embeds=(Embed("r0", "trip_id", True, short),)), "id").texts == ()


# Long lists of ids.


def ids(number: int, column: str = "id") -> Compare:
    return Compare(column, Operator.IN, tuple(f"{column}{each}" for each in range(number)))


def by_ids(where: Condition, table: str = "trips") -> tuple[str, bytes | None]:
    request = read_request(Read(table, ID, where=where))
    return parameters(request.path), request.body


def test_a_hundred_ids_stay_in_the_path() -> None:
    found, body = by_ids(ids(100))
    assert found.startswith('trips?select=id&and=(id.in.("id0",')
    assert body is None


def test_more_ids_travel_in_a_body() -> None:
    found, body = by_ids(ids(101))
    assert found == "rpc/trips_by_ids?select=id"
    assert body is not None
    assert body.startswith(b'{"ids":["id0","id1",')


def test_what_is_asked_beside_the_ids_stays() -> None:
    assert by_ids(And((NO_BUDGET, ids(101))))[0] == "rpc/trips_by_ids?select=id,budget&and=(budget.is.null)"
    several = And((NO_BUDGET, And((ids(101), IsNull("title")))))
    assert by_ids(several)[0] == "rpc/trips_by_ids?select=id,budget,title&and=(budget.is.null,title.is.null)"


def test_the_longest_list_travels() -> None:
    found, body = by_ids(And((ids(101), ids(102))))
    assert found.startswith('rpc/trips_by_ids?select=id&and=(id.in.("id0",')
    assert body is not None
    assert body.endswith(b'"id101"]}')


@pytest.mark.parametrize("where", [ids(101, "title"), Or((ids(101), NO_BUDGET)), Not(ids(101))])
def test_a_list_that_is_not_of_ids_or_need_not_hold_stays(where: Condition) -> None:
    assert by_ids(where)[1] is None


def test_rows_that_nobody_reads_whole_have_no_such_function() -> None:
    found, body = by_ids(ids(101), "invitations")
    assert (found.partition("?")[0], body) == ("invitations", None)
    assert called(where=ids(101)).startswith('select=id&and=(id.in.("id0",')


# Long texts.

TEXT = "t" * 301


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (Operator.EQ, ("eq", "0")),
        (Operator.NEQ, ("in", ("-1", "1"))),
        (Operator.GT, ("eq", "1")),
        (Operator.GTE, ("in", ("0", "1"))),
        (Operator.LT, ("eq", "-1")),
        (Operator.LTE, ("in", ("-1", "0"))),
    ],
)
def test_a_long_text_is_compared_by_a_function_of_the_row(operator: Operator, expected: tuple[str, Any]) -> None:
    rest, texts = with_texts_apart(trips(where=Compare("description", operator, TEXT)))
    name, value = expected
    assert rest == trips(where=Compare("description_against->>0", Operator(name), value))
    assert texts == (TEXT,)


@pytest.mark.parametrize(
    "where",
    [
        Compare("description", Operator.EQ, "t" * 300),
        Compare("title", Operator.EQ, TEXT),
        Compare("description", Operator.LIKE, TEXT),
        Compare("description", Operator.IN, (TEXT,)),
        IsNull("description"),
        Related("whole_trips", "", False, Compare("description", Operator.EQ, TEXT)),
    ],
)
def test_other_comparisons_keep_their_text(where: Condition) -> None:
    assert with_texts_apart(trips(where=where)) == (trips(where=where), ())


def test_each_text_travels_once_wherever_it_stands() -> None:
    def against(column: str, number: int) -> Compare:
        return Compare(f"{column}_against->>{number}", Operator.EQ, "0")

    other = TEXT + "!"
    first, second = Compare("description", Operator.EQ, TEXT), Compare("description", Operator.EQ, other)
    notes = Compare("notes", Operator.EQ, other)
    where = And((Or((first, Not(second))), Related("trip_items", "trip_id", True, notes), NO_BUDGET))
    items = Embed("r0", "trip_id", True, Read("trip_items", ID, where=notes))
    rest, texts = with_texts_apart(trips(where=where, embeds=(items,)))
    assert texts == (other, TEXT)
    own = Or((against("description", 1), Not(against("description", 0))))
    assert rest.where == And((own, Related("trip_items", "trip_id", True, against("notes", 0)), NO_BUDGET))
    assert rest.embeds == (Embed("r0", "trip_id", True, Read("trip_items", ID, where=against("notes", 0))),)


def test_texts_travel_apart_only_where_the_path_is_long() -> None:
    short = trips(where=Compare("description", Operator.EQ, "t" * 5000))
    assert read_request(short).texts == ()
    long = trips(where=Compare("description", Operator.EQ, "t" * 6000))
    start = "trips?select=id&description=eq."
    full = trips(where=Compare("description", Operator.EQ, "t" * (6000 - len(start))))
    assert read_request(full).texts == (), "as long as it may be"
    assert read_request(dataclasses.replace(full, columns=(Pick("id"), Pick("id")))).texts != ()
    request = read_request(long)
    assert parameters(request.path) == "trips?select=id&description_against->>0=eq.0"
    assert (request.texts, request.plan) == (("t" * 6000,), long)
    assert request.identity == ((request.path, "", None), request.texts)
    assert read_request(trips(where=Compare("title", Operator.EQ, "t" * 6000))).texts == ()


def test_texts_travel_in_headers_of_four_thousand_characters() -> None:
    lines = list(header_lines(("é" * 3100, "b")))
    assert [(name, len(value)) for name, value in lines] == [
        ("X-Text-0-0", 4000),
        ("X-Text-0-1", 4000),
        ("X-Text-0-2", 268),
        ("X-Text-1-0", 4),
    ]
    assert lines[-1][1] == "Yg=="
    assert lines[0][1].startswith("w6nDqcOp")


# Views in an order.

NEWEST = (Sort("created_at", descending=True, nulls_first=True), Sort("id"))
OLDEST = tuple(key.reversed() for key in NEWEST)
LIST = (Embed("r0", "trip_id", True, Read("trip_items", ID)),)
ONE = (Embed("r0", "user_id", False, Read("profiles", ID)),)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"embeds": LIST}, "trips_by_created_at_desc"),
        ({"embeds": (*ONE, *LIST)}, "trips_by_created_at_desc"),
        ({"embeds": LIST, "order": OLDEST}, "trips_by_created_at_desc_reversed"),
        ({"where": ITEMS}, "trips_by_created_at_desc"),
        ({"where": And((NO_BUDGET, Not(Or((NO_BUDGET, ITEMS)))))}, "trips_by_created_at_desc"),
        ({}, "trips"),
        ({"embeds": ONE}, "trips"),
        ({"where": Related("profiles", "user_id", False, ALWAYS)}, "trips"),
        ({"embeds": LIST, "limit": None}, "trips"),
        ({"embeds": LIST, "order": ()}, "trips"),
        ({"embeds": LIST, "order": NEWEST[:1]}, "trips"),
        ({"embeds": LIST, "columns": (Pick("id"), Pick("cost_total", "text"))}, "trips"),
        ({"embeds": LIST, "where": COSTLY}, "trips"),
    ],
)
def test_lists_in_each_row_are_read_from_a_view_in_their_order(changes: dict[str, Any], expected: str) -> None:
    assert path(trips(**{"order": NEWEST, "limit": 5, **changes})).partition("?")[0] == expected


# Functions. PostgREST takes from one no column that is not selected.


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "select=id"),
        (
            {"where": And((NO_BUDGET, Not(IsNull("title"))))},
            "select=id,budget,title&and=(budget.is.null,title.not.is.null)",
        ),
        ({"where": NEVER, "columns": (Pick("title"),)}, "select=title,id&and=(id.in.())"),
        ({"order": (Sort("title"), Sort("id"))}, "select=id,title&order=title.asc,id.asc"),
        (
            {"columns": (), "aggregates": (COUNT,), "where": Compare("id", Operator.GT, "x")},
            'select=id.count(),x0:id.count()&and=(id.gt."x")',
        ),
        ({"columns": (), "aggregates": (COUNT, SUM)}, "select=id.count(),a0:budget.sum()::text,x0:id.count()"),
        ({"columns": (Pick("status"),), "aggregates": (COUNT,)}, "select=status,id.count(),x0:id.count()"),
        (
            {"columns": (), "aggregates": (SUM,), "where": NO_BUDGET},
            "select=a0:budget.sum()::text&and=(budget.is.null)",
        ),
        (
            {"columns": (), "aggregates": (COUNT,), "where": IsNull("title")},
            "select=id.count(),x0:title.count()&and=(title.is.null)",
        ),
    ],
)
def test_a_function_is_asked_for_what_is_tested(changes: dict[str, Any], expected: str) -> None:
    assert called(**changes) == expected


def test_a_function_of_one_value() -> None:
    request = value_request(CALL)
    assert (request.method, request.path, request.prefer) == ("POST", "rpc/trips_near", "")
    assert (request.body, request.plan) == (b'{"place":"x","km":"5"}', CALL)


# Beside tests of related rows each row embeds itself.


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"where": ITEMS}, "select=id,w:whole_trips(),f0:trip_items!trip_id()&and=(f0.not.is.null)&f0.limit=1"),
        (
            {"columns": (Pick("id"), Pick("cost_total", "text")), "where": Not(ITEMS)},
            "select=id,...whole_trips!inner(cost_total::text),f0:trip_items!trip_id()&and=(f0.is.null)&f0.limit=1",
        ),
        (
            {"where": ITEMS, "order": (Sort("id"), Sort("cost_total"))},
            "select=id,...whole_trips!inner(o1:cost_total),f0:trip_items!trip_id()"
            "&and=(f0.not.is.null)&f0.limit=1&order=id.asc,whole_trips(o1).asc",
        ),
        (
            {"where": And((ITEMS, COSTLY))},
            "select=id,w:whole_trips(),f0:whole_trips(),f1:trip_items!trip_id()"
            '&and=(f0.not.is.null,f1.not.is.null)&f0.and=(cost_total.gt."5")&f1.limit=1',
        ),
        (
            {"where": Or((ITEMS, COSTLY, NO_BUDGET))},
            "select=id,w:whole_trips(),f0:whole_trips(),f1:trip_items!trip_id()"
            '&and=(or(f0.not.is.null,f1.not.is.null))&f0.and=(or(cost_total.gt."5",budget.is.null))&f1.limit=1',
        ),
        (
            {"where": Not(And((ITEMS, COSTLY)))},
            "select=id,w:whole_trips(),f0:whole_trips(),f1:trip_items!trip_id()"
            '&and=(or(f0.not.is.null,f1.is.null))&f0.and=(or(cost_total.not.gt."5"))&f1.limit=1',
        ),
        (
            {"where": Not(Or((ITEMS, COSTLY)))},
            "select=id,w:whole_trips(),f0:whole_trips(),f1:trip_items!trip_id()"
            '&and=(f0.not.is.null,f1.is.null)&f0.and=(cost_total.not.gt."5")&f1.limit=1',
        ),
        (
            {"where": And((ITEMS, Not(Not(Or((ITEMS, COSTLY))))))},
            "select=id,w:whole_trips(),f0:trip_items!trip_id(),f1:whole_trips(),f2:trip_items!trip_id()"
            '&and=(f0.not.is.null,or(f1.not.is.null,f2.not.is.null))&f0.limit=1&f1.and=(or(cost_total.gt."5"))&f2.limit=1',
        ),
        (
            {"where": And((ITEMS, NO_BUDGET))},
            "select=id,w:whole_trips(),f0:trip_items!trip_id()&and=(f0.not.is.null,budget.is.null)&f0.limit=1",
        ),
        (
            {"columns": (), "aggregates": (SUM,), "where": ITEMS},
            "select=a0:budget.sum()::text,w:whole_trips(x:id->nope),f0:trip_items!trip_id(x:id->nope)"
            "&and=(f0.not.is.null)&f0.limit=1",
        ),
        (
            {"columns": (), "aggregates": (Aggregate("a0", Function.SUM, "cost_total", "text"),), "where": ITEMS},
            "select=...whole_trips!inner(a0:cost_total.sum()::text),f0:trip_items!trip_id(x:id->nope)"
            "&and=(f0.not.is.null)&f0.limit=1",
        ),
        (
            {"embeds": (Embed("r0", "trip_id", True, Read("trip_items", ID, where=IsNull("cost"))),)},
            "select=id,r0:trip_items!trip_id(id),w:whole_trips()&r0.and=(cost.is.null)",
        ),
        ({"embeds": LIST, "where": NO_BUDGET}, "select=id,budget,r0:trip_items!trip_id(id)&and=(budget.is.null)"),
    ],
)
def test_beside_tests_of_related_rows_each_row_of_a_function_embeds_itself(
    changes: dict[str, Any], expected: str
) -> None:
    assert called(**changes) == expected


# Aggregates, which PostgREST computes in parts where tests of relations show.


def parts(where: Condition, *aggregates: Aggregate, table: str = "trips") -> tuple[tuple[Aggregate, ...], Any]:
    """What is asked for, and how it becomes one row."""
    found, finish = askable(Read(table, (), where=where, aggregates=aggregates))
    return found.aggregates, finish and finish.parts


EITHER = Or((ITEMS, NO_BUDGET))


def test_without_tests_of_relations_there_is_one_row() -> None:
    assert parts(NO_BUDGET, COUNT, AVG) == ((COUNT, AVG), None)
    assert parts(ITEMS, COUNT) == ((COUNT,), None), "whole rows are not grouped"


def test_where_none_may_pass_there_may_be_no_row() -> None:
    merged = (Part("count", "count", None, None), Part("a0", "avg", Kind.NUMERIC, None))
    assert parts(ITEMS, COUNT, AVG) == ((COUNT, AVG), merged)


def test_an_average_in_several_parts_is_a_sum_and_a_count() -> None:
    total, values = Aggregate("a1", Function.SUM, "budget", "text"), Aggregate("a2", Function.COUNT, "budget", None)
    asked, merged = parts(EITHER, COUNT, AVG)
    assert asked == (COUNT, AVG, total, values)
    assert merged == (
        Part("count", "count", None, None),
        Part("a0", "avg", Kind.NUMERIC, ("a1", "a2")),
        Part("a1", "sum", Kind.NUMERIC, None),
        Part("a2", "count", None, None),
    )
    assert parts(EITHER, AVG, dataclasses.replace(SUM, alias="a1"))[0] == (AVG, total, values)


def test_rows_that_nobody_reads_whole_are_counted_by_their_key() -> None:
    by_key = Aggregate("count", Function.COUNT, "id")
    assert parts(ALWAYS, COUNT, table="invitations") == ((by_key,), None)
    assert parts(ITEMS, COUNT) == ((COUNT,), None)
    deep = Related("trip_items", "trip_id", True, Related("votes", "trip_item_id", True, ALWAYS))
    for where in (INVITATIONS, deep):
        assert parts(where, COUNT) == ((by_key,), (Part("count", "count", None, None),))


@pytest.mark.parametrize("function", [Function.MIN, Function.MAX])
def test_only_postgres_knows_the_least_of_texts(function: Function) -> None:
    assert parts(ITEMS, dataclasses.replace(LEAST_TITLE, function=function))[1] is not None
    with pytest.raises(ApiError) as refused:
        parts(EITHER, dataclasses.replace(LEAST_TITLE, function=function))
    assert refused.value.message == (
        f"{function} of title cannot be computed under a filter whose `or` or `not` holds several conditions, one of "
        "them on related rows."
    )
    assert refused.value.extensions == {"code": "BAD_USER_INPUT", "field": "filter"}


def test_groups_in_several_parts_are_refused() -> None:
    groups = trips(columns=(Pick("status"),), aggregates=(COUNT,), where=ITEMS)
    assert askable(groups) == (groups, None)
    with pytest.raises(ApiError) as refused:
        askable(dataclasses.replace(groups, where=EITHER))
    assert refused.value.message == (
        "Rows cannot be grouped under a filter whose `or` or `not` holds several conditions, one of them on related "
        "rows."
    )
    assert refused.value.extensions == {"code": "BAD_USER_INPUT", "field": "filter"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (NO_BUDGET, False),
        (ITEMS, False),
        (Not(ITEMS), False),
        (And((ITEMS, NO_BUDGET)), False),
        (Or((ITEMS, NO_BUDGET)), True),
        (Or((ITEMS,)), False),
        (Or((NO_BUDGET, IsNull("title"))), False),
        (Not(And((ITEMS, NO_BUDGET))), True),
        (Not(Or((ITEMS, NO_BUDGET))), False),
        (Not(Not(EITHER)), True),
        (And((NO_BUDGET, EITHER)), True),
        (Related("trip_items", "trip_id", True, Or((IsNull("cost"), ITEMS))), False),
        (Related("trip_items", "trip_id", True, Or((IsNull("cost"), INVITATIONS))), True),
        (Not(Related("trip_items", "trip_id", True, Or((IsNull("cost"), INVITATIONS)))), False),
        (Related("trip_items", "trip_id", True, Not(And((IsNull("cost"), INVITATIONS)))), True),
        (Related("trip_items", "trip_id", True, Not(And((IsNull("cost"), ITEMS)))), False),
    ],
)
def test_rows_come_in_several_parts_where_a_test_of_a_relation_may_fail(where: Condition, expected: bool) -> None:
    assert "trip_items" not in catalog.partly_hidden
    assert splits(where) is expected


# What is done with the rows of an answer.


def test_related_keys_and_totals_below_are_unpacked() -> None:
    order = (Sort("title"), Sort("display_name", path=OWNER))
    totals = Embed(
        "r0",
        "trip_id",
        True,
        Read(
            "trip_items",
            (),
            where=Related("votes", "trip_item_id", True, ALWAYS),
            aggregates=(Aggregate("a0", Function.SUM, "cost", "text"),),
        ),
    )
    _, finish = askable(trips(order=order, keys=True, embeds=(totals, *LIST[:0])))
    assert finish is not None
    rows = [{"id": 1, "k1": {"o": "x", "v": "x"}, "r0": []}, {"id": 2, "k1": None, "r0": [{"a0": "5"}]}]
    assert finish(rows) == [{"id": 1, "k1": "x", "r0": [{"a0": None}]}, {"id": 2, "k1": None, "r0": [{"a0": "5"}]}]


def test_every_way_of_asking_finishes_the_rows() -> None:
    order = (Sort("display_name", path=OWNER), Sort("id"))
    for changes in ({}, {"source": CALL}, {"where": ids(101)}):
        finish = read_request(trips(order=order, keys=True, **changes)).finish
        assert finish is not None
        assert finish([{"k0": {"v": "x"}}]) == [{"k0": "x"}]


def test_what_is_below_a_row_that_is_absent_is_left_alone() -> None:
    items = Read("trip_items", ID, order=(Sort("display_name", path=ITEM_OWNER),), limit=1, keys=True)
    owner = Embed("r0", "user_id", False, Read("profiles", ID, (Embed("r0", "user_id", True, items),)))
    _, finish = askable(trips(embeds=(owner, *ONE)))
    assert finish is not None
    assert finish([{"r0": None}, {"r0": {"r0": [{"k0": {"v": "x"}}]}}]) == [{"r0": None}, {"r0": {"r0": [{"k0": "x"}]}}]
    assert askable(trips(order=NEWEST, keys=True, embeds=(*ONE, *LIST)))[1] is None
