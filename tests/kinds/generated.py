"""Prints the SQL that `make schema` would write for the declared tables outside of `public`; a program of its own, as
what is declared stays declared."""

import sys

from gql.table import catalog
from tests.kinds.declared import SCHEMA
from tripgate.commands.generated_sql import of_table

if __name__ == "__main__":
    assert SCHEMA is not None
    keys: set[str] = set()
    tables = [table for table in catalog if table.schema != "public"]
    sys.stdout.write("\n".join(of_table(table, keys) for table in tables))
