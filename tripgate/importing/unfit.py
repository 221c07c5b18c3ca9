"""What is wrong with one old value, or with a whole file, in words for the operator."""

from dataclasses import dataclass


class UnfitError(Exception):
    """An old value that cannot become a new one.

    Attributes:
        why: What is wrong, beginning with a verb: `is no date`.
        advice: What to do about it, as a sentence.
    """

    def __init__(self, why: str, advice: str) -> None:
        super().__init__(f"{why}. {advice}")
        self.why = why
        self.advice = advice


class ImportFailedError(Exception):
    """Nothing is imported; the message says why and what to do.

    Attributes:
        usage: Whether it is for how the command was called, its settings or its files, and not for what happened.
    """

    def __init__(self, message: str, *, usage: bool = False) -> None:
        super().__init__(message)
        self.usage = usage


@dataclass(frozen=True, slots=True)
class Reject:
    """One record that is not imported.

    Attributes:
        file: The name of its file.
        line: The line that it begins on, or its number where the file has no lines, both counted from 1.
        old: What identifies it in the old system, where that could be read.
        column: The field that is wrong; empty where it is the whole record.
        value: What stands there, as text.
    """

    file: str
    line: int
    old: str
    column: str
    value: str
    why: str
    advice: str
