"""Among many messages, a person's own are found by index, and what was told of one too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, LiteralString

import pytest

from tests.database.callers import role
from tests.database.payments import person

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

# Of two thousand people, each with fifty messages, of which every fifth was had sent by the next person.
MANY: LiteralString = """
    set local session_replication_role = replica;
    insert into public.whatsapp_messages (id, user_id, sender_id, direction, body, status, wamid, created_at)
    select
        md5('message ' || n)::uuid, md5('person ' || n % 2000)::uuid,
        case when n % 5 = 0 then md5('person ' || (n + 1) % 2000)::uuid end, 'outbound', 'Pack!', 'read', 'wamid.' || n,
        timestamptz '2026-01-01' + n * interval '1 minute'
    from generate_series(1, 100000) as n;
    insert into public.delivery_events (wamid, message_id, user_id, status, occurred_at)
    select wamid, id, user_id, 'read', created_at from public.whatsapp_messages where body = 'Pack!';
    set local session_replication_role = origin;
    analyze public.whatsapp_messages, public.delivery_events;
"""
COLUMNS = "id, status, body, created_at"


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


@pytest.mark.parametrize(
    "query",
    [
        f"select {COLUMNS} from public.whatsapp_messages order by created_at desc, id limit 20",
        f"select {COLUMNS} from public.whatsapp_messages where status = 'read' order by created_at desc limit 20",
        "select count(id) from public.whatsapp_messages",
        "select status from public.delivery_events order by occurred_at desc limit 20",
        "select status from public.delivery_events where message_id = md5('message 4')::uuid order by occurred_at",
    ],
)
def test_takes_little(db: psycopg.Connection, query: LiteralString) -> None:
    who = person(db)
    db.execute(MANY)
    db.execute("update public.whatsapp_messages set user_id = %s where user_id = md5('person 4')::uuid", (who,))
    db.execute("update public.delivery_events set user_id = %s where user_id = md5('person 4')::uuid", (who,))
    with role(db, "authenticated", {"role": "authenticated", "sub": str(who)}):
        (said,) = db.execute(f"explain (analyze, buffers, format json) {query}").fetchone() or ([],)
    (explained,) = said if isinstance(said, list) else json.loads(said)
    plan = explained["Plan"]
    assert [node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"] == []
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 500
