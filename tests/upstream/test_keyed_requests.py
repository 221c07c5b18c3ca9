"""A read that is made ready without its key asks, with a key, for what the same read with that condition asks for."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planner import planned
from tripgate.planner.plan import ALWAYS, Compare, Operator, Pick, Read
from tripgate.upstream.postgrest.render import keyed_request, read_request

BY_ID = [
    read
    for name in planned.names()
    for reads in planned.reads(planned.query(name), planned.variables(name), **planned.settings(name)).values()
    for read in reads
    if isinstance(read.where, Compare) and read.where.operator is Operator.EQ and read.limit is None
]


@given(read=st.sampled_from(BY_ID), column=st.sampled_from(["id", "user_id"]), key=st.text())
def test_the_request_is_the_same(read: Read, column: str, key: str) -> None:
    whole = read_request(dataclasses.replace(read, where=Compare(column, Operator.EQ, key)))
    open_ = keyed_request(dataclasses.replace(read, where=ALWAYS), column)
    found = open_.with_key(key)
    assert found == whole
    assert (found.identity, found.plan, found.postprocess) == (whole.identity, whole.plan, whole.postprocess)


@pytest.mark.parametrize(
    "read",
    [
        Read("trips", (Pick("id"),), where=Compare("title", Operator.EQ, "x")),
        Read("trips", (Pick("id"),), limit=1),
    ],
)
def test_a_condition_or_a_page_of_its_own_is_refused(read: Read) -> None:
    with pytest.raises(ValueError, match="without condition"):
        keyed_request(read, "id")
