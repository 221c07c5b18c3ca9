"""When jobs are due, by a clock that is moved and not waited for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tripgate.local.scheduler import schedules
from tripgate.local.scheduler.agenda import Agenda

BEGUN = datetime(2027, 3, 1, 12, 0, 20, tzinfo=UTC)  # a Monday
MINUTE = timedelta(minutes=1)


def agenda(**jobs: str) -> tuple[Agenda, dict[str, int]]:
    """An agenda of jobs with these schedules, and their ids by name."""
    ids = {name: number for number, name in enumerate(jobs, start=1)}
    made = Agenda(BEGUN)
    made.keep({ids[name]: schedules.parse(text) for name, text in jobs.items()}, BEGUN)
    return made, ids


def started(agenda: Agenda, at: datetime) -> list[int]:
    """Look, and start everything that waits, as often as it waits; the jobs in the order of their starts."""
    agenda.look(at)
    found = []
    while waiting := agenda.waiting():
        for job in waiting:
            agenda.take(job, at)
            found.append(job)
    return found


@pytest.mark.parametrize(
    ("schedule", "moment", "due"),
    [
        ("* * * * *", "2027-03-01 00:00", True),
        ("5 4 * * *", "2027-03-01 04:05", True),
        ("5 4 * * *", "2027-03-01 05:04", False),
        ("*/15 8-18/2 * * *", "2027-03-01 10:45", True),
        ("*/15 8-18/2 * * *", "2027-03-01 11:45", False),
        ("0 0 $ * *", "2027-02-28 00:00", True),
        ("0 0 $ * *", "2028-02-28 00:00", False),
        ("0 0 $ * *", "2028-02-29 00:00", True),
        # Either of both days, unless one begins with a star.
        ("0 0 13 * fri", "2027-03-13 00:00", True),
        ("0 0 13 * fri", "2027-03-12 00:00", True),
        ("0 0 */2 * mon", "2027-03-01 00:00", True),
        ("0 0 */2 * mon", "2027-03-08 00:00", False),
        ("0 0 * jan-MAR sun", "2027-03-07 00:00", True),
        ("0 0 * * 7", "2027-03-07 00:00", True),
        ("0 0 * * 0", "2027-03-07 00:00", True),
        ("0 0 31 2 *", "2027-03-01 00:00", False),
        ("0 0 30 2,4 *", "2027-04-30 00:00", True),
        ("@hourly", "2027-03-01 10:00", True),
        ("@weekly", "2027-03-07 00:00", True),
        ("@monthly", "2027-03-01 00:00", True),
        ("@yearly", "2027-03-01 00:00", False),
        ("@daily", "2027-03-01 00:00", True),
        ("@reboot", "2027-03-01 00:00", False),
        ("30 seconds", "2027-03-01 00:00", False),
    ],
)
def test_a_minute_is_a_jobs_or_not(schedule: str, moment: str, due: bool) -> None:
    assert schedules.parse(schedule).due(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is due


def test_what_was_due_before_the_start_is_not_made_up() -> None:
    made, ids = agenda(each_minute="* * * * *", noon="0 12 * * *")
    assert started(made, BEGUN) == []
    assert started(made, BEGUN + timedelta(seconds=39)) == []
    assert started(made, BEGUN + timedelta(seconds=40)) == [ids["each_minute"]]
    assert started(made, BEGUN + timedelta(seconds=41)) == []


def test_a_few_minutes_late_each_has_its_turn() -> None:
    made, ids = agenda(each="* * * * *", second="*/2 * * * *", fixed="3 12 * * *")
    assert sorted(started(made, BEGUN + 5 * MINUTE)) == 5 * [ids["each"]] + 2 * [ids["second"]] + [ids["fixed"]]


def test_an_hour_without_ticks_is_made_up_for_jobs_at_a_fixed_time_alone() -> None:
    made, ids = agenda(
        each="* * * * *", tenth="*/10 * * * *", fixed="30,40 12 * * *", hourly="5 * * * *", gone="0 11 * * *"
    )
    assert sorted(started(made, BEGUN + 60 * MINUTE)) == [ids["each"], ids["tenth"], *2 * [ids["fixed"]]]
    assert started(made, BEGUN + 61 * MINUTE) == [ids["each"]]


def test_a_night_without_ticks_is_not_made_up() -> None:
    made, ids = agenda(each="* * * * *", fixed="30 12 * * *")
    assert started(made, BEGUN + timedelta(hours=9)) == [ids["each"]]


def test_a_clock_that_goes_back_an_hour_repeats_nothing_at_a_fixed_time() -> None:
    made, ids = agenda(each="* * * * *", fixed="1 12 * * *")
    assert sorted(started(made, BEGUN + MINUTE)) == [ids["each"], ids["fixed"]]
    for minute in range(-58, 1):
        assert started(made, BEGUN + minute * MINUTE) == [ids["each"]], minute
        assert started(made, BEGUN + minute * MINUTE + timedelta(seconds=30)) == []
    assert started(made, BEGUN + 2 * MINUTE) == [ids["each"]]


def test_seconds_count_from_the_last_start_and_wait_once() -> None:
    made, ids = agenda(often="10 seconds")
    assert started(made, BEGUN + timedelta(seconds=9)) == []
    assert started(made, BEGUN + timedelta(seconds=10)) == [ids["often"]]
    assert started(made, BEGUN + timedelta(seconds=19)) == []
    assert started(made, BEGUN + timedelta(hours=1)) == [ids["often"]]


def test_a_job_scheduled_later_counts_from_then() -> None:
    made, _ = agenda()
    later = BEGUN + timedelta(hours=2)
    made.keep({1: schedules.parse("30 seconds"), 2: schedules.parse("30 13 * * *")}, later)
    assert started(made, later) == []
    assert started(made, later + timedelta(seconds=29)) == []
    assert started(made, later + timedelta(seconds=30)) == [1]


def test_a_job_that_changes_keeps_its_turn_and_one_that_is_gone_has_none() -> None:
    made, ids = agenda(often="10 seconds", each="* * * * *")
    made.look(BEGUN + MINUTE)
    made.keep({ids["often"]: schedules.parse("20 seconds")}, BEGUN + MINUTE)
    assert started(made, BEGUN + MINUTE) == [ids["often"]]
    assert started(made, BEGUN + MINUTE + timedelta(seconds=19)) == []


def test_at_the_start_once() -> None:
    made, ids = agenda(first="@reboot")
    assert started(made, BEGUN) == [ids["first"]]
    made.keep({1: schedules.parse("@reboot"), 2: schedules.parse("@reboot")}, BEGUN)
    assert started(made, BEGUN + 2 * MINUTE) == []


@pytest.mark.parametrize(
    ("jobs", "seconds"),
    [({}, None), ({"a": "0 3 * * *"}, 40), ({"a": "0 3 * * *", "b": "7 seconds"}, 7), ({"b": "50 seconds"}, 50)],
)
def test_nobody_wakes_before_something_may_be_due(jobs: dict[str, str], seconds: float | None) -> None:
    made, _ = agenda(**jobs)
    assert made.seconds_left(BEGUN) == seconds
    made.look(BEGUN + MINUTE)
    # What waits already has only to be started.
    assert made.seconds_left(BEGUN + MINUTE) == (60 - 20 if "a" in jobs else None)
