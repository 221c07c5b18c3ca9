"""What a table's rows depend on, and whether topics tell of it, so that live queries miss no change.

Both are checked at the start: a live query that never hears of a change would show what was before, and say nothing.
"""

from gql.caching import InvalidatedBy
from gql.catalog import Catalog
from gql.declared_at import named
from gql.scope import Unheard
from gql.table import Table

ADVICE = (
    "Say @table(…, scope=….via(column)), with the column of the person or the shared row that its rows belong to; or "
    "unheard=REFERENCE where migrations alone change them; or unheard=POLLED to have live queries read them every "
    "TRIPGATE_LIVE_POLL seconds"
)


def looks_into(catalog: Catalog, table: Table) -> tuple[str, ...]:
    """The other tables, by their SQL names, whose changes alter its rows or who may see them.

    Those that its declaration names, and those by which people take part where its rows are told: its scope's root and
    memberships. Their own person's rows are seen by nobody else.
    """
    found = list(table.cache.depends_on) if table.cache is not None else []
    scopes = [] if table.scope is None else [table.scope]
    for seen in table.seen_in:
        scopes.append(seen.scope)
        found.append(catalog[table.relations[seen.relation].target].name)
    for scope in scopes:
        if not scope.of_person:
            found += [catalog[scope.root].name, *sorted(catalog.members_of(scope))]
    return tuple(name for name in dict.fromkeys(found) if name != table.name)


def is_told(table: Table) -> bool:
    """Whether everybody who sees a row hears of its changes, or nothing changes it while the gateway runs.

    A view has no changes of its own: its declaration names the tables behind it.
    """
    if table.unheard is not None:
        return table.unheard is Unheard.REFERENCE
    if table.scope is None:
        return table.read_only and table.cache is not None and bool(table.cache.depends_on)
    others = table.cache is not None and table.cache.invalidated_by is InvalidatedBy.GATEWAY_WRITES
    return not others or bool(table.seen_in)


def polled(catalog: Catalog) -> list[str]:
    """The types of which live queries are read again and again, as they are declared."""
    return [table.type_name for table in catalog if table.unheard is Unheard.POLLED]


def check_coverage(catalog: Catalog) -> None:
    """Make sure that live queries hear of all that alters their answers, or are declared not to.

    Raises:
        ValueError: They do not, and why is not said.
    """
    for table in catalog:
        with named(table.declared_at):
            _check(catalog, table)


def _check(catalog: Catalog, table: Table) -> None:
    controls = [each for each in (table.cache, *table.field_caches.values()) if each is not None]
    for name in (name for control in controls for name in control.depends_on):
        if catalog.find(name) is None:
            raise ValueError(f"{table.type_name}: depends_on names {name}, over which no type is declared")
    if table.unheard is Unheard.REFERENCE and table.scope is not None:
        raise ValueError(f"{table.type_name}: a topic tells of its changes, so leave unheard=REFERENCE out")
    if table.unheard is not None or is_told(table):
        return
    if table.scope is None:
        also = ', or cache=CacheControl(0, depends_on=("…",)) with the tables behind it' if table.read_only else ""
        raise ValueError(
            f"{table.type_name}: no topic tells of its changes, so live queries would miss them. {ADVICE}{also}."
        )
    raise ValueError(
        f"{table.type_name}: more people see its rows, as GATEWAY_WRITES says, than hear of them on the topics of "
        f"{table.scope.name}. Say InvalidatedBy.SCOPE_TOPIC if it is not so, seen_in=(….through(relation),) where the "
        "others see them, or unheard=POLLED to have live queries read them every TRIPGATE_LIVE_POLL seconds."
    )
