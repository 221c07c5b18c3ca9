"""What was written, as the writers know it, and whether the database and the subscribers agree."""

from collections import Counter
from dataclasses import dataclass, field

import psycopg

# What a gateway may say while what is behind it fails.
EXCUSES = frozenset({"UPSTREAM_UNAVAILABLE", "TIMEOUT", "OVERLOADED"})


@dataclass
class Ledger:
    """Titles of items by what became of their creation, and everything that went wrong.

    Attributes:
        kept: Acknowledged: they must be there, once.
        open: Nobody knows: they may be there, once.
        refused: Not acknowledged and known not to have happened.
        counters: The last number that was acknowledged, by the title of the item that counts.
        mistakes: Sentences; none is a good run.
    """

    kept: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    counters: dict[str, int] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def mistake(self, sentence: str) -> None:
        """Something that must never happen."""
        self.counts["mistakes"] += 1
        if len(self.mistakes) < 50:
            self.mistakes.append(sentence)

    def excuse(self, what: str, code: str) -> None:
        """A request that failed; with a code that has no excuse it is a mistake."""
        self.counts[f"{what}: {code}"] += 1
        if code not in EXCUSES:
            self.mistake(f"{what} answered {code}")

    def compare(self, db_url: str) -> None:
        """Hold the database to what was acknowledged."""
        with psycopg.connect(db_url) as connection:
            rows = connection.execute("select title, count(*) from public.trip_items group by title").fetchall()
            found = {str(title): int(count) for title, count in rows}
            last = connection.execute("select title, notes from public.trip_items where notes is not null").fetchall()
        for title in self.kept - found.keys():
            self.mistake(f"{title} was acknowledged and is lost")
        for title, count in found.items():
            if count > 1:
                self.mistake(f"{title} is there {count} times")
            if title in self.refused:
                self.mistake(f"{title} was refused and is there")
        stored = {str(title): int(notes) for title, notes in last}
        for title, number in self.counters.items():
            if stored.get(title, -1) < number:
                self.mistake(f"{title} was counted up to {number} and stands at {stored.get(title)}")
        self.counts["open writes that happened"] = len(self.open & found.keys())
