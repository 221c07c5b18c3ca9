"""Reads whose rows have rows of another Postgres schema: PostgREST embeds nothing across schemas.

Such a read is taken apart where it crosses: into a first one, and for each relation that leads over into another schema
one *seam*, a further read of what belongs to all of the rows together, by their keys. It is put together again before
anybody sees it, so planners and shapers know nothing of it.

- Rows that rows refer to are read from their table, by its key. Where a view of the rows' own schema has all that is
  wanted of them (`gql.table.EmbeddedAs`), they are embedded by that, without a seam.
- Rows that refer to them are embedded, in the other schema, in the rows of a view of the first table's keys. So each
  row has a page, a filter, an order and totals of its own there too. The view is generated (`gql.table.keys_view`).

Each read asks with the caller's own token, so policies decide on both sides; a row that the caller may not see is null.
"""

import dataclasses
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gql.catalog import catalog
from gql.schemas import schema_of
from gql.table import keys_view
from tripgate.planner.plan import Compare, Embed, Function, Operator, Read, pick
from tripgate.planner.rows import Row
from tripgate.upstream.postgrest.render.by_ids import FEW

MOST = 1000
"""Rows that one request reads by their keys: as many as PostgREST gives where `max_rows` is left as it is."""
_LONGEST = 6000
"""Bytes of keys in one request's path, where up to FEW travel. More than these travel in a body."""


@dataclass(frozen=True, slots=True)
class Seam:
    """One further read.

    Attributes:
        path: The aliases that lead from the rows of the first read to those that are added to.
        column: Whose values, in those, are the keys to read by.
        key: The column that has these keys in the further read.
        read: That read, but for its condition.
        alias: What a row read further becomes in those that it belongs to; empty where it holds `embeds` for them.
        embeds: What is taken from it otherwise.
    """

    path: tuple[str, ...]
    column: str
    key: str
    read: Read
    alias: str
    embeds: tuple[Embed, ...] = ()

    def reads(self, rows: Sequence[Row]) -> Iterator[Read]:
        """The further reads for these rows: one, unless there are more keys than one request takes."""
        in_a_body = self.alias and self.read.table not in catalog.partly_hidden
        for keys in _batches(tuple(self._keys(rows)), MOST if in_a_body else FEW):
            yield dataclasses.replace(self.read, where=Compare(self.key, Operator.IN, keys))

    def add(self, rows: Sequence[Row], found: Iterable[Row]) -> None:
        """Put what was read further where it belongs."""
        by_key = {str(row[self.key]): row for row in found}
        for row in _below(rows, self.path):
            theirs = by_key.get(str(row[self.column]))
            if self.alias:
                row[self.alias] = theirs
            for embed in self.embeds:
                row[embed.alias] = _nothing(embed) if theirs is None else theirs[embed.alias]

    def _keys(self, rows: Sequence[Row]) -> Iterable[str]:
        values = (row[self.column] for row in _below(rows, self.path))
        return dict.fromkeys(str(value) for value in values if value is not None)


def split(read: Read, path: tuple[str, ...] = ()) -> tuple[Read, tuple[Seam, ...]]:
    """The part of a read that is asked first, and what is read further by its rows; none where it need not cross."""
    schema = schema_of(read.table)
    stay: list[Embed] = []
    seams: list[Seam] = []
    embedded: dict[str, list[Embed]] = {}
    for embed in read.embeds:
        there = schema_of(embed.read.table)
        if there == schema:
            inner, below = split(embed.read, (*path, embed.alias))
            stay.append(embed if inner is embed.read else dataclasses.replace(embed, read=inner))
            seams += below
        elif embed.many or embed.theirs:
            embedded.setdefault(there, []).append(embed)
        elif (view := _view_of(embed.read, schema)) is not None:
            stay.append(dataclasses.replace(embed, read=dataclasses.replace(embed.read, table=view)))
        else:
            key = catalog.key_of(embed.read.table)
            seams.append(Seam(path, embed.via, key, _with(embed.read, key), embed.alias))
    for there, embeds in embedded.items():
        key = catalog.key_of(read.table)
        picked = pick(catalog.named(read.table), key)
        further = Read(keys_view(read.table, there), (picked,), tuple(embeds))
        seams.append(Seam(path, key, key, further, "", tuple(embeds)))
    for seam in seams:
        if seam.path == path:
            read = _with(read, seam.column)
    same = len(stay) == len(read.embeds) and all(map(operator.is_, stay, read.embeds))
    return (read if same else dataclasses.replace(read, embeds=tuple(stay))), tuple(seams)


def _view_of(read: Read, schema: str) -> str | None:
    """The view of a schema that has all that is wanted of a row."""
    if read.embeds:
        return None
    return catalog.embedded_view(catalog.named(read.table), schema, [each.column for each in read.columns])


def _with(read: Read, column: str) -> Read:
    """The same read, with this column among those that are selected."""
    if any(each.column == column for each in read.columns):
        return read
    return dataclasses.replace(read, columns=(*read.columns, pick(catalog.named(read.table), column)))


def _below(rows: Iterable[Row], path: tuple[str, ...]) -> Iterable[Row]:
    """The rows at the end of a path of embeds."""
    for alias in path:
        rows = [each for row in rows for each in _several(row[alias])]
    return rows


def _several(embedded: Any) -> Iterable[Row]:
    if isinstance(embedded, list):
        return embedded
    return () if embedded is None else (embedded,)


def _nothing(embed: Embed) -> Any:
    """What is embedded in a row that has gone meanwhile."""
    if embed.read.aggregates:
        return [{each.alias: 0 if each.function is Function.COUNT else None for each in embed.read.aggregates}]
    return [] if embed.many else None


def _batches(keys: tuple[str, ...], most: int) -> Iterator[tuple[str, ...]]:
    """The keys, as many at a time as one request takes."""
    for start in range(0, len(keys), most):
        batch = keys[start : start + most]
        if len(batch) > FEW:
            yield batch
        else:
            yield from _short(batch)


def _short(keys: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The same for keys that travel in a path."""
    begin = size = 0
    for place, key in enumerate(keys):
        # Each byte of a key may take three in a path, and its quotes and its comma do.
        length = 3 * len(key.encode()) + 9
        if size + length > _LONGEST and place > begin:
            yield keys[begin:place]
            begin, size = place, 0
        size += length
    if keys:
        yield keys[begin:]
