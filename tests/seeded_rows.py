"""The rows of the seeded people, which tests read and none may change: others in the same worker read them after it."""

import psycopg
from psycopg import sql

from gql import schemas

# Whatever names one of them, something of theirs, or an address of theirs.
_THEIRS = r"(ada00000|be400000|c1e00000)-0000-4000-|@tripgate\.example"
_SCHEMAS = [one.name for one in vars(schemas).values() if isinstance(one, schemas.PostgresSchema)]
_TABLES = """
    select pg_class.oid::regclass::text, nspname, relname
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where relkind = 'r' and nspname = any (%s)
    -- The database tells these anew by itself, as for an invitation when its account is written to.
    and pg_class.oid <> 'public.notifications'::regclass
"""


class SeededRows:
    """What a database holds of the seeded people now, to be compared with later on.

    Args:
        url: Of the database, for somebody who sees everything.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        with psycopg.connect(url) as db:
            tables = db.execute(_TABLES, (_SCHEMAS,)).fetchall()
        row = sql.SQL("select {} || ' ' || row::text from {} as row where row::text ~ {}")
        self._query = sql.SQL(" union all ").join(
            row.format(sql.Literal(shown), sql.Identifier(schema, name), sql.Literal(_THEIRS))
            for shown, schema, name in tables
        )
        self._known = self._read()

    def changes(self) -> list[str]:
        """Rows that are gone since the last time, after a minus, and those that are new, after a plus."""
        known, self._known = self._known, self._read()
        return sorted(f"-{row}" for row in known - self._known) + sorted(f"+{row}" for row in self._known - known)

    def _read(self) -> set[str]:
        with psycopg.connect(self._url) as db:
            return {row for (row,) in db.execute(self._query)}
