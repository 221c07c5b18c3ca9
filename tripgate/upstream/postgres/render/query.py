"""Reads and calls as queries that answer JSON, one row a record, in the shape that `tripgate.planner.rows` tells.

What is embedded is a subquery in the select list. Beside `order by` and `limit` Postgres computes it for the rows of
the page alone, where a join would be made for every row that matches.
"""

import dataclasses
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from gql.catalog import catalog
from gql.schemas import bare
from gql.table import Sort
from tripgate.planner.plan import (
    ALWAYS,
    Aggregate,
    And,
    Compare,
    Condition,
    Embed,
    FunctionCall,
    Operator,
    Pick,
    Read,
    related_key,
)
from tripgate.upstream.postgres.render.conditions import condition_text, tested_columns, tests_lists
from tripgate.upstream.postgres.render.frame import Frame
from tripgate.upstream.postgres.render.parents import Parents, costs
from tripgate.upstream.postgres.render.statement import (
    Statement,
    Writing,
    column,
    identifier,
    joined,
    qualified,
)

# Or what a text or a name holds, where no parameter stands.
_PARAMETER = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\d+)""")


@dataclass(frozen=True, slots=True)
class Target:
    """What a query reads or calls, as the request to PostgREST in whose place it is would say it.

    Attributes:
        name: The path of that request: `trips`, `rpc/search_places`.
        calls: Whether a function is called, which PostgREST would be asked for by POST.
        path: The name as functions of the database see it, and `method` likewise.
    """

    name: str
    calls: bool
    path: bytes
    method: bytes

    @classmethod
    def of(cls, plan: Read | FunctionCall) -> "Target":
        """The target of a plan."""
        if isinstance(plan, Read):
            if plan.source is None:
                name = bare(plan.table)
                return cls(name, calls=False, path=f"/{name}".encode(), method=b"GET")
            plan = plan.source
        name = f"rpc/{bare(plan.function)}"
        return cls(name, calls=True, path=f"/{name}".encode(), method=b"POST")


@dataclass(frozen=True, slots=True)
class Query:
    """A plan made ready for Postgres: what is sent in one packet.

    Attributes:
        statements: In the order in which they are sent.
        counts: Whether the last of them answers how many rows match on all pages; any other answers one JSON value a
            record.
        answers: Whether the one record is a finished answer: its text, and how many rows are in it.
        frame: Where that comes in several records, what is put around their texts: each of some rows of a connection,
            and how many rows that are.
    """

    statements: tuple[Statement, ...]
    counts: bool
    plan: Read | FunctionCall = field(compare=False, repr=False)
    target: Target = field(compare=False, repr=False)
    answers: bool = False
    frame: Frame | None = None

    @property
    def identity(self) -> Hashable:
        """Equal for two that ask for the same."""
        return self.statements if self.frame is None else (self.statements, self.frame)

    @property
    def shown(self) -> dict[str, str]:
        """The SQL, for people who develop."""
        return {"sql": ";\n".join(map(_shown, self.statements))}


@dataclass(frozen=True, slots=True)
class KeyedQuery:
    """The query for one row but for its key, the value at this place."""

    read: Read
    column: str
    rows: Statement
    place: int
    target: Target
    answers: bool = False

    def with_key(self, key: str) -> Query:
        """The query for the row with this key."""
        text, values, place, read = self.rows.text, self.rows.values, self.place, self.read
        # Written out, since `dataclasses.replace` takes longer than all else here.
        plan = Read(read.table, read.columns, read.embeds, Compare(self.column, Operator.EQ, key))
        given = Statement(text, (*values[:place], key.encode(), *values[place + 1 :]))
        return Query((given,), False, plan, self.target, self.answers)


def read_query(read: Read) -> Query:
    """Render a read."""
    target = Target.of(read)
    if not read.count:
        return Query((_records(Writing(), read),), False, read, target)
    writing = Writing()
    everything = Read(read.table, (), where=read.where, source=read.source)
    count = writing.statement(f"select count(*){from_and_where(writing, everything, writing.alias())}")
    rows = () if read.limit == 0 else (_records(Writing(), read),)
    return Query((*rows, count), True, read, target)


def keyed_query(read: Read, column_name: str) -> KeyedQuery:
    """Render a read of one row whose condition will be that this column has some value.

    Raises:
        ValueError: The read has a condition, an order or a limit.
    """
    if read.where != ALWAYS or read.order or read.limit is not None:
        raise ValueError("only a read without condition, order and limit finds one row by its key")
    rows = _records(Writing(), with_open_key(read, column_name))
    return KeyedQuery(read, column_name, rows, rows.values.index(OPEN), Target.of(read))


OPEN = b"\0"
"""Stands for a key that is still open; no value of a plan is it."""


def with_open_key(read: Read, column_name: str) -> Read:
    """The read of a row whose key, in this column, is still open."""
    return dataclasses.replace(read, where=Compare(column_name, Operator.EQ, OPEN.decode()))


def value_query(call: FunctionCall) -> Query:
    """Render a call of a function that returns one value."""
    writing = Writing()
    return Query((writing.statement(f"select to_json({_call(writing, call)})"),), False, call, Target.of(call))


def _records(writing: Writing, read: Read) -> Statement:
    return writing.statement(f"select row_to_json(r) from ({_select(writing, read)}) as r")


Owner = tuple[str, str, Embed]
"""The table and alias of a row, and how the rows below belong to it."""


def _select(writing: Writing, read: Read, owner: Owner | None = None) -> str:
    """One level: the rows of a read with all that is embedded in each.

    Args:
        owner: The row above.
    """
    alias = writing.alias()
    parents = None if _is_one(read, owner) else Parents()
    selected = ", ".join(_selected(writing, read, alias, parents))
    rest = ordered(writing, read, alias, owner)
    return f"select {selected}{rest}" if parents is None else parents.select(selected, rest, alias)


def _is_one(read: Read, owner: Owner | None) -> bool:
    """Whether there is one row, or rows that are computed over others."""
    if owner is not None and not owner[2].many:
        return True
    by_key = isinstance(read.where, Compare) and read.where.operator is Operator.EQ and read.limit is None
    return by_key or bool(read.aggregates)


def from_and_where(writing: Writing, read: Read, alias: str, owner: Owner | None = None) -> str:
    """All rows that match, in no order."""
    return f" from {_source(writing, read)} as {alias}{_where(writing, read, alias, owner)}"


def ordered(writing: Writing, read: Read, alias: str, owner: Owner | None = None) -> str:
    """The rows of a read: where they are from, which, in which order and how many."""
    # In turn for a page of its own alone. Where pages are of each of some rows, rows that match are found together.
    first = _sorted_first(read) if owner is None else None
    if first is None:
        text = from_and_where(writing, read, alias, owner)
    else:
        rows, tests = first
        below = writing.alias()
        text = f"{from_and_where(writing, rows, below)} order by {order_text(writing, rows, below)}"
        found = condition_text(writing, tests, read.table, alias, in_turn=True)
        text = f" from (select {below}.*{text}) as {alias} where {found}"
    if read.aggregates and read.columns:
        text += f" group by {', '.join(column(alias, pick.column) for pick in read.columns)}"
    if read.order:
        text += f" order by {order_text(writing, read, alias)}"
    if read.limit is not None:
        # Written out, since Postgres plans by it.
        text += f" limit {read.limit:d}"
    if read.offset:
        text += f" offset {writing.bind(str(read.offset))}"
    return text


def _selected(writing: Writing, read: Read, alias: str, parents: Parents | None) -> Iterator[str]:
    for pick in read.columns:
        yield _pick(alias, pick)
    for aggregate in read.aggregates:
        yield _aggregate(alias, aggregate)
    for embed in read.embeds:
        yield f"{_embedded(writing, read.table, alias, embed, parents)} as {identifier(embed.alias)}"
    if read.keys:
        for number, key in enumerate(read.order):
            if key.path:
                yield f"{sort_value(writing, read.table, alias, key)}::text as {identifier(related_key(number))}"


def _embedded(writing: Writing, table: str, alias: str, embed: Embed, parents: Parents | None) -> str:
    owner = (table, alias, embed)
    if embed.many:
        text = f"(select coalesce(json_agg(r), '[]') from ({_select(writing, embed.read, owner)}) as r)"
        return text if parents is None else parents.kept(alias, text)
    if parents is None or not costs(embed.read):
        return f"(select row_to_json(r) from ({_select(writing, embed.read, owner)}) as r)"
    below = writing.alias()
    found = parents.join(below, from_and_where(writing, embed.read, below, owner))
    selected = ", ".join(_selected(writing, embed.read, below, parents))
    return f"case when {found} then (select row_to_json(r) from (select {selected}) as r) end"


def _source(writing: Writing, read: Read) -> str:
    return qualified(read.table) if read.source is None else _call(writing, read.source)


def _call(writing: Writing, call: FunctionCall) -> str:
    given = ", ".join(f"{identifier(name)} => {writing.bind(value)}" for name, value in call.arguments)
    return f"{qualified(call.function)}({given})"


def _where(writing: Writing, read: Read, alias: str, owner: Owner | None = None) -> str:
    parts = []
    if owner is not None:
        table, above, embed = owner
        parts.append(joined(table, above, embed.via, read.table, alias, many=embed.many))
    if read.where != ALWAYS:
        parts.append(condition_text(writing, read.where, read.table, alias))
    return f" where {' and '.join(parts)}" if parts else ""


def _pick(alias: str, pick: Pick) -> str:
    text = column(alias, pick.column)
    return text if pick.cast is None else f"{text}::{pick.cast} as {identifier(pick.column)}"


def _aggregate(alias: str, aggregate: Aggregate) -> str:
    of = "*" if aggregate.column is None else column(alias, aggregate.column)
    cast = "" if aggregate.cast is None else f"::{aggregate.cast}"
    return f"{aggregate.function.value}({of}){cast} as {identifier(aggregate.alias)}"


def order_text(writing: Writing, read: Read, alias: str) -> str:
    """What a read's rows are sorted by."""
    return ", ".join(_sort(writing, read.table, alias, key) for key in read.order)


def _sorted_first(read: Read) -> tuple[Read, Condition] | None:
    """The rows of a page before those tests of their lists that are then made in their order, until the page is full.

    Postgres would make these tests for every row, since it sorts what is left. `None` where there are none, and for
    rows that cannot be taken from a query: their columns are computed, or not all for everybody to read.
    """
    if not read.limit or not read.order or read.aggregates or any(key.path for key in read.order):
        return None
    parts = read.where.of if isinstance(read.where, And) else (read.where,)
    tests = tuple(part for part in parts if tests_lists(part))
    if not tests or not stays_whole(read, tests):
        return None
    own = tuple(part for part in parts if not tests_lists(part))
    return Read(read.table, (), where=And(own), order=read.order, source=read.source), And(tests)


def stays_whole(read: Read, tests: tuple[Condition, ...] = ()) -> bool:
    """Whether columns, order and these tests can be taken of rows of a query as of the table's: none of it is computed,
    and everybody may read whole rows."""
    if read.table in catalog.partly_hidden:
        return False
    table = catalog.named(read.table)
    named = {pick.column for pick in read.columns} | {key.column for key in read.order}
    for part in tests:
        named.update(tested_columns(part))
    return all(name in table.by_sql_name and not table.by_sql_name[name].computed for name in named)


def _sort(writing: Writing, table: str, alias: str, key: Sort) -> str:
    text = f"{sort_value(writing, table, alias, key)} {'desc' if key.descending else 'asc'}"
    if key.nulls_first == key.descending:
        return text  # where Postgres puts nulls by itself
    return f"{text} nulls {'first' if key.nulls_first else 'last'}"


def sort_value(writing: Writing, table: str, alias: str, key: Sort) -> str:
    """What is sorted by; over to-one relations the one value at their end, or null."""
    if not key.path:
        return column(alias, key.column)
    sources, conditions = [], []
    for hop in key.path:
        next_alias = writing.alias()
        sources.append(f"{qualified(hop.table)} as {next_alias}")
        conditions.append(joined(table, alias, hop.via, hop.table, next_alias, many=False))
        table, alias = hop.table, next_alias
    return f"(select {column(alias, key.column)} from {', '.join(sources)} where {' and '.join(conditions)})"


def _shown(statement: Statement) -> str:
    """A statement that means the same with its values written out, to be read or run by people."""

    def written(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        return "'" + statement.values[int(found[1]) - 1].decode().replace("'", "''") + "'"

    return _PARAMETER.sub(written, statement.text)
