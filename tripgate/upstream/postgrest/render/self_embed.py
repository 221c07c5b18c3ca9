"""Calls of functions beside which related rows are tested, in a form that every PostgREST takes.

PostgREST asks a function for the columns that the request selects, and from version 13 on also for those that its
filters name, those below embeds and the internal names of embeds included. Of these the function knows nothing (42703).
A computed relationship among the embeds makes it ask for all columns instead, so each row embeds itself, by
`whole_<table>`, which Postgres replaces by the row.

Rows that all columns were taken from are of no type, and no function of a row can be told for them. Whatever is not
stored is therefore read, tested, ordered by and aggregated inside that embed, whose rows are the table's.
"""

import dataclasses

from gql.catalog import catalog
from gql.schemas import bare
from gql.table import WHOLE, Sort
from tripgate.planner.plan import ALWAYS, And, Condition, Not, Or, Read, Related
from tripgate.upstream.postgrest.render.functions import tested_columns
from tripgate.upstream.postgrest.render.request import aggregate_text, pick_text


def tests_related_rows(read: Read) -> bool:
    """Whether filters of the read name anything but own columns."""
    return _related(read.where) or any(_filtered(embed.read) for embed in read.embeds)


class SelfEmbed:
    """A row that embeds itself.

    Attributes:
        name: The computed relationship.
    """

    def __init__(self, table: str) -> None:
        self.name = f"{WHOLE}{bare(table)}"
        schema, dot, _ = table.rpartition(".")
        self._relation = f"{schema}{dot}{self.name}"
        self._key = catalog.key_of(table)
        self._stored = {
            column.name
            for mapped in catalog
            if mapped.name == table
            for column in mapped.columns.values()
            if not column.computed
        }

    def apart(self, read: Read, *, aggregated: bool) -> tuple[Read, str]:
        """The read without what is had from the embed, and the embed as an entry for its `select`."""
        inside = [
            *(pick_text(pick) for pick in read.columns if pick.column not in self._stored),
            *(aggregate_text(each) for each in read.aggregates if not self._stores(each.column)),
            *(f"{_key(number)}:{key.column}" for number, key in enumerate(read.order) if self.sorts(key)),
        ]
        rest = dataclasses.replace(
            read,
            columns=tuple(pick for pick in read.columns if pick.column in self._stored),
            aggregates=tuple(each for each in read.aggregates if self._stores(each.column)),
            where=self._inside(read.where),
        )
        if inside:
            # Joined so, what is costly to compute is computed for the page alone; there always is such a row.
            return rest, f"...{self.name}!inner({','.join(inside)})"
        # An aggregate is grouped by what is embedded, so there it must be something, and the same for all rows.
        return rest, f"w:{self.name}({f'x:{self._key}->nope' if aggregated else ''})"

    def sorts(self, key: Sort) -> bool:
        """Whether the rows are sorted by a column that the embed holds."""
        return not key.path and key.column not in self._stored

    def key(self, number: int) -> str:
        """What to sort by then."""
        return f"{self.name}({_key(number)})"

    def _stores(self, column: str | None) -> bool:
        return column is None or column in self._stored

    def _inside(self, condition: Condition) -> Condition:
        """The condition with each test of what is not stored made as one of the embed.

        Such a test fails where the column's own would be neither true nor false. So negations are brought down to the
        single tests first, where both come to the same.
        """
        if all(map(self._stores, tested_columns(condition, self._key))):
            return condition
        if not _related(condition):
            # Named by no foreign key, since it is a function.
            return Related(self._relation, "", many=False, where=condition)
        match condition:
            case And() | Or():
                own = tuple(part for part in condition.of if not _related(part))
                rest = tuple(self._inside(part) for part in condition.of if _related(part))
                joined = type(condition)
                return joined((self._inside(joined(own)), *rest)) if own else joined(rest)
            case Not(of=And() as parts):
                return self._inside(Or(tuple(map(Not, parts.of))))
            case Not(of=Or() as parts):
                return self._inside(And(tuple(map(Not, parts.of))))
            case Not(of=Not() as inner):
                return self._inside(inner.of)
            case _:
                raise ValueError(f"{condition} has no columns")


def _key(number: int) -> str:
    return f"o{number}"


def _related(condition: Condition) -> bool:
    match condition:
        case Related():
            return True
        case Not():
            return _related(condition.of)
        case And() | Or():
            return any(map(_related, condition.of))
        case _:
            return False


def _filtered(read: Read) -> bool:
    return read.where != ALWAYS or any(_filtered(embed.read) for embed in read.embeds)
