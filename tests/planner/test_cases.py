"""Each folder of `cases/` is one story: a query, its plan, how either backend asks for it, and the answer.

`variables.json` is optional, and so is `settings.json`, of the gateway that is asked. After a change that is meant,
`pytest tests/planner/test_cases.py --rewrite-cases` writes plan, requests and answer anew; read the difference before
you commit it.
"""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from tests.planner import planned
from tests.support import Person, Wire, reading, serving
from tripgate.local.stack import StackInfo


@pytest.mark.parametrize("name", planned.names())
def test_plan(name: str, *, rewrite_cases: bool) -> None:
    assert planned.plans(name) == stored(planned.CASES / name / "plan.json", planned.plans(name), rewrite=rewrite_cases)


@pytest.mark.parametrize("name", planned.names())
async def test_request_and_response(
    name: str, seeded: StackInfo, ada: Person, wire: Wire, *, rewrite_cases: bool
) -> None:
    async with asking(name, seeded, ada, rest_url=wire.url) as person:
        wire.clear()
        status, body = await person.post(planned.query(name), **planned.variables(name))
    assert status == 200
    sent = sorted(wire.requests)
    if rewrite_cases:
        (planned.CASES / name / "request.txt").write_text("".join(f"{line}\n" for line in sent))
    assert sent == (planned.CASES / name / "request.txt").read_text().splitlines()
    assert body == stored(planned.CASES / name / "response.json", body, rewrite=rewrite_cases)


@pytest.mark.parametrize("name", planned.names())
async def test_sql_and_response(name: str, seeded: StackInfo, ada: Person, direct: str, *, rewrite_cases: bool) -> None:
    file = planned.CASES / name / "request.sql"
    asked = "\n".join(f"{query.shown['sql']};" for query in planned.queries(name)) + "\n"
    if rewrite_cases:
        file.write_text(asked)
    assert asked == file.read_text()
    given = reading(seeded, "postgres")
    async with asking(name, seeded, dataclasses.replace(ada, url=direct), **given) as person:
        status, body = await person.post(planned.query(name), **planned.variables(name))
    assert status == 200
    assert body == orjson.loads((planned.CASES / name / "response.json").read_bytes())


@asynccontextmanager
async def asking(name: str, stack: StackInfo, person: Person, **given: str) -> AsyncIterator[Person]:
    """A person over the gateway that a case is asked of: theirs, or one with settings of its own."""
    settings = planned.settings(name)
    if not settings:
        yield person
        return
    async with serving(stack, **settings, **given) as url:
        yield dataclasses.replace(person, url=url)


def stored(file: Path, found: object, *, rewrite: bool) -> object:
    """What the case's file says; `found`, written to it first, when the cases are rewritten."""
    if rewrite:
        file.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return orjson.loads(file.read_bytes())
