"""What stands behind the fields of a declared class: columns, relations, computed values and unique keys.

The functions say it, and return plain data that `gql.declare.table` turns into a mapping and a Strawberry type.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gql.caching import CacheControl


@dataclass(frozen=True)
class Write:
    """Where a column may be written: which inputs offer it."""

    creatable: bool
    required: bool
    patchable: bool


FREELY = Write(creatable=True, required=False, patchable=True)
REQUIRED = Write(creatable=True, required=True, patchable=True)
NEVER = Write(creatable=False, required=False, patchable=False)


def on_create(*, required: bool) -> Write:
    """Written once, when the row is made."""
    return Write(creatable=True, required=required, patchable=False)


@dataclass(frozen=True)
class ColumnDeclaration:
    """A column, as `column` and `computed_column` declare it."""

    name: str | None
    write: Write
    deprecated: str | None = None
    computed: bool = False
    cache: CacheControl | None = None
    digits: tuple[int, int] | None = None
    long: bool = False


@dataclass(frozen=True)
class RelationDeclaration:
    """Related rows, as `to_one`, `has_one` and `to_many` declare them."""

    target: str
    via: str
    many: bool
    description: str
    creatable: bool = False
    deprecated: str | None = None
    cache: CacheControl | None = None
    theirs: bool = False


@dataclass(frozen=True)
class ComputedDeclaration:
    """An object that a database function computes."""

    target: type
    description: str
    deprecated: str | None = None
    cache: CacheControl | None = None


@dataclass(frozen=True)
class PythonFieldDeclaration:
    """A field that a method computes."""

    function: Callable[[Any], Any]
    needs: tuple[str, ...]
    description: str
    deprecated: str | None = None
    cache: CacheControl | None = None


@dataclass(frozen=True)
class OutsideFieldDeclaration:
    """A field whose value another service gives."""

    returns: Any
    needs: tuple[str, ...]
    source: str
    arguments: Callable[[], list[Any]]
    check: Callable[[Mapping[str, Any]], None]
    description: str
    alone: str | None = None
    deprecated: str | None = None
    cache: CacheControl | None = None


@dataclass(frozen=True)
class UniqueKeyDeclaration:
    """A unique key, as `unique` declares it."""

    columns: tuple[str, ...]
    own: str | None
    lookup: str | None


def column(
    name: str | None = None,
    *,
    write: Write = FREELY,
    deprecated: str | None = None,
    cache: CacheControl | None = None,
    digits: tuple[int, int] | None = None,
    long: bool = False,
) -> Any:
    """Say more of a column than its annotation does: its SQL name, and where it may be written.

    Args:
        long: Whether it holds texts of more than 254 characters. `make schema` then writes a function `<name>_against`.
        digits: Of a decimal, as in `numeric(12, 2)`: what has more would be rounded, and is refused.
        deprecated: What to use instead. Here and below: the field answers as before, and tools tell who uses it.
        cache: Here and below: how long answers with this field may be cached, where that is less than with its row.
    """
    return ColumnDeclaration(name, write, deprecated, cache=cache, digits=digits, long=long)


def to_one(
    target: str, *, via: str, description: str, deprecated: str | None = None, cache: CacheControl | None = None
) -> Any:
    """The row that this table's column `via` refers to; null when the caller may not see it."""
    return RelationDeclaration(target, via, many=False, description=description, deprecated=deprecated, cache=cache)


def has_one(
    target: str, *, via: str, description: str, deprecated: str | None = None, cache: CacheControl | None = None
) -> Any:
    """The row of `target` whose column `via`, which is unique, refers to this one; null without a visible one."""
    return RelationDeclaration(
        target, via, many=False, description=description, deprecated=deprecated, cache=cache, theirs=True
    )


def to_many(
    target: str,
    *,
    via: str,
    description: str,
    create: bool = False,
    deprecated: str | None = None,
    cache: CacheControl | None = None,
) -> Any:
    """The rows of `target` whose column `via` refers to this one, as a connection; with `via="images()"` those that the
    function `images` of this table's rows returns, as plain SQL that Postgres puts in its place.

    Args:
        create: Whether new ones can be given with a new row of this type, all or none: by the database function
            `insert_tree`.
    """
    return RelationDeclaration(
        target, via, many=True, description=description, creatable=create, deprecated=deprecated, cache=cache
    )


def computed(
    target: type, *, description: str, deprecated: str | None = None, cache: CacheControl | None = None
) -> Any:
    """An object that the database function of this name computes.

    `target` is a Strawberry type of plain fields, and of objects and lists of objects of such. What JSON would round,
    as money, the function gives as text.
    """
    return ComputedDeclaration(target, description, deprecated, cache)


def computed_column(*, deprecated: str | None = None, cache: CacheControl | None = None) -> Any:
    """A value that the database function of this name computes from the row: read, filtered and ordered like a column.

    Its description is the function's comment. A function that returns `numeric` is annotated `Decimal`.
    """
    return ColumnDeclaration(None, NEVER, deprecated, computed=True, cache=cache)


def python_field(
    *, needs: tuple[str, ...], description: str, deprecated: str | None = None, cache: CacheControl | None = None
) -> Callable[[Callable[[Any], Any]], Any]:
    """Make a field of a method that finds the columns `needs`, and nothing else, on `self`.

    Values are Python's: a `date` is a date, a `Decimal` a decimal. The method's annotation is the field's type: a
    scalar or an enum, perhaps null. It must not wait for anything.
    """

    def mark(function: Callable[[Any], Any]) -> Any:
        return PythonFieldDeclaration(function, needs, description, deprecated, cache)

    return mark


def outside_field(
    returns: Any,
    *,
    needs: tuple[str, ...],
    source: str,
    arguments: Callable[[], list[Any]],
    check: Callable[[Mapping[str, Any]], None],
    description: str,
    alone: str | None = None,
) -> Any:
    """A field whose value another service gives, null beside an error where it does not.

    Args:
        returns: A scalar.
        needs: SQL names of the columns that it is asked by.
        source: Who asks: the name of a function that is marked with `resolvers.declared.outside.source`.
        arguments: Of `derive.argument`.
        check: Refuses arguments before anything is asked.
        alone: The argument with which each value takes a request of its own, and costs accordingly.
    """
    return OutsideFieldDeclaration(returns, needs, source, arguments, check, description, alone)


def unique(*columns: str, own: str | None = None, lookup: str | None = None) -> UniqueKeyDeclaration:
    """A unique key of the table: a constraint or index over exactly these columns and all rows.

    Args:
        columns: SQL names.
        own: The column among them that is the caller's id in every row that the caller may see, and by default.
        lookup: The root field that finds a row by the key, where `tagByName` is not what a person would call it.
    """
    return UniqueKeyDeclaration(columns, own, lookup)
