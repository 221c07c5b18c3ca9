"""Reads as requests: pages, orders, embeds, long lists and texts, ordered views and functions."""

import dataclasses
from typing import Any

import pytest

from gql.table import Hop, Sort
from tests.upstream.rendered import parameters
from tripgate.planner.plan import (
    ALWAYS,
    NEVER,
    Aggregate,
    And,
    Compare,
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
from tripgate.upstream.postgrest.render import keyed_request, read_request, value_request

ID = (Pick("id"),)
NO_BUDGET = IsNull("budget")
COSTLY = Compare("cost_total", Operator.GT, "5")
ITEMS = Related("trip_items", "trip_id", True, ALWAYS)
COUNT = Aggregate("count", Function.COUNT)
SUM = Aggregate("a0", Function.SUM, "budget", "text")
CALL = FunctionCall("trips_near", (("place", "x"), ("km", "5")))
OWNER = (Hop("profiles", "user_id"),)
ITEM_OWNER = (Hop("trips", "trip_id"), Hop("profiles", "user_id"))
PLACE_OWNER = (Hop("places", "place_id"), Hop("profiles", "user_id"))


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
    assert (request.body, request.exactly, request.plan, request.postprocess) == (None, None, read, None)
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
            {"order": (Sort("display_name", path=PLACE_OWNER),), "keys": True},
            "select=id,k0:places!place_id(...profiles!user_id(o:display_name,v:display_name::text))&order=k0(o).asc",
        ),
        # The row of the same table that one refers to goes by the key's column, and those that refer to it do not.
        ({"order": (Sort("title", path=(Hop("trips", "after"),)),)}, "select=id,k0:after(o:title)&order=k0(o).asc"),
        (
            {"order": (Sort("title", path=(Hop("trips", "after"), Hop("trips", "after"))),)},
            "select=id,k0:after(...after(o:title))&order=k0(o).asc",
        ),
        ({"embeds": (Embed("r0", "after", False, Read("trips", ID)),)}, "select=id,r0:after(id)"),
        ({"embeds": (Embed("r0", "after", True, Read("trips", ID)),)}, "select=id,r0:trips!after(id)"),
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


# Long texts.


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


# What is done with the rows of an answer.
