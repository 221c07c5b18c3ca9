"""A table that rows are imported into: what it takes, writing to it, and what it says of rows that it refuses."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from psycopg import sql

from tripgate.importing.conversions import Raw, encoded
from tripgate.importing.unfit import ImportFailedError, UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tripgate.importing.declaring import Source

EXACT = Context(prec=1000, traps=[Inexact])
"""For sums, which are never rounded."""
_WHOLE = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
# Of a row itself: what it holds, what it breaks, what a trigger has against it.
_OF_A_ROW = ("21", "22", "23", "P0", "PG")
# When a row changed here is told here.
_OWN = "updated_at"

_COLUMNS = """
select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.atttypid::regtype::text, a.atttypmod, a.attnotnull,
    case when a.attgenerated = '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid) end
from pg_catalog.pg_attribute a
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped"""

_CONSTRAINT = """
select pg_catalog.obj_description(c.oid, 'pg_constraint'),
    array(select a.attname from pg_catalog.pg_attribute a where a.attrelid = c.conrelid and a.attnum = any(c.conkey))
from pg_catalog.pg_constraint c where c.conrelid = to_regclass(%s) and c.conname = %s"""


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """A column as Postgres knows it.

    Attributes:
        type: With its length or digits.
        base: Without.
        digits: How many a `numeric` has at most, and how many of them behind the point; `None` for any number.
        default: What stands in rows that say nothing, where the column takes no null.
    """

    type: str
    base: str
    digits: tuple[int, int] | None
    not_null: bool
    default: Raw | None

    @property
    def nullable(self) -> bool:
        """Whether a row may say that it has no value. One that may not says nothing: a trigger may know one."""
        return not self.not_null

    @property
    def is_number(self) -> bool:
        """Whether its values have an exact sum."""
        return self.base == "numeric" or self.base in _WHOLE

    def check(self, value: object) -> None:
        """Raises UnfitError for a number that would be rounded, or is too large."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return
        number = Decimal(value)
        if self.base in _WHOLE and not -_WHOLE[self.base] <= number < _WHOLE[self.base]:
            raise UnfitError("is too large", f"Write a number below {_WHOLE[self.base]}.")
        if self.digits is not None:
            most, decimals = self.digits
            if number != number.quantize(Decimal(1).scaleb(-decimals), context=Context(prec=1000)):
                advice = "Round it in the file: nothing is rounded on the way."
                raise UnfitError(f"has more than {decimals} digits behind the point", advice)
            if abs(number) >= Decimal(10) ** (most - decimals):
                raise UnfitError(
                    "is too large", f"Write a number of at most {most - decimals} digits before the point."
                )


@dataclass(frozen=True, slots=True)
class Row:
    """One row to be written.

    Attributes:
        line: Where its old record stands.
        old: The old record's key.
        values: By column.
    """

    line: int
    old: str
    key: UUID
    values: Mapping[str, object]


class Target:
    """The table of a source.

    Attributes:
        columns: Its columns by name.
        made: How many rows were new, and in `changed` how many were others than before.
    """

    def __init__(self, connection: psycopg.Connection, source: Source) -> None:
        """Raises ImportFailedError if the database has no such table, or lacks one of the columns."""
        self._connection = connection
        self._source = source
        self.columns = {
            name: TargetColumn(type_, base, _digits(base, modifier), not_null, self._default(not_null, default))
            for name, type_, base, modifier, not_null, default in connection.execute(_COLUMNS, (source.table,))
        }
        self.made = self.changed = self.written = 0
        self._sums: dict[str, Decimal] = {}
        self._said: Counter[str] = Counter()
        missing = sorted({*source.columns, source.by} - self.columns.keys())
        if not self.columns or missing:
            what = f"columns {', '.join(missing)} of table {source.table}" if self.columns else f"table {source.table}"
            raise ImportFailedError(f"The database lacks {what}. Apply this version's migrations first.", usage=True)

    def _default(self, not_null: bool, expression: str | None) -> Raw | None:
        if not not_null or expression is None:
            return None
        query = sql.SQL("select pg_catalog.to_json({})::text").format(sql.SQL(expression))
        try:
            with self._connection.transaction():
                row = self._connection.execute(query).fetchone()
        except psycopg.Error:
            return None
        return None if row is None or row[0] is None or row[0] == "null" else Raw(row[0])

    def put(self, rows: Sequence[Row], reject: Callable[[Row, str, str, str], None]) -> None:
        """Write rows; those that Postgres refuses are told one by one, and the others written.

        Args:
            reject: Takes a row, the column that is wrong with it, why, and what to do.
        """
        alike: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            alike.setdefault(tuple(row.values), []).append(row)
        for group in alike.values():
            self._put(group, reject)

    def _put(self, rows: Sequence[Row], reject: Callable[[Row, str, str, str], None]) -> None:
        """Rows of the same columns."""
        try:
            with self._connection.transaction():
                made, changed = self._write(rows)
        except psycopg.Error as error:
            if not (error.sqlstate or "").startswith(_OF_A_ROW):
                raise
            if len(rows) == 1:
                reject(rows[0], *self._told(error))
                return
            middle = len(rows) // 2
            self._put(rows[:middle], reject)
            self._put(rows[middle:], reject)
            return
        self.made, self.changed, self.written = self.made + made, self.changed + changed, self.written + len(rows)
        for row in rows:
            for name, value in row.values.items():
                self._said[name] += 1
                if self.columns[name].is_number:
                    number = Decimal(value.text) if isinstance(value, Raw) else value
                    if isinstance(number, int | Decimal):
                        self._sums[name] = EXACT.add(self._sums.get(name, Decimal(0)), Decimal(number))

    @property
    def sums(self) -> dict[str, Decimal]:
        """Of what was written, by column; but of those that some row leaves to the table."""
        return {name: found for name, found in self._sums.items() if self._said[name] == self.written}

    def _write(self, rows: Sequence[Row]) -> tuple[int, int]:
        """How many rows were new, and how many others than before."""
        names = list(rows[0].values)
        given = "[" + ",".join(encoded(dict(row.values)) for row in rows) + "]"
        row = self._connection.execute(self._statement(names), (given,)).fetchone()
        return (row[0], row[1]) if row is not None else (0, 0)

    def _statement(self, names: Sequence[str]) -> sql.Composed:
        by = self._source.by
        changing = [name for name in names if name not in {by, _OWN}]
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        types = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(self.columns[name].type)) for name in names]
        action = sql.Composed([sql.SQL("nothing")])
        if changing:
            action = sql.SQL("update set {} where ({}) is distinct from ({})").format(
                sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in changing),
                sql.SQL(", ").join(self._comparable("here", name) for name in changing),
                sql.SQL(", ").join(self._comparable("excluded", name) for name in changing),
            )
        return sql.SQL(
            "with written as ("
            "insert into {table} as here ({columns})"
            " select {columns} from json_to_recordset(%s::json) as given({types})"
            " on conflict ({by}) do {action} returning here.xmax = 0 as made)"
            " select count(*) filter (where made), count(*) filter (where not made) from written"
        ).format(
            table=sql.Identifier(*self._source.table.split(".")),
            columns=columns,
            types=sql.SQL(", ").join(types),
            by=sql.Identifier(by),
            action=action,
        )

    def _comparable(self, of: str, name: str) -> sql.Composed:
        # Postgres compares jsonb, and no json.
        form = "{}::text" if self.columns[name].base == "json" else "{}"
        return sql.SQL(form).format(sql.Identifier(of, name))

    def _told(self, error: psycopg.Error) -> tuple[str, str, str]:
        """The column that a refused row is wrong in, why, and what to do."""
        said = error.diag.message_primary or str(error)
        if error.sqlstate == "PGRST":
            try:
                return "", str(json.loads(said)["message"]), "Correct the record."
            except (ValueError, LookupError):
                return "", said, "Correct the record."
        comment, columns = self._constraint(error.diag.constraint_name)
        column = error.diag.column_name or self._checked(error.diag.constraint_name) or (columns[0] if columns else "")
        match error.sqlstate:
            case "23502":
                return column, "has no value, and the table asks for one", "Write one."
            case "23503":
                return column, "leads to nothing that is here", "Import what it leads to first."
            case "23505":
                return column, comment or f"is what another row has already ({', '.join(columns)})", "Take one of them."
            case "23514":
                name = error.diag.constraint_name
                return column, comment or f"breaks the rule {name}", error.diag.message_hint or "Correct the value."
            case _:
                return column, said, error.diag.message_hint or "Correct the value."

    def _constraint(self, name: str | None) -> tuple[str, list[str]]:
        if name is None:
            return "", []
        row = self._connection.execute(_CONSTRAINT, (self._source.table, name)).fetchone()
        return (row[0] or "", list(row[1])) if row is not None else ("", [])

    def _checked(self, constraint: str | None) -> str:
        """The column that a check is named after."""
        bare = self._source.table.partition(".")[2]
        name = (constraint or "").removeprefix(f"{bare}_").removesuffix("_check")
        return name if name in self.columns else ""

    def compared(self, keys: Sequence[UUID], names: Sequence[str]) -> tuple[int, dict[str, Decimal]]:
        """How many of these rows there are, and the sums of these columns of theirs."""
        row: Any = self._connection.execute(
            sql.SQL("select count(*), array[{}]::text[] from {} where {} = any(%s)").format(
                sql.SQL(", ").join(sql.SQL("sum({})::text").format(sql.Identifier(name)) for name in names),
                sql.Identifier(*self._source.table.split(".")),
                sql.Identifier(self._source.by),
            ),
            (list(keys),),
        ).fetchone()
        return row[0], {name: Decimal(text or 0) for name, text in zip(names, row[1], strict=True)}


def _digits(base: str, modifier: int) -> tuple[int, int] | None:
    """As Postgres packs them."""
    if base != "numeric" or modifier < 0:
        return None
    return (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
