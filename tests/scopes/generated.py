"""Writes into a folder of schemas what the product has for all tables, and what `make schema` would for `household`.

A program of its own, as what is declared stays declared.
"""

import shutil
import sys
from pathlib import Path

from gql.catalog import catalog
from gql.schemas import HOUSEHOLD
from tests.scopes.declared import SCHEMA  # noqa: F401 - declares the types
from tripgate.commands.generated_changes import Changes, topics
from tripgate.commands.generated_sql import of_table

SCHEMAS = Path(__file__).parents[2] / "supabase" / "schemas"


def main(folder: Path) -> None:
    """Write the files."""
    shutil.copy(SCHEMAS / "900_changes.sql", folder)
    tables = [table for table in catalog if table.schema == HOUSEHOLD.name]
    keys: set[str] = set()
    changes = Changes()
    parts = [*(of_table(table, keys, changes) for table in tables), *topics(tables, tables)]
    (folder / "903_household_generated.sql").write_text("\n\n".join(parts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
