"""How long lists of ids and long texts travel: in a body and in headers."""

import dataclasses
from typing import Any

import pytest

from tests.upstream.rendered import parameters
from tests.upstream.test_render_reads import ID, NO_BUDGET, called, trips
from tripgate.planner.plan import (
    And,
    Compare,
    Condition,
    Embed,
    IsNull,
    Not,
    Operator,
    Or,
    Pick,
    Read,
    Related,
)
from tripgate.upstream.postgrest.render import header_lines, read_request
from tripgate.upstream.postgrest.render.long_texts import with_texts_apart


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
