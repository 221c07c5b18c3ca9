"""Orders, cursors and page bounds, after the Relay cursor connections specification.

A cursor holds the order it belongs to and the values of that order's keys at its row, the primary key last, so that a
page begins exactly behind it even when rows come and go.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from gql.catalog import Catalog
from gql.errors import bad_input
from gql.table import Hop, Sort, Table
from tripgate.planner.plan import NEVER, And, Compare, Condition, IsNull, Not, Operator, Or, Related, related_key

DEFAULT_PAGE_SIZE = 20


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of an ordered list is wanted.

    Attributes:
        size: How many rows at most.
        backward: Whether they are taken from the end; the rows are then read in reverse.
        after: The cursor behind which the page begins, and `before` the one ahead of which it ends.
    """

    order: tuple[Sort, ...]
    size: int
    backward: bool
    offset: int
    after: str | None
    before: str | None

    @property
    def reading_order(self) -> tuple[Sort, ...]:
        """The order in which the database is asked: reversed for a backward page."""
        return tuple(key.reversed() for key in self.order) if self.backward else self.order


def page(catalog: Catalog, table: Table, arguments: dict[str, Any], *, max_page_size: int) -> Page:
    """Read the paging arguments of a connection.

    Raises:
        ApiError: BAD_USER_INPUT for sizes out of range and for arguments that contradict each other.
    """
    first, last, offset = arguments.get("first"), arguments.get("last"), arguments.get("offset")
    after, before = arguments.get("after"), arguments.get("before")
    if first is not None and last is not None:
        raise bad_input("Give first or last, not both.", field="last")
    if offset is not None and (last is not None or before is not None):
        raise bad_input(
            "offset counts from the start: it goes with first and after, not with last or before.", field="offset"
        )
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= max_page_size:
            raise bad_input(f"{name} must be between 0 and {max_page_size}, not {size}.", field=name)
    if offset is not None and offset < 0:
        raise bad_input(f"offset must not be negative, as {offset} is.", field="offset")
    backward = last is not None or (before is not None and after is None and first is None)
    size = last if last is not None else first
    return Page(
        order=order_of(catalog, table, arguments.get("orderBy")),
        size=min(DEFAULT_PAGE_SIZE, max_page_size) if size is None else size,
        backward=backward,
        offset=offset or 0,
        after=after,
        before=before,
    )


def size_forwards(arguments: dict[str, Any], *, max_page_size: int) -> int | None:
    """How many rows a page has that begins at its first row; `None` where it is read from its end, or is refused."""
    first = arguments.get("first")
    if arguments.get("last") is not None:
        return None
    if first is None:
        backward = arguments.get("before") is not None and arguments.get("after") is None
        return None if backward else min(DEFAULT_PAGE_SIZE, max_page_size)
    return first if 0 <= first <= max_page_size else None


def order_of(catalog: Catalog, table: Table, order_by: list[dict[str, Any]] | None) -> tuple[Sort, ...]:
    """The keys of an order. The primary key is always the last, so that no two rows are equal.

    Raises:
        ApiError: BAD_USER_INPUT for a key named twice.
    """
    keys: list[Sort] = []
    for entry in order_by or ():
        key, name = _key(catalog, table, entry)
        if any((key.path, key.column) == (earlier.path, earlier.column) for earlier in keys):
            raise bad_input(f"orderBy names {name} twice.", field="orderBy")
        keys.append(key)
    keys = keys or list(table.default_order)
    for number, key in enumerate(keys):
        if key.column == table.primary_key and not key.path:
            # Behind the primary key no further key can matter.
            return tuple(keys[: number + 1])
    return (*keys, Sort(table.primary_key))


def _key(catalog: Catalog, table: Table, entry: dict[str, Any]) -> tuple[Sort, str]:
    """One entry of `orderBy`, which may lead over to-one relations, and its name as the client wrote it."""
    path: list[Hop] = []
    names: list[str] = []
    ((name, value),) = entry.items()
    while (relation := table.relations.get(name)) is not None:
        table = catalog[relation.target]
        path.append(Hop(table.name, relation.via))
        names.append(name)
        ((name, value),) = value.items()
    return Sort.parse(table.columns[name].name, value.value, tuple(path)), ".".join([*names, name])


def signature(table: Table, order: tuple[Sort, ...]) -> str:
    """A short mark of an order, kept in its cursors."""
    keys = (
        f"{'>'.join([*(hop.via for hop in key.path), key.column])}{key.descending:d}{key.nulls_first:d}"
        for key in order
    )
    text = f"{table.type_name} {','.join(keys)}"
    return hashlib.blake2s(text.encode(), digest_size=4).hexdigest()


def place(number: int, key: Sort) -> str:
    """Under which name a row holds the value of an order's key, the `number`th."""
    return related_key(number) if key.path else key.column


def encode_cursor(mark: str, values: list[Any]) -> str:
    """An opaque cursor from an order's signature and its keys' values at a row."""
    return base64.urlsafe_b64encode(orjson.dumps([mark, *values])).decode().rstrip("=")


def bounds(table: Table, wanted: Page) -> Condition:
    """What `after` and `before` leave of the list.

    Raises:
        ApiError: BAD_USER_INPUT for a cursor that is broken or belongs to another order.
    """
    conditions: list[Condition] = []
    if wanted.after is not None:
        conditions.append(_beyond(table, wanted.order, _decode(table, wanted.order, wanted.after, "after")))
    if wanted.before is not None:
        reverse = tuple(key.reversed() for key in wanted.order)
        conditions.append(_beyond(table, reverse, _decode(table, wanted.order, wanted.before, "before")))
    return conditions[0] if len(conditions) == 1 else And(tuple(conditions))


def behind(table: Table, order: tuple[Sort, ...], cursor: str) -> Condition:
    """Rows behind a cursor that was made in this order."""
    return _beyond(table, order, _decode(table, order, cursor, "after"))


def _decode(table: Table, order: tuple[Sort, ...], cursor: str, argument: str) -> list[str | None]:
    try:
        found = orjson.loads(
            base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
    except (binascii.Error, ValueError):
        found = None
    if not isinstance(found, list) or len(found) < 2 or not isinstance(found[0], str):
        raise bad_input(f"{argument} is not a cursor of this API.", field=argument)
    mark, *values = found
    if mark != signature(table, order) or len(values) != len(order):
        raise bad_input(
            f"{argument} is a cursor of another order. Page on with the order it was made in.", field=argument
        )
    if any("\0" in value for value in values if isinstance(value, str)) or isinstance(values[-1], list | dict | None):
        raise bad_input(f"{argument} is not a cursor of this API.", field=argument)
    return [_text(value) for value in values]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _beyond(table: Table, order: tuple[Sort, ...], values: list[str | None]) -> Condition:
    """Rows strictly behind these values: behind in the first key, or equal there and behind in the next, and so on."""
    alternatives: list[Condition] = []
    equal: tuple[Condition, ...] = ()
    for key, value in zip(order, values, strict=True):
        behind = _behind(key, value, nullable=_nullable(table, key))
        if behind != NEVER:
            alternatives.append(And((*equal, behind)) if equal else behind)
        equal = (*equal, _is_null(key) if value is None else _at(key, Compare(key.column, Operator.EQ, value)))
    if len(alternatives) == 1:
        return alternatives[0]
    first, value = order[0], values[0]
    if value is None or _nullable(table, first):
        return Or(tuple(alternatives))
    # Says nothing new, but an index can begin there, as it cannot in an alternative.
    bound = Compare(first.column, Operator.LTE if first.descending else Operator.GTE, value)
    return And((bound, Or(tuple(alternatives))))


def _behind(key: Sort, value: str | None, *, nullable: bool) -> Condition:
    if value is None:
        return Not(_is_null(key)) if key.nulls_first else NEVER
    greater = _at(key, Compare(key.column, Operator.LT if key.descending else Operator.GT, value))
    if nullable and not key.nulls_first:
        return Or((greater, _is_null(key)))
    return greater


def _nullable(table: Table, key: Sort) -> bool:
    # A related row may be absent or hidden, whatever its column says.
    return bool(key.path) or table.by_sql_name[key.column].nullable


def _is_null(key: Sort) -> Condition:
    test = IsNull(key.column)
    return Not(_at(key, Not(test))) if key.path else test


def _at(key: Sort, test: Condition) -> Condition:
    """The test where the key's column is, at the end of its path."""
    for hop in reversed(key.path):
        test = Related(hop.table, hop.via, many=False, where=test)
    return test
