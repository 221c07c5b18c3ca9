"""Rules and jobs as tests make them, and what Edge Functions do of their tasks."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import psycopg

from tests.database.callers import World, role, told_by

if TYPE_CHECKING:
    from collections.abc import Mapping


def made_rule(world: World, trigger: str, person: uuid.UUID | None = None, **given: Any) -> uuid.UUID:
    """A rule of the owner's trip that tells its person in the bell; the owner, unless it is said."""
    values = {
        "user_id": person or world.owner.profiles,
        "trip_id": world.owner.trips,
        "trigger": trigger,
        "action": json.dumps({"kind": "notify"}),
        **{key: json.dumps(value) if isinstance(value, dict) else value for key, value in given.items()},
    }
    columns = ", ".join(values)
    (made,) = (
        world.db.execute(
            f"insert into public.automation_rules ({columns}) values ({', '.join(['%s'] * len(values))}) returning id",  # type: ignore[arg-type]
            list(values.values()),
        ).fetchone()
        or ()
    )
    return uuid.UUID(str(made))


def without_rules(world: World) -> World:
    """Nobody's rules, jobs and tasks, but those that a test makes."""
    world.db.execute("delete from public.automation_rules")
    world.db.execute("delete from public.scheduled_jobs")
    world.db.execute("delete from private.tasks")
    return world


def do_tasks(world: World, *kinds: str) -> list[Any]:
    """What an Edge Function that is rung does: claims what is due, and has the database do it."""
    done = []
    with role(world.db, "service_role"):
        claimed = world.db.execute(
            "select id, token, kind from public.claim_tasks(%s, 100)",
            (list(kinds or ("run_automation", "run_scheduled_job")),),
        ).fetchall()
        for task, token, kind in claimed:
            function = "run_automation_task" if kind == "run_automation" else "run_scheduled_job"
            done.append(world.db.execute(f"select public.{function}(%s, %s)", (task, token)).fetchone()[0])  # type: ignore[index, arg-type]
    return done


def bell(world: World, person: uuid.UUID, kind: str = "automation") -> list[tuple[str, str | None]]:
    """What somebody was told, the first first: titles and texts."""
    return world.db.execute(
        "select title, body from public.notifications where user_id = %s and kind = %s order by created_at",
        (person, kind),
    ).fetchall()


def scheduled(world: World, actor: Any, **given: Any) -> Mapping[str, Any] | str:
    """A reminder that an actor asks for, of the owner's trip, in the bell unless it is said, or how it is refused."""
    values = {"trip": world.owner.trips, "text": "Pack", "channel": "bell", **given}
    return called(world, actor, "schedule_reminder", **values)


def called(world: World, actor: Any, function: str, **given: Any) -> Mapping[str, Any] | str:
    """The job that a function of jobs answers, or the public code with which it refuses, and the field."""
    named = ", ".join(f"{name} => %s" for name in given)
    try:
        with world.acting_as(actor) as db:
            row = db.execute(
                f"select to_jsonb(job) from public.{function}({named}) as job", list(given.values())
            ).fetchone()  # type: ignore[arg-type]
    except psycopg.Error as failure:
        code = told_by(failure)
        if failure.sqlstate != "PGRST":
            return code
        extensions = json.loads(json.loads(failure.diag.message_primary or "")["hint"])
        return " ".join([code, *(str(extensions[name]) for name in ("reason", "field") if name in extensions)])
    assert row is not None
    told: Mapping[str, Any] = row[0]
    return told


def job(world: World, key: Any) -> tuple[str, str | None]:
    """What has become of a job, and why."""
    found = world.db.execute("select status, reason from public.scheduled_jobs where id = %s", (key,)).fetchone()
    assert found is not None
    return found  # type: ignore[return-value]
