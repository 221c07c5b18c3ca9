"""The SQL comments of the public tables, which describe the GraphQL types and fields."""

import json

import psycopg

_QUERY = """
    select c.relname, coalesce(a.attname, ''), d.description
    from pg_catalog.pg_description d
    join pg_catalog.pg_class c on c.oid = d.objoid and d.classoid = 'pg_catalog.pg_class'::regclass
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0
    where c.relkind in ('r', 'v', 'p')
    order by c.relname, d.objsubid
"""


def as_json(database_url: str) -> str:
    """`{table: {"": its comment, column: the column's comment}}` as the text of `gql/descriptions.json`."""
    found: dict[str, dict[str, str]] = {}
    with psycopg.connect(database_url) as connection:
        for table, column, description in connection.execute(_QUERY):
            found.setdefault(table, {})[column] = description
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
