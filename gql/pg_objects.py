"""What Postgres knows of tables, views and functions, as plain data: `gql.pg_catalog` holds those of the API's schemas.

Nothing is known of GraphQL here. Tables are found by `schema.name`, or by their name alone in `public`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PUBLIC = "public"

# A check that lists what a column may hold, as Postgres prints it.
_LISTED = re.compile(r"CHECK \(\(\(?(\w+)\)?(?:::\w+)? = (?:ANY \(\(?ARRAY\[)?(.*)\)")
_VALUES = re.compile(r"'((?:[^']|'')*)'|(-?\d+)")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table or view.

    Attributes:
        type: As SQL has it, as in `numeric(12,2)` or `text[]`.
        nullable: Whether null is allowed; never told of views.
        default: The expression of its default, as in `auth.uid()`.
        generated: Whether Postgres alone gives it its values.
        identity: Whether Postgres gives it its values by default.
        labels: The values of an enum type.
    """

    name: str
    type: str
    nullable: bool = False
    default: str | None = None
    generated: bool = False
    identity: bool = False
    labels: tuple[str, ...] = ()
    comment: str | None = None

    @property
    def filled(self) -> bool:
        """Whether a new row may leave it out although it is never null."""
        return self.default is not None or self.generated or self.identity


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that refer to columns of another table, `to`, by its qualified name."""

    name: str
    columns: tuple[str, ...]
    to: str
    on: tuple[str, ...]
    delete: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on some columns of each row; `check` is its definition."""

    name: str
    check: str
    columns: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """An index.

    Attributes:
        keys: Its columns and expressions in order; `desc` follows those that it holds from their largest.
        constraint: Whether it keeps a unique constraint.
        method: As in `btree` or `gin`.
        where: The condition on the rows that it holds; `None` for all.
    """

    name: str
    keys: tuple[str, ...]
    primary: bool = False
    unique: bool = False
    constraint: bool = False
    method: str = "btree"
    where: str | None = None
    invalid: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Its keys without their directions."""
        return tuple(key.removesuffix(" desc") for key in self.keys)

    def begins_with(self, *columns: str) -> bool:
        """Whether it finds all rows by these columns, in any order, and sorts by what comes behind them."""
        usable = self.method == "btree" and self.where is None and not self.invalid
        return usable and set(self.columns[: len(columns)]) == set(columns)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy: for `command`, `all` included, and the roles `to`."""

    name: str
    command: str
    to: tuple[str, ...]
    restrictive: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger: before, after or instead of (`when`) these events (`on`), for each row or statement."""

    name: str
    function: str
    when: str
    on: tuple[str, ...]
    each: str
    off: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A function.

    Attributes:
        signature: Schema, name and types, as in `public.trips_by_ids(uuid[])`.
        names: Those of its arguments; empty where none has one.
        defaults: How many of the last arguments may be left out.
        rows: How many rows Postgres reckons with, where it returns a set.
        settings: As in `search_path=""`.
        roles: Who of anon, authenticated and service_role may call it.
    """

    signature: str
    returns: str
    language: str
    volatility: str
    types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    defaults: int = 0
    rows: float | None = None
    definer: bool = False
    strict: bool = False
    settings: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    comment: str | None = None

    @property
    def schema(self) -> str:
        """The schema that it is in."""
        return self.signature.partition(".")[0]

    @property
    def name(self) -> str:
        """Without schema and types."""
        return self.signature.partition("(")[0].partition(".")[2]

    @property
    def row_of(self) -> str | None:
        """The type of its only argument: of a table, a row of it."""
        return self.types[0] if len(self.types) == 1 else None


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view.

    Attributes:
        view: Whether it is a view.
        invoker: Whether a view reads with the caller's rights, so that policies decide about its rows.
        rls: Whether row level security is on; never of a view.
        grants: By role and privilege (select, insert, update, delete), the columns; of delete none.
        publications: Those that tell of its changes.
        functions: Those of a row of it alone, by name.
    """

    schema: str
    name: str
    columns: Mapping[str, Column]
    view: bool = False
    invoker: bool = False
    rls: bool = False
    comment: str | None = None
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    indexes: tuple[Index, ...] = ()
    grants: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    whole: frozenset[tuple[str, str]] = frozenset()
    policies: tuple[Policy, ...] = ()
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    publications: tuple[str, ...] = ()
    functions: Mapping[str, Function] = field(default_factory=dict)

    @property
    def qualified(self) -> str:
        """As in `public.trips`."""
        return f"{self.schema}.{self.name}"

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key; none of a view."""
        return next((index.columns for index in self.indexes if index.primary), ())

    @property
    def unique_keys(self) -> frozenset[frozenset[str]]:
        """The sets of columns whose values no two rows share, without the primary key."""
        return frozenset(
            frozenset(index.columns)
            for index in self.indexes
            if index.unique
            and not index.primary
            and not index.invalid
            and index.where is None
            and all(name in self.columns for name in index.columns)
        )

    def is_unique(self, *columns: str) -> bool:
        """Whether no two rows share the values of exactly these columns."""
        return set(self.primary_key) == set(columns) or frozenset(columns) in self.unique_keys

    def granted(self, role: str, privilege: str) -> frozenset[str]:
        """The columns that a role may select, insert or update."""
        return self.grants.get(role, {}).get(privilege, frozenset())

    def may(self, role: str, privilege: str) -> bool:
        """Whether a role may do so with all columns, or with rows."""
        return (role, privilege) in self.whole

    def foreign_key(self, column: str) -> ForeignKey | None:
        """The foreign key of this column alone."""
        return next((key for key in self.foreign_keys if key.columns == (column,)), None)

    def index_behind(self, *columns: str) -> Index | None:
        """An index by which all rows with some values of these columns are found."""
        return next((index for index in self.indexes if index.begins_with(*columns)), None)

    def policies_for(self, command: str) -> tuple[Policy, ...]:
        """The policies by which signed-in people may select, insert, update or delete."""
        return tuple(
            policy
            for policy in self.policies
            if policy.command in {command, "all"}
            and not policy.restrictive
            and not {"authenticated", "public"}.isdisjoint(policy.to)
        )

    def choices(self, column: str) -> frozenset[str] | None:
        """The values that a column may have, by its type or by a check of it that lists them; `None` for any."""
        values = self.values(column)
        return None if values is None else frozenset(values)

    def values(self, column: str) -> tuple[str, ...] | None:
        """The same in the order in which they are listed."""
        if labels := self.columns[column].labels:
            return labels
        for check in self.checks.values():
            listed = _LISTED.match(check.check)
            if listed is not None and listed[1] == column:
                return tuple(text.replace("''", "'") or number for text, number in _VALUES.findall(listed[2]))
        return None


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema.

    Attributes:
        usage: Who of anon, authenticated and service_role may use it.
        helpers: Of `private`, the functions that take nothing and return rows.
    """

    usage: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Database:
    """What is in some schemas, by qualified names: tables and views, and functions by their signatures.

    Attributes:
        platform: Tables of the platform's own schemas, as `realtime.messages`: of these only whether row level security
            is on, the policies, and the triggers that call the project's functions.
        schemas: Those that were looked into, and `private`, by name.
    """

    tables: Mapping[str, Table]
    functions: Mapping[str, Function]
    platform: Mapping[str, Table] = field(default_factory=dict)
    schemas: Mapping[str, Schema] = field(default_factory=dict)

    def table(self, name: str, schema: str = PUBLIC) -> Table | None:
        """A table or view by its name; `None` where there is none."""
        return self.tables.get(name if "." in name else f"{schema}.{name}")

    def named(self, name: str, schema: str = PUBLIC) -> tuple[Function, ...]:
        """The functions of a name."""
        begin = f"{schema}.{name}("
        return tuple(each for signature, each in self.functions.items() if signature.startswith(begin))

    @property
    def stored(self) -> tuple[Table, ...]:
        """The tables, without the views."""
        return tuple(table for table in self.tables.values() if not table.view)
