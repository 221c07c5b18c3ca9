"""What scopes and tables say of each other is there: found out at the start, not by subscribers who hear nothing."""

from gql.caching import InvalidatedBy
from gql.catalog import Catalog
from gql.declared_at import named
from gql.scope import Scope, Streamed, Via
from gql.table import Kind, Table


def check_scope(table: Table, said: Scope | Via | None) -> None:
    """Make sure that there is a topic on which changes are told, where a declaration counts on one.

    Raises:
        ValueError: There is none, or the table is not the root that it is declared to be.
    """
    caches = (table.cache, *table.field_caches.values())
    if said is None and any(each is not None and each.invalidated_by is InvalidatedBy.SCOPE_TOPIC for each in caches):
        raise ValueError(f"{table.type_name}: without scope=… no topic tells of its changes")
    if isinstance(said, Scope) and said.root != table.type_name:
        raise ValueError(
            f"{table.type_name} is not the root of {said.name}: say scope=….via(…), with the column that holds the "
            "root's key"
        )


def check_scopes(catalog: Catalog) -> None:
    """Make sure that all is there that scopes and tables name, once all are declared.

    Raises:
        ValueError: It is not.
    """
    for scope in catalog.scopes:
        with named(scope.declared_at):
            _check_one(catalog, scope)
    for table in catalog:
        with named(table.declared_at):
            _check_table(catalog, table)


def _check_one(catalog: Catalog, scope: Scope) -> None:
    root = catalog.get(scope.root)
    if root is None:
        raise ValueError(f"the scope {scope.name}: no type {scope.root} is declared")
    _check_column(scope, root, scope.owner)
    for each in scope.members:
        members = catalog.get(each.type_name)
        if members is None or members.scope is not scope or members.scope_via != each.via:
            raise ValueError(
                f"the scope {scope.name}: {each.type_name} must be declared with scope=….via({each.via!r}), so "
                "that whoever follows hears who comes and goes"
            )
        if members.schema != root.schema:
            raise ValueError(
                f"the scope {scope.name}: {each.type_name} stands in another Postgres schema than its root"
            )
        _check_column(scope, members, each.person)
    if scope.members and catalog.scopes.of_person is None:
        raise ValueError(f"the scope {scope.name}: without a scope of_person=True nobody hears that they joined")


def _check_table(catalog: Catalog, table: Table) -> None:
    if table.scope is not None:
        if catalog.scopes.by_name.get(table.scope.name) is not table.scope:
            raise ValueError(f"{table.type_name}: its scope {table.scope.name} must be made by scope(…)")
        _check_path(catalog, table.scope, table)
    if table.streamed is not None:
        _check_streamed(table, table.streamed)
    for seen in table.seen_in:
        relation = table.relations.get(seen.relation)
        target = None if relation is None or not relation.many else catalog.get(relation.target)
        if target is None or target.scope is not seen.scope or not target.scope_via:
            raise ValueError(
                f"the scope {seen.scope.name}: {table.type_name}.{seen.relation} must be a to-many relation to its "
                "root, or to a table with a column that holds the root's key"
            )


def _check_streamed(table: Table, streamed: Streamed) -> None:
    for name in (streamed.column, streamed.state):
        if (column := table.by_sql_name.get(name)) is None or column.computed:
            raise ValueError(f"{table.type_name}: no column is called {name}, which streamed=… names")
    if table.by_sql_name[streamed.column].kind is not Kind.TEXT:
        raise ValueError(f"{table.type_name}: what is told piece by piece is a text, and {streamed.column} is none")
    if table.scope is None or not table.scope_via:
        raise ValueError(
            f"{table.type_name}: pieces are told on the topic of a scope whose root's key stands in a column: "
            "say scope=….via(…)"
        )


def _check_path(catalog: Catalog, scope: Scope, table: Table) -> None:
    at = table
    for column in table.scope_path[:-1]:
        _check_column(scope, at, column)
        behind = catalog.behind(at, column)
        if behind is None:
            raise ValueError(
                f"the scope {scope.name}: {table.type_name} finds it through {at.type_name}.{column}, of which no "
                "to-one relation tells where it leads"
            )
        at = behind
    _check_column(scope, at, table.scope_path[-1])


def _check_column(scope: Scope, table: Table, column: str | None) -> None:
    if column is not None and column not in table.by_sql_name:
        raise ValueError(f"the scope {scope.name}: {table.type_name} has no column {column}")
