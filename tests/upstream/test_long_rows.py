"""Long answers are taken apart row by row, and become the same as if they had been read whole."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import examples
from tripgate.planner import result_shape as shape
from tripgate.planner.shaper import connection_shaper
from tripgate.upstream.postgrest import long_rows
from tripgate.upstream.postgrest.long_rows import LongRows

# Text and JSON that would part the rows elsewhere, were they taken for what they look like.
IMITATIONS = ['{"0":', ', \n {"0":"x"}', '\\n {"0":', "]", '}]}, \n {"0":', "[", "🧳", ""]
NOTES = st.lists(st.one_of(st.sampled_from(IMITATIONS), st.text(max_size=5)), max_size=3).map("".join)
ROW = st.fixed_dictionaries({"title": NOTES, "data": st.dictionaries(st.sampled_from(["0", "a"]), NOTES, max_size=2)})


LONG = 4_000


@pytest.fixture(autouse=True, scope="module")
def sooner() -> Iterator[None]:
    """Take shorter answers apart too, so that there are many to try."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_rows, "LONG", LONG)
        yield


def of_postgres(rows: list[dict[str, Any]]) -> bytes:
    """The text that Postgres' json_agg makes of rows that hold lists of rows and jsonb."""

    def text(row: dict[str, Any], mark: bool) -> str:
        plain = {**({"0": row["id"]} if mark else {}), "id": row["id"], "title": row["title"]}
        # to_json writes no spaces, jsonb writes some and no ends of lines.
        fields = [f"{json.dumps(key)}:{json.dumps(value)}" for key, value in plain.items()]
        fields.append(f'"data":{json.dumps(row["data"])}')
        if mark:
            fields.append(f'"r0":[{join(text(each, False) for each in row["r0"])}]')
        return "{" + ",".join(fields) + "}"

    join = ", \n ".join
    return f"[{join(text(row, True) for row in rows)}]".encode()


def long(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows again and again, until their text is long."""
    times = 1 + LONG // max(1, len(of_postgres(rows)))
    return [{**row, "id": f"{row['id']} {number}"} for number in range(times) for row in rows]


def connection(size: int, *, backward: bool) -> shape.ResultConnection:
    item = shape.ResultObject((shape.Value("id", "id"), shape.Value("title", "title"), shape.Value("data", "data")))
    inner = shape.ResultConnection((shape.Nodes("nodes", item),), 100, False, False, False, "m", ())
    row = shape.ResultObject((*item.fields, shape.RelatedConnection("items", "r0", None, inner)))
    facts = tuple(shape.PageFact(name, name) for name in ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor"))
    edges = shape.Edges("edges", (shape.Cursor("cursor"), shape.Node("node", item)))
    fields = (shape.Nodes("nodes", row), edges, shape.PageInfo("pageInfo", facts), shape.TotalCount("n"))
    return shape.ResultConnection(fields, size, backward, False, False, "m", ("id",))


@settings(max_examples=examples(10), deadline=None)
@given(
    rows=st.lists(
        st.builds(lambda row, items: {**row, "items": items}, ROW, st.lists(ROW, max_size=2)), min_size=1, max_size=5
    ),
    one_less=st.booleans(),
    backward=st.booleans(),
)
def test_the_answer_is_the_same(rows: list[dict[str, Any]], one_less: bool, backward: bool) -> None:
    numbered = [
        {**row, "id": str(n), "r0": [{**item, "id": f"{n}.{m}"} for m, item in enumerate(row["items"])]}
        for n, row in enumerate(rows)
    ]
    text = of_postgres(long(numbered))
    apart = LongRows.of(text)
    assert isinstance(apart, LongRows)
    whole: list[dict[str, Any]] = orjson.loads(text)
    assert list(apart) == whole
    assert (len(apart), apart[0], apart[-1], list(apart[1:])) == (len(whole), whole[0], whole[-1], whole[1:])
    assert list(apart[::-1]) == whole[::-1]
    assert list(apart[::-1][:70]) == whole[::-1][:70]
    assert list(apart[:70][::-1]) == whole[:70][::-1]
    shaper = connection_shaper(connection(len(whole) - one_less, backward=backward))
    totals = [{"count": 7}]
    assert orjson.loads(orjson.dumps(shaper(apart, totals))) == orjson.loads(orjson.dumps(shaper(whole, totals)))


@pytest.mark.parametrize("text", [b"[]", b'[{"0":1,"id":1}]', b'[{"id":"' + b"x" * LONG + b'"}]'])
def test_what_is_short_or_not_marked_is_read_whole(text: bytes) -> None:
    assert LongRows.of(text) is None


def test_an_answer_of_many_rows_never_stands_there_as_objects() -> None:
    item = {"id": "i", "title": "Lunch by the lake", "data": {}}
    rows = [{"id": str(n), "title": f"Trip {n}", "data": {"a": 1}, "r0": [item] * 10} for n in range(2000)]
    text = of_postgres(rows)
    shaper = connection_shaper(connection(len(rows), backward=False))
    orjson.dumps(shaper(LongRows.of(text), [{"count": 1}]))  # compiles it
    tracemalloc.start()
    answer = orjson.dumps(shaper(LongRows.of(text), [{"count": 1}]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(answer) > 1_000_000
    assert peak < 4 * len(answer)
