"""Large pages: their rows come some at a time, and what is related to them is read for all of them at once.

A subquery in the select list begins anew for each row. Where a policy compares with a list, as those do that find the
trips of the caller, each time takes as long as that list: half of the time of a page of a thousand trips. One query for
all of them takes it once. It has to read all related rows, though, where a subquery ends once its own page is full, so
it is looked first whether there are about as many as are wanted.
"""

import re

from gql.catalog import catalog
from gql.table import by_function
from tripgate.planner import result_shape as shape
from tripgate.planner.plan import ALWAYS, Aggregate, Embed, Read
from tripgate.upstream.postgres.render.conditions import condition_text, tests_lists
from tripgate.upstream.postgres.render.connection import Connection, related
from tripgate.upstream.postgres.render.frame import Frame, Piece, Total
from tripgate.upstream.postgres.render.query import order_text, ordered, stays_whole
from tripgate.upstream.postgres.render.statement import Statement, Writing, column, identifier, qualified
from tripgate.upstream.postgres.render.text import Literal, Mark, NotInSqlError, Parts, concatenated

LARGE = 200
"""Rows from which a page is read so. Its parts take 0.3 to 0.6 ms to begin, which smaller ones do not make up for."""

AT_MOST = 2
"""How many times as many related rows as are wanted may be read: one of them takes 1 µs, to begin anew 20 to 35."""

EACH = 32
"""One row of every so many of the page is looked at, for how many rows are related to it. To look at all takes as long
as what is saved, and whoever has far more rows where nobody looks waits for nothing but their own."""

TOGETHER = 32
"""Rows that come as one text, of some ten kilobytes: those of more than 64 KB take Postgres much longer to make."""

_NUMBER = identifier("#")
_OURS = re.compile(r"x\d+|[cn]")


class _Later(Mark):
    """A part of a row that is known once the page's rows are."""

    def __init__(self, text: str) -> None:
        self.text = text


def large_page(
    wanted: shape.ResultConnection, read: Read, totals: Read | None, aggregates: tuple[Aggregate, ...]
) -> tuple[tuple[Statement, ...], Frame] | None:
    """The queries for the rows of a page and for its totals, and what is put around them; `None` where nothing of it is
    read at once, so that it is better read as one text.

    Raises:
        NotInSqlError: As that text.
    """
    lists = sum(isinstance(field, shape.Nodes | shape.Edges) for field in wanted.fields)
    if (read.limit or 0) < LARGE or lists != 1:
        return None
    page = _Page(Writing(), wanted, read, totals, aggregates)
    return (page.statements, page.frame) if page.reads_at_once else None


class _Page(Connection):
    """The page.

    Attributes:
        reads_at_once: Whether anything is read for all of its rows at once.
        statements: The query for its rows, and the one for its totals if there are any.
        frame: What is put around them.
    """

    def __init__(
        self,
        writing: Writing,
        wanted: shape.ResultConnection,
        read: Read,
        totals: Read | None,
        aggregates: tuple[Aggregate, ...],
    ) -> None:
        self._row_parts: Parts = []
        self._cursor_text: str | None = None
        self._groups: list[_Group] = []
        super().__init__(writing, wanted, read, totals, aggregates, None)
        self.reads_at_once = bool(self._groups)
        self.statements: tuple[Statement, ...] = (writing.statement(self._text(read)),)
        if self._totals is not None:
            beside = Writing()
            self.statements += (beside.statement(self._all_rows(self._totals, beside, None)),)
        self.frame = Frame(_pieces(self.parts), wanted.size, self._cursor_text is not None)

    def _list(self, parts: Parts) -> Parts:
        self._row_parts = parts
        return [Literal("["), Piece.ROWS, Literal("]")]

    def _more(self) -> Parts:
        return [Piece.MORE]

    def _end(self, *, last: bool) -> Parts:
        self._cursor_text = self._cursor()
        return [Piece.LAST if last else Piece.FIRST]

    def _total(self, text: str) -> Parts:
        super()._total(text)
        return [Total(len(self._of_totals) - 1)]

    def _related(self, writing: Writing, field: shape.RelatedConnection, read: Read, alias: str) -> Parts:
        embed = next((each for each in read.embeds if each.alias == field.rows_alias), None)
        if (
            alias != self._alias
            or embed is None
            or field.totals_alias is not None
            or not _at_once(embed, catalog.key_of(read.table))
        ):
            return related(writing, field, read, alias)
        group = _Group(writing, field.shape, embed, read, len(self._groups))
        self._groups.append(group)
        alone = concatenated(related(writing, field, read, "page"))
        return [
            _Later(f"case when (select few from {group.name}_few) then {concatenated(group.parts)} else {alone} end")
        ]

    def _sources(self, owner: object) -> str:
        del owner
        return ""

    def _text(self, read: Read) -> str:
        selected, final = self._split()
        cursor, ends = "", ""
        if self._cursor_text is not None:
            selected.append(f"{self._cursor_text} as c")
            cursor, cursors = ", page.c", f"(array_agg(c){self._within})"
            ends = f", {cursors}[1], {cursors}[count(*){self._within}]"
        selected += [column(self._alias, key) for key in dict.fromkeys(group.key for group in self._groups)]
        rows = self._parents.select(", ".join(selected), ordered(self._writing, read, self._alias), self._alias)
        sources = [f"page as materialized (select r.*, row_number() over () as n from ({rows}) as r)"]
        sources += [group.few for group in self._groups]
        joins = "".join(group.join for group in self._groups)
        # In the order of the answer.
        order = "desc" if self._wanted.backward else "asc"
        texts = (
            f"select {final} as x{cursor}, page.n, (page.n - 1) / {TOGETHER} as b from page{joins} "
            f"order by b {order}, page.n {order}"
        )
        return (
            f"with {', '.join(sources)} select string_agg(x, ','){self._within}, count(*){ends} from ({texts}) as r "
            f"group by b order by b {order}"
        )

    def _split(self) -> tuple[list[str], str]:
        """What is selected of the page's rows, and the whole text of each made of that and of what is related."""
        selected: list[str] = []
        final: list[str] = []
        known: Parts = []
        for part in [*self._row_parts, _Later("")]:
            if not isinstance(part, _Later):
                known.append(part)
                continue
            if all(isinstance(each, Literal) for each in known):
                final += [concatenated(known)] if known else []
            else:
                final.append(f"page.x{len(selected)}")
                selected.append(f"{concatenated(known)} as x{len(selected)}")
            known = []
            if part.text:
                final.append(part.text)
        return selected, " || ".join(final)


class _Group(Connection):
    """A connection of rows related to those of a page, for all of these at once.

    Attributes:
        key: The column of the page by which rows are related to it.
        few: Whether there are so few that all are read, as a query.
        join: How they are joined to the page.
    """

    def __init__(
        self, writing: Writing, wanted: shape.ResultConnection, embed: Embed, above: Read, number: int
    ) -> None:
        self.name = f"of{number}"
        self.key = catalog.key_of(above.table)
        super().__init__(writing, wanted, embed.read, None, (), None)
        self.few = self._few(embed, above.limit or 0)
        self.join = self._join(embed)

    def _few(self, embed: Embed, above: int) -> str:
        key, alias = identifier(self.key), self._alias
        most = AT_MOST * (embed.read.limit or 0)
        # One with so many rows that all together have too many is enough.
        enough = most * -(-above // EACH) + 1
        return (
            f"{self.name}_few as materialized (select count(one) <= {most} * count(distinct n) as few from "
            f"(select page.n, r.one from page left join lateral (select 1 as one from {qualified(embed.read.table)} "
            f"as {alias} where {column(alias, embed.via)} = page.{key} limit {enough}) as r on true "
            f"where page.n % {EACH} = 1) as r)"
        )

    def _join(self, embed: Embed) -> str:
        writing, read, alias, key = self._writing, embed.read, self._alias, identifier(self.key)
        via = column(alias, embed.via)
        where = f"{via} = any (array(select {key} from page where (select few from {self.name}_few)))"
        if read.where != ALWAYS:
            where += f" and {condition_text(writing, read.where, read.table, alias)}"
        numbered = (
            f"select {alias}.*, row_number() over (partition by {via} order by {order_text(writing, read, alias)}) "
            f"as {_NUMBER} from {qualified(read.table)} as {alias} where {where}"
        )
        rows = ", ".join([*self._of_rows, f"{via} as k", f"{alias}.{_NUMBER} as n"])
        page = ", ".join(["k", *self._of_page, "count(*) as n"])
        first = self._parents.select(
            rows, f" from ({numbered}) as {alias} where {alias}.{_NUMBER} <= {read.limit:d}", alias
        )
        return f" left join (select {page} from ({first}) as r group by k) as {self.name} on {self.name}.k = page.{key}"

    def _of(self, name: str, empty: str) -> str:
        return f"coalesce({self.name}.{name}, {empty})"

    def _sources(self, owner: object) -> str:
        del owner
        return ""


def _pieces(parts: Parts) -> tuple[str | Piece | Total, ...]:
    found: list[str | Piece | Total] = []
    for part in parts:
        text = part.text if isinstance(part, Literal) else part
        if not isinstance(text, str | Piece | Total):
            raise NotInSqlError
        if isinstance(text, str) and found and isinstance(found[-1], str):
            found[-1] += text
        else:
            found.append(text)
    return tuple(found)


def _at_once(embed: Embed, key: str) -> bool:
    """Whether related rows can be read for all rows of a page at once, whose key is this column."""
    read = embed.read
    plain = bool(read.limit and read.order) and not (read.offset or read.aggregates or read.source)
    plain = plain and _OURS.fullmatch(key) is None and by_function(embed.via) is None
    return (
        plain
        and embed.many
        and not any(key.path for key in read.order)
        and not tests_lists(read.where)
        and (stays_whole(read))
    )
