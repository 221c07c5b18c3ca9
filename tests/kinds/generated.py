"""Writes into a folder of schemas what the product has for all tables: `insert_tree`, and what is generated for those
outside of `public` that are declared here. A program of its own, as what is declared stays declared."""

import shutil
import sys
from pathlib import Path

from gql.catalog import catalog
from tests.kinds.declared import MUTATIONS
from tripgate.commands.generated_sql import of_table
from tripgate.gateway import schema

WRITES = Path(__file__).parents[2] / "supabase" / "schemas" / "900_writes.sql"


def main(folder: Path) -> None:
    """Write both files."""
    shutil.copy(WRITES, folder)
    schema.MUTATIONS = (*schema.MUTATIONS, *MUTATIONS)
    keys: set[str] = set()
    tables = [table for table in catalog if table.schema != "public"]
    (folder / "903_meetings_generated.sql").write_text("\n".join(of_table(table, keys) for table in tables))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
