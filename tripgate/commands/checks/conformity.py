"""All declared types against one database: what the doctor, `tripgate dev` and `tripgate schema --check` tell.

Importing it declares every type.
"""

from dataclasses import dataclass
from pathlib import Path

from gql import pg_catalog
from gql.catalog import catalog
from tripgate.commands.checks import features, mapping
from tripgate.commands.checks.root_fields import Offer, offers
from tripgate.commands.doctor.report import Finding, failure, listed, note
from tripgate.commands.pg_catalog import file
from tripgate.gateway.schema import MUTATIONS, QUERIES, SUBSCRIPTIONS


@dataclass(frozen=True, slots=True)
class Conformity:
    """What was found.

    Attributes:
        told: The functions by their signatures, triggers, views and tables that were looked for.
    """

    findings: list[Finding]
    told: frozenset[str]


def schemas() -> list[str]:
    """The Postgres schemas that types are declared over."""
    return list(catalog.schemas())


def conformity(database: pg_catalog.Database, project_dir: Path | None = None) -> Conformity:
    """What the program's types and root fields find wanting in a database.

    Args:
        project_dir: The folder whose `supabase/config.toml` says which schemas are served, where that is known.
    """
    offered = offers([*QUERIES, *MUTATIONS, *SUBSCRIPTIONS])
    findings: list[Finding] = []
    told: set[str] = set()
    unsorted: list[str] = []
    declared: set[str] = set()
    exposed = schemas() if project_dir is None else file.exposed(project_dir)
    for table in catalog:
        if table.schema not in exposed and database.table(table.name) is None:
            continue  # told below: of what is not exposed nothing was looked at
        offer = offered.get(table.type_name, Offer())
        findings += mapping.check(table, catalog, database)
        findings += features.check(table, offer, catalog, database)
        found = database.table(table.name)
        if found is not None:
            declared.add(found.qualified)
            if offer.lists and features.unsorted(table, found) is not None:
                unsorted += offer.lists
        named = f"{table.schema}.{table.bare_name}"
        functions = [item.name for item in table.computed.values()]
        functions += [column.name for column in table.columns.values() if column.computed]
        told |= {named, *features.generated(table), *(f"{table.schema}.{each}({named})" for each in functions)}
    findings += features.schemas(catalog, database)
    for other in database.tables.values():
        if other.qualified not in declared:
            findings += features.security(other)
    findings += [
        failure(
            f"supabase/config.toml does not expose schema {name}, so nothing of it can be read.",
            "Add it to `schemas` below `[api]`.",
        )
        for name in schemas()
        if name not in exposed
    ]
    if unsorted:
        findings.append(
            note(
                f"No index is in the order of {listed(unsorted)}: a page sorts all rows that its reader may see.",
                "That is well while they are few.",
            )
        )
    return Conformity(findings, frozenset(told))
