"""What the checks of types and tables find in a database for the types of `declared`, in a program of its own.

Takes a connection string on standard input; prints a line for each finding.
"""

import sys

import psycopg

from gql.catalog import catalog
from tests.kinds import declared
from tripgate.commands.checks import features, mapping
from tripgate.commands.checks.root_fields import Offer, offers
from tripgate.commands.pg_catalog import reading

if __name__ == "__main__":
    with psycopg.connect(sys.stdin.read()) as connection:
        found = reading.read(connection, catalog.schemas())
    offered = offers(declared.MUTATIONS)
    for table in catalog:
        if table.type_name in offered or table.type_name == "Note":
            for finding in (
                *mapping.check(table, catalog, found),
                *features.check(table, offered.get(table.type_name, Offer()), catalog, found),
            ):
                print(f"{finding.level.value}: {finding.line}")
