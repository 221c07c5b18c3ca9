"""The mail that a development machine sends: kept, never delivered.

Takes mail from Auth and, as JSON, from the project's own functions; gives it newest first. Kept in one file of the data
directory, the oldest dropped once there is too much of it.
"""

# Evaluated annotations: pydantic reads them at run time.
import datetime
import logging
from collections import deque
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tripgate.local.data_dir import write_private

MAX_MAILS = 500
MAX_CHARACTERS = 8_000_000
_COMPACT_AFTER = 2 * MAX_MAILS

log = logging.getLogger(__name__)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Mail(BaseModel):
    """One mail to one address. As JSON, `sent_at` is `sentAt`."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    to: str = Field(min_length=1, max_length=320)
    subject: str = Field(min_length=1, max_length=998)
    text: str = ""
    html: str = ""
    sent_at: AwareDatetime = Field(default_factory=_now, alias="sentAt", strict=False)


class Inbox:
    """All mail that is kept.

    Args:
        file: Where it outlasts a restart; one mail a line. None keeps it in memory alone.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._mails: deque[Mail] = deque()
        self._characters = 0
        self._lines = 0
        if file is not None and file.exists():
            # JSON escapes no U+2028, at which `splitlines` would split as well.
            for line in filter(None, file.read_text(encoding="utf-8", errors="replace").split("\n")):
                try:
                    self._keep(Mail.model_validate_json(line))
                except ValidationError:  # the last line of a process that was killed
                    log.warning("%s holds a line that is no mail", file)
            self._rewrite()

    def deliver(self, mail: Mail) -> None:
        """Store a mail."""
        self._keep(mail)
        if self._file is None:
            return
        if self._lines >= _COMPACT_AFTER or not self._file.exists():
            self._rewrite()
        else:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(mail.model_dump_json(by_alias=True) + "\n")
            self._lines += 1

    def mails(self, to: str | None = None) -> list[Mail]:
        """The mails, newest first; with `to` those to this address, whatever its case."""
        newest_first = reversed(self._mails)
        return [mail for mail in newest_first if to is None or mail.to.casefold() == to.strip().casefold()]

    def empty(self) -> None:
        """Throw everything away."""
        self._mails.clear()
        self._characters = 0
        if self._file is not None:
            self._rewrite()

    def _keep(self, mail: Mail) -> None:
        self._mails.append(mail)
        self._characters += _size(mail)
        while len(self._mails) > MAX_MAILS or (self._characters > MAX_CHARACTERS and len(self._mails) > 1):
            self._characters -= _size(self._mails.popleft())

    def _rewrite(self) -> None:
        if self._file is not None:
            write_private(self._file, "".join(mail.model_dump_json(by_alias=True) + "\n" for mail in self._mails))
            self._lines = len(self._mails)


def _size(mail: Mail) -> int:
    return len(mail.subject) + len(mail.text) + len(mail.html)
