"""Filters of writes, which must say which rows they mean: in each part, and before anything is asked.

A variable that was not given leaves nothing behind, so `{ id: { eq: $id } }` without it is `{ id: {} }`, which holds of
every row. Of a read that is harmless; a write would take other rows than were meant.
"""

from typing import Any

from gql.catalog import Catalog
from gql.errors import bad_input
from gql.table import Relation, Table

_ADVICE = "Was a variable left out? Nothing was written. To mean every row, say { id: { isNull: false } }."


def check_write_filter(catalog: Catalog, table: Table, filter_: dict[str, Any] | None, path: str = "filter") -> None:
    """Refuse a filter of which a part says nothing: `{}`, a column without an operator, an `and` or `or` of nothing.

    Of related rows, `none: {}` says that there is not one, and so does `some: {}` inside of a `not`.

    Args:
        catalog: Where the types of related rows are looked up.
        path: Where the filter stands among the arguments, for error messages.

    Raises:
        ApiError: BAD_USER_INPUT.
    """
    _Check(catalog).filter(table, filter_ or {}, path, negated=False)


class _Check:
    """Walks a filter, as deep as inputs may be. What is null is left alone: planning refuses it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def filter(self, table: Table, filter_: dict[str, Any], path: str, *, negated: bool) -> None:
        if not filter_:
            raise _says_nothing(path)
        for name, value in filter_.items():
            where = f"{path}.{name}"
            if value is None:
                continue
            if name in {"and", "or"}:
                if not value and (name == "and" or negated):  # an `or` of nothing holds of no row
                    raise _says_nothing(where)
                for index, each in enumerate(value):
                    self.filter(table, each, f"{where}[{index}]", negated=negated)
            elif name == "not":
                self.filter(table, value, where, negated=not negated)
            elif (relation := table.relations.get(name)) is not None:
                self._related(relation, value, where, negated=negated)
            elif isinstance(value, dict):
                self._operators(value, where)

    def _related(self, relation: Relation, value: dict[str, Any], path: str, *, negated: bool) -> None:
        target = self._catalog[relation.target]
        if not relation.many:
            self.filter(target, value, path, negated=negated)
            return
        if not value:
            raise _says_nothing(path)
        there_is_none = "some" if negated else "none"
        for name, inner in value.items():
            if inner is None or (not inner and name == there_is_none):
                continue
            self.filter(target, inner, f"{path}.{name}", negated=negated if name == "some" else not negated)

    def _operators(self, operators: dict[str, Any], path: str) -> None:
        if not operators:
            raise bad_input(f"{path} names a column but no operator. {_ADVICE}", field=path)
        if operators.get("at") == []:
            raise _says_nothing(f"{path}.at")


def _says_nothing(path: str) -> Exception:
    return bad_input(f"{path} is empty. {_ADVICE}", field=path)
