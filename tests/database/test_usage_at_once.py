"""Many at once, and in any order: exactly what is included is reserved, and the counters are what the keys say."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.database.payments import RefusedError, expire, person, release, reserve, settle, subscribe
from tests.support import examples

if TYPE_CHECKING:
    import uuid

    from tripgate.local.stack import StackInfo

NOW = datetime.now(UTC)
STARTS, ENDS = NOW - timedelta(days=1), NOW + timedelta(days=29)

# A process that reserves: where, by which key, for whom, and the keys of what it does.
CALLER = """
import asyncio, collections, json, sys, aiohttp
url, secret, person, keys = json.loads(sys.stdin.read())

async def reserve(session, key):
    asked = {"person": person, "metric": "WHATSAPP_MESSAGES", "amount": 5, "key": key}
    async with session.post(f"{url}/rest/v1/rpc/reserve_usage", json=asked) as answer:
        said = await answer.json()
        return "reserved" if answer.status == 200 else said["code"]

async def main():
    headers = {"apikey": secret, "Authorization": f"Bearer {secret}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        said = await asyncio.gather(*(reserve(session, key) for key in keys))
    print(json.dumps(collections.Counter(said)))

asyncio.run(main())
"""


def at_once(info: StackInfo, who: uuid.UUID, keys: list[list[str]]) -> dict[str, int]:
    """What processes are told that reserve by these keys, all at the same time."""
    running = [
        subprocess.Popen([sys.executable, "-c", CALLER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in keys
    ]
    for process, own in zip(running, keys, strict=True):
        assert process.stdin is not None
        process.stdin.write(json.dumps([info.api_url, info.secret_key, str(who), own]))
        process.stdin.close()
    told: dict[str, int] = {}
    for process in running:
        assert process.stdout is not None
        with process.stdout as said:
            for what, count in json.loads(said.read()).items():
                told[what] = told.get(what, 0) + count
        assert process.wait() == 0
    return told


def counters(db: psycopg.Connection, who: uuid.UUID) -> list[tuple[Any, ...]]:
    """Of each limit what it says, and what its keys say: used and reserved, twice."""
    return db.execute(
        """
        select metric, used_amount, reserved_amount,
            coalesce((select sum(actual) from private.usage_reservations
                where usage_limit_id = usage_limits.id and status = 'settled'), 0),
            coalesce((select sum(amount) from private.usage_reservations
                where usage_limit_id = usage_limits.id and status = 'open'), 0)
        from public.usage_limits where user_id = %s order by metric, period_start
        """,
        (who,),
    ).fetchall()


def test_two_processes_reserve_exactly_what_is_included(seeded: StackInfo) -> None:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as db:
        who = person(db)
        # 500 messages, in fives: a hundred.
        subscribe(db, who, "pro", STARTS, ENDS)
        keys = [[f"{who}:{process}:{number}" for number in range(100)] for process in range(2)]
        assert at_once(seeded, who, keys) == {"reserved": 100, "USAGE_LIMIT_EXCEEDED": 100}
        assert ("whatsapp_messages", 0, 500, 0, 500) in counters(db, who)


def test_the_same_keys_in_two_processes_are_reserved_once(seeded: StackInfo) -> None:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as db:
        who = person(db)
        subscribe(db, who, "pro", STARTS, ENDS)
        keys = [f"{who}:{number}" for number in range(50)]
        assert at_once(seeded, who, [keys, keys]) == {"reserved": 100}
        assert ("whatsapp_messages", 0, 250, 0, 250) in counters(db, who)


# Few, so that the same is said again.
AMOUNTS = st.sampled_from([Decimal("0.000001"), Decimal("0.2"), Decimal("0.3"), Decimal(4)])
KEYS = st.sampled_from("abcdefgh")
METRICS = st.sampled_from(["ai_cost", "storage_bytes"])
PLANS = st.sampled_from(["free", "pro", "enterprise"])
STATUSES = st.sampled_from(["active", "active", "active", "past_due", "unpaid", "canceled"])


def machine(url: str) -> type[RuleBasedStateMachine]:
    """What a person's limits go through, in a transaction that is never committed."""

    class Usage(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.db = psycopg.connect(url)
            self.db.execute("set local search_path = ''")
            self.who = person(self.db)
            self.settled: dict[str, Decimal] = {}

        def attempt(self, *allowed: str) -> Any:
            class Attempt:
                def __enter__(self) -> None:
                    return None

                def __exit__(self, _: object, failure: BaseException | None, __: object) -> bool:
                    return isinstance(failure, RefusedError) and failure.code in allowed

            return Attempt()

        @rule(key=KEYS, metric=METRICS, amount=AMOUNTS)
        def reserves(self, key: str, metric: str, amount: Decimal) -> None:
            with self.attempt("USAGE_LIMIT_EXCEEDED", "CONFLICT"):
                held = reserve(self.db, self.who, amount, f"{self.who}:{key}", metric)
                if held["status"] == "open":
                    # Nothing is promised beyond the limit of now.
                    assert Decimal(held["reserved"]) > 0

        @rule(key=KEYS, actual=AMOUNTS)
        def settles(self, key: str, actual: Decimal) -> None:
            with self.attempt("NOT_FOUND", "CONFLICT"):
                settle(self.db, f"{self.who}:{key}", actual)
                assert self.settled.setdefault(key, actual) == actual

        @rule(key=KEYS)
        def releases(self, key: str) -> None:
            with self.attempt("NOT_FOUND", "CONFLICT"):
                release(self.db, f"{self.who}:{key}")
                self.settled.pop(key, None)

        @rule(key=KEYS)
        def is_late(self, key: str) -> None:
            expire(self.db, f"{self.who}:{key}")

        @rule()
        def is_swept(self) -> None:
            self.db.execute("select private.expire_reservations()")

        @rule(plan=PLANS, status=STATUSES, month=st.integers(0, 3), canceled=st.booleans())
        def is_told_of(self, plan: str, status: str, month: int, canceled: bool) -> None:
            later = timedelta(days=30 * month)
            subscribe(self.db, self.who, plan, STARTS + later, ENDS + later, status, canceled=canceled)

        @invariant()
        def counters_are_what_the_keys_say(self) -> None:
            rows = counters(self.db, self.who)
            assert [row[1:3] for row in rows] == [row[3:5] for row in rows]

        @invariant()
        def nothing_settled_is_lost(self) -> None:
            assert sum(row[1] for row in counters(self.db, self.who)) == sum(self.settled.values())

        def teardown(self) -> None:
            if hasattr(self, "db"):
                self.db.close()

    return Usage


def test_counters_are_what_the_keys_say_whatever_happens(seeded: StackInfo) -> None:
    run_state_machine_as_test(
        machine(seeded.admin_db_url),
        settings=settings(
            max_examples=examples(25), stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
