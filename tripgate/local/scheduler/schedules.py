"""When a job is due, by the text that it was scheduled with: five fields, `N seconds` or a word such as `@hourly`.

The database has refused what is no schedule; the fields are cronsim's, which reads them as Debian's cron does. Times
are GMT, as pg_cron's are unless a project's settings say otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from datetime import datetime

_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_AT_START = ("@reboot", "@restart")
_SECONDS = re.compile(r"\s*(\d+)\s+seconds?\s*")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job runs.

    Attributes:
        seconds: So long after its last start; None for a job that follows the clock.
        at_start: Once, as the scheduler starts.
        fields: The five fields, empty for the others.
    """

    seconds: int | None = None
    at_start: bool = False
    fields: str = ""

    @property
    def fixed(self) -> bool:
        """Whether it names its hour and minute, so that it is caught up with where a clock goes forward."""
        minute, hour, *_ = self.fields.split()
        return not minute.startswith("*") and not hour.startswith("*")

    def due(self, minute: datetime) -> bool:
        """Whether the fields match this minute; never for those that no day has, like the 30th of February."""
        if not self.fields:
            return False
        try:
            return next(CronSim(self.fields, minute - _SECOND), None) == minute
        except CronSimError:
            return False


def parse(text: str) -> Schedule:
    """What the text of a job's schedule says."""
    if match := _SECONDS.fullmatch(text):
        return Schedule(seconds=int(match[1]))
    if text.strip() in _AT_START:
        return Schedule(at_start=True)
    minute, hour, day, *rest = _WORDS.get(text.strip(), text).split()
    # The last day of the month, as pg_cron and as cronsim write it.
    return Schedule(fields=" ".join([minute, hour, "L" if day == "$" else day, *rest]))
