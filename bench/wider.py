"""Tripgate with more tables than it has: `python -m bench.wider <count>` serves with so many more in its schema.

No such table is in the database, so none is asked.
"""

import sys

from tests.performance.many_tables import declare
from tripgate import cli

if __name__ == "__main__":
    declare(int(sys.argv[1]), ring=10)
    sys.argv[1:] = ["serve"]
    cli.main()
