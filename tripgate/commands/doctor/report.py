"""What the doctor finds: one sentence, its level, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is. Only an ERROR keeps Tripgate from doing its work, or lets somebody see too much."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        text: What is so, in a sentence that holds no key, token or password.
        advice: What to do about it; empty where there is nothing to do.
    """

    level: Level
    text: str
    advice: str = ""

    @property
    def line(self) -> str:
        """The finding and what to do, on one line."""
        return " ".join(f"{self.text} {self.advice}".split())


def ok(text: str) -> Finding:
    """A finding that needs nothing done."""
    return Finding(Level.OK, text)


def note(text: str, advice: str = "") -> Finding:
    """A finding about what was not examined, or is worth knowing."""
    return Finding(Level.NOTE, text, advice)


def warning(text: str, advice: str) -> Finding:
    """A finding about what works, but may not be meant so."""
    return Finding(Level.WARNING, text, advice)


def failure(text: str, advice: str) -> Finding:
    """This does not work, or shows somebody what they must not see."""
    return Finding(Level.ERROR, text, advice)


def any_error(findings: Iterable[Finding]) -> bool:
    """Whether any of them is of level ERROR."""
    return any(finding.level is Level.ERROR for finding in findings)


def listed(names: Iterable[str]) -> str:
    """Names as a person writes them: a, b and c."""
    *most, last = list(names) or [""]
    return f"{', '.join(most)} and {last}" if most else last
