"""A connection as text: its rows, its page and its totals."""

import json
from typing import assert_never

from tripgate.planner import result_shape as shape
from tripgate.planner.plan import Aggregate, Embed, Read, related_key
from tripgate.upstream.postgres.render.objects import row
from tripgate.upstream.postgres.render.parents import Parents
from tripgate.upstream.postgres.render.query import Owner, from_and_where, ordered, sort_value
from tripgate.upstream.postgres.render.statement import Writing
from tripgate.upstream.postgres.render.text import (
    Literal,
    NotInSqlError,
    Parts,
    base64,
    boolean,
    concatenated,
    constant,
    json_object,
    value,
)


class Connection:
    """One connection.

    Args:
        owner: The row above; `None` for none, and where the page is made for all rows above at once.

    Attributes:
        parts: Its text.
        sources: What the parts are selected from: the page as `p`, the totals as `g`.
    """

    def __init__(
        self,
        writing: Writing,
        wanted: shape.ResultConnection,
        read: Read | None,
        totals: Read | None,
        aggregates: tuple[Aggregate, ...],
        owner: Owner | None,
    ) -> None:
        self._writing = writing
        self._wanted = wanted
        self._read = read
        self._of_rows: list[str] = []
        self._of_page: list[str] = []
        self._of_totals: list[str] = []
        self._alias = writing.alias()
        self._totals_alias = writing.alias()
        self._parents = Parents()
        self._totals = None if totals is None else _totals(totals, aggregates)
        # Where one aggregate sorts, all must say their order: those that do not would take that one's.
        self._sorted = wanted.backward or _tells_ends(wanted)
        self._numbered = self._sorted or (read is not None and (read.limit or 0) > wanted.size)
        self.parts = json_object((field.key, self._field(field)) for field in wanted.fields)
        self.sources = self._sources(owner)

    def _sources(self, owner: Owner | None) -> str:
        sources = []
        if self._read is not None:
            rows = ", ".join(self._of_rows) or "1 as x"
            rest = ordered(self._writing, self._read, self._alias, owner)
            inner = self._parents.select(rows, rest, self._alias)
            if self._numbered:
                inner = f"select r.*, row_number() over () as n from ({inner}) as r"
            sources.append(f"({self._page(inner)}) as p")
        if self._totals is not None:
            sources.append(f"({self._all_rows(self._totals, self._writing, owner)}) as g")
        return ", ".join(sources)

    def _all_rows(self, totals: Read, writing: Writing, owner: Owner | None) -> str:
        """What is computed over all rows, on all pages."""
        selected = ", ".join(f"{text} as g{number}" for number, text in enumerate(self._of_totals)) or "1 as g"
        return f"select {selected}{from_and_where(writing, totals, self._totals_alias, owner)}"

    def _page(self, rows: str) -> str:
        """What is made of the rows of the page."""
        return f"select {', '.join([*self._of_page, 'count(*) as n'])} from ({rows}) as r"

    def _field(
        self,
        field: shape.Constant | shape.Nodes | shape.Edges | shape.PageInfo | shape.TotalCount | shape.Totals,
    ) -> Parts:
        match field:
            case shape.Constant():
                return [constant(field.value)]
            case shape.Nodes():
                return self._list(self._row(field.shape))
            case shape.Edges():
                return self._list(json_object((each.key, self._edge(each)) for each in field.fields))
            case shape.PageInfo():
                return json_object((each.key, self._fact(each)) for each in field.fields)
            case shape.TotalCount():
                return self._total("count(*)::text")
            case shape.Totals():
                if self._totals is None:
                    raise NotInSqlError
                made = row(self._writing, field.shape, self._totals, self._totals_alias, related)
                return self._total(concatenated(made))
            case _:
                assert_never(field)

    def _row(self, wanted: shape.ResultObject) -> Parts:
        if self._read is None:
            raise NotInSqlError
        return row(self._writing, wanted, self._read, self._alias, self._related, self._parents)

    def _related(self, writing: Writing, field: shape.RelatedConnection, read: Read, alias: str) -> Parts:
        """A connection of rows related to those of the page."""
        return related(writing, field, read, alias)

    def _edge(self, field: shape.Constant | shape.Cursor | shape.Node) -> Parts:
        match field:
            case shape.Constant():
                return [constant(field.value)]
            case shape.Cursor():
                return [self._cursor()]
            case shape.Node():
                return self._row(field.shape)
            case _:
                assert_never(field)

    def _fact(self, fact: shape.Constant | shape.PageFact) -> Parts:
        if isinstance(fact, shape.Constant):
            return [constant(fact.value)]
        wanted = self._wanted
        match fact.name:
            case "hasNextPage":
                return [Literal(boolean(wanted.ends_inside))] if wanted.backward else self._more()
            case "hasPreviousPage":
                return self._more() if wanted.backward else [Literal(boolean(wanted.starts_inside))]
            case "startCursor":
                return self._end(last=False)
            case _:
                return self._end(last=True)

    def _more(self) -> Parts:
        """Whether there are rows beyond the page, in the direction in which it is read."""
        return [f"({self._of('n', '0')} > {self._wanted.size:d})::text"]

    def _of(self, name: str, empty: str) -> str:
        """What was made of the rows of the page under this name.

        Args:
            empty: What that is for a page without rows.
        """
        del empty
        return f"p.{name}"

    def _list(self, parts: Parts) -> Parts:
        """All rows of the page, each as these parts say."""
        name = f"x{len(self._of_rows)}"
        self._of_rows.append(f"{concatenated(parts)} as {name}")
        order = f" order by n {'desc' if self._wanted.backward else 'asc'}" if self._sorted else ""
        self._of_page.append(f"coalesce(string_agg({name}, ','{order}){self._within}, '') as {name}")
        return [Literal("["), self._of(name, "''"), Literal("]")]

    def _end(self, *, last: bool) -> Parts:
        """The cursor of the page's first or last row."""
        name = f"x{len(self._of_rows)}"
        self._of_rows.append(f"{self._cursor()} as {name}")
        order = "desc" if last != self._wanted.backward else "asc"
        self._of_page.append(f"coalesce((array_agg({name} order by n {order}){self._within})[1], 'null') as {name}")
        return [self._of(name, "'null'")]

    @property
    def _within(self) -> str:
        assert self._read is not None  # noqa: S101 - asked for rows of the page alone
        more = (self._read.limit or 0) > self._wanted.size
        return f" filter (where n <= {self._wanted.size:d})" if more else ""

    def _cursor(self) -> str:
        assert self._read is not None  # noqa: S101 - as above
        parts: Parts = [Literal(f"[{json.dumps(self._wanted.mark)}")]
        for number, (name, key) in enumerate(zip(self._wanted.keys, self._read.order, strict=True)):
            if key.path:
                text = f"{sort_value(self._writing, self._read.table, self._alias, self._read.order[number])}::text"
                assert name == related_key(number)  # noqa: S101 - as the planner names it
                parts += [Literal(","), f"coalesce(to_json({text})::text, 'null')"]
            else:
                parts += [Literal(","), value(self._read, self._alias, name, None)]
        return concatenated(base64(concatenated([*parts, Literal("]")])))

    def _total(self, text: str) -> Parts:
        if self._totals is None:
            raise NotInSqlError
        self._of_totals.append(text)
        return [f"g.g{len(self._of_totals) - 1}"]


def related(writing: Writing, field: shape.RelatedConnection, read: Read, alias: str) -> Parts:
    """The connection of rows related to one, each row's by itself."""
    embeds: dict[str | None, Embed] = {each.alias: each for each in read.embeds}
    rows, totals = embeds.get(field.rows_alias), embeds.get(field.totals_alias)
    some = rows or totals
    if some is None:
        raise NotInSqlError
    connection = Connection(
        writing,
        field.shape,
        None if rows is None else rows.read,
        None if totals is None else totals.read,
        () if totals is None else totals.read.aggregates,
        (read.table, alias, some),
    )
    return [f"(select {concatenated(connection.parts)} from {connection.sources})"]


def _tells_ends(wanted: shape.ResultConnection) -> bool:
    """Whether the cursors of the page's first or last row are wanted."""
    return any(
        isinstance(fact, shape.PageFact) and fact.name in {"startCursor", "endCursor"}
        for field in wanted.fields
        if isinstance(field, shape.PageInfo)
        for fact in field.fields
    )


def _totals(read: Read, aggregates: tuple[Aggregate, ...]) -> Read:
    return Read(read.table, (), where=read.where, aggregates=aggregates, source=read.source)
