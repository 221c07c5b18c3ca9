"""To-one relations of many rows, joined to them: `left join lateral`, so that what lies below is read once a parent.

Many rows of a page lead to the same parent. A subquery in the select list runs once a row, with all lists below it.
Over a lateral join Postgres keeps what it has found by its key (Memoize), and runs it again for a new one alone. What
is related to a parent's own parent is joined beside it, for the same reason: few trips of many items have one owner.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gql.catalog import catalog
from tripgate.planner.plan import Read
from tripgate.upstream.postgres.render.statement import column

# A text, or a name with the alias that it belongs to, if any.
_NAMED = re.compile(r"""'(?:[^']|'')*'|(?:(\w+)\.)?("(?:[^"]|"")*")""")
_FOUND = "#"


@dataclass(slots=True)
class _Parent:
    """One joined row.

    Attributes:
        rest: Where it is from and which it is, behind its select list.
        kept: What is computed below the join.
    """

    alias: str
    rest: str
    kept: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Parents:
    """The parents that are joined to the rows of a page."""

    _parents: dict[str, _Parent] = field(default_factory=dict)

    def join(self, alias: str, rest: str) -> str:
        """Join a row; a condition for whether there is one.

        Args:
            rest: Where it is from and which it is, by rows that are there already.
        """
        self._parents[alias] = _Parent(alias, rest)
        return column(alias, _FOUND)

    def has(self, alias: str) -> bool:
        """Whether this row is joined."""
        return alias in self._parents

    def kept(self, alias: str, text: str) -> str:
        """An expression, as what is computed once where it is of a parent."""
        parent = self._parents.get(alias)
        if parent is None:
            return text
        parent.kept.append(text)
        return column(alias, f"{_FOUND}{len(parent.kept) - 1}")

    def select(self, selected: str, rest: str, alias: str) -> str:
        """The query for the rows of a page.

        Args:
            rest: Where they are from, which, in which order and how many, behind the select list.
        """
        if not self._parents:
            return f"select {selected}{rest}"
        joins: list[str] = []
        text = selected
        for parent in reversed(self._parents.values()):
            parts = [name for name in _columns(text, parent.alias) if not name.startswith(f'{parent.alias}."{_FOUND}')]
            parts.append(f'true as "{_FOUND}"')
            parts += [f'{kept} as "{_FOUND}{number}"' for number, kept in enumerate(parent.kept)]
            # What has an offset is not taken apart, so that it is looked for by its key and never made for all rows.
            lateral = f"select {', '.join(parts)}{parent.rest} offset 0"
            joins.append(f" left join lateral ({lateral}) as {parent.alias} on true")
            text += parent.rest
        # By their names: whole rows are not everybody's to read, and do not have what is computed.
        page = f"select {', '.join(_columns(text, alias))}{rest}"
        return f"select {selected} from ({page}) as {alias}{''.join(reversed(joins))}"


def _columns(text: str, alias: str) -> Iterator[str]:
    """The columns of this alias that a text uses, each once; names of ours are not among a parent's."""
    names = dict.fromkeys(found[2] for found in _NAMED.finditer(text) if found[1] == alias)
    return (f"{alias}.{name}" for name in names)


def costs(read: Read) -> bool:
    """Whether a row takes more than to be found: it has lists, or something is computed of it, here or further on."""
    if any(embed.many or costs(embed.read) for embed in read.embeds) or read.aggregates:
        return True
    columns = catalog.named(read.table).by_sql_name
    return any(pick.column in columns and columns[pick.column].computed for pick in read.columns)
