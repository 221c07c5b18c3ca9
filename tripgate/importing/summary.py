"""What an import has done, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path


@dataclass(slots=True)
class Counts:
    """Of a source.

    Attributes:
        sums: Of each number's column: in the file, and in the database.
        unasked: Fields that were left behind.
    """

    name: str
    file: str
    read: int = 0
    rejected: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    sums: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    unasked: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Summary:
    """Of a run.

    Attributes:
        imported: Whether anything is written for good.
        people: How many there were, were found, have got an account, and were rejected.
        rejects: Where the list of rejects is, if there are any.
        removed: Accounts that an earlier run had left, and which are gone.
    """

    system: str
    dry_run: bool
    imported: bool = False
    people: dict[str, int] | None = None
    people_unasked: list[str] = field(default_factory=list)
    sources: list[Counts] = field(default_factory=list)
    rejects: Path | None = None
    removed: int = 0

    @property
    def rejected(self) -> int:
        """Records that are not imported."""
        return sum(each.rejected for each in self.sources) + (self.people or {}).get("rejected", 0)

    def as_data(self) -> dict[str, Any]:
        """For programs: sums as texts, to the last digit."""
        return {
            "system": self.system,
            "dryRun": self.dry_run,
            "imported": self.imported,
            "people": self.people,
            "sources": [
                {
                    "name": each.name,
                    "file": each.file,
                    "read": each.read,
                    "rejected": each.rejected,
                    "new": each.new,
                    "changed": each.changed,
                    "unchanged": each.unchanged,
                    "sums": {
                        name: {"file": format(of_file, "f"), "database": format(of_database, "f")}
                        for name, (of_file, of_database) in each.sums.items()
                    },
                    "leftBehind": each.unasked,
                }
                for each in self.sources
            ],
            "rejects": str(self.rejects) if self.rejects else None,
            "accountsRemoved": self.removed,
        }

    def lines(self) -> list[str]:
        """For people."""
        lines = []
        if self.removed:
            lines.append(f"Removed {self.removed} accounts that an earlier run had left without their rows.")
        if self.people is not None:
            told = ", ".join(f"{number} {what}" for what, number in self.people.items())
            lines.append(f"{'people':<20}{told}")
        for each in self.sources:
            told = f"{each.new} new, {each.changed} changed, {each.unchanged} unchanged, {each.rejected} rejected"
            lines.append(f"{each.name:<20}{each.read} read: {told}")
            lines += [
                f"{'':<20}sum of {name}: {of_file:f} in the file, {of_database:f} here"
                for name, (of_file, of_database) in each.sums.items()
            ]
            if each.unasked:
                lines.append(f"{'':<20}left behind: {', '.join(each.unasked)}")
        if self.people_unasked:
            lines.append(f"{'people':<20}left behind: {', '.join(self.people_unasked)}")
        return lines
