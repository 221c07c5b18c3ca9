"""`python -m tripgate.commands.write_sql`: writes the generated SQL, in a process that declares every type."""

import sys
from pathlib import Path

from tripgate.commands.declaring import mistake

if __name__ == "__main__":
    try:
        from tripgate.commands import generated_sql

        generated_sql.update(Path())
    except Exception as error:
        told = str(error) if type(error).__name__ == "GeneratedSqlError" else mistake(error)
        if told is None:
            raise
        sys.exit(f"Error: {told}")
