"""Pages as bounds of an order, and the very words in which a mistake is refused."""

import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gql.catalog import catalog
from gql.errors import ApiError
from gql.table import Hop, Sort
from tripgate.gateway.schema import graphql_schema
from tripgate.planner.paging import Page, bounds, encode_cursor, order_of, page, place, signature
from tripgate.planner.plan import ALWAYS, And, Compare, Condition, IsNull, Not, Operator, Or, Related

graphql_schema()
TRIP, ITEM = catalog["Trip"], catalog["TripItem"]
NEWEST = (Sort("created_at", descending=True, nulls_first=True), Sort("id"))
ID = (Sort("id"),)


class Direction:
    """A member of the enum of directions."""

    def __init__(self, value: str) -> None:
        self.value = value


ASC, DESC, NULLS_FIRST = Direction("asc"), Direction("desc"), Direction("asc nulls first")


def refusal(made: Any, *arguments: Any, **named: Any) -> tuple[str, str]:
    with pytest.raises(ApiError) as refused:
        made(*arguments, **named)
    assert refused.value.extensions["code"] == "BAD_USER_INPUT"
    return refused.value.message, refused.value.extensions["field"]


@pytest.mark.parametrize(
    ("arguments", "size", "backward", "offset"),
    [
        ({}, 20, False, 0),
        ({"first": 0}, 0, False, 0),
        ({"first": 50, "offset": 3}, 50, False, 3),
        ({"first": 5, "offset": 0}, 5, False, 0),
        ({"last": 0}, 0, True, 0),
        ({"last": 50}, 50, True, 0),
        ({"before": "x"}, 20, True, 0),
        ({"before": "x", "after": "y"}, 20, False, 0),
        ({"before": "x", "first": 4}, 4, False, 0),
        ({"after": "x", "last": 4}, 4, True, 0),
        ({"after": "x", "offset": 2}, 20, False, 2),
    ],
)
def test_which_part_of_a_list_is_wanted(arguments: dict[str, Any], size: int, backward: bool, offset: int) -> None:
    found = page(catalog, TRIP, arguments, max_page_size=50)
    after, before = arguments.get("after"), arguments.get("before")
    assert found == Page(NEWEST, size, backward, offset, after, before)
    assert found.reading_order == (tuple(key.reversed() for key in NEWEST) if backward else NEWEST)


def test_a_page_is_never_longer_than_the_longest() -> None:
    assert page(catalog, TRIP, {}, max_page_size=7).size == 7


OFFSET = "offset counts from the start: it goes with first and after, not with last or before."


@pytest.mark.parametrize(
    ("arguments", "message", "field"),
    [
        ({"first": 0, "last": 0}, "Give first or last, not both.", "last"),
        ({"offset": 0, "last": 1}, OFFSET, "offset"),
        ({"offset": 0, "before": "x"}, OFFSET, "offset"),
        ({"first": -1}, "first must be between 0 and 50, not -1.", "first"),
        ({"first": 51}, "first must be between 0 and 50, not 51.", "first"),
        ({"last": 51}, "last must be between 0 and 50, not 51.", "last"),
        ({"offset": -1}, "offset must not be negative, as -1 is.", "offset"),
        ({"orderBy": [{"title": ASC}, {"title": DESC}]}, "orderBy names title twice.", "orderBy"),
        (
            {"orderBy": [{"owner": {"displayName": ASC}}, {"title": ASC}, {"owner": {"displayName": ASC}}]},
            "orderBy names owner.displayName twice.",
            "orderBy",
        ),
    ],
)
def test_pages_that_are_refused(arguments: dict[str, Any], message: str, field: str) -> None:
    assert refusal(page, catalog, TRIP, arguments, max_page_size=50) == (message, field)


OWNER = (Hop("profiles", "user_id"),)


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (None, NEWEST),
        ([], NEWEST),
        ([{"title": DESC}], (Sort("title", descending=True, nulls_first=True), Sort("id"))),
        ([{"budget": NULLS_FIRST}], (Sort("budget", nulls_first=True), Sort("id"))),
        ([{"id": DESC}, {"title": ASC}], (Sort("id", descending=True, nulls_first=True),)),
        ([{"title": ASC}, {"id": ASC}, {"budget": ASC}], (Sort("title"), Sort("id"))),
        ([{"owner": {"id": ASC}}], (Sort("id", path=OWNER), Sort("id"))),
        (
            [{"owner": {"displayName": ASC}}, {"title": ASC}],
            (Sort("display_name", path=OWNER), Sort("title"), Sort("id")),
        ),
    ],
)
def test_an_order_ends_with_the_key(order_by: list[dict[str, Any]] | None, expected: tuple[Sort, ...]) -> None:
    assert order_of(catalog, TRIP, order_by) == expected


def test_an_order_over_several_relations() -> None:
    key, _ = order_of(catalog, ITEM, [{"trip": {"owner": {"displayName": ASC}}}])
    assert key == Sort("display_name", path=(Hop("trips", "trip_id"), Hop("profiles", "user_id")))


def test_a_cursor_is_opaque_text_of_an_order_and_a_place() -> None:
    assert encode_cursor("m", ["a", None, 1]) == "WyJtIiwiYSIsbnVsbCwxXQ"
    orders = [
        ID,
        (Sort("id", descending=True),),
        (Sort("id", nulls_first=True),),
        (Sort("id", path=OWNER),),
        (Sort("id", path=(Hop("profiles", "owner_id"),)),),
        (Sort("title"), Sort("id")),
    ]
    marks = [signature(table, order) for table in (TRIP, ITEM) for order in orders]
    assert len(set(marks)) == 12
    assert {len(mark) for mark in marks} == {8}
    # Clients hold cursors over releases, which another mark would refuse.
    assert signature(TRIP, NEWEST) == "4b68be7b"
    assert (place(0, Sort("id")), place(3, Sort("id", path=OWNER))) == ("id", "k3")


def bound(order: tuple[Sort, ...], *values: Any, before: bool = False, table: Any = TRIP) -> Condition:
    """What one cursor leaves of a list."""
    cursor = encode_cursor(signature(table, order), list(values))
    return bounds(table, Page(order, 5, False, 0, None if before else cursor, cursor if before else None))


def of(operator: Operator, column: str, value: str) -> Compare:
    return Compare(column, operator, value)


def test_without_a_cursor_all_is_left() -> None:
    assert bounds(TRIP, Page(ID, 5, False, 0, None, None)) == ALWAYS


NAMED = (Sort("title"), Sort("id"))
BUDGET = Sort("budget")
BUDGET_FIRST = Sort("budget", nulls_first=True)
NO_BUDGET = IsNull("budget")
BY_OWNER = (Sort("display_name", path=OWNER), Sort("id"))


def owned(test: Condition) -> Related:
    return Related("profiles", "user_id", False, test)


@pytest.mark.parametrize(
    ("bounded", "expected"),
    [
        (lambda: bound(ID, "x"), of(Operator.GT, "id", "x")),
        (lambda: bound(ID, "x", before=True), of(Operator.LT, "id", "x")),
        (
            lambda: bound(NAMED, "a", "x"),
            And(
                (
                    of(Operator.GTE, "title", "a"),
                    Or(
                        (
                            of(Operator.GT, "title", "a"),
                            And((of(Operator.EQ, "title", "a"), of(Operator.GT, "id", "x"))),
                        )
                    ),
                )
            ),
        ),
        (
            lambda: bound(NAMED, "a", "x", before=True),
            And(
                (
                    of(Operator.LTE, "title", "a"),
                    Or(
                        (
                            of(Operator.LT, "title", "a"),
                            And((of(Operator.EQ, "title", "a"), of(Operator.LT, "id", "x"))),
                        )
                    ),
                )
            ),
        ),
        (
            lambda: bound((BUDGET, *ID), "5", "x"),
            Or(
                (
                    Or((of(Operator.GT, "budget", "5"), NO_BUDGET)),
                    And((of(Operator.EQ, "budget", "5"), of(Operator.GT, "id", "x"))),
                )
            ),
        ),
        (lambda: bound((BUDGET, *ID), None, "x"), And((NO_BUDGET, of(Operator.GT, "id", "x")))),
        (
            lambda: bound((BUDGET, *ID), "5", "x", before=True),
            Or((of(Operator.LT, "budget", "5"), And((of(Operator.EQ, "budget", "5"), of(Operator.LT, "id", "x"))))),
        ),
        (
            lambda: bound((BUDGET_FIRST, *ID), None, "x"),
            Or((Not(NO_BUDGET), And((NO_BUDGET, of(Operator.GT, "id", "x"))))),
        ),
        (
            lambda: bound(BY_OWNER, "a", "x"),
            Or(
                (
                    Or(
                        (
                            owned(of(Operator.GT, "display_name", "a")),
                            Not(owned(Not(IsNull("display_name")))),
                        )
                    ),
                    And((owned(of(Operator.EQ, "display_name", "a")), of(Operator.GT, "id", "x"))),
                )
            ),
        ),
        (
            lambda: bound((Sort("order_index"), *ID), 7, "x", table=ITEM),
            And(
                (
                    of(Operator.GTE, "order_index", "7"),
                    Or(
                        (
                            of(Operator.GT, "order_index", "7"),
                            And((of(Operator.EQ, "order_index", "7"), of(Operator.GT, "id", "x"))),
                        )
                    ),
                )
            ),
        ),
    ],
)
def test_what_a_cursor_leaves(bounded: Callable[[], Condition], expected: Condition) -> None:
    assert bounded() == expected


def test_two_cursors_leave_what_is_between() -> None:
    first, second = (encode_cursor(signature(TRIP, ID), [value]) for value in "ax")
    found = bounds(TRIP, Page(ID, 5, False, 0, first, second))
    assert found == And((of(Operator.GT, "id", "a"), of(Operator.LT, "id", "x")))


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


MARK = signature(TRIP, ID)
ELSEWHERE = "is a cursor of another order. Page on with the order it was made in."
NONE = "is not a cursor of this API."


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize(
    ("cursor", "message"),
    [
        ("", NONE),
        ("é", NONE),
        ("a+b/", NONE),
        ("AAAA", NONE),
        (encoded({"a": 1}), NONE),
        (encoded([MARK]), NONE),
        (encoded([1, "x"]), NONE),
        (encoded(["00000000", "x"]), ELSEWHERE),
        (encoded([MARK, "x", "y"]), ELSEWHERE),
        (encoded([MARK, "\0"]), NONE),
        (encoded([MARK, None]), NONE),
        (encoded([MARK, ["x"]]), NONE),
        (encoded([MARK, {"x": 1}]), NONE),
    ],
)
def test_cursors_that_are_refused(argument: str, cursor: str, message: str) -> None:
    after, before = (cursor, None) if argument == "after" else (None, cursor)
    assert refusal(bounds, TRIP, Page(ID, 5, False, 0, after, before)) == (f"{argument} {message}", argument)
