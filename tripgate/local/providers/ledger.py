"""What the faked services were asked, and what they told in return by webhook: bounded, the newest kept.

Takes a request as it comes and its end when there is one; gives entries in order, or those that changed since a
version. No secret is kept.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tripgate.local.providers import redaction

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

MAX_ENTRIES = 1000
MAX_CHARACTERS = 8_000_000
MAX_BODY = 64 * 1024
_MAX_TARGET = 4096
_MAX_HEADER = 2048

Direction = Literal["asked", "told"]
Outcome = Literal["open", "answered", "dropped", "failed"]


@dataclass
class Entry:
    """One request to a provider (`asked`), or one webhook of it (`told`).

    Attributes:
        number: Of the entry; grows.
        version: Grows with each change of any entry.
        at: By the providers' clock.
        target: Path below the provider and query; of a webhook, the whole address.
        body: As text, its first 64 KiB.
        body_bytes: How long it was.
        status: Of the answer; none where there was no answer.
        outcome: `dropped` where the connection was, by script or by the client; `failed` where no answer came.
        note: What a script had to do with it.
    """

    number: int
    version: int
    at: datetime.datetime
    provider: str
    direction: Direction
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: str
    body_bytes: int
    status: int | None = None
    outcome: Outcome = "open"
    milliseconds: float | None = None
    note: str = ""
    began: float = field(default_factory=time.monotonic)

    def as_json(self) -> dict[str, Any]:
        """As tests read it."""
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "provider": self.provider,
            "direction": self.direction,
            "method": self.method,
            "target": self.target,
            "headers": [list(each) for each in self.headers],
            "body": self.body,
            "bodyBytes": self.body_bytes,
            "status": self.status,
            "outcome": self.outcome,
            "milliseconds": self.milliseconds,
            "note": self.note,
        }

    @property
    def characters(self) -> int:
        """How much of the ledger it takes."""
        return len(self.target) + len(self.body) + sum(len(name) + len(value) for name, value in self.headers)


class Ledger:
    """Entries by number.

    Attributes:
        version: Of the last change of any entry.
        emptied_at: The version in which all were forgotten.
    """

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._characters = 0
        self._numbers = itertools.count(1)
        self._versions = itertools.count(1)
        self.version = 0
        self.emptied_at = 0

    def begin(
        self,
        provider: str,
        direction: Direction,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        at: datetime.datetime,
    ) -> Entry:
        """Write a request down. `end` is owed."""
        entry = Entry(
            number=next(self._numbers),
            version=self._next_version(),
            at=at,
            provider=provider,
            direction=direction,
            method=method,
            target=redaction.text(target)[:_MAX_TARGET],
            headers=[(name[:_MAX_HEADER], value[:_MAX_HEADER]) for name, value in redaction.headers(headers)],
            body=redaction.text(body[:MAX_BODY].decode(errors="replace")),
            body_bytes=len(body),
        )
        self._entries.append(entry)
        self._characters += entry.characters
        while len(self._entries) > MAX_ENTRIES or (self._characters > MAX_CHARACTERS and len(self._entries) > 1):
            self._characters -= self._entries.popleft().characters
        return entry

    def end(self, entry: Entry, outcome: Outcome, status: int | None = None, note: str = "") -> None:
        """Write down how it ended."""
        entry.outcome, entry.status = outcome, status
        entry.note = note or entry.note
        entry.milliseconds = round((time.monotonic() - entry.began) * 1000, 1)
        entry.version = self._next_version()

    def entries(self, provider: str | None = None, *, after: int = 0, changed_after: int = 0) -> list[Entry]:
        """The oldest first.

        Args:
            after: Only those with a higher number.
            changed_after: Only those that began or ended behind this version.
        """
        return [
            entry
            for entry in self._entries
            if entry.number > after
            and entry.version > changed_after
            and (provider is None or entry.provider == provider)
        ]

    def empty(self) -> None:
        """Forget everything. Numbers go on."""
        self._entries.clear()
        self._characters = 0
        self.emptied_at = self._next_version()

    def _next_version(self) -> int:
        self.version = next(self._versions)
        return self.version
