"""What a table becomes in the API, as plain data; `drafting` decides it and `render` writes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gql import pg_catalog
from gql.pg_catalog import PUBLIC


@dataclass(frozen=True, slots=True)
class KnownScope:
    """A scope that is declared.

    Attributes:
        constant: The name under which `module` holds it.
        noun: What people call its root.
        paths: By table, the columns that lead to the root's key; none of the root itself.
    """

    name: str
    noun: str
    constant: str
    module: str
    paths: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Known:
    """What is declared already.

    Attributes:
        types: The GraphQL types by their tables, with schema.
        scopes: Those that rows can be told in.
    """

    types: Mapping[str, str]
    scopes: tuple[KnownScope, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A column in the class; `arguments` are those of `column(…)`, and `made_by` is what it is called by otherwise."""

    attribute: str
    column: str
    annotation: str
    arguments: tuple[str, ...] = ()
    made_by: str = "column"


@dataclass(frozen=True, slots=True)
class Choices:
    """An enum over the values of a column: pairs of a name and a value as Python writes it."""

    class_name: str
    column: str
    description: str
    members: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of the class, or of the class over `table` from its other side."""

    attribute: str
    made_by: str
    target: str
    via: str
    description: str
    table: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """All of it.

    Attributes:
        table: What Postgres knows.
        class_name: Of the class, and `type_name` behind the prefix of its schema.
        scope: The scope, and `path` the columns that lead to its root's key.
        own: The column that is the caller by default.
        others: Relations from the other sides.
        writes: What signed-in people are granted, of insert, update and delete.
        notes: What was left out, and why.
    """

    table: pg_catalog.Table
    class_name: str
    type_name: str
    key: str
    fields: tuple[Field, ...]
    choices: tuple[Choices, ...]
    relations: tuple[Relation, ...]
    others: tuple[Relation, ...]
    order: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    scope: KnownScope | None
    path: tuple[str, ...]
    own: str | None
    search: str | None
    hidden: bool
    writes: tuple[str, ...]
    imports: Mapping[str, frozenset[str]]
    notes: tuple[str, ...] = ()
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The table as people name it: in `public` without the schema."""
        return said(self.table.qualified)


class RefusedError(Exception):
    """A table that cannot be added as it is; the message says why and what to do."""


def said(qualified: str) -> str:
    """A table as people name it: in `public` without the schema."""
    return qualified.removeprefix(f"{PUBLIC}.")


def quoted(text: str) -> str:
    """A text as Python source, in the quotes that take fewer escapes."""
    inner = text.replace("\\", "\\\\").replace("\n", "\\n")
    if inner.count('"') > inner.count("'"):
        return "'" + inner.replace("'", "\\'") + "'"
    return '"' + inner.replace('"', '\\"') + '"'
