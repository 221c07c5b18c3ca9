"""What a start costs, and what it does not load: counted, since seconds differ between machines and hours."""

import json
import os
import subprocess
import sys
from functools import cache
from types import SimpleNamespace
from typing import Any

from graphql import get_introspection_query, parse
from graphql.execution import experimental_execute_incrementally

from tests.performance.counting import ROOT
from tripgate.gateway.documents import Documents
from tripgate.gateway.executor import run
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.schema import graphql_schema
from tripgate.upstream.caller import ANONYMOUS

MANY = 80
FEW = 10
# Calls of functions for each table more, declared and built, with all its types; 52,000 are about 8 ms.
MOST_BUILDING = 52_000
# The same for one introspection of all of it; with eighty tables it takes about 0.25 s, and only the first time.
MOST_INTROSPECTING = 27_500


@cache
def taken(tables: int) -> dict[str, int]:
    """What a program with so many tables more takes, in a process of its own."""
    command = [sys.executable, "-m", "tests.performance.many_tables", str(tables), "--introspect"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def each(what: str, few: int = FEW, many: int = MANY) -> float:
    """What a table more takes, beside those of the product, where there are so many."""
    return (taken(many)[what] - taken(few)[what]) / (many - few)


def test_eighty_tables_are_declared_and_built_within_the_budget() -> None:
    assert each("building") <= MOST_BUILDING


def test_a_table_costs_the_same_however_many_there_are() -> None:
    assert each("building") <= 1.05 * each("building", few=1, many=FEW)


def test_eighty_tables_are_introspected_within_the_budget() -> None:
    assert each("introspecting") <= MOST_INTROSPECTING


def test_what_few_requests_need_is_loaded_when_the_first_of_them_comes() -> None:
    """Auth's client library takes as long to load as all the rest."""
    script = "import sys, tripgate.gateway.app; print([each for each in sys.argv[1:] if each in sys.modules])"
    late = ["supabase_auth", "httpx", "postgrest", "rich", "redis", "opentelemetry.sdk", "psycopg", "starlette"]
    done = subprocess.run([sys.executable, "-c", script, *late], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_garbage_is_looked_for_once_the_server_is_up() -> None:
    """The command line leaves it until then: nothing that a start makes is garbage."""
    script = """
import asyncio, gc, os, signal
from tripgate.gateway import server, settings
def announce(url):
    print(gc.isenabled(), gc.get_freeze_count() > 100_000)
    os.kill(os.getpid(), signal.SIGINT)
gc.disable()
asyncio.run(server.serve(settings.load(), announce))
"""
    environment = {
        **os.environ,
        "SUPABASE_URL": "http://127.0.0.1:9",
        "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_0",
        "TRIPGATE_PORT": "0",
    }
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True True"


async def test_introspection_answers_what_graphql_core_does() -> None:
    schema = graphql_schema()
    query = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True)
    documents = Documents(schema, size=1, limits=Limits(), hide_suggestions=False, introspection=True)
    context: Any = SimpleNamespace()
    operation = documents.operation(query, None)
    answer = await run(schema, operation, operation.prepare({}, ANONYMOUS), context)
    assert (answer.data, list(answer.errors)) == (experimental_execute_incrementally(schema, parse(query)).data, [])  # type: ignore[union-attr]
