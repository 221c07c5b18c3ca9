"""The SQL comments of the public tables and of what is computed from their rows, which describe GraphQL's types and
fields, and those of checks, which are told to whoever breaks them."""

import json

import psycopg

_QUERY = """
    select c.relname, coalesce(a.attname, ''), d.description, d.objsubid, 0
    from pg_catalog.pg_description d
    join pg_catalog.pg_class c on c.oid = d.objoid and d.classoid = 'pg_catalog.pg_class'::regclass
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0
    where c.relkind in ('r', 'v', 'p')
    union all
    select c.relname, p.proname, d.description, 1, 1
    from pg_catalog.pg_description d
    join pg_catalog.pg_proc p on p.oid = d.objoid and d.classoid = 'pg_catalog.pg_proc'::regclass
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = 'public'
    join pg_catalog.pg_class c on c.reltype = p.proargtypes[0] and p.pronargs = 1
    union all
    select c.relname, k.conname, d.description, 1, 2
    from pg_catalog.pg_description d
    join pg_catalog.pg_constraint k on k.oid = d.objoid and d.classoid = 'pg_catalog.pg_constraint'::regclass
    join pg_catalog.pg_class c on c.oid = k.conrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
    where k.contype = 'c'
    order by 1, 5, 4, 2
"""


def as_json(database_url: str) -> str:
    """`{table: {"": its comment, column, function of a row or check: its comment}}`, for `gql/descriptions.json`."""
    found: dict[str, dict[str, str]] = {}
    with psycopg.connect(database_url) as connection:
        for table, column, description, *_ in connection.execute(_QUERY):
            found.setdefault(table, {})[column] = description
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
