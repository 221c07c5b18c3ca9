"""Which jobs wait to be started, as pg_cron decides it: from the clock and their schedules alone.

A job that is due waits until it is taken; one that takes longer than its turn waits as often as it was due meanwhile,
but once only where it follows seconds. What fell due before the agenda was made, or while nobody looked, is not made
up, with pg_cron's exceptions: of up to five minutes all, of up to three hours jobs at a fixed time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tripgate.local.scheduler.schedules import Schedule

_MINUTE = timedelta(minutes=1)
_STEPS = timedelta(minutes=5)
_JUMP = timedelta(hours=3)


@dataclass(slots=True)
class _Turn:
    schedule: Schedule
    last_start: datetime
    waiting: int = 0


@dataclass(slots=True)
class Agenda:
    """The jobs of one scheduler, by their ids, since `now`, which is the latest moment of a look."""

    now: datetime
    _turns: dict[int, _Turn] = field(default_factory=dict)
    _started: bool = False
    # The minute of the last look, which is before `now` where a clock went back.
    _minute: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._minute = _minute(self.now)

    def keep(self, schedules: Mapping[int, Schedule], now: datetime) -> None:
        """These are the jobs now. Those that stay go on with their turns, even under another schedule."""
        if not self._turns:
            # Nobody looked while there was nothing to look for.
            self.now, self._minute = now, _minute(now)
        turns = {}
        for job, schedule in schedules.items():
            turn = turns[job] = self._turns.get(job) or _Turn(schedule, now)
            turn.schedule = schedule
            turn.waiting += schedule.at_start and not self._started
        self._turns = turns
        self._started = True

    def look(self, now: datetime) -> None:
        """Note what has become due since the last look."""
        last, this = _minute(self.now), _minute(now)
        passed, is_new = this - last, this != self._minute
        self._minute = this
        for turn in self._turns.values():
            if turn.schedule.seconds is not None:
                over = now - turn.last_start >= timedelta(seconds=turn.schedule.seconds)
                turn.waiting += over and turn.waiting == 0
            elif turn.schedule.fields and passed and is_new:
                turn.waiting += _times_due(turn.schedule, last, this)
        # A clock that goes back a little repeats nothing at a fixed time, until it has caught up.
        if not timedelta() > passed > -_JUMP:
            self.now = now

    def waiting(self) -> list[int]:
        """The jobs that wait."""
        return [job for job, turn in self._turns.items() if turn.waiting]

    def take(self, job: int, now: datetime) -> None:
        """It starts now."""
        turn = self._turns[job]
        turn.waiting -= 1
        turn.last_start = now

    def seconds_left(self, now: datetime) -> float | None:
        """After how long something may be due, or None while there are no jobs."""
        moments = [
            _minute(now) + _MINUTE
            if turn.schedule.seconds is None
            else turn.last_start + timedelta(seconds=turn.schedule.seconds)
            for turn in self._turns.values()
            # It waits once, however often it was due.
            if turn.schedule.seconds is None or not turn.waiting
        ]
        return max(0.0, (min(moments) - now).total_seconds()) if moments else None


def _times_due(schedule: Schedule, last: datetime, this: datetime) -> int:
    passed = this - last
    if timedelta() < passed <= _STEPS:
        return sum(map(schedule.due, _minutes(last, this)))
    if _STEPS < passed <= _JUMP and schedule.fixed:
        return sum(map(schedule.due, _minutes(last, this)))
    if timedelta() > passed > -_JUMP and schedule.fixed:
        return 0
    return int(schedule.due(this))


def _minutes(last: datetime, this: datetime) -> Iterator[datetime]:
    """Those after the one, up to the other."""
    while last < this:
        last += _MINUTE
        yield last


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
