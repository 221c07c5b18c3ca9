"""What a database lacks of what the schemas make: `gql/pg_catalog.json` against one that runs.

Of the tables that types are declared over, `mapping` and `features` tell what concerns their fields; here stands the
rest. What the database has beside is its own affair.
"""

from collections.abc import Collection, Iterator, Mapping

from gql import pg_catalog
from tripgate.commands.checks.mapping import PEOPLE
from tripgate.commands.doctor.report import Finding, failure, listed, warning

PUSH = "Push the migrations of supabase/migrations."


def compare(expected: pg_catalog.Database, found: pg_catalog.Database, *, told: Collection[str] = ()) -> list[Finding]:
    """One finding for each kind of thing that is missing, or whose rights are others.

    Args:
        told: Functions by their signatures, triggers, views and tables that are told of elsewhere.
    """
    return [
        *_functions(expected, found, told),
        *_relations(expected, found, told),
        *_tables(expected.tables, found.tables, told),
        *_tables(expected.platform, found.platform, told),
        *_publications(expected, found),
    ]


def callable_by_people(database: pg_catalog.Database) -> list[pg_catalog.Function]:
    """The functions that signed-in people call by their names, with arguments of their own."""
    return [
        function
        for function in database.functions.values()
        if PEOPLE in function.roles and function.row_of not in database.tables
    ]


def _functions(expected: pg_catalog.Database, found: pg_catalog.Database, told: Collection[str]) -> Iterator[Finding]:
    needed = {signature: each for signature, each in expected.functions.items() if PEOPLE in each.roles}
    missing = {*needed} - {*found.functions} - {*told}
    if left := [each.name for signature, each in needed.items() if signature in missing]:
        yield failure(f"There is no function {listed(left)}.", PUSH)
    there = [found.functions[signature] for signature in needed if signature in found.functions]
    if closed := [each.name for each in there if PEOPLE not in each.roles]:
        yield failure(f"Signed-in people may not call {listed(closed)}.", PUSH)
    if opened := [each.name for each in there if "anon" in each.roles]:
        yield failure(f"Role anon may call {listed(opened)}.", "Revoke execute from anon and public.")


def _relations(expected: pg_catalog.Database, found: pg_catalog.Database, told: Collection[str]) -> Iterator[Finding]:
    missing = [each for name, each in expected.tables.items() if name not in found.tables]
    if views := [each.name for each in missing if each.view and each.qualified not in told]:
        yield failure(f"There is no view {listed(views)}.", PUSH)
    if tables := [each.name for each in missing if not each.view and each.qualified not in told]:
        yield failure(f"There is no table {listed(tables)}.", PUSH)


def _tables(
    expected: Mapping[str, pg_catalog.Table], found: Mapping[str, pg_catalog.Table], told: Collection[str]
) -> Iterator[Finding]:
    triggers: list[str] = []
    policies: list[str] = []
    indexes: list[str] = []
    for name, table in expected.items():
        here = found.get(name, pg_catalog.Table(table.schema, table.name, {}))
        if name not in found and table.columns:
            continue  # all of it is missing
        said = name.removeprefix(f"{pg_catalog.PUBLIC}.")
        triggers += [f"{each} on {said}" for each in table.triggers if each not in here.triggers and each not in told]
        have = {policy.name for policy in here.policies}
        policies += [f'"{each.name}" on {said}' for each in table.policies if each.name not in have]
        usable = {index.columns for index in here.indexes if not index.invalid}
        indexes += [f"{each.name} of {said}" for each in table.indexes if each.columns not in usable]
        if table.rls and name in found and not here.rls and not table.columns:
            yield failure(f"Row level security is off on {said}.", "Switch it on.")
        # Those of other tables are told of with what they are for.
        if off := [each for each in here.triggers.values() if each.off and not table.columns]:
            yield failure(f"Trigger {listed(each.name for each in off)} is switched off.", "Switch it on.")
    if triggers:
        yield failure(f"There is no trigger {listed(triggers)}.", PUSH)
    if policies:
        yield warning(f"There is no policy {listed(policies)}.", PUSH)
    if indexes:
        yield warning(f"There is no index {listed(indexes)}.", PUSH)


def _publications(expected: pg_catalog.Database, found: pg_catalog.Database) -> Iterator[Finding]:
    lacking: dict[str, list[str]] = {}
    for name, table in expected.tables.items():
        here = found.tables.get(name)
        for publication in table.publications:
            if here is not None and publication not in here.publications:
                lacking.setdefault(publication, []).append(table.name)
    for publication, names in lacking.items():
        yield warning(
            f"Publication {publication} lacks {listed(names)}, so clients of postgres_changes miss them.", PUSH
        )
