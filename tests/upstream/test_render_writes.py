"""Writes as requests. None goes without a condition, and each names what it returns."""

import pytest

from tests.upstream.rendered import parameters
from tripgate.planner.plan import (
    Call,
    Compare,
    Delete,
    Insert,
    InsertTree,
    IsNull,
    Operator,
    Pick,
    Update,
    Write,
)
from tripgate.upstream.postgrest.render import Request, write_request

ID = (Pick("id"),)
BUDGET = (Pick("id"), Pick("budget", "text"))
REPRESENTATION = "return=representation"


def sent(write: Write) -> tuple[str, str, str, bytes | None, int | None]:
    """Method, path, `Prefer`, body and how many rows must be touched."""
    request = write_request(write)
    assert (request.plan, request.identity, request.postprocess, request.texts) == (write, None, None, ())
    return request.method, parameters(request.path), request.prefer, request.body, request.exactly


def test_new_rows() -> None:
    rows = ({"title": "a", "budget": "1.50"}, {"title": "b"})
    assert sent(Insert("trips", ("title", "budget"), rows, BUDGET)) == (
        "POST",
        "trips?select=id,budget::text&columns=title,budget",
        "return=representation,missing=default",
        b'[{"title":"a","budget":"1.50"},{"title":"b"}]',
        None,
    )


def test_a_row_of_defaults_names_no_columns() -> None:
    assert sent(Insert("trips", (), ({},), ID))[1] == "trips?select=id"


@pytest.mark.parametrize(("merge", "resolution"), [(True, "merge-duplicates"), (False, "ignore-duplicates")])
def test_rows_that_may_be_there_already(merge: bool, resolution: str) -> None:
    write = Insert("tags", ("name",), ({"name": "a"},), ID, ("user_id", "name"), merge)
    _, path, prefer, _, _ = sent(write)
    assert path == "tags?select=id&columns=name&on_conflict=user_id,name"
    assert prefer == f"return=representation,missing=default,resolution={resolution}"


def test_a_tree() -> None:
    write = InsertTree((("trips", ({"id": "1"},)), ("trip_items", ({"id": "2"}, {"id": "3"}))))
    body = b'{"tree":[{"table":"trips","rows":[{"id":"1"}]},{"table":"trip_items","rows":[{"id":"2"},{"id":"3"}]}]}'
    assert sent(write) == ("POST", "rpc/insert_tree", "", body, None)


def test_changes() -> None:
    tests = (Compare("updated_at", Operator.LTE, "2027-01-01T00:00:00+00:00"), IsNull("budget"))
    write = Update("trips", (("id", "a&b"), ("user_id", "c")), {"title": "x"}, ID, tests, 2)
    path = "trips?id=eq.a&b&user_id=eq.c&updated_at=lte.2027-01-01T00:00:00+00:00&budget=is.null&select=id"
    assert sent(write) == ("PATCH", path, REPRESENTATION, b'{"title":"x"}', 2)
    assert write_request(write).path.startswith("trips?id=eq.a%26b&user_id=eq.c&")


def test_deletion() -> None:
    write = Delete("trips", (("id", "a"),), BUDGET, (IsNull("budget"),), 1)
    assert sent(write) == ("DELETE", "trips?id=eq.a&budget=is.null&select=id,budget::text", REPRESENTATION, None, 1)


@pytest.mark.parametrize("write", [Update("trips", (), {"title": "x"}, ID), Delete("trips", (), ID)])
def test_a_write_without_a_condition_is_never_sent(write: Update | Delete) -> None:
    with pytest.raises(ValueError, match=r"^a write without a condition would change every row$"):
        write_request(write)


def test_a_test_alone_is_a_condition() -> None:
    assert sent(Delete("trips", (), ID, (IsNull("budget"),)))[1] == "trips?budget=is.null&select=id"


def test_calls() -> None:
    assert sent(Call("accept", {"code": "x"}, BUDGET)) == (
        "POST",
        "rpc/accept?select=id,budget::text",
        "",
        b'{"code":"x"}',
        None,
    )
    assert sent(Call("leave", {}, ()))[1] == "rpc/leave"


def test_what_is_shown_of_a_request() -> None:
    assert Request("GET", "trips?select=id").shown == {"method": "GET", "path": "/rest/v1/trips?select=id"}
