"""Reads of many rows by their ids. The list would make a URL too long, so they call a function and name it in its body.

The function is `<table>_by_ids`, which Postgres plans as if the table were read.
"""

from collections.abc import Iterable

from gql.catalog import catalog
from tripgate.planner.plan import And, Compare, Condition, Operator, Read

FEW = 100
"""So many ids stay in the URL, where a request is plain to see and to keep."""


def long_list(read: Read) -> tuple[tuple[str, ...], Condition] | None:
    """The longest list of ids, among which each row must be, and what the read asks for beside it.

    `None` for a short list or none, and where there is no function to take it: for the rows of another one, and of a
    table of which nobody may read whole rows.
    """
    if read.source is not None:
        return None
    parts = tuple(_conjuncts(read.where))
    # Most reads end here, without a look at the catalog.
    long = [place for place, part in enumerate(parts) if len(_values(part)) > FEW]
    if not long or read.table in catalog.partly_hidden:
        return None
    table = catalog.named(read.table)
    keys = [place for place in long if _column(parts[place]) == table.primary_key]
    if not keys:
        return None
    chosen = max(keys, key=lambda place: len(_values(parts[place])))
    rest = (*parts[:chosen], *parts[chosen + 1 :])
    return _values(parts[chosen]), rest[0] if len(rest) == 1 else And(rest)


def _conjuncts(condition: Condition) -> Iterable[Condition]:
    """What must hold, one by one."""
    if isinstance(condition, And):
        for part in condition.of:
            yield from _conjuncts(part)
    else:
        yield condition


def _values(condition: Condition) -> tuple[str, ...]:
    """The list of an IN; empty for any other condition."""
    if isinstance(condition, Compare) and condition.operator is Operator.IN and isinstance(condition.value, tuple):
        return condition.value
    return ()


def _column(condition: Condition) -> str | None:
    return condition.column if isinstance(condition, Compare) else None
