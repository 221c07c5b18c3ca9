"""How totals and groups are asked for, whole or in several parts, and how rows are finished."""

import dataclasses
from typing import Any

import pytest

from gql.catalog import catalog
from gql.errors import ApiError
from gql.table import Kind, Sort
from tests.upstream.test_render_long import ids
from tests.upstream.test_render_reads import (
    CALL,
    COUNT,
    ID,
    ITEM_OWNER,
    ITEMS,
    LIST,
    NEWEST,
    NO_BUDGET,
    ONE,
    OWNER,
    SUM,
    trips,
)
from tripgate.planner.plan import (
    ALWAYS,
    Aggregate,
    And,
    Condition,
    Embed,
    Function,
    IsNull,
    Not,
    Or,
    Pick,
    Read,
    Related,
)
from tripgate.upstream.postgrest.merge import Part
from tripgate.upstream.postgrest.render import read_request
from tripgate.upstream.postgrest.render.grouping import splits
from tripgate.upstream.postgrest.render.postprocess import without_postprocessing

INVITATIONS = Related("invitations", "trip_id", True, ALWAYS)

AVG = Aggregate("a0", Function.AVG, "budget", "text")

LEAST_TITLE = Aggregate("a0", Function.MIN, "title")


def parts(where: Condition, *aggregates: Aggregate, table: str = "trips") -> tuple[tuple[Aggregate, ...], Any]:
    """What is asked for, and how it becomes one row."""
    found, postprocess = without_postprocessing(Read(table, (), where=where, aggregates=aggregates))
    return found.aggregates, postprocess and postprocess.parts


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
    assert without_postprocessing(groups) == (groups, None)
    with pytest.raises(ApiError) as refused:
        without_postprocessing(dataclasses.replace(groups, where=EITHER))
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
    _, postprocess = without_postprocessing(trips(order=order, keys=True, embeds=(totals, *LIST[:0])))
    assert postprocess is not None
    rows = [{"id": 1, "k1": {"o": "x", "v": "x"}, "r0": []}, {"id": 2, "k1": None, "r0": [{"a0": "5"}]}]
    assert postprocess(rows) == [{"id": 1, "k1": "x", "r0": [{"a0": None}]}, {"id": 2, "k1": None, "r0": [{"a0": "5"}]}]


def test_every_way_of_asking_finishes_the_rows() -> None:
    order = (Sort("display_name", path=OWNER), Sort("id"))
    for changes in ({}, {"source": CALL}, {"where": ids(101)}):
        postprocess = read_request(trips(order=order, keys=True, **changes)).postprocess
        assert postprocess is not None
        assert postprocess([{"k0": {"v": "x"}}]) == [{"k0": "x"}]


def test_what_is_below_a_row_that_is_absent_is_left_alone() -> None:
    items = Read("trip_items", ID, order=(Sort("display_name", path=ITEM_OWNER),), limit=1, keys=True)
    owner = Embed("r0", "user_id", False, Read("profiles", ID, (Embed("r0", "user_id", True, items),)))
    _, postprocess = without_postprocessing(trips(embeds=(owner, *ONE)))
    assert postprocess is not None
    rows = [{"r0": None}, {"r0": {"r0": [{"k0": {"v": "x"}}]}}]
    assert postprocess(rows) == [{"r0": None}, {"r0": {"r0": [{"k0": "x"}]}}]
    assert without_postprocessing(trips(order=NEWEST, keys=True, embeds=(*ONE, *LIST)))[1] is None
