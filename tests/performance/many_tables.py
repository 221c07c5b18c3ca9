"""A program with many tables more: `python -m tests.performance.many_tables <count>` prints what building them takes,
and with `--introspect` what one introspection does.

Each table has every kind of column, a list of the next one and all the usual root fields. The work is counted in calls
of functions, of Python's and C's alike, which no other program on the machine changes.
"""

import asyncio
import cProfile
import json
import pstats
import sys
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from graphql import get_introspection_query

from gql.declare import NEVER, POLLED, REQUIRED, column, table, to_many, to_one, unique
from gql.scalars import JSON
from resolvers.declared.crud import crud
from tripgate.gateway import schema
from tripgate.gateway.documents import Documents
from tripgate.gateway.executor import run
from tripgate.gateway.limits.bounds import Limits
from tripgate.upstream.caller import ANONYMOUS

COLUMNS: dict[str, Any] = {
    "id": UUID,
    "owner_id": UUID,
    "previous_id": UUID | None,
    "name": str,
    "notes": str | None,
    "amount": Decimal | None,
    "position": int,
    "done": bool,
    "day": date | None,
    "labels": list[str],
    "details": JSON,
    "created_at": datetime,
    "updated_at": datetime,
}


def declare(count: int, ring: int | None = None) -> None:
    """Declare so many tables and their root fields; the schema must not have been built yet.

    Each leads to the next one, all in a ring, or so many in a ring each.
    """
    ring = ring or count
    for number in range(count):
        name = f"Extra{number}"
        next_name = f"Extra{number - number % ring + (number + 1) % ring}"
        body = {
            "__annotations__": COLUMNS,
            "__doc__": f"One of {count}.",
            "id": column(write=NEVER),
            "owner_id": column("user_id", write=NEVER),
            "name": column(write=REQUIRED),
            "created_at": column(write=NEVER),
            "updated_at": column(write=NEVER),
            "owner": to_one("Profile", via="user_id", description="Whose it is."),
            "following": to_many(next_name, via="previous_id", description="What follows it."),
        }
        mapped = table(
            f"extra{number}s",
            order_by=("created_at desc",),
            keys=(unique("user_id", "name", own="user_id"),),
            unheard=POLLED,
        )
        mapped(type(name, (), body))
        query, mutation = crud(name, upsert=True).types()
        schema.QUERIES = (*schema.QUERIES, query)
        schema.MUTATIONS = (*schema.MUTATIONS, mutation)


def calls(work: Callable[[], object]) -> int:
    """How many functions are called while it runs."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def main(count: int, *, introspected: bool) -> None:
    """Print, as JSON, the calls that declaring and building take, and, if told to, one introspection of it all."""

    def build() -> None:
        declare(count)
        schema.graphql_schema()

    building = calls(build)
    if not introspected:
        sys.stdout.write(json.dumps({"building": building}))
        return
    built = schema.graphql_schema()
    documents = Documents(built, size=1, limits=Limits(), hide_suggestions=False, introspection=True)
    operation = documents.operation(get_introspection_query(), None)

    async def introspect() -> None:
        context: Any = SimpleNamespace()
        answer = await run(built, operation, operation.prepare({}, ANONYMOUS), context)
        assert answer.data is not None
        assert not answer.errors

    introspecting = calls(lambda: asyncio.run(introspect()))
    sys.stdout.write(json.dumps({"building": building, "introspecting": introspecting}))


if __name__ == "__main__":
    main(int(sys.argv[1]), introspected="--introspect" in sys.argv)
