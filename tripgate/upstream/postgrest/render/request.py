"""What every rendered request consists of, and how a client's text enters it."""

from dataclasses import dataclass, field
from urllib.parse import quote

from tripgate.planner.plan import Aggregate, Pick


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request below the REST address.

    Attributes:
        path: Path and query, percent-encoded, beginning with the table.
        prefer: The `Prefer` header, or empty.
        exactly: How many rows a write must touch, as header `X-Exactly` tells the database; see `expect_rows` there.
        plan: What it was rendered from, to be shown when it is slow.
        reads: Whether it changes nothing although its method might.
    """

    method: str
    path: str
    prefer: str = ""
    body: bytes | None = None
    exactly: int | None = None
    plan: object = field(default=None, compare=False, repr=False)
    reads: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when nobody knows whether it arrived."""
        return self.reads or self.method == "GET"


def percent(text: str) -> str:
    """Percent-encode every byte that could mean something in a query string."""
    return quote(text, safe="")


def quoted(text: str) -> str:
    """A value inside `and=(…)`, `or=(…)` or `in.(…)`: double-quoted, then percent-encoded."""
    return percent('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')


def pick_text(pick: Pick) -> str:
    """A selected column under its cast."""
    return pick.column if pick.cast is None else f"{pick.column}::{pick.cast}"


def aggregate_text(aggregate: Aggregate) -> str:
    """A selected computation under its alias and cast."""
    alias = "" if aggregate.alias == aggregate.function else f"{aggregate.alias}:"
    column = "" if aggregate.column is None else f"{aggregate.column}."
    cast = "" if aggregate.cast is None else f"::{aggregate.cast}"
    return f"{alias}{column}{aggregate.function}(){cast}"
