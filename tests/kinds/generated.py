"""Writes into a folder of schemas what the product has for all tables, for those that are declared here: `insert_tree`
with its list, and what is generated for tables outside of `public`. A program of its own, as what is declared stays
declared."""

import re
import sys
from pathlib import Path

from gql.table import catalog
from tests.kinds.declared import MUTATIONS
from tripgate.commands.generated_sql import of_table
from tripgate.gateway import schema

WRITES = Path(__file__).parents[2] / "supabase" / "schemas" / "900_writes.sql"


def main(folder: Path) -> None:
    """Write both files."""
    along = [(table, each) for table in catalog for each in table.relations.values() if each.creatable]
    names = dict.fromkeys(name for table, each in along for name in (table.name, catalog[each.target].name))
    listed = ", ".join(f"'{name}'" for name in names)
    writes, lists = re.subn(r"(?<=allowed constant text\[\] := array\[)[^\]]*(?=\];)", listed, WRITES.read_text())
    assert lists == 1
    (folder / WRITES.name).write_text(writes)
    schema.MUTATIONS = (*schema.MUTATIONS, *MUTATIONS)
    keys: set[str] = set()
    tables = [table for table in catalog if table.schema != "public"]
    (folder / "903_meetings_generated.sql").write_text("\n".join(of_table(table, keys) for table in tables))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
