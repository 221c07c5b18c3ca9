"""What filters and cursors make Postgres test: counted from coerced arguments, as planning will put them together."""

from dataclasses import dataclass
from typing import Any

from gql.catalog import catalog
from gql.table import Relation, Table

_FOLDED = frozenset({"eq", "in"})


@dataclass(slots=True)
class Tested:
    """What a filter tests.

    Attributes:
        conditions: Operators, words searched for, values at a path and tests of relations. Alternatives of an `or` that
            only say `eq` or `in` of one column are one, since planning makes one list of them.
        relations: How many of them are tests of relations, those of related rows included.
    """

    conditions: int = 0
    relations: int = 0


def tested(table: Table, filter_: dict[str, Any]) -> Tested:
    """What a coerced `<Type>Filter` of this table tests; null counts nothing, for it is refused when it is planned."""
    found = Tested()
    waiting = [(table, filter_)]
    while waiting:
        of, each = waiting.pop()
        for name, value in each.items():
            if value is None:
                continue
            if name == "and":
                waiting.extend((of, part) for part in value)
            elif name == "or":
                waiting.extend((of, part) for part in _unfolded(of, value, found))
            elif name == "not":
                waiting.append((of, value))
            elif (relation := of.relations.get(name)) is not None:
                tests = _tests_of(relation, value)
                found.relations += len(tests)
                found.conditions += len(tests)
                waiting.extend((catalog[relation.target], test) for test in tests)
            elif isinstance(value, dict):
                found.conditions += sum(len(told or ()) if name == "at" else 1 for name, told in value.items())
            else:
                found.conditions += 1
    return found


def cursor_conditions(keys: int) -> int:
    """What a cursor tests of so many keys and the primary key: that one is behind and all before it are equal."""
    return (keys + 1) * (keys + 2) // 2


def _unfolded(table: Table, alternatives: list[dict[str, Any]], found: Tested) -> list[dict[str, Any]]:
    """The alternatives that stay by themselves; the others are counted, once a column."""
    folded: set[str] = set()
    others = []
    for each in alternatives:
        column = _only_column(table, each)
        if column is None:
            others.append(each)
        else:
            folded.add(column)
    found.conditions += len(folded)
    return others


def _only_column(table: Table, filter_: dict[str, Any]) -> str | None:
    """The column of a filter that says nothing but `eq` or `in` of it."""
    if len(filter_) != 1:
        return None
    ((name, operators),) = filter_.items()
    column = table.columns.get(name)
    if column is None or column.kind.is_list or not isinstance(operators, dict) or len(operators) != 1:
        return None
    return name if next(iter(operators)) in _FOLDED else None


def _tests_of(relation: Relation, value: dict[str, Any]) -> list[dict[str, Any]]:
    """What is asked of related rows: of a to-one relation one filter, else one for each of some, none and every."""
    return [test or {} for test in value.values()] if relation.many else [value]
