"""Entity relationship diagrams in Mermaid's language, drawn from the catalog of a database.

Takes a connection string and tables of schema public; gives the diagram's text, the same for the same catalog: tables
in the order they are asked for, columns in their own. A table outside the diagram that one inside refers to is an empty
box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import psycopg

from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The seed's diagram of each stage, by its path in the project, and the tables it shows.
DIAGRAMS: Mapping[str, Sequence[str]] = {
    "docs/supabase/schema/diagrams/erd-core.mmd": ("profiles", "user_preferences", "places", "trips", "trip_items"),
    "docs/supabase/schema/diagrams/erd-advanced.mmd": (
        "saved_places",
        "collections",
        "collection_places",
        "tags",
        "place_tags",
        "collaborators",
        "invitations",
        "votes",
    ),
}

# Names that Postgres keeps in its catalog, as the schemas write them.
_TYPES = {"bool": "boolean", "int2": "smallint", "int4": "integer", "int8": "bigint"}

_COLUMNS = """
    select
        relname, attname, typname, not attnotnull,
        exists (select from pg_constraint where conrelid = c.oid and contype = 'p' and attnum = any (conkey)),
        exists (select from pg_constraint where conrelid = c.oid and contype = 'f' and attnum = any (conkey)),
        exists (select from pg_constraint where conrelid = c.oid and contype = 'u' and conkey = array[attnum])
    from pg_attribute
    join pg_class c on c.oid = attrelid
    join pg_type on pg_type.oid = atttypid
    where relnamespace = 'public'::regnamespace and relname = any (%s) and attnum > 0 and not attisdropped
    order by attnum
"""

# A person's row may be the account's own, so "one" follows from a unique key on exactly the referring columns.
_RELATIONS = """
    select
        parent.relname, parent.relnamespace::regnamespace::text, child.relname,
        (select string_agg(attname, ', ' order by position)
            from unnest(conkey) with ordinality as key (number, position)
            join pg_attribute on attrelid = conrelid and attnum = number),
        (select bool_and(attnotnull) from pg_attribute where attrelid = conrelid and attnum = any (conkey)),
        exists (
            select from pg_constraint as k
            where k.conrelid = f.conrelid and k.contype in ('p', 'u') and k.conkey @> f.conkey and k.conkey <@ f.conkey
        )
    from pg_constraint f
    join pg_class child on child.oid = conrelid
    join pg_class parent on parent.oid = confrelid
    where contype = 'f' and child.relnamespace = 'public'::regnamespace and child.relname = any (%s)
    order by conname
"""


class _Column(NamedTuple):
    table: str
    name: str
    type: str
    nullable: bool
    primary: bool
    foreign: bool
    unique: bool


class _Relation(NamedTuple):
    parent: str
    parent_schema: str
    child: str
    columns: str
    required: bool
    single: bool


def as_mermaid(database_url: str, tables: Sequence[str]) -> str:
    """The diagram of these tables. Refuses one that does not exist."""
    with psycopg.connect(database_url) as connection:
        columns = [_Column(*row) for row in connection.execute(_COLUMNS, (list(tables),))]
        relations = [_Relation(*row) for row in connection.execute(_RELATIONS, (list(tables),))]
    missing = set(tables) - {column.table for column in columns}
    if missing:
        raise LocalStackError(f"The diagram names tables that do not exist: {', '.join(sorted(missing))}.")
    lines = ["%% Drawn from the database by `make schema`.", "erDiagram"]
    for table in tables:
        lines += [f"    {table} {{", *(f"        {_column(each)}" for each in columns if each.table == table), "    }"]
    order = {table: place for place, table in enumerate(tables)}
    relations.sort(key=lambda each: order[each.child])
    return "\n".join([*lines, *(f"    {_relation(each)}" for each in relations)]) + "\n"


def _column(column: _Column) -> str:
    keys = [key for key, holds in (("PK", column.primary), ("FK", column.foreign), ("UK", column.unique)) if holds]
    # An array of text is called `_text` there.
    element = column.type.removeprefix("_")
    kind = _TYPES.get(element, element) + ("[]" if element != column.type else "")
    parts = [kind, column.name, ", ".join(keys), '"may be null"' if column.nullable else ""]
    return " ".join(part for part in parts if part)


def _relation(relation: _Relation) -> str:
    parent = relation.parent if relation.parent_schema == "public" else f'"{relation.parent_schema}.{relation.parent}"'
    one = "||" if relation.required else "|o"
    many = "o|" if relation.single else "o{"
    return f'{parent} {one}--{many} {relation.child} : "{relation.columns}"'
