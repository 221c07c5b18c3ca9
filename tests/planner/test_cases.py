"""Each folder of `cases/` is one story: a query, its plan, how either backend asks for it, and the answer.

`variables.json` is optional. After a change that is meant, `pytest tests/planner/test_cases.py --rewrite-cases` writes
plan, requests and answer anew; read the difference before you commit it.
"""

import dataclasses
from pathlib import Path

import orjson
import pytest

from tests.planner import planned
from tests.support import Person, Wire


@pytest.mark.parametrize("name", planned.names())
def test_plan(name: str, *, rewrite_cases: bool) -> None:
    assert planned.plans(name) == stored(planned.CASES / name / "plan.json", planned.plans(name), rewrite=rewrite_cases)


@pytest.mark.parametrize("name", planned.names())
async def test_request_and_response(name: str, ada: Person, wire: Wire, *, rewrite_cases: bool) -> None:
    wire.clear()
    status, body = await ada.post(planned.query(name), **planned.variables(name))
    assert status == 200
    sent = sorted(wire.requests)
    if rewrite_cases:
        (planned.CASES / name / "request.txt").write_text("".join(f"{line}\n" for line in sent))
    assert sent == (planned.CASES / name / "request.txt").read_text().splitlines()
    assert body == stored(planned.CASES / name / "response.json", body, rewrite=rewrite_cases)


@pytest.mark.parametrize("name", planned.names())
async def test_sql_and_response(name: str, ada: Person, direct: str, *, rewrite_cases: bool) -> None:
    file = planned.CASES / name / "request.sql"
    asked = "\n".join(f"{query.shown['sql']};" for query in planned.queries(name)) + "\n"
    if rewrite_cases:
        file.write_text(asked)
    assert asked == file.read_text()
    status, body = await dataclasses.replace(ada, url=direct).post(planned.query(name), **planned.variables(name))
    assert status == 200
    assert body == orjson.loads((planned.CASES / name / "response.json").read_bytes())


def stored(file: Path, found: object, *, rewrite: bool) -> object:
    """What the case's file says; `found`, written to it first, when the cases are rewritten."""
    if rewrite:
        file.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return orjson.loads(file.read_bytes())
