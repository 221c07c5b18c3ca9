"""All declared types against one database: what the doctor, `tripgate dev` and `tripgate schema --check` tell.

Importing it declares every type.
"""

from dataclasses import dataclass

from gql import pg_catalog
from gql.table import catalog
from tripgate.commands.checks import features, mapping
from tripgate.commands.checks.offers import Offer, offers
from tripgate.commands.doctor.report import Finding, listed, note
from tripgate.gateway.schema import MUTATIONS, QUERIES, SUBSCRIPTIONS


@dataclass(frozen=True, slots=True)
class Conformity:
    """What was found.

    Attributes:
        told: The names of functions, triggers, views and tables that were looked for.
    """

    findings: list[Finding]
    told: frozenset[str]


def schemas() -> list[str]:
    """The Postgres schemas that types are declared over."""
    return sorted({mapping.schema_of(table) for table in catalog} | {pg_catalog.PUBLIC})


def conformity(database: pg_catalog.Database) -> Conformity:
    """What the program's types and root fields find wanting in a database."""
    offered = offers([*QUERIES, *MUTATIONS, *SUBSCRIPTIONS])
    findings: list[Finding] = []
    told: set[str] = set()
    unsorted: list[str] = []
    declared: set[str] = set()
    for table in catalog:
        offer = offered.get(table.type_name, Offer())
        findings += mapping.check(table, catalog, database)
        findings += features.check(table, offer, catalog, database)
        found = database.table(table.name, mapping.schema_of(table))
        if found is not None:
            declared.add(found.qualified)
            if offer.lists and features.unsorted(table, found) is not None:
                unsorted += offer.lists
        told |= {table.name, *features.generated(table)}
        told |= {*table.computed, *(column.name for column in table.columns.values() if column.computed)}
    for other in database.tables.values():
        if other.qualified not in declared:
            findings += features.security(other)
    if unsorted:
        findings.append(
            note(
                f"No index is in the order of {listed(unsorted)}: a page sorts all rows that its reader may see.",
                "That is well while they are few.",
            )
        )
    return Conformity(findings, frozenset(told))
