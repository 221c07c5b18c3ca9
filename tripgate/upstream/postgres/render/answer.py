"""A plan and its shape as one query whose value is the answer's text: Postgres writes it, and nobody reads it.

Where a shape holds what only the program can say (a Python field, stored JSON, floats, durations), there is no such
query, and rows are read instead. Response keys are the client's words: they are names of GraphQL or there is no query.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from gql.table import Choices, Column, Kind, catalog
from tripgate.planner import result_shape as shape
from tripgate.planner.plan import Aggregate, Embed, Function, Pick, Read, related_key
from tripgate.planner.planner import ConnectionPlan, ObjectPlan
from tripgate.upstream.postgres.render.query import (
    OPEN,
    KeyedQuery,
    Owner,
    Query,
    Target,
    from_and_where,
    ordered,
    sort_value,
    with_open_key,
)
from tripgate.upstream.postgres.render.statement import Statement, Writing, column

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_BASE64 = r"translate(encode(convert_to({}, 'UTF8'), 'base64'), E'+/=\n', '-_')"
_COUNT = Aggregate("count", Function.COUNT)


class _NotInSqlError(Exception):
    """Something of the shape cannot be written by Postgres exactly as the program writes it."""


@dataclass(frozen=True, slots=True)
class _Literal:
    """Text that is known already; anything else of an answer is an SQL expression of type text."""

    text: str


_Parts = list["_Literal | str"]


def answer_query(plan: ConnectionPlan | ObjectPlan) -> Query | None:
    """The query whose one row is the answer's text, and how many rows are in it; `None` where rows must be read.

    Single rows without lists are read as rows, which is as fast.
    """
    written = _of_object(plan) if isinstance(plan, ObjectPlan) else _of_connection(plan)
    if written is None or plan.read is None:
        return None
    return Query((written,), False, plan.read, Target.of(plan.read), answers=True)


def keyed_answer_query(plan: ObjectPlan, name: str) -> KeyedQuery | None:
    """The same of a row whose condition will be that this column has some value."""
    written = _of_object(ObjectPlan(with_open_key(plan.read, name), plan.shape))
    if written is None:
        return None
    return KeyedQuery(plan.read, name, written, written.values.index(OPEN), Target.of(plan.read), answers=True)


def _of_object(plan: ObjectPlan) -> Statement | None:
    if not _has_lists(plan.shape):
        return None
    writing = Writing()
    alias = writing.alias()
    try:
        text = _concatenated(_row(writing, plan.shape, plan.read, alias))
    except _NotInSqlError:
        return None
    return writing.statement(f"select {text}, 1{ordered(writing, plan.read, alias)}")


def _has_lists(wanted: shape.ResultObject) -> bool:
    return any(
        isinstance(field, shape.RelatedConnection)
        or (isinstance(field, shape.RelatedObject) and _has_lists(field.shape))
        for field in wanted.fields
    )


def _of_connection(plan: ConnectionPlan) -> Statement | None:
    read = plan.read
    if read is None:
        return None
    total = plan.total
    if total is None and read.count:
        total = read
    totals = None if total is None else Read(total.table, (), where=total.where, source=total.source)
    aggregates = () if total is None else total.aggregates or (_COUNT,)
    writing = Writing()
    try:
        connection = _Connection(writing, plan.shape, read, totals, aggregates, None)
    except _NotInSqlError:
        return None
    return writing.statement(f"select {_concatenated(connection.parts)}, p.n from {connection.sources}")


class _Connection:
    """One connection.

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
        self._totals = None if totals is None else _totals(totals, aggregates)
        # Where one aggregate sorts, all must say their order: those that do not would take that one's.
        self._sorted = wanted.backward or _tells_ends(wanted)
        self._numbered = self._sorted or (read is not None and (read.limit or 0) > wanted.size)
        self.parts = _object((field.key, self._field(field)) for field in wanted.fields)
        sources = []
        if read is not None:
            sources.append(f"({self._page(read, owner)}) as p")
        if self._totals is not None:
            rest = from_and_where(writing, self._totals, self._totals_alias, owner)
            selected = ", ".join(f"{text} as g{number}" for number, text in enumerate(self._of_totals)) or "1 as g"
            sources.append(f"(select {selected}{rest}) as g")
        self.sources = ", ".join(sources)

    def _field(
        self,
        field: shape.Constant | shape.Nodes | shape.Edges | shape.PageInfo | shape.TotalCount | shape.Totals,
    ) -> _Parts:
        match field:
            case shape.Constant():
                return [_constant(field.value)]
            case shape.Nodes():
                return self._list(self._row(field.shape))
            case shape.Edges():
                return self._list(_object((each.key, self._edge(each)) for each in field.fields))
            case shape.PageInfo():
                return _object((each.key, self._fact(each)) for each in field.fields)
            case shape.TotalCount():
                return [self._total("count(*)::text")]
            case shape.Totals():
                if self._totals is None:
                    raise _NotInSqlError
                made = _row(self._writing, field.shape, self._totals, self._totals_alias)
                return [self._total(_concatenated(made))]
            case _:
                assert_never(field)

    def _row(self, wanted: shape.ResultObject) -> _Parts:
        if self._read is None:
            raise _NotInSqlError
        return _row(self._writing, wanted, self._read, self._alias)

    def _edge(self, field: shape.Constant | shape.Cursor | shape.Node) -> _Parts:
        match field:
            case shape.Constant():
                return [_constant(field.value)]
            case shape.Cursor():
                return [self._cursor()]
            case shape.Node():
                return self._row(field.shape)
            case _:
                assert_never(field)

    def _fact(self, fact: shape.Constant | shape.PageFact) -> _Parts:
        if isinstance(fact, shape.Constant):
            return [_constant(fact.value)]
        wanted = self._wanted
        more = f"(p.n > {wanted.size:d})::text"
        match fact.name:
            case "hasNextPage":
                return [_Literal(_bool(wanted.ends_inside))] if wanted.backward else [more]
            case "hasPreviousPage":
                return [more] if wanted.backward else [_Literal(_bool(wanted.starts_inside))]
            case "startCursor":
                return [self._end(last=False)]
            case _:
                return [self._end(last=True)]

    def _list(self, parts: _Parts) -> _Parts:
        """All rows of the page, each as these parts say."""
        name = f"x{len(self._of_rows)}"
        self._of_rows.append(f"{_concatenated(parts)} as {name}")
        order = f" order by n {'desc' if self._wanted.backward else 'asc'}" if self._sorted else ""
        self._of_page.append(f"coalesce(string_agg({name}, ','{order}){self._within}, '') as {name}")
        return [_Literal("["), f"p.{name}", _Literal("]")]

    def _end(self, *, last: bool) -> str:
        """The cursor of the page's first or last row."""
        name = f"x{len(self._of_rows)}"
        self._of_rows.append(f"{self._cursor()} as {name}")
        order = "desc" if last != self._wanted.backward else "asc"
        self._of_page.append(f"coalesce((array_agg({name} order by n {order}){self._within})[1], 'null') as {name}")
        return f"p.{name}"

    @property
    def _within(self) -> str:
        assert self._read is not None  # noqa: S101 - asked for rows of the page alone
        more = (self._read.limit or 0) > self._wanted.size
        return f" filter (where n <= {self._wanted.size:d})" if more else ""

    def _cursor(self) -> str:
        assert self._read is not None  # noqa: S101 - as above
        parts: _Parts = [_Literal(f"[{json.dumps(self._wanted.mark)}")]
        for number, (name, key) in enumerate(zip(self._wanted.keys, self._read.order, strict=True)):
            if key.path:
                text = f"{sort_value(self._writing, self._read.table, self._alias, self._read.order[number])}::text"
                assert name == related_key(number)  # noqa: S101 - as the planner names it
                parts += [_Literal(","), f"coalesce(to_json({text})::text, 'null')"]
            else:
                parts += [_Literal(","), _value(self._read, self._alias, name, None)]
        return _concatenated([_Literal('"'), _BASE64.format(_concatenated([*parts, _Literal("]")])), _Literal('"')])

    def _total(self, text: str) -> str:
        if self._totals is None:
            raise _NotInSqlError
        self._of_totals.append(text)
        return f"g.g{len(self._of_totals) - 1}"

    def _page(self, read: Read, owner: Owner | None) -> str:
        rows = ", ".join(self._of_rows) or "1 as x"
        inner = f"select {rows}{ordered(self._writing, read, self._alias, owner)}"
        if self._numbered:
            inner = f"select r.*, row_number() over () as n from ({inner}) as r"
        return f"select {', '.join([*self._of_page, 'count(*) as n'])} from ({inner}) as r"


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


def _object(fields: Iterable[tuple[str, _Parts]]) -> _Parts:
    parts: _Parts = [_Literal("{")]
    for number, (key, value) in enumerate(fields):
        if _NAME.fullmatch(key) is None:
            raise _NotInSqlError
        parts += [_Literal(f'{"," if number else ""}"{key}":'), *value]
    return [*parts, _Literal("}")]


def _row(writing: Writing, wanted: shape.ResultObject, read: Read, alias: str) -> _Parts:
    """The object that a row becomes."""
    return _object((field.key, _field(writing, field, read, alias)) for field in wanted.fields)


def _field(
    writing: Writing,
    field: shape.Constant
    | shape.Value
    | shape.Json
    | shape.Converted
    | shape.NodeId
    | shape.RelatedObject
    | shape.PythonValue
    | shape.NestedObject
    | shape.RelatedConnection,
    read: Read,
    alias: str,
) -> _Parts:
    match field:
        case shape.Constant():
            return [_constant(field.value)]
        case shape.Value():
            return [_value(read, alias, field.column, field.choices)]
        case shape.NodeId():
            key = f"{column(alias, field.column)}::text"
            return [_Literal('"'), _BASE64.format(f"{_literal(f'{field.type_name}:')} || {key}"), _Literal('"')]
        case shape.RelatedObject():
            embed = next((each for each in read.embeds if each.alias == field.alias), None)
            if embed is None:
                return [_computed(writing, field, alias)]
            below = writing.alias()
            made = _concatenated(_row(writing, field.shape, embed.read, below))
            rest = from_and_where(writing, embed.read, below, (read.table, alias, embed))
            return [f"coalesce((select {made}{rest}), 'null')"]
        case shape.NestedObject():
            return _row(writing, field.shape, read, alias)
        case shape.RelatedConnection():
            return [_related(writing, field, read, alias)]
        case shape.Json() | shape.Converted() | shape.PythonValue():
            raise _NotInSqlError
        case _:
            assert_never(field)


def _related(writing: Writing, field: shape.RelatedConnection, read: Read, alias: str) -> str:
    embeds: dict[str | None, Embed] = {each.alias: each for each in read.embeds}
    rows, totals = embeds.get(field.rows_alias), embeds.get(field.totals_alias)
    some = rows or totals
    if some is None:
        raise _NotInSqlError
    connection = _Connection(
        writing,
        field.shape,
        None if rows is None else rows.read,
        None if totals is None else totals.read,
        () if totals is None else totals.read.aggregates,
        (read.table, alias, some),
    )
    return f"(select {_concatenated(connection.parts)} from {connection.sources})"


def _computed(writing: Writing, field: shape.RelatedObject, alias: str) -> str:
    """An object that a function of the database makes of the row, computed once."""
    below = writing.alias()
    value = column(below, "v")
    made: list[tuple[str, _Parts]] = []
    for each in field.shape.fields:
        match each:
            case shape.Constant():
                made.append((each.key, [_constant(each.value)]))
            case shape.Value(choices=None):
                made.append((each.key, [f"coalesce(({value} -> {_literal(each.column)})::text, 'null')"]))
            case shape.Value():
                named = f"{value} ->> {_literal(each.column)}"
                made.append(
                    (each.key, [f"coalesce({_chosen(f'({named})', each.choices or (), as_text=True)}, 'null')"])
                )
            case _:
                raise _NotInSqlError
    text = _concatenated(_object(made))
    # Not pulled up, or it would be computed for each of its keys.
    source = f"(select to_json({column(alias, field.alias)}) as v offset 0) as {below}"
    return f"(select case when {value} is null then 'null' else {text} end from {source})"


def _value(read: Read, alias: str, name: str, choices: Choices | None) -> str:
    """What stands under this name in a row, as JSON."""
    pick = next((each for each in read.columns if each.column == name), None)
    if pick is not None:
        return _column(read, alias, pick, choices)
    aggregate = next((each for each in read.aggregates if each.alias == name), None)
    if aggregate is None:
        raise _NotInSqlError
    of = "*" if aggregate.column is None else column(alias, aggregate.column)
    text = f"{aggregate.function.value}({of})"
    if choices is not None:
        return f"coalesce({_chosen(text, choices)}, 'null')"
    cast = "" if aggregate.cast is None else f"::{aggregate.cast}"
    return f"coalesce(to_json({text}{cast})::text, 'null')"


def _column(read: Read, alias: str, pick: Pick, choices: Choices | None) -> str:
    mapped: Column | None = catalog.named(read.table).by_sql_name.get(pick.column)
    kind = None if mapped is None else mapped.kind
    text = column(alias, pick.column)
    if choices is not None:
        if kind is not None and kind.is_list:
            raise _NotInSqlError
        return f"coalesce({_chosen(text, choices)}, 'null')"
    match kind:
        case Kind.DOUBLE | Kind.JSON | None:
            raise _NotInSqlError
        case Kind.UUID | Kind.NUMERIC | Kind.BIGINT:
            written = f"'\"' || {text}::text || '\"'"
        case Kind.INT | Kind.BOOLEAN:
            written = f"{text}::text"
        case _:
            written = f"to_json({text})::text"
    return f"coalesce({written}, 'null')"


def _chosen(text: str, choices: Choices, *, as_text: bool = False) -> str:
    """The name of an enum's value. One without a name fails the query, and not silently."""

    def known(value: str | int) -> str:
        return _literal(str(value)) if as_text or isinstance(value, str) else str(value)

    cases = " ".join(f"when {known(value)} then {_literal(json.dumps(name))}" for value, name in choices)
    return f"case {text} {cases} else ('no name for ' || {text}::text)::regclass::text end"


def _concatenated(parts: Sequence["_Literal | str"]) -> str:
    """The parts as one expression."""
    found: list[str] = []
    known = ""
    for part in parts:
        if isinstance(part, _Literal):
            known += part.text
            continue
        if known:
            found.append(_literal(known))
            known = ""
        found.append(part)
    if known:
        found.append(_literal(known))
    return " || ".join(found)


def _constant(value: str | None) -> _Literal:
    return _Literal(json.dumps(value))


def _bool(value: object) -> str:
    return "true" if value else "false"


def _literal(text: str) -> str:
    """A declared text, or one that was looked at, as a literal."""
    if "\\" in text:
        raise _NotInSqlError
    return "'" + text.replace("'", "''") + "'"
