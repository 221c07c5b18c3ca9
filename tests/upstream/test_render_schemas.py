"""Requests to tables of another Postgres schema than `public`: by their own names, the schema beside them."""

import pytest

from gql.table import Hop, Sort
from tests.upstream.rendered import parameters
from tripgate.planner.plan import (
    Call,
    Compare,
    Delete,
    Embed,
    FunctionCall,
    Insert,
    Operator,
    Pick,
    Read,
    Related,
    Update,
    Write,
)
from tripgate.upstream.postgrest.render import (
    Request,
    keyed_request,
    read_request,
    value_request,
    write_request,
)

ID = (Pick("id"),)
OF_A = Compare("id", Operator.EQ, "a")


def sent(request: Request) -> tuple[str, str, str]:
    return request.schema, request.method, parameters(request.path)


def test_a_read_with_related_rows() -> None:
    read = Read(
        "household.couples",
        ID,
        (Embed("r0", "couple_id", True, Read("household.tasks", ID)),),
        Related("household.tasks", "couple_id", True, Compare("title", Operator.EQ, "a")),
        (Sort("title", path=(Hop("household.plans", "plan_id"), Hop("household.homes", "home_id"))),),
    )
    assert sent(read_request(read)) == (
        "household",
        "GET",
        "couples?select=id,r0:tasks!couple_id(id),k0:plans!plan_id(...homes!home_id(o:title)),f0:tasks!couple_id()"
        "&and=(f0.not.is.null)&f0.title=eq.a&f0.limit=1&order=k0(o).asc",
    )


def test_two_tables_of_one_name_share_no_answer() -> None:
    here, there = (read_request(Read(name, ID, where=OF_A)) for name in ("notes", "household.notes"))
    assert (here.path, here.schema) == (there.path, "")
    assert here.identity != there.identity
    here, there = (keyed_request(Read(name, ID), "id").with_key("a") for name in ("notes", "household.notes"))
    assert (here.path, there.schema) == (there.path, "household")
    assert here.identity != there.identity
    assert there.shown == {"method": "GET", "path": "/rest/v1/notes?select=id&id=eq.a", "schema": "household"}


def test_functions() -> None:
    call = FunctionCall("household.found", (("words", "a"),))
    assert sent(value_request(call)) == ("household", "POST", "rpc/found")
    assert sent(read_request(Read("household.notes", ID, source=call))) == ("household", "POST", "rpc/found?select=id")


@pytest.mark.parametrize(
    ("write", "request_"),
    [
        (Insert("household.notes", ("a",), ({"a": 1},), ID), ("POST", "notes?select=id&columns=a")),
        (Update("household.notes", (("id", "a"),), {"a": 1}, ID), ("PATCH", "notes?id=eq.a&select=id")),
        (Delete("household.notes", (("id", "a"),), ID), ("DELETE", "notes?id=eq.a&select=id")),
        (Call("household.tidy", {}, ID), ("POST", "rpc/tidy?select=id")),
    ],
)
def test_writes(write: Write, request_: tuple[str, str]) -> None:
    request = write_request(write)
    assert sent(request) == ("household", *request_)
    assert request.identity is None
