"""private.tasks: who holds a task alone writes to it, what fails is tried again until it has failed for good."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from tests.database.callers import role, told_by

if TYPE_CHECKING:
    from collections.abc import Sequence

CALLS: dict[str, LiteralString] = {
    "claim": "select * from public.claim_tasks('{send}')",
    "finish": "select public.finish_task(gen_random_uuid(), 1)",
    "renew": "select public.renew_task(gen_random_uuid(), 1)",
    "fail": "select public.fail_task(gen_random_uuid(), 1, 'No.')",
}


@dataclass
class Tasks:
    """Tasks as an Edge Function has them, which calls with a secret key; `made` and `stored` look behind that."""

    db: psycopg.Connection

    def made(self, kind: str = "send", **given: Any) -> uuid.UUID:
        """A new one's id."""
        values = {"subject": "trip:1", "payload": "{}", "run_at": None, "dedupe_key": None, **given}
        found = self.db.execute(
            "select private.enqueue(%(kind)s, %(subject)s, %(payload)s, %(run_at)s, %(dedupe_key)s)",
            {"kind": kind, **values},
        ).fetchone()
        assert found is not None
        return uuid.UUID(str(found[0]))

    def claimed(self, *kinds: str, most: int = 10, seconds: int = 60) -> Sequence[Any]:
        """Those that are the caller's now."""
        with role(self.db, "service_role"), self.db.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(
                "select * from public.claim_tasks(%s, %s, %s)", (list(kinds or ("send",)), most, seconds)
            ).fetchall()

    def call(self, function: LiteralString, *arguments: Any) -> Any:
        """What a function returns, or how it refuses: the public code, and the reason of a conflict."""
        places = ", ".join(["%s"] * len(arguments))
        try:
            with role(self.db, "service_role"):
                found = self.db.execute(f"select public.{function}({places})", arguments).fetchone()
        except psycopg.Error as failure:
            code = told_by(failure)
            if code != "CONFLICT":
                return code
            return json.loads(json.loads(failure.diag.message_primary or "")["hint"])["reason"]
        assert found is not None
        return found[0] or None

    def stored(self, task: uuid.UUID) -> Any:
        """Its row."""
        with self.db.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute("select * from private.tasks where id = %s", (task,)).fetchone()

    def pass_by(self, seconds: float) -> None:
        """As if so much time had passed."""
        self.db.execute(
            "update private.tasks set run_at = run_at - %(by)s * interval '1 second',"
            " lease_until = lease_until - %(by)s * interval '1 second',"
            " finished_at = finished_at - %(by)s * interval '1 second'",
            {"by": seconds},
        )


@pytest.fixture
def tasks(db: psycopg.Connection) -> Tasks:
    return Tasks(db)


class TestMaking:
    def test_what_is_made_waits_for_whoever_does_its_kind(self, tasks: Tasks) -> None:
        made = tasks.made("send", subject="user:1", payload='{"to": "ada"}')
        tasks.made("resize")
        (task,) = tasks.claimed("send")
        assert (task.id, task.kind, task.subject, task.payload, task.attempts) == (
            made, "send", "user:1", {"to": "ada"}, 1,
        )  # fmt: skip

    def test_what_is_made_for_later_is_not_claimed_before(self, tasks: Tasks) -> None:
        tasks.made(run_at="2999-01-01")
        assert tasks.claimed() == []
        tasks.db.execute("update private.tasks set run_at = now()")
        assert len(tasks.claimed()) == 1

    def test_two_of_one_key_are_one(self, tasks: Tasks) -> None:
        first = tasks.made(dedupe_key="mail:1", payload='{"number": 1}')
        assert tasks.made(dedupe_key="mail:1", payload='{"number": 2}') == first
        assert tasks.made(dedupe_key="mail:2") != first
        (task, _) = tasks.claimed()
        assert tasks.call("finish_task", task.id, task.token) is None
        # Done, it is the same still.
        assert tasks.made(dedupe_key="mail:1") == first
        assert tasks.stored(first).status == "done"

    @pytest.mark.parametrize(
        ("given", "constraint"),
        [
            ({"kind": "Send it"}, "tasks_kind_check"),
            ({"payload": "[]"}, "tasks_payload_check"),
            ({"payload": json.dumps({"a": "x" * 70_000})}, "tasks_payload_check"),
            ({"subject": "x" * 201}, "tasks_subject_check"),
            ({"dedupe_key": "x" * 201}, "tasks_dedupe_key_check"),
        ],
    )
    def test_what_cannot_be_a_task(self, tasks: Tasks, given: dict[str, str], constraint: str) -> None:
        with pytest.raises(psycopg.errors.CheckViolation) as refused:
            tasks.made(**given)
        assert refused.value.diag.constraint_name == constraint


class TestHolding:
    def test_what_is_claimed_is_nobody_elses(self, tasks: Tasks) -> None:
        tasks.made()
        assert len(tasks.claimed()) == 1
        assert tasks.claimed() == []

    def test_what_is_done_is_done_once_and_keeps_nothing(self, tasks: Tasks) -> None:
        made = tasks.made(payload='{"to": "ada"}')
        (task,) = tasks.claimed()
        assert tasks.call("finish_task", task.id, task.token) is None
        # Said again, as by somebody who never got the answer.
        assert tasks.call("finish_task", task.id, task.token) is None
        stored = tasks.stored(made)
        assert (stored.status, stored.payload, stored.lease_until) == ("done", {}, None)
        assert tasks.claimed() == []

    @pytest.mark.parametrize("function", ["finish_task", "renew_task", "fail_task"])
    def test_a_stalled_worker_whose_lease_ran_out_writes_nothing(self, tasks: Tasks, function: LiteralString) -> None:
        made = tasks.made()
        (task,) = tasks.claimed(seconds=30)
        tasks.pass_by(31)
        before = tasks.stored(made)
        more = ("No.",) if function == "fail_task" else ()
        assert tasks.call(function, task.id, task.token, *more) == "LEASE_LOST"
        assert tasks.stored(made) == before

    @pytest.mark.parametrize("function", ["finish_task", "renew_task", "fail_task"])
    def test_the_holder_before_writes_nothing_to_what_another_holds(
        self, tasks: Tasks, function: LiteralString
    ) -> None:
        made = tasks.made()
        (first,) = tasks.claimed(seconds=30)
        tasks.pass_by(31)
        (second,) = tasks.claimed(seconds=30)
        assert (second.id, second.attempts) == (made, 2)
        assert second.token > first.token
        before = tasks.stored(made)
        more = ("No.",) if function == "fail_task" else ()
        assert tasks.call(function, first.id, first.token, *more) == "LEASE_LOST"
        assert tasks.stored(made) == before
        assert tasks.call("finish_task", second.id, second.token) is None
        # Nor once that is done.
        assert tasks.call(function, first.id, first.token, *more) == "LEASE_LOST"

    def test_whoever_takes_longer_renews(self, tasks: Tasks) -> None:
        made = tasks.made()
        (task,) = tasks.claimed(seconds=30)
        until = tasks.call("renew_task", task.id, task.token, 600)
        assert until > task.lease_until
        tasks.pass_by(100)
        assert tasks.claimed() == []
        assert tasks.call("finish_task", task.id, task.token) is None
        assert tasks.stored(made).attempts == 1

    def test_what_is_renewed_for_less_ends_no_earlier(self, tasks: Tasks) -> None:
        tasks.made()
        (task,) = tasks.claimed(seconds=600)
        assert tasks.call("renew_task", task.id, task.token, 1) == task.lease_until

    @pytest.mark.parametrize("function", ["finish_task", "renew_task", "fail_task"])
    def test_of_what_is_not_there(self, tasks: Tasks, function: LiteralString) -> None:
        more = ("No.",) if function == "fail_task" else ()
        assert tasks.call(function, uuid.uuid4(), 1, *more) == "NOT_FOUND"

    def test_tokens_grow_from_task_to_task(self, tasks: Tasks) -> None:
        tokens = []
        for _ in range(5):
            tasks.made()
            (task,) = tasks.claimed(most=1)
            tokens.append(task.token)
            tasks.call("finish_task", task.id, task.token)
        assert tokens == sorted(set(tokens))


class TestFailing:
    def test_what_fails_is_tried_again_later_and_later_and_the_eighth_time_is_the_last(self, tasks: Tasks) -> None:
        made = tasks.made()
        waits = []
        for attempt in range(1, 9):
            (task,) = tasks.claimed()
            assert task.attempts == attempt
            becomes = tasks.call("fail_task", task.id, task.token, f"Attempt {attempt} failed.")
            assert becomes == ("waiting" if attempt < 8 else "failed")
            assert tasks.claimed() == []
            (wait,) = tasks.db.execute(
                "select extract(epoch from run_at - clock_timestamp())::float from private.tasks"
            ).fetchone() or (0.0,)
            waits.append(wait)
            tasks.pass_by(max(0.0, wait) + 1)
        assert tasks.claimed() == []
        stored = tasks.stored(made)
        assert (stored.status, stored.attempts, stored.last_error) == ("failed", 8, "Attempt 8 failed.")
        for number, wait in enumerate(waits[:7]):
            assert 15 * 3**number - 5 < wait <= 30 * 3**number

    def test_not_all_that_failed_together_comes_back_together(self, tasks: Tasks) -> None:
        for _ in range(20):
            tasks.made()
        for task in tasks.claimed(most=20):
            tasks.call("fail_task", task.id, task.token, "No.")
        (different,) = tasks.db.execute(
            "select count(distinct round(extract(epoch from run_at))) from private.tasks"
        ).fetchone() or (0,)
        assert different > 3

    def test_whoever_knows_when_says_so(self, tasks: Tasks) -> None:
        tasks.made()
        (task,) = tasks.claimed()
        assert tasks.call("fail_task", task.id, task.token, "Come back tomorrow.", 86_400) == "waiting"
        tasks.pass_by(86_000)
        assert tasks.claimed() == []
        tasks.pass_by(401)
        assert len(tasks.claimed()) == 1

    def test_what_can_never_be_done_fails_at_once(self, tasks: Tasks) -> None:
        made = tasks.made(payload='{"to": "ada"}')
        (task,) = tasks.claimed()
        assert tasks.call("fail_task", task.id, task.token, "There is no such address.", 0, True) == "failed"
        stored = tasks.stored(made)
        # What it was about is kept, for trying it again by hand.
        assert (stored.status, stored.attempts, stored.payload) == ("failed", 1, {"to": "ada"})

    def test_said_again_it_is_the_same_failure(self, tasks: Tasks) -> None:
        made = tasks.made()
        (task,) = tasks.claimed()
        assert tasks.call("fail_task", task.id, task.token, "No.") == "waiting"
        before = tasks.stored(made)
        assert tasks.call("fail_task", task.id, task.token, "No.") == "waiting"
        assert tasks.stored(made) == before

    def test_a_lease_that_runs_out_is_an_attempt(self, tasks: Tasks) -> None:
        made = tasks.made()
        for attempt in range(1, 9):
            (task,) = tasks.claimed(seconds=30)
            assert task.attempts == attempt
            tasks.pass_by(31)
        assert tasks.claimed() == []
        stored = tasks.stored(made)
        assert (stored.status, stored.last_error) == (
            "failed",
            "Whoever had claimed it did not finish before its lease ran out.",
        )

    def test_an_error_is_kept_up_to_a_length(self, tasks: Tasks) -> None:
        made = tasks.made()
        (task,) = tasks.claimed()
        tasks.call("fail_task", task.id, task.token, "x" * 5000)
        assert len(tasks.stored(made).last_error) == 2000


class TestFairness:
    def test_a_kind_with_much_to_do_leaves_the_others_their_share(self, tasks: Tasks) -> None:
        for number in range(40):
            tasks.made("export", run_at=f"2020-01-01 00:00:{number}")
        for kind in ("send", "send", "resize"):
            tasks.made(kind)
        claimed = [task.kind for task in tasks.claimed("export", "send", "resize", most=9)]
        # What the others do not need is not left lying.
        assert sorted(claimed) == ["export"] * 6 + ["resize"] + ["send"] * 2

    def test_of_more_kinds_than_are_claimed_each_has_its_turn(self, tasks: Tasks) -> None:
        kinds = [f"kind_{number}" for number in range(5)]
        for kind in kinds * 60:
            tasks.made(kind)
        claimed = {tasks.claimed(*kinds, most=1)[0].kind for _ in range(60)}
        assert claimed == set(kinds)

    def test_what_has_been_due_longest_comes_first(self, tasks: Tasks) -> None:
        second, first = tasks.made(run_at="2020-01-02"), tasks.made(run_at="2020-01-01")
        assert [tasks.claimed(most=1)[0].id for _ in range(2)] == [first, second]

    def test_among_a_hundred_thousand_an_index_finds_them(self, tasks: Tasks) -> None:
        tasks.db.execute(
            "insert into private.tasks (kind, run_at) select 'kind_' || n % 5, now() - n * interval '1 second'"
            " from generate_series(1, 100000) as n"
        )
        tasks.db.execute("analyze private.tasks")
        read = (
            "select seq_tup_read, idx_tup_fetch from pg_stat_xact_user_tables where relid = 'private.tasks'::regclass"
        )
        before = tasks.db.execute(read).fetchone() or (0, 0)
        assert len(tasks.claimed("kind_0", "kind_1", "kind_2", most=10)) == 10
        after = tasks.db.execute(read).fetchone() or (0, 0)
        assert after[0] == before[0]
        assert after[1] - before[1] < 100

    def test_an_hour_without_anybody_loses_nothing(self, tasks: Tasks) -> None:
        for _ in range(20):
            tasks.made()
        held = tasks.claimed(most=5, seconds=60)
        (failing, *_) = held
        tasks.call("fail_task", failing.id, failing.token, "No.")
        tasks.pass_by(3600)
        again = tasks.claimed(most=50)
        assert len(again) == 20
        assert {task.attempts for task in again if task.id in {each.id for each in held}} == {2}


class TestPruning:
    def test_what_is_done_goes_after_a_week_and_what_failed_after_ninety_days(self, tasks: Tasks) -> None:
        done, failed, waiting = tasks.made("a"), tasks.made("b"), tasks.made("c")
        for task in tasks.claimed("a"):
            tasks.call("finish_task", task.id, task.token)
        for task in tasks.claimed("b"):
            tasks.call("fail_task", task.id, task.token, "No.", 0, True)
        there: list[set[uuid.UUID]] = []
        for days in (6, 2, 80, 3):
            tasks.pass_by(days * 86_400)
            tasks.db.execute("select private.prune_tasks()")
            there.append({row[0] for row in tasks.db.execute("select id from private.tasks")})
        assert there == [{done, failed, waiting}, {failed, waiting}, {failed, waiting}, {waiting}]

    def test_what_nobody_claims_any_more_fails_all_the_same(self, tasks: Tasks) -> None:
        made = tasks.made("forgotten")
        for _ in range(8):
            tasks.claimed("forgotten", seconds=1)
            tasks.pass_by(2)
        tasks.db.execute("select private.prune_tasks()")
        assert tasks.stored(made).status == "failed"


class TestNumbers:
    TOLD: LiteralString = "select public.task_metrics('a token')"

    @pytest.fixture
    def digest(self, db: psycopg.Connection) -> str:
        db.execute("delete from vault.secrets where name = 'metrics_token_digest'")
        return hashlib.sha256(b"a token").hexdigest()

    @pytest.mark.parametrize("kept", ["{}", "{}\n", "upper"])
    def test_whoever_has_the_token_is_told(self, tasks: Tasks, digest: str, kept: str) -> None:
        tasks.made("send")
        kept = digest.upper() if kept == "upper" else kept.format(digest)
        tasks.db.execute("select vault.create_secret(%s, 'metrics_token_digest')", (kept,))
        with role(tasks.db, "anon"):
            (found,) = tasks.db.execute(self.TOLD).fetchone() or ({},)
        assert found["send"].keys() == {"waiting", "running", "failed", "oldest_due_seconds"}
        assert found["send"]["waiting"] == 1

    def test_of_a_kind_with_none_it_is_told_that_there_is_none(self, tasks: Tasks, digest: str) -> None:
        tasks.db.execute("insert into private.task_kinds (kind, function) values ('resize', 'pictures')")
        tasks.db.execute("select vault.create_secret(%s, 'metrics_token_digest')", (digest,))
        with role(tasks.db, "anon"):
            (found,) = tasks.db.execute(self.TOLD).fetchone() or ({},)
        assert found["resize"] == {"waiting": 0, "running": 0, "failed": 0, "oldest_due_seconds": 0}

    @pytest.mark.parametrize("kept", ["none", "another", "", "a token"])
    def test_nobody_else_is_told_why_not(self, tasks: Tasks, digest: str, kept: str) -> None:
        assert digest
        if kept != "none":
            secret = hashlib.sha256(b"another").hexdigest() if kept == "another" else kept
            tasks.db.execute("select vault.create_secret(%s, 'metrics_token_digest')", (secret,))
        with pytest.raises(psycopg.Error) as refused, role(tasks.db, "anon"):
            tasks.db.execute(self.TOLD)
        said = json.loads(refused.value.diag.message_primary or "")
        assert (said["code"], said["message"], said["hint"]) == (
            "FORBIDDEN", "This is not the token of the metrics, or there is none.", "{}",
        )  # fmt: skip

    @pytest.mark.parametrize("caller", ["authenticated", "service_role"])
    def test_the_gateway_alone_asks(self, db: psycopg.Connection, caller: str) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, caller):
            db.execute(self.TOLD)


class TestWhoMay:
    @pytest.mark.parametrize("statement", CALLS.values(), ids=CALLS)
    @pytest.mark.parametrize("caller", ["anon", "authenticated"])
    def test_people_may_not(self, db: psycopg.Connection, caller: str, statement: LiteralString) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, caller):
            db.execute(statement)

    @pytest.mark.parametrize("caller", ["anon", "authenticated", "service_role"])
    @pytest.mark.parametrize("table", ["tasks", "task_kinds"])
    def test_nobody_reads_past_the_functions(self, db: psycopg.Connection, caller: str, table: LiteralString) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, caller):
            db.execute(f"select from private.{table}")

    @pytest.mark.parametrize(
        ("arguments", "field"),
        [
            ("null", "kinds"),
            ("'{}'", "kinds"),
            ("array['send', null]", "kinds"),
            ("array(select 'k' || n from generate_series(1, 101) as n)", "kinds"),
            ("'{send}', 0", "most"),
            ("'{send}', 101", "most"),
            ("'{send}', null", "most"),
            ("'{send}', 1, 0", "lease_seconds"),
            ("'{send}', 1, 3601", "lease_seconds"),
            ("'{send}', 1, null", "lease_seconds"),
        ],
    )
    def test_what_makes_no_sense_is_told(self, db: psycopg.Connection, arguments: LiteralString, field: str) -> None:
        with pytest.raises(psycopg.Error) as refused, role(db, "service_role"):
            db.execute(f"select * from public.claim_tasks({arguments})")
        assert told_by(refused.value) == "BAD_USER_INPUT"
        assert json.loads(json.loads(refused.value.diag.message_primary or "")["hint"]) == {"field": field}
