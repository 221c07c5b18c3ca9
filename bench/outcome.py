"""What a part of the benchmark has to say: its table, its targets and its figures."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Target:
    """One promise beside what was measured, both in words."""

    name: str
    bound: str
    value: str
    met: bool

    def __str__(self) -> str:
        return f"{'met' if self.met else 'MISSED'}: {self.name}, {self.bound}: {self.value}"


@dataclass(frozen=True)
class Outcome:
    """One part.

    Attributes:
        text: A table and what explains it, lines joined.
        figures: Everything that was measured, as plain values.
    """

    name: str
    text: str
    targets: Sequence[Target]
    figures: Any = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Spread:
    """A figure of each round: the median, the least and the greatest."""

    median: float
    least: float
    greatest: float
    unit: str = field(default="")

    def __str__(self) -> str:
        shown = "{:.2f}{} ({:.2f} to {:.2f})"
        return shown.format(self.median, self.unit, self.least, self.greatest)
