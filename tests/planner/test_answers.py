"""Rows as answers, without servers: what a selection makes of what a backend has answered."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pytest

from gql.errors import ApiError
from tests.planner import planned
from tripgate.planner.json_values import UNREADABLE, PartlyReadable, count_unreadable
from tripgate.planner.rows import ChunkedRows, Row, encoded
from tripgate.planner.shaper import connection_shaper, object_shaper

ID = "ada00000-0000-4000-8002-000000000001"
NODE_ID = "VHJpcDphZGEwMDAwMC0wMDAwLTQwMDAtODAwMi0wMDAwMDAwMDAwMDE"


def plan(document: str, **given: Any) -> Any:
    """The plan of a document's only root field."""
    (found,) = planned.root_plans(document, given).values()
    return found


def plain(answer: Any) -> Any:
    """An answer as a client gets it."""
    return orjson.loads(orjson.dumps(answer))


def page(document: str, rows: Sequence[Row], totals: Sequence[Row] = (), **given: Any) -> Any:
    return plain(connection_shaper(plan(document, **given).shape)(rows, totals))


def one(fields: str, row: Row, root: str = "trip") -> Any:
    return plain(object_shaper(plan(f'{{ {root}(id: "{ID}") {{ {fields} }} }}').shape)(row))


@pytest.mark.parametrize(
    ("fields", "row", "expected"),
    [
        ("__typename t: title", {"title": "a"}, {"__typename": "Trip", "t": "a"}),
        ("status", {"status": "booked"}, {"status": "BOOKED"}),
        ("nodeId", {"id": ID}, {"nodeId": NODE_ID}),
        ("owner { id __typename }", {"r0": {"id": "x"}}, {"owner": {"id": "x", "__typename": "Profile"}}),
        ("owner { id }", {"r0": None}, {"owner": None}),
        ("isOver", {"end_date": "2000-01-02"}, {"isOver": True}),
        ("isOver", {"end_date": None}, {"isOver": None}),
        ("items { nodes { id } }", {"r0": [{"id": "x"}]}, {"items": {"nodes": [{"id": "x"}]}}),
        ("items { totalCount }", {"r0": [{"count": 3}]}, {"items": {"totalCount": 3}}),
        (
            "a: items(first: 1) { nodes { id } totalCount } b: owner { id }",
            {"r0": [{"id": "x"}], "r1": [{"count": 9}], "r2": {"id": "y"}},
            {"a": {"nodes": [{"id": "x"}], "totalCount": 9}, "b": {"id": "y"}},
        ),
        ("items { __typename }", {}, {"items": {"__typename": "TripItemConnection"}}),
    ],
)
def test_one_row(fields: str, row: Row, expected: Any) -> None:
    assert one(fields, row) == expected


def test_json_and_computed_objects_of_a_row() -> None:
    assert one("details place { id }", {"details": '{"a":1.10}', "r0": None}, "tripItem") == {
        "details": {"a": 1.1},
        "place": None,
    }
    assert one("details", {"details": None}, "tripItem") == {"details": None}
    assert object_shaper(plan(f'{{ tripItem(id: "{ID}") {{ details }} }}').shape)({"details": "[" * 65 + "]" * 65}) == {
        "details": UNREADABLE
    }


def test_an_object_that_the_database_computes() -> None:
    row = {"vote_summary": {"score": 2, "mine": 1}}
    assert one("voteSummary { __typename s: score mine }", row, "tripItem") == {
        "voteSummary": {"__typename": "VoteSummary", "s": 2, "mine": "UP"}
    }


def test_objects_and_lists_of_them_inside_one_that_the_database_computes() -> None:
    row = {
        "preference_summary": {
            "people": 2,
            "paces": [{"pace": "busy", "people": 2}],
            "interests": [],
            "dietary_needs": [{"need": "vegan", "people": 1}],
            "budgets": [
                {"currency": "EUR", "people": 2, "shared": {"min": "1.50", "max": None}},
                {"currency": "JPY", "people": 2, "shared": None},
            ],
        }
    }
    fields = """preferenceSummary {
      people interests { interest } paces { __typename p: pace people } needs: dietaryNeeds { need }
      budgets { currency shared { __typename min max } }
    }"""
    assert one(fields, row) == {
        "preferenceSummary": {
            "people": 2,
            "interests": [],
            "paces": [{"__typename": "PaceCount", "p": "BUSY", "people": 2}],
            "needs": [{"need": "vegan"}],
            "budgets": [
                {"currency": "EUR", "shared": {"__typename": "BudgetRange", "min": "1.50", "max": None}},
                {"currency": "JPY", "shared": None},
            ],
        }
    }
    assert one("preferenceSummary { people }", {"preference_summary": None}) == {"preferenceSummary": None}


def test_variables_decide_what_is_selected() -> None:
    document = f"""query ($with: Boolean!) {{
          trip(id: "{ID}") {{ ...F @include(if: $with) ... @skip(if: $with) {{ id }} }} }}
        fragment F on Trip {{ title ...G }} fragment G on Trip {{ title currency }}"""
    row = {"id": "x", "title": "a", "currency": "EUR"}
    answers = [plain(object_shaper(plan(document, **{"with": given}).shape)(row)) for given in (True, False)]
    assert answers == [{"title": "a", "currency": "EUR"}, {"id": "x"}]


ROWS = [{"id": each, "title": each.upper(), "created_at": "2027"} for each in "abc"]


def test_a_page_and_what_is_behind_it() -> None:
    fields = "nodes { id } pageInfo { __typename hasNextPage hasPreviousPage }"
    facts = {"__typename": "PageInfo", "hasNextPage": True, "hasPreviousPage": False}
    assert page(f"{{ trips(first: 2) {{ {fields} }} }}", ROWS) == {
        "nodes": [{"id": "a"}, {"id": "b"}],
        "pageInfo": facts,
    }
    assert page(f"{{ trips(last: 2) {{ {fields} }} }}", ROWS) == {
        "nodes": [{"id": "b"}, {"id": "a"}],
        "pageInfo": {"__typename": "PageInfo", "hasNextPage": False, "hasPreviousPage": True},
    }
    assert page(f"{{ trips(first: 3, offset: 1) {{ {fields} }} }}", ROWS)["pageInfo"] == {
        "__typename": "PageInfo",
        "hasNextPage": False,
        "hasPreviousPage": True,
    }


def test_edges_and_cursors() -> None:
    document = """{ trips(first: 2, orderBy: [{ title: ASC }]) {
        __typename edges { __typename cursor node { title } } pageInfo { startCursor endCursor } } }"""
    found = page(document, ROWS)
    first, second = (edge["cursor"] for edge in found["edges"])
    assert found == {
        "__typename": "TripConnection",
        "edges": [
            {"__typename": "TripEdge", "cursor": first, "node": {"title": "A"}},
            {"__typename": "TripEdge", "cursor": second, "node": {"title": "B"}},
        ],
        "pageInfo": {"startCursor": first, "endCursor": second},
    }
    assert first != second
    assert page(document, [])["pageInfo"] == {"startCursor": None, "endCursor": None}


def test_totals() -> None:
    document = """{ trips { totalCount aggregate {
        __typename count sum { __typename budget } min { startDate } max { startDate } } } }"""
    (alias, start, end) = (each.alias for each in plan(document).total.aggregates if each.alias != "count")
    assert page(document, [], [{"count": 4, alias: "1.50", start: None, end: "2027-01-02"}]) == {
        "totalCount": 4,
        "aggregate": {
            "__typename": "TripAggregate",
            "count": 4,
            "sum": {"__typename": "TripSum", "budget": "1.50"},
            "min": {"startDate": None},
            "max": {"startDate": "2027-01-02"},
        },
    }


def test_groups() -> None:
    document = """{ tripsGrouped(by: [STATUS, CURRENCY]) { __typename count n: max { startDate }
        key { __typename status currency title } } }"""
    found = plan(document)
    (alias,) = (each.alias for each in found.read.aggregates if each.alias != "count")
    row = {"status": "booked", "currency": "EUR", "count": 3, alias: "2027-01-02"}
    assert plain(object_shaper(found.shape)(row)) == {
        "__typename": "TripGroup",
        "count": 3,
        "n": {"startDate": "2027-01-02"},
        "key": {"__typename": "TripGroupFields", "status": "BOOKED", "currency": "EUR", "title": None},
    }


@pytest.mark.parametrize(
    ("arguments", "message", "field"),
    [
        ("by: []", "by is empty. Name at least one field to group by, or ask for aggregate.", "by"),
        ("by: [STATUS], first: -1", "first must be between 0 and 100, not -1.", "first"),
        ("by: [STATUS], first: 101", "first must be between 0 and 100, not 101.", "first"),
        ("by: [STATUS], offset: -1", "offset must not be negative, as -1 is.", "offset"),
        (
            "by: [STATUS], filter: { title: { eq: null } }",
            "filter.title.eq is null. Leave it out, or test for null with isNull.",
            "filter.title.eq",
        ),
    ],
)
def test_groups_that_are_refused(arguments: str, message: str, field: str) -> None:
    with pytest.raises(ApiError) as caught:
        plan(f"{{ tripsGrouped({arguments}) {{ count }} }}")
    error = caught.value
    assert (error.message, error.extensions) == (message, {"code": "BAD_USER_INPUT", "field": field})


@pytest.mark.parametrize("arguments", ["first: 0, offset: 0", "first: 100"])
def test_groups_at_the_edges(arguments: str) -> None:
    assert plan(f"{{ tripsGrouped(by: [STATUS], {arguments}) {{ count }} }}").read.offset == 0


class Chunks(ChunkedRows):
    """Rows in chunks of two."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return Chunks(self.rows[index]) if isinstance(index, slice) else self.rows[index]

    def chunks(self) -> Iterator[list[Row]]:
        for start in range(0, len(self.rows), 2):
            yield self.rows[start : start + 2]


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS])
@pytest.mark.parametrize("arguments", ["first: 2", "last: 2"])
def test_a_long_answer_is_the_same(rows: list[Row], arguments: str) -> None:
    document = (
        f"{{ trips({arguments}) {{ nodes {{ id }} edges {{ cursor node {{ title }} }} pageInfo {{ endCursor }} }} }}"
    )
    assert list(Chunks(rows)) == rows
    assert page(document, Chunks(rows)) == page(document, rows)


def test_what_cannot_be_answered_is_found_again_in_a_long_answer() -> None:
    rows = [{"x": 0}, {"x": 1}, {"x": 2}]
    assert type(encoded(Chunks(rows), list)) is orjson.Fragment

    def shaper(chunk: list[Row]) -> list[Any]:
        if any(row["x"] for row in chunk):
            count_unreadable()
        return [{"x": UNREADABLE if row["x"] else 0} for row in chunk]

    found = encoded(Chunks(rows), shaper)
    assert isinstance(found, PartlyReadable)
    assert plain(found.text) == [{"x": 0}, {"x": None}, {"x": None}]
    assert found.paths == ((1, "x"), (2, "x"))
