"""Reminders and other jobs: what may be scheduled, how it moves, what ends it, and that each is done once."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any, LiteralString
from zoneinfo import ZoneInfo

import pytest

from tests.database.automations import bell, called, do_tasks, job, made_rule, scheduled, without_rules
from tests.database.callers import NOT_GRANTED, World, role

if TYPE_CHECKING:
    from collections.abc import Mapping

FAR = "2127-05-01T10:00:00+00:00"


@pytest.fixture
def people(world: World) -> World:
    """The owner's trip begins in a hundred years, and their clocks are Rome's."""
    without_rules(world)
    world.db.execute("set local time zone 'UTC'")
    world.db.execute(
        "update public.trips set start_date = '2127-06-10', end_date = '2127-06-20' where id = %s", (world.owner.trips,)
    )
    world.db.execute(
        "update public.user_preferences set timezone = 'Europe/Rome' where user_id = %s", (world.owner.profiles,)
    )
    return world


def made(told: Mapping[str, Any] | str) -> Mapping[str, Any]:
    assert not isinstance(told, str), told
    return told


def make_due(people: World, key: Any) -> None:
    people.db.execute("update public.scheduled_jobs set run_at = now() - interval '1 hour' where id = %s", (key,))


def task_of(people: World, key: Any) -> Any:
    return people.db.execute("select status, run_at from private.tasks where dedupe_key = %s", (str(key),)).fetchone()


def opt_in(people: World, person: uuid.UUID) -> None:
    """Somebody asks for messages by WhatsApp."""
    people.db.execute("delete from public.whatsapp_contacts where user_id = %s", (person,))
    people.db.execute(
        "insert into public.whatsapp_contacts (user_id, phone, verified_at, opted_in_at)"
        " values (%s, '+390612345678', now(), now())",
        (person,),
    )


class TestAsking:
    """`schedule_reminder`, `move_scheduled_job`, `cancel_scheduled_job`."""

    def test_a_reminder_at_a_moment_has_a_task_that_waits_until_then(self, people: World) -> None:
        told = made(scheduled(people, "viewer", run_at=FAR, trip_item=people.owner.trip_items))
        expected = {
            "user_id": str(people.viewer.profiles),
            "trip_id": str(people.owner.trips),
            "trip_item_id": str(people.owner.trip_items),
            "rule_id": None,
            "kind": "reminder",
            "run_at": FAR,
            "payload": {"text": "Pack", "channel": "bell"},
            "status": "scheduled",
            "reason": None,
            "attempts": 0,
            "dedupe_key": None,
        }
        assert {name: told[name] for name in expected} == expected
        assert task_of(people, told["id"]) == ("waiting", dt.datetime.fromisoformat(FAR))

    def test_a_relative_reminder_goes_by_the_persons_clocks(self, people: World) -> None:
        told = made(scheduled(people, "owner", days_before=2, local_time="08:30"))
        moment = dt.datetime(2127, 6, 8, 8, 30, tzinfo=ZoneInfo("Europe/Rome"))
        assert dt.datetime.fromisoformat(told["run_at"]) == moment
        assert told["payload"] == {"text": "Pack", "channel": "bell", "days_before": 2, "local_time": "08:30:00"}

    @pytest.mark.parametrize(
        ("given", "refusal"),
        [
            ({}, "BAD_USER_INPUT run_at"),
            ({"run_at": FAR, "days_before": 1, "local_time": "08:00"}, "BAD_USER_INPUT run_at"),
            ({"run_at": FAR, "local_time": "08:00"}, "BAD_USER_INPUT local_time"),
            ({"days_before": 1}, "BAD_USER_INPUT local_time"),
            ({"days_before": -1, "local_time": "08:00"}, "BAD_USER_INPUT days_before"),
            ({"days_before": 366, "local_time": "08:00"}, "BAD_USER_INPUT days_before"),
            ({"days_before": 1, "local_time": "24:00"}, "BAD_USER_INPUT local_time"),
            ({"run_at": "2026-01-01T00:00:00Z"}, "BAD_USER_INPUT run_at"),
            ({"run_at": "infinity"}, "BAD_USER_INPUT run_at"),
            ({"run_at": "-infinity"}, "BAD_USER_INPUT run_at"),
            ({"run_at": "10000-01-01T00:00:00Z"}, "BAD_USER_INPUT run_at"),
            ({"run_at": FAR, "text": " \n"}, "BAD_USER_INPUT text"),
            ({"run_at": FAR, "text": "x" * 1001}, "BAD_USER_INPUT text"),
            ({"run_at": FAR, "text": None}, "BAD_USER_INPUT text"),
            ({"run_at": FAR, "channel": "pigeon"}, "BAD_USER_INPUT channel"),
            ({"run_at": FAR, "idempotency_key": ""}, "BAD_USER_INPUT idempotency_key"),
            ({"run_at": FAR, "trip": uuid.UUID(int=0)}, "NOT_FOUND trip"),
            ({"run_at": FAR, "trip_item": uuid.UUID(int=0)}, "NOT_FOUND trip_item"),
            ({"run_at": FAR, "channel": "whatsapp"}, "RECIPIENT_OPTED_OUT channel"),
        ],
    )
    def test_what_cannot_be_is_refused(self, people: World, given: dict[str, Any], refusal: str) -> None:
        people.db.execute("delete from public.whatsapp_contacts")
        assert scheduled(people, "owner", **given) == refusal
        assert people.db.execute("select count(*) from public.scheduled_jobs").fetchone() == (0,)

    def test_past_days_before_the_trip_and_a_trip_without_a_day_are_refused(self, people: World) -> None:
        days: Any = {"days_before": 3, "local_time": "08:00"}
        for start in ("2026-01-01", None):
            people.db.execute("update public.trips set start_date = %s, end_date = null", (start,))
            assert scheduled(people, "owner", **days) == "BAD_USER_INPUT days_before"

    def test_nobody_is_reminded_of_a_trip_that_they_are_not_on(self, people: World) -> None:
        assert scheduled(people, "stranger", run_at=FAR) == "NOT_FOUND trip"
        item_of_another = {"run_at": FAR, "trip_item": people.stranger.trip_items}
        assert scheduled(people, "owner", **item_of_another) == "NOT_FOUND trip_item"
        for actor in ("anonymous", "service"):
            assert scheduled(people, actor, run_at=FAR) == "42501"

    def test_a_key_of_ones_own_makes_one_reminder(self, people: World) -> None:
        first = made(scheduled(people, "owner", run_at=FAR, idempotency_key="k"))
        assert made(scheduled(people, "owner", run_at=FAR, idempotency_key="k"))["id"] == first["id"]
        other = scheduled(people, "owner", run_at=FAR, idempotency_key="k", text="Else")
        assert other == "CONFLICT KEY_REUSED idempotency_key"
        assert made(scheduled(people, "viewer", run_at=FAR, idempotency_key="k"))["id"] != first["id"]

    def test_a_person_has_two_hundred_to_come(self, people: World) -> None:
        people.db.execute(
            "insert into public.scheduled_jobs (user_id, trip_id, kind, run_at)"
            " select %s, %s, 'reminder', '2127-05-01' from generate_series(1, 199)",
            (people.owner.profiles, people.owner.trips),
        )
        last = made(scheduled(people, "owner", run_at=FAR))
        assert scheduled(people, "owner", run_at=FAR) == "RATE_LIMITED"
        made(scheduled(people, "viewer", run_at=FAR))
        made(called(people, "owner", "cancel_scheduled_job", job=last["id"]))
        made(scheduled(people, "owner", run_at=FAR))

    def test_a_job_is_moved(self, people: World) -> None:
        key = made(scheduled(people, "owner", run_at=FAR))["id"]
        moved = made(called(people, "owner", "move_scheduled_job", job=key, days_before=1, local_time="12:00"))
        assert (moved["run_at"], moved["payload"]["days_before"]) == ("2127-06-09T10:00:00+00:00", 1)
        assert task_of(people, key) == ("waiting", dt.datetime(2127, 6, 9, 10, tzinfo=dt.UTC))
        back = made(called(people, "owner", "move_scheduled_job", job=key, run_at=FAR))
        assert (back["run_at"], back["payload"]) == (FAR, {"text": "Pack", "channel": "bell"})
        assert called(people, "owner", "move_scheduled_job", job=key, run_at="2026-01-01Z") == "BAD_USER_INPUT run_at"
        assert called(people, "owner", "move_scheduled_job", job=key) == "BAD_USER_INPUT run_at"

    def test_a_job_is_cancelled_once_and_for_all(self, people: World) -> None:
        key = made(scheduled(people, "owner", run_at=FAR))["id"]
        for _ in range(2):
            told = made(called(people, "owner", "cancel_scheduled_job", job=key))
            assert (told["status"], told["reason"]) == ("cancelled", "by_hand")
        assert task_of(people, key) is None
        assert called(people, "owner", "move_scheduled_job", job=key, run_at=FAR) == "CONFLICT JOB_ENDED job"

    def test_what_is_done_is_neither_moved_nor_cancelled(self, people: World) -> None:
        key = made(scheduled(people, "owner", run_at=FAR))["id"]
        make_due(people, key)
        do_tasks(people)
        assert called(people, "owner", "cancel_scheduled_job", job=key) == "CONFLICT JOB_ENDED job"
        assert called(people, "owner", "move_scheduled_job", job=key, run_at=FAR) == "CONFLICT JOB_ENDED job"

    @pytest.mark.parametrize("function", ["cancel_scheduled_job", "move_scheduled_job"])
    def test_nobody_changes_the_job_of_another(self, people: World, function: str) -> None:
        key = made(scheduled(people, "owner", run_at=FAR))["id"]
        assert called(people, "editor", function, job=key) == "NOT_FOUND job"
        assert called(people, "editor", function, job=uuid.uuid4()) == "NOT_FOUND job"
        assert called(people, "anonymous", function, job=key) == "42501"


class TestMoving:
    """What a reminder is relative to changes."""

    def moment(self, people: World, key: Any) -> Any:
        (found,) = people.db.execute("select run_at from public.scheduled_jobs where id = %s", (key,)).fetchone() or ()
        waiting = task_of(people, key)
        assert waiting is None if found is None else waiting == ("waiting", found)
        return found and found.isoformat()

    def test_it_moves_with_the_trip_and_with_the_persons_zone(self, people: World) -> None:
        key = made(scheduled(people, "owner", days_before=2, local_time="08:30"))["id"]
        absolute = made(scheduled(people, "owner", run_at=FAR))["id"]
        trip, person = (people.owner.trips,), (people.owner.profiles,)
        people.db.execute("update public.trips set start_date = '2127-01-10' where id = %s", trip)
        assert self.moment(people, key) == "2127-01-08T07:30:00+00:00"
        people.db.execute("update public.user_preferences set timezone = 'Asia/Tokyo' where user_id = %s", person)
        assert self.moment(people, key) == "2127-01-07T23:30:00+00:00"
        people.db.execute("update public.trips set start_date = null, end_date = null where id = %s", trip)
        assert (self.moment(people, key), job(people, key)) == (None, ("scheduled", None))
        people.db.execute("update public.trips set start_date = '2127-01-10' where id = %s", trip)
        assert self.moment(people, key) == "2127-01-07T23:30:00+00:00"
        assert self.moment(people, absolute) == FAR

    def test_its_moment_may_be_over_then(self, people: World) -> None:
        """It comes at once before the trip has begun, and not at all afterwards, unless the trip moves on."""
        key = made(scheduled(people, "owner", days_before=30, local_time="08:30"))["id"]
        start = "update public.trips set start_date = %s, end_date = null where id = %s"
        today = dt.datetime.now(ZoneInfo("Europe/Rome")).date()
        people.db.execute(start, (today - dt.timedelta(days=2), people.owner.trips))
        assert (job(people, key), task_of(people, key)) == (("cancelled", "too_late"), None)
        people.db.execute(start, ("2127-06-10", people.owner.trips))
        assert (job(people, key), self.moment(people, key)) == (("scheduled", None), "2127-05-11T06:30:00+00:00")
        people.db.execute(start, (today + dt.timedelta(days=2), people.owner.trips))
        assert job(people, key) == ("scheduled", None)
        assert [each["status"] for each in do_tasks(people)] == ["done"]
        people.db.execute(start, ("2127-06-10", people.owner.trips))
        assert (job(people, key), do_tasks(people)) == (("done", None), [])

    @pytest.mark.parametrize(
        ("zone", "start", "local_time", "expected"),
        [
            # Clocks jump over it, and show it twice.
            ("Europe/Rome", "2127-03-30", "02:30", "2127-03-30T01:30:00+00:00"),
            ("Europe/Rome", "2127-10-26", "02:30", "2127-10-26T00:30:00+00:00"),
            ("America/New_York", "2127-03-09", "02:30", "2127-03-09T07:30:00+00:00"),
            ("Australia/Lord_Howe", "2127-04-06", "01:45", "2127-04-05T14:45:00+00:00"),
        ],
    )
    def test_local_times_that_clocks_skip_or_repeat(
        self, people: World, zone: str, start: str, local_time: str, expected: str
    ) -> None:
        people.db.execute(
            "update public.user_preferences set timezone = %s where user_id = %s", (zone, people.owner.profiles)
        )
        people.db.execute(
            "update public.trips set start_date = %s, end_date = null where id = %s", (start, people.owner.trips)
        )
        told = made(scheduled(people, "owner", days_before=0, local_time=local_time))
        naive = dt.datetime.fromisoformat(f"{start}T{local_time}")
        assert dt.datetime.fromisoformat(told["run_at"]) == naive.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
        assert told["run_at"] == expected


ENDS: list[tuple[LiteralString, str]] = [
    ("delete from public.trips where id = %(trip)s", "trip_gone"),
    ("delete from public.trip_items where id = %(item)s", "item_gone"),
    ("update public.trips set user_id = %(other)s where id = %(trip)s", "left_trip"),
]


class TestEnding:
    """What a reminder does not outlive."""

    @pytest.mark.parametrize(("end", "reason"), ENDS)
    def test_it_goes_with_what_it_is_about(self, people: World, end: LiteralString, reason: str) -> None:
        key = made(scheduled(people, "owner", run_at=FAR, trip_item=people.owner.trip_items))["id"]
        people.db.execute(
            end,
            {"trip": people.owner.trips, "item": people.owner.trip_items, "other": people.stranger.profiles},
        )
        status, why = job(people, key)
        assert (status, task_of(people, key)) == ("cancelled", None)
        assert why == reason or (reason == "trip_gone" and why == "item_gone")

    def test_it_goes_with_the_membership(self, people: World) -> None:
        key = made(scheduled(people, "viewer", run_at=FAR))["id"]
        mine = made(scheduled(people, "owner", run_at=FAR))["id"]
        people.db.execute("delete from public.collaborators where user_id = %s", (people.viewer.profiles,))
        assert (job(people, key), task_of(people, key)) == (("cancelled", "left_trip"), None)
        assert job(people, mine) == ("scheduled", None)

    @pytest.mark.parametrize(
        "end",
        [
            "update public.whatsapp_contacts set opted_out_at = now() where user_id = %s",
            "delete from public.whatsapp_contacts where user_id = %s",
        ],
    )
    def test_one_by_whatsapp_goes_with_the_wish_for_messages(self, people: World, end: LiteralString) -> None:
        opt_in(people, people.owner.profiles)
        key = made(scheduled(people, "owner", run_at=FAR, channel="whatsapp"))["id"]
        other = made(scheduled(people, "owner", run_at=FAR))["id"]
        people.db.execute(end, (people.owner.profiles,))
        assert (job(people, key), task_of(people, key)) == (("cancelled", "opted_out"), None)
        assert job(people, other) == ("scheduled", None)

    def test_it_goes_with_the_account_and_so_does_its_task(self, people: World) -> None:
        key = made(scheduled(people, "viewer", run_at=FAR))["id"]
        people.db.execute("delete from auth.users where id = %s", (people.viewer.profiles,))
        assert task_of(people, key) is None
        assert people.db.execute("select count(*) from public.scheduled_jobs").fetchone() == (0,)

    def test_what_is_over_is_thrown_away_after_ninety_days(self, people: World) -> None:
        done, waiting = (made(scheduled(people, "owner", run_at=FAR))["id"] for _ in range(2))
        made(called(people, "owner", "cancel_scheduled_job", job=done))
        people.db.execute("alter table public.scheduled_jobs disable trigger set_scheduled_jobs_updated_at")
        people.db.execute("update public.scheduled_jobs set updated_at = now() - interval '91 days'")
        assert people.db.execute("select private.prune_scheduled_jobs()").fetchone() == (1,)
        assert people.db.execute("select id::text from public.scheduled_jobs").fetchall() == [(waiting,)]


class TestDoing:
    """`run_scheduled_job`."""

    def claimed(self, people: World) -> tuple[Any, int]:
        with role(people.db, "service_role"):
            found = people.db.execute("select id, token from public.claim_tasks('{run_scheduled_job}')").fetchone()
        assert found is not None
        return found  # type: ignore[return-value]

    def run(self, people: World, task: Any, token: int) -> Any:
        with role(people.db, "service_role"):
            return (people.db.execute("select public.run_scheduled_job(%s, %s)", (task, token)).fetchone() or ())[0]

    def test_it_is_told_once_however_often_the_task_is_said_to_be_done(self, people: World) -> None:
        key = made(scheduled(people, "owner", run_at=FAR, text="Pack\nall of it"))["id"]
        make_due(people, key)
        task, token = self.claimed(people)
        for _ in range(2):
            assert self.run(people, task, token)["status"] == "done"
        assert bell(people, people.owner.profiles, "reminder") == [("Pack all of it", "Pack\nall of it")]
        (attempts,) = (
            people.db.execute("select attempts from public.scheduled_jobs where id = %s", (key,)).fetchone() or ()
        )
        assert attempts == 1
        with role(people.db, "service_role"):
            people.db.execute("select public.finish_task(%s, %s)", (task, token))

    def test_only_whoever_holds_the_task_does_it(self, people: World) -> None:
        make_due(people, made(scheduled(people, "owner", run_at=FAR))["id"])
        task, token = self.claimed(people)
        call = "select public.run_scheduled_job(%s, %s)"
        assert people.attempt("service", call, task, token - 1) == "CONFLICT"
        assert people.attempt("service", call, uuid.uuid4(), token) == "NOT_FOUND"
        assert people.attempt("owner", call, task, token) == NOT_GRANTED
        people.db.execute("update private.tasks set lease_until = now() - interval '1 second'")
        assert people.attempt("service", call, task, token) == "CONFLICT"
        assert bell(people, people.owner.profiles, "reminder") == []
        do_tasks(people)
        assert bell(people, people.owner.profiles, "reminder") == [("Pack", None)]

    def test_one_that_is_moved_while_it_is_being_done_is_done_then(self, people: World) -> None:
        key = made(scheduled(people, "owner", run_at=FAR))["id"]
        make_due(people, key)
        task, token = self.claimed(people)
        made(called(people, "owner", "move_scheduled_job", job=key, run_at=FAR))
        assert self.run(people, task, token)["status"] == "scheduled"
        assert task_of(people, key) == ("waiting", dt.datetime.fromisoformat(FAR))
        assert people.attempt("service", "select public.finish_task(%s, %s)", task, token) == "CONFLICT"
        assert bell(people, people.owner.profiles, "reminder") == []
        make_due(people, key)
        assert [each["status"] for each in do_tasks(people)] == ["done"]

    def test_one_that_is_cancelled_while_it_is_being_done_is_not(self, people: World) -> None:
        key = made(scheduled(people, "owner", run_at=FAR))["id"]
        make_due(people, key)
        task, token = self.claimed(people)
        made(called(people, "owner", "cancel_scheduled_job", job=key))
        assert self.run(people, task, token)["status"] == "cancelled"
        assert bell(people, people.owner.profiles, "reminder") == []

    def test_one_by_whatsapp_is_handed_over_once_as_a_task_of_its_own(self, people: World) -> None:
        opt_in(people, people.owner.profiles)
        people.db.execute("update public.trips set title = 'Lofoten' where id = %s", (people.owner.trips,))
        key = made(scheduled(people, "owner", run_at=FAR, channel="whatsapp", text="Pack\nall of it"))["id"]
        make_due(people, key)
        task, token = self.claimed(people)
        for _ in range(2):
            assert self.run(people, task, token)["status"] == "done"
        assert people.db.execute(
            "select dedupe_key, payload -> 'message' from private.tasks where kind = 'send_whatsapp'"
        ).fetchall() == [
            (
                f"whatsapp:reminder:{key}",
                {
                    "dedupe_key": f"reminder:{key}",
                    "recipient": str(people.owner.profiles),
                    "trip": str(people.owner.trips),
                    "topic": "reminder",
                    "template": "trip_reminder",
                    "parameters": {"trip": "Lofoten", "text": "Pack all of it"},
                    "text": "Pack all of it",
                },
            )
        ]

    def test_one_by_whatsapp_is_not_handed_over_to_whoever_has_no_number_any_more(self, people: World) -> None:
        opt_in(people, people.owner.profiles)
        key = made(scheduled(people, "owner", run_at=FAR, channel="whatsapp"))["id"]
        make_due(people, key)
        people.db.execute("update public.whatsapp_contacts set verified_at = null, opted_in_at = null")
        do_tasks(people)
        assert job(people, key) == ("cancelled", "opted_out")
        assert people.db.execute("select count(*) from private.tasks where kind = 'send_whatsapp'").fetchone() == (0,)

    def test_whoever_wants_no_reminders_any_more_gets_none(self, people: World) -> None:
        key = made(scheduled(people, "owner", run_at=FAR))["id"]
        make_due(people, key)
        people.db.execute(
            "insert into public.notification_preferences (user_id, topic, channel, is_enabled)"
            " values (%s, 'all', 'bell', false)",
            (people.owner.profiles,),
        )
        do_tasks(people)
        assert job(people, key) == ("cancelled", "not_wanted")
        assert bell(people, people.owner.profiles, "reminder") == []

    def test_one_that_is_given_up_has_failed_until_it_is_tried_again(self, people: World) -> None:
        key = made(scheduled(people, "owner", run_at=FAR))["id"]
        make_due(people, key)
        task, token = self.claimed(people)
        with role(people.db, "service_role"):
            people.db.execute("select public.fail_task(%s, %s, 'No.', 0, true)", (task, token))
        assert job(people, key) == ("failed", "given_up")
        people.db.execute("select private.retry_tasks(array[%s::uuid], null)", (task,))
        assert job(people, key) == ("scheduled", None)
        assert [each["status"] for each in do_tasks(people)] == ["done"]


class TestRules:
    """Rules of days before a trip."""

    def made(self, people: World, **given: Any) -> Any:
        made_rule(people, "days_before_trip", **{"days_before": 1, "local_time": "09:00", **given})
        return people.db.execute("select id from public.scheduled_jobs").fetchall()[-1][0]

    def test_it_is_a_job_that_moves_with_the_trip_and_is_done_once(self, people: World) -> None:
        people.db.execute("update public.trips set title = 'Lofoten' where id = %s", (people.owner.trips,))
        key = self.made(people, conditions={"title": {"eq": "Lofoten"}})
        found = people.db.execute(
            "select kind, run_at::text, dedupe_key, rule_id from public.scheduled_jobs"
        ).fetchone()
        (rule,) = people.db.execute("select id from public.automation_rules").fetchone() or ()
        assert found == ("automation", "2127-06-09 07:00:00+00", f"rule:{rule}", rule)
        make_due(people, key)
        assert [each["status"] for each in do_tasks(people)] == ["done"]
        assert bell(people, people.owner.profiles) == [("“Lofoten” begins tomorrow", None)]
        people.db.execute("update public.automation_rules set days_before = 2")
        assert (job(people, key), task_of(people, key)[0]) == (("done", None), "done")

    def test_it_follows_its_rule(self, people: World) -> None:
        key = self.made(people)
        people.db.execute("update public.automation_rules set local_time = '10:00'")
        assert task_of(people, key) == ("waiting", dt.datetime(2127, 6, 9, 8, tzinfo=dt.UTC))
        people.db.execute("update public.automation_rules set is_enabled = false")
        assert (job(people, key), task_of(people, key)) == (("cancelled", "by_hand"), None)
        people.db.execute("update public.automation_rules set is_enabled = true")
        assert (job(people, key), task_of(people, key)[0]) == (("scheduled", None), "waiting")
        people.db.execute("delete from public.automation_rules")
        assert (job(people, key), task_of(people, key)) == (("cancelled", "rule_gone"), None)

    def test_one_whose_days_are_over_waits_for_the_trip_to_move(self, people: World) -> None:
        start = "update public.trips set start_date = %s, end_date = null where id = %s"
        people.db.execute(start, (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2), people.owner.trips))
        key = self.made(people, days_before=30)
        assert (job(people, key), task_of(people, key)) == (("cancelled", "too_late"), None)
        people.db.execute(start, (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=3), people.owner.trips))
        assert job(people, key) == ("cancelled", "too_late")
        people.db.execute(start, ("2127-06-10", people.owner.trips))
        assert (job(people, key), task_of(people, key)[0]) == (("scheduled", None), "waiting")

    def test_conditions_that_do_not_hold_by_then_are_the_end_of_it(self, people: World) -> None:
        key = self.made(people, conditions={"title": {"eq": "Lofoten"}})
        make_due(people, key)
        do_tasks(people)
        assert job(people, key) == ("cancelled", "not_wanted")
