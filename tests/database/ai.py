"""People who ask agents, as Edge Functions write of them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg.types.json import Jsonb

from tests.database.callers import role
from tests.database.payments import RefusedError, call, person, subscribe

if TYPE_CHECKING:
    from decimal import Decimal

MODEL = "gpt-5-mini"
"""0.25 dollars for a million tokens that are sent, 0.025 for those that are known already, 2 for those answered."""


def payer(db: psycopg.Connection) -> uuid.UUID:
    """Somebody new with 5 dollars for agents."""
    who = person(db)
    now = datetime.now(UTC)
    subscribe(db, who, "pro", now - timedelta(days=1), now + timedelta(days=29))
    return who


def called_by(db: psycopg.Connection, who: uuid.UUID, statement: LiteralString, *values: object) -> Any:
    """What a function answers a person. Raises RefusedError."""
    try:
        with role(db, "authenticated", {"role": "authenticated", "sub": str(who)}):
            (answer,) = db.execute(statement, values).fetchone() or (None,)
    except psycopg.Error as error:
        if error.sqlstate != "PGRST":
            raise
        said = json.loads(error.diag.message_primary or "")
        raise RefusedError(said["code"], json.loads(said["hint"])) from None
    return answer


def trip_of(db: psycopg.Connection, who: uuid.UUID) -> uuid.UUID:
    """A trip of theirs."""
    found = db.execute("insert into public.trips (user_id, title) values (%s, 'North') returning id", (who,)).fetchone()
    assert found is not None
    return uuid.UUID(str(found[0]))


def start(db: psycopg.Connection, who: uuid.UUID, prompt: str = "Where to?", **more: Any) -> Any:
    """Ask the assistant, unless another agent is named."""
    given = {"agent_key": "assistant", "trip": None, "conversation": None, "key": None, "lease": 60, **more}
    return call(
        db,
        "select public.start_ai_run(%s, %s, %s, %s, %s, %s, %s)",
        who, given["agent_key"], Jsonb(given.get("input", {"prompt": prompt})), given["trip"], given["conversation"],
        given["key"], given["lease"],
    )  # fmt: skip


def running(db: psycopg.Connection, who: uuid.UUID, **more: Any) -> uuid.UUID:
    """A run that somebody is at."""
    run = uuid.UUID(start(db, who, **more)["run"]["id"])
    assert call(db, "select public.claim_ai_run(%s)", run) is True
    return run


def begin(db: psycopg.Connection, run: uuid.UUID, index: int = 0, prompt: int = 1000, output: int = 1000) -> Any:
    """Begin a call of the provider."""
    return call(db, "select public.begin_ai_call(%s, %s, %s, %s, %s)", run, index, MODEL, prompt, output)


def end(db: psycopg.Connection, run: uuid.UUID, usage: dict[str, Any] | None, index: int = 0) -> Any:
    """End it: what it took, or null."""
    given = None if usage is None else Jsonb(usage)
    return call(db, "select public.end_ai_call(%s, %s, %s)", run, index, given)


def finish(db: psycopg.Connection, run: uuid.UUID, status: str, **more: Any) -> Any:
    """End the run."""
    result = Jsonb(more["result"]) if "result" in more else None
    return call(db, "select public.finish_ai_run(%s, %s, %s, %s)", run, status, result, more.get("error_code"))


def lose(db: psycopg.Connection, run: uuid.UUID) -> None:
    """Let the time run out in which whoever is at it must be heard of."""
    db.execute("update public.ai_runs set lease_until = now() - interval '1 second' where id = %s", (run,))


def end_lost(db: psycopg.Connection) -> int:
    """What cron does each minute."""
    (ended,) = db.execute("select private.end_lost_ai_runs()").fetchone() or (0,)
    return int(ended)


def run_of(db: psycopg.Connection, run: uuid.UUID) -> tuple[str, str | None, bool]:
    """A run's status, its code, and whether it is over for good."""
    found = db.execute("select status, error_code, lease_until is null from public.ai_runs where id = %s", (run,))
    status, code, is_over = found.fetchone() or ("", None, False)
    return status, code, is_over


def calls_of(db: psycopg.Connection, run: uuid.UUID) -> list[tuple[str, int, int, bool, Decimal]]:
    """Of each call its status, tokens sent and answered, whether they are estimated, and its cost."""
    return db.execute(
        "select status, prompt_tokens, completion_tokens, is_estimated, cost from public.ai_usage"
        " where run_id = %s order by call_index",
        (run,),
    ).fetchall()
