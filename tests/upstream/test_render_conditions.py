"""Conditions as PostgREST's filters, text by text."""

from typing import Any

import pytest

from gql.catalog import catalog
from tests.upstream.rendered import parameters, shown
from tripgate.planner.plan import ALWAYS, NEVER, And, Compare, Condition, IsNull, Not, Operator, Or, OwnTest, Related
from tripgate.upstream.postgrest.render.conditions import Filters, own_parameter

TITLE = Compare("title", Operator.EQ, "Rome")
NO_BUDGET = IsNull("budget")


def related(where: Condition, *, many: bool = True) -> Related:
    return Related("trip_items", "trip_id", many, where)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (ALWAYS, []),
        (NEVER, ["and=(id.in.())"]),
        (Not(ALWAYS), ["and=(not.id.not.in.())"]),
        (TITLE, ["title=eq.Rome"]),
        (Compare("title", Operator.EQ, 'a&b="c".d*e'), ['title=eq.a&b="c".d*e']),
        (And((TITLE, NO_BUDGET)), ['and=(title.eq."Rome",budget.is.null)']),
        (Or((TITLE, NO_BUDGET)), ['and=(or(title.eq."Rome",budget.is.null))']),
        (Or((And((TITLE, NO_BUDGET)), ALWAYS)), ['and=(or(and(title.eq."Rome",budget.is.null),id.not.in.()))']),
        (Not(TITLE), ['and=(title.not.eq."Rome")']),
        (Not(NO_BUDGET), ["and=(budget.not.is.null)"]),
        (Not(Not(NO_BUDGET)), ["and=(budget.is.null)"]),
        (Not(And((TITLE, NO_BUDGET))), ['and=(not.and(title.eq."Rome",budget.is.null))']),
        (Not(Or((TITLE, NO_BUDGET))), ['and=(not.or(title.eq."Rome",budget.is.null))']),
        (Compare("title", Operator.NEQ, "a"), ['and=(title.neq."a")']),
        (Compare("title", Operator.GT, "a"), ['and=(title.gt."a")']),
        (Compare("title", Operator.LTE, 'a"b\\c'), ['and=(title.lte."a\\"b\\\\c")']),
        (Compare("title", Operator.IN, ("a", "b,c")), ['and=(title.in.("a","b,c"))']),
        (Compare("title", Operator.IN, ("",)), ['and=(title.eq."")']),
        (Compare("search", Operator.SEARCH, "sushi"), ['and=(search.wfts(english)."sushi")']),
        (Compare("details", Operator.CONTAINS, "{}"), ['and=(details.cs."{}")']),
        (Compare("details", Operator.CONTAINED_BY, "{}"), ['and=(details.cd."{}")']),
        (Compare("labels", Operator.EQ, ("a", 'b"\\')), [r'and=(labels.eq."{\"a\",\"b\\\"\\\\\"}")']),
        (Compare("labels", Operator.NEQ, ()), ['and=(labels.neq."{}")']),
        (Compare("labels", Operator.OVERLAPS, ("a",)), [r'and=(labels.ov."{\"a\"}")']),
    ],
)
def test_a_condition_on_the_row_itself(condition: Condition, expected: list[str]) -> None:
    filters = Filters(condition, "trips", "")
    assert (filters.embeds, shown(filters.parameters)) == ([], expected)


@pytest.mark.parametrize(
    ("operator", "pattern", "expected"),
    [
        (Operator.LIKE, "%a_b%", 'like."%a_b%"'),
        (Operator.ILIKE, "a%", 'ilike."a%"'),
        (Operator.LIKE, "a*", r'match."^a\\*$"'),
        (Operator.ILIKE, "*a", r'imatch."^\\*a$"'),
        (Operator.LIKE, "%*_", r'match."^.*\\*.$"'),
        (Operator.LIKE, r"\%*\_", r'match."^\\%\\*_$"'),
        (Operator.LIKE, "*\\\\", r'match."^\\*\\\\$"'),
        (Operator.LIKE, "*\\", r'match."^\\*\\\\$"'),
        (Operator.LIKE, "*.é1[z", r'match."^\\*\\.é1\\[z$"'),
        (Operator.EQ, "a*", 'eq."a*"'),
    ],
)
def test_a_star_in_a_pattern_is_a_star(operator: Operator, pattern: str, expected: str) -> None:
    """PostgREST takes `*` for `%`, so such a pattern travels as a regular expression."""
    condition = And((Compare("title", operator, pattern), NO_BUDGET))
    assert shown(Filters(condition, "trips", "").parameters) == [f"and=(title.{expected},budget.is.null)"]


@pytest.mark.parametrize(
    ("condition", "options", "embeds", "expected"),
    [
        (
            related(TITLE),
            {},
            ["f0:trip_items!trip_id()"],
            ["and=(f0.not.is.null)", "f0.title=eq.Rome", "f0.limit=1"],
        ),
        (
            related(NO_BUDGET, many=False),
            {},
            ["f0:trip_items!trip_id()"],
            ["and=(f0.not.is.null)", "f0.and=(budget.is.null)"],
        ),
        (Not(related(ALWAYS)), {}, ["f0:trip_items!trip_id()"], ["and=(f0.is.null)", "f0.limit=1"]),
        (
            Or((related(TITLE), related(NO_BUDGET))),
            {},
            ["f0:trip_items!trip_id()", "f1:trip_items!trip_id()"],
            [
                "and=(or(f0.not.is.null,f1.not.is.null))",
                "f0.title=eq.Rome",
                "f0.limit=1",
                "f1.and=(budget.is.null)",
                "f1.limit=1",
            ],
        ),
        (
            related(Related("trips", "trip_id", False, TITLE)),
            {},
            ["f0:trip_items!trip_id(f0:trips!trip_id())"],
            ["and=(f0.not.is.null)", "f0.and=(f0.not.is.null)", "f0.f0.title=eq.Rome", "f0.limit=1"],
        ),
        (
            # The one that a row of the same table refers to goes by the key's column.
            related(related(TITLE, many=False)),
            {},
            ["f0:trip_items!trip_id(f0:trip_id())"],
            ["and=(f0.not.is.null)", "f0.and=(f0.not.is.null)", "f0.f0.title=eq.Rome", "f0.limit=1"],
        ),
        (
            related(related(ALWAYS)),
            {"aggregated": True},
            ["f0:trip_items!trip_id(x:id->nope,g0:trip_items!trip_id())"],
            ["and=(f0.not.is.null)", "f0.and=(g0.not.is.null)", "f0.g0.limit=1", "f0.limit=1"],
        ),
        (
            Related("invitations", "trip_id", True, ALWAYS),
            {},
            ["f0:invitations!trip_id(x:id->nope)"],
            ["and=(f0.not.is.null)", "f0.limit=1"],
        ),
        (
            Related("whole_trips", "", False, NO_BUDGET),
            {},
            ["f0:whole_trips()"],
            ["and=(f0.not.is.null)", "f0.and=(budget.is.null)"],
        ),
    ],
)
def test_a_test_of_related_rows_is_the_presence_of_an_embed(
    condition: Condition, options: dict[str, Any], embeds: list[str], expected: list[str]
) -> None:
    assert "invitations" in catalog.partly_hidden
    filters = Filters(condition, "trips", "", **options)
    assert (filters.embeds, shown(filters.parameters)) == (embeds, expected)


def test_below_an_embed_its_name_stands_first() -> None:
    filters = Filters(And((related(TITLE), NO_BUDGET)), "trips", "r0.")
    assert shown(filters.parameters) == [
        "r0.and=(f0.not.is.null,budget.is.null)",
        "r0.f0.title=eq.Rome",
        "r0.f0.limit=1",
    ]
    assert shown(Filters(TITLE, "trips", "r0.").parameters) == ["r0.title=eq.Rome"]


def test_a_clients_text_cannot_leave_its_place() -> None:
    (parameter,) = Filters(And((Compare("title", Operator.EQ, '")&x=y,(é'), NO_BUDGET)), "trips", "").parameters
    assert parameter == "and=(title.eq.%22%5C%22%29%26x%3Dy%2C%28%C3%A9%22,budget.is.null)"
    assert Filters(Compare("title", Operator.EQ, "a&b=c/é"), "trips", "").parameters == ["title=eq.a%26b%3Dc%2F%C3%A9"]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (TITLE, "title=eq.Rome"),
        (NO_BUDGET, "budget=is.null"),
        (Not(TITLE), "title=not.eq.Rome"),
        (Not(NO_BUDGET), "budget=not.is.null"),
        (Compare("title", Operator.EQ, 'a"b'), 'title=eq.a"b'),
        (Compare("id", Operator.IN, ("a", "b")), 'id=in.("a","b")'),
        (Compare("id", Operator.IN, ("a",)), "id=eq.a"),
        (Compare("labels", Operator.EQ, ("a",)), 'labels=eq.{"a"}'),
        (Not(Compare("title", Operator.ILIKE, "a*%")), r"title=not.imatch.^a\*.*$"),
    ],
)
def test_a_write_is_held_to_parameters_of_columns(test: OwnTest, expected: str) -> None:
    assert parameters(own_parameter(test)) == expected


@pytest.mark.parametrize("test", [And((TITLE,)), Or((TITLE,)), related(TITLE), Not(Not(TITLE)), Not(related(TITLE))])
def test_a_write_is_held_to_nothing_else(test: Any) -> None:
    with pytest.raises(ValueError, match=r"a write cannot be held to (And|Or|Related|Not)\("):
        own_parameter(test)
