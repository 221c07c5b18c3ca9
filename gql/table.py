"""The mapping mechanism: which table, columns and foreign keys stand behind a GraphQL type.

Plain frozen data, so that the planner and the upstream can read it without knowing Strawberry. `gql.declare` fills it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

from gql.caching import CacheControl
from gql.schemas import DEFAULT, bare, schema_of
from gql.scope import Scope, Streamed, Through, Unheard

Choices = tuple[tuple[str | int, str], ...]
"""For an enum, pairs of the value in SQL and the name in GraphQL."""


WHOLE = "whole_"
"""What begins the name of the computed relationship by which a table's row embeds itself."""


def by_function(via: str) -> str | None:
    """The function of a row that gives the related rows, where a relation's `via` is one, as in `images()`; of the
    row's own schema."""
    return via[:-2] if via.endswith("()") else None


class Kind(StrEnum):
    """How a column's values behave: which operators fit and how they travel."""

    TEXT = "text"
    UUID = "uuid"
    INT = "int"
    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    JSON = "json"
    ENUM = "enum"
    TEXT_ARRAY = "text[]"
    BIGINT = "bigint"
    DOUBLE = "double precision"
    TIME = "time"
    INTERVAL = "interval"
    UUID_ARRAY = "uuid[]"
    INT_ARRAY = "integer[]"

    @property
    def ordered(self) -> bool:
        """Whether `<` means something to a person, so that comparisons and orders are offered."""
        return self in _ORDERED

    @property
    def summable(self) -> bool:
        """Whether values add up, so that sums and averages are offered."""
        return self in _SUMMABLE

    @property
    def groupable(self) -> bool:
        """Whether many rows are likely to agree in a value, so that grouping by it is offered."""
        return self in _GROUPABLE

    @property
    def is_list(self) -> bool:
        """Whether a value is a list, which is compared as a whole or by its elements."""
        return self in _LISTS

    @property
    def cast(self) -> str | None:
        """The cast under which it is selected. As text, neither money nor a number in JSON passes through a float."""
        return "text" if self in _AS_TEXT else None


_ORDERED = frozenset(
    {
        Kind.TEXT,
        Kind.INT,
        Kind.BIGINT,
        Kind.NUMERIC,
        Kind.DOUBLE,
        Kind.DATE,
        Kind.DATETIME,
        Kind.TIME,
        Kind.INTERVAL,
    }
)
_SUMMABLE = frozenset({Kind.INT, Kind.BIGINT, Kind.NUMERIC, Kind.DOUBLE})
_GROUPABLE = frozenset({Kind.ENUM, Kind.TEXT, Kind.UUID, Kind.DATE, Kind.BOOLEAN, Kind.INT, Kind.BIGINT})
_LISTS = frozenset({Kind.TEXT_ARRAY, Kind.UUID_ARRAY, Kind.INT_ARRAY})
KEYS = frozenset({Kind.UUID, Kind.TEXT, Kind.BIGINT})
"""What a primary key can be."""
_AS_TEXT = frozenset({Kind.NUMERIC, Kind.JSON, Kind.BIGINT})


@dataclass(frozen=True, slots=True)
class Column:
    """One column behind one field.

    Attributes:
        field: The GraphQL name, as in `startDate`.
        name: The SQL name, as in `start_date`.
        choices: For an enum, pairs of the SQL value and the GraphQL name.
        creatable: Whether `Create…Input` offers it.
        required: Whether `Create…Input` insists on it.
        patchable: Whether `…Patch` offers it.
        computed: Whether it is a function of the row, read like a column and never stored.
        long: Whether its texts may be too long for a URL, so that the database compares them with what a request brings
            along: by a function called `<name>_against`.
        digits: Of a decimal, how many its column holds, and how many of them behind the point.
    """

    field: str
    name: str
    kind: Kind
    nullable: bool
    enum: type[Enum] | None = None
    choices: "Choices | None" = None
    creatable: bool = True
    required: bool = False
    patchable: bool = True
    computed: bool = False
    digits: tuple[int, int] | None = None
    long: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """One foreign key, seen from either of its ends.

    Attributes:
        field: The GraphQL name, as in `items`.
        target: The GraphQL type at the other end.
        via: The foreign key's column: on this table for a to-one relation, on the target's for a to-many. Or a function
            of the row that returns rows of the target, as in `images()`.
        creatable: Whether `Create…Input` takes new related rows along.
        theirs: Whether the foreign key of a to-one relation is the target's, and unique.
    """

    field: str
    target: str
    via: str
    many: bool
    creatable: bool = False
    theirs: bool = False


@dataclass(frozen=True, slots=True)
class Computed:
    """An object that a function of the database computes from a row, selected like a column; or one inside such.

    Attributes:
        field: The GraphQL name, as in `voteSummary`.
        name: The function, as in `vote_summary`; of one inside, its key.
        target: The GraphQL type of the object.
        keys: For each field of that type that is a value, the object's key and, for an enum, its choices.
        objects: For each field of that type that is an object or a list of them, what it holds.
        many: Whether it is a list of such objects, of those inside.
    """

    field: str
    name: str
    target: str
    keys: Mapping[str, tuple[str, "Choices | None"]]
    objects: Mapping[str, "Computed"]
    many: bool = False


@dataclass(frozen=True, slots=True)
class PythonField:
    """A field that a function of the program makes of some columns of the row.

    Attributes:
        needs: Those columns, each with the attribute under which the function finds its value.
        function: Takes an object with these attributes, as Python values.
    """

    field: str
    needs: tuple[tuple[str, Column], ...]
    function: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class OutsideField:
    """A field whose value another service gives, asked for behind the rows.

    Attributes:
        needs: The SQL names of the columns that it is asked by.
        source: What answers it: see `resolvers.declared.outside`.
        check: Takes the arguments, and raises ApiError for those that make no sense.
        alone: The argument with which each value takes a request of its own; without it many are asked for together.
    """

    field: str
    needs: tuple[str, ...]
    source: str
    check: Callable[[Mapping[str, Any]], None]
    alone: str | None = None


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """Columns whose values no two rows share.

    Attributes:
        columns: Their SQL names.
        lookup: The root field that finds a row by them, as in `tagByName`.
        own: The one among them that is the caller's id in every row that the caller may see. It is never asked for:
            lookups know it, and a new row gets it by default.
    """

    columns: tuple[str, ...]
    lookup: str
    own: str | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """The columns that a caller gives."""
        return tuple(name for name in self.columns if name != self.own)


@dataclass(frozen=True, slots=True)
class Hop:
    """A step over a to-one relation: the table at its other end and the foreign key's column."""

    table: str
    via: str


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of an order. Where nulls go is explicit, so that a page's end does not depend on a default.

    Attributes:
        path: The to-one relations that lead to the column's table; none for the table itself.
    """

    column: str
    descending: bool = False
    nulls_first: bool = False
    path: tuple[Hop, ...] = ()

    @classmethod
    def parse(cls, column: str, direction: str = "asc", path: tuple[Hop, ...] = ()) -> "Sort":
        """A key from `asc` or `desc`, perhaps with `nulls first` or `nulls last`; as in SQL, nulls count as largest."""
        descending = direction.startswith("desc")
        nulls_first = direction.endswith("nulls first") or (descending and not direction.endswith("nulls last"))
        return cls(column, descending, nulls_first, path)

    def reversed(self) -> "Sort":
        """The same key read backwards."""
        return Sort(self.column, not self.descending, not self.nulls_first, self.path)


@dataclass(frozen=True, slots=True)
class EmbeddedAs:
    """The view of a table in each other schema whose tables refer to it.

    PostgREST embeds nothing across schemas, but it does embed a view of the same schema. So rows of which no more is
    asked than the view has come along in one request.

    Attributes:
        view: Its name in each of those schemas, as in `people`.
        columns: What it has beside the table's key.
    """

    view: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One GraphQL type over one table.

    Attributes:
        type_name: As in `TripItem`.
        name: The table, as in `trip_items`; outside of `public` with its schema, as in `household.couples`.
        singular: The root field of one, as in `tripItem`.
        plural: The root field of many, as in `tripItems`.
        default_order: The order of a list whose caller names none; the primary key is always the last key.
        ordered_views: The orders for which the database keeps views, to read lists with lists in each row from.
        search: The `tsvector` column or function of the row that `filter: { search }` looks through.
        hidden_columns: Whether nobody may read some column of the table. Its rows are then counted by their key, since
            counting whole rows takes the right to read all of each.
        python: Fields that the program makes of a row's columns.
        outside: Fields whose values another service gives.
        unique: The unique keys beside the primary one.
        read_only: Whether it is a view, which nobody writes.
        written_by_functions: Whether functions of the database alone write it.
        never_selected: SQL names of columns that are there and take part in nothing, as vectors do.
        cache: Whether answers with its rows may be cached, and until when; `None` for no.
        field_caches: The same for fields that say something of their own.
        scope: On whose topics its changes are told; `None` for nobody's.
        scope_via: Its column with the key of the scope's root: its own primary key where it is the root. Empty where it
            finds the root through other tables.
        scope_path: How it finds the root: the columns of foreign keys from one table to the next, the last of which
            holds the root's key. Without more said, `scope_via`.
        seen_in: Where else its rows are seen, and so whom it is told that they have changed.
        unheard: Why live queries need not be told of its changes, where they are not.
        embedded_as: The view by which its rows are embedded in those of other schemas; `None` where each takes a read.
        streamed: Its text that is told piece by piece; `None` for no such.
        declared_at: The file and line of its class.
    """

    type_name: str
    name: str
    singular: str
    plural: str
    columns: Mapping[str, Column]
    relations: Mapping[str, Relation]
    default_order: tuple[Sort, ...]
    computed: Mapping[str, Computed] = field(default_factory=dict)
    primary_key: str = "id"
    search: str | None = None
    hidden_columns: bool = False
    python: Mapping[str, PythonField] = field(default_factory=dict)
    outside: Mapping[str, OutsideField] = field(default_factory=dict)
    unique: tuple[UniqueKey, ...] = ()
    ordered_views: tuple[tuple[Sort, ...], ...] = ()
    read_only: bool = False
    written_by_functions: bool = False
    never_selected: tuple[str, ...] = ()
    cache: CacheControl | None = None
    field_caches: Mapping[str, CacheControl] = field(default_factory=dict)
    scope: Scope | None = None
    scope_via: str = ""
    scope_path: tuple[str, ...] = ()
    seen_in: tuple[Through, ...] = ()
    unheard: Unheard | None = None
    embedded_as: EmbeddedAs | None = None
    streamed: Streamed | None = None
    declared_at: str = field(default="", repr=False, compare=False)
    by_sql_name: Mapping[str, Column] = field(init=False, repr=False)
    key: Column = field(init=False, repr=False)
    """The column of the primary key."""
    schema: str = field(init=False, repr=False)
    """The Postgres schema of the table."""
    bare_name: str = field(init=False, repr=False)
    """The table's name within its schema."""
    views: Mapping[tuple[Sort, ...], str] = field(init=False, repr=False)
    """The view of the table's rows in an order, the primary key included: of each such order and its reverse."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_sql_name", {column.name: column for column in self.columns.values()})
        object.__setattr__(self, "key", self.by_sql_name.get(self.primary_key))
        object.__setattr__(self, "schema", schema_of(self.name))
        object.__setattr__(self, "bare_name", bare(self.name))
        if self.scope_via:
            object.__setattr__(self, "scope_path", (self.scope_via,))
        views: dict[tuple[Sort, ...], str] = {}
        for order in self.ordered_views:
            name = "_".join([self.name, "by", *(key.column + "_desc" * key.descending for key in order)])
            whole = (*order, Sort(self.primary_key))
            views[whole] = name
            views[tuple(key.reversed() for key in whole)] = f"{name}_reversed"
        object.__setattr__(self, "views", views)


def keys_view(table: str, schema: str) -> str:
    """The view of a table's keys, and nothing else, in another schema: there its rows can be embedded in each of them.

    For PostgREST embeds nothing across schemas, and follows the foreign keys of a view as those of its table.
    """
    return f"{schema}.{schema_of(table)}_{bare(table)}_keys" if schema != DEFAULT else f"{table.replace('.', '_')}_keys"
