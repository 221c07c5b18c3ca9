"""What the doctor asks a project for beside its mapped tables, and what nobody may see.

Functions are those of `gql/pg_catalog.json`; whose rows are whose says the declaration of a table, or its system.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from gql import pg_catalog
from gql.caching import InvalidatedBy
from gql.catalog import catalog
from gql.schemas import PostgresSchema
from gql.scope import Scope
from gql.table import Table
from tripgate import systems
from tripgate.commands.checks.drift import callable_by_people

_NOBODY = "00000000-0000-4000-8000-000000000000"
# A value of each type with which a call of any function has no effect.
_NOTHING = {"uuid": _NOBODY, "integer": "1", "bigint": "1", "numeric": "1", "boolean": "false", "jsonb": "[]"}


def calls() -> Mapping[str, str]:
    """The functions that signed-in people call, as plans call them, with arguments with which a call has no effect."""
    return {
        PostgresSchema(function.schema).qualified(function.name): urlencode(
            {
                name: "{}" if type_.endswith("[]") else _NOTHING.get(type_, "")
                for name, type_ in zip(function.names, function.types, strict=False)
            }
        )
        for function in callable_by_people(pg_catalog.loaded())
        if len(function.names) >= len(function.types)
    }


def never_seen() -> Mapping[str, str]:
    """For each mapped table, rows that no policy shows to a person: of others, or of what they take no part in.

    They are PostgREST's query strings, with {me} and {email} for the caller's own, and not made by the gateway's own
    rendering, since its filters ask for rows that a caller may see: each must answer with nothing.
    """
    said = {table: query for system in systems.found() for table, query in system.never_seen.items()}
    derived = {table.name: query for table in catalog if (query := _hidden(table)) is not None}
    return {**derived, **said}


def _hidden(table: Table) -> str | None:
    """Rows of a scope that the caller is not in, or of another owner; `None` where neither says who sees a row."""
    scope, key = table.scope, table.primary_key
    if scope is not None and not table.scope_via:
        return None  # other tables know, and what may be asked of one is bounded
    if scope is not None and not scope.of_person:
        return _out_of_scope(table, scope)
    if scope is not None:
        return f"select={key}&{table.scope_via}=neq.{{me}}"
    if table.cache is not None and table.cache.invalidated_by is InvalidatedBy.OWN_WRITES:
        owner = _owner(table)
        return None if owner is None else f"select={key}&{owner}=neq.{{me}}"
    return None


def _out_of_scope(table: Table, scope: Scope) -> str | None:
    """Rows whose root the caller does not see, or roots of which the caller is neither owner nor member."""
    root, key = catalog[scope.root], table.primary_key
    if table is not root:
        # PostgREST joins nothing across schemas.
        same = table.schema == root.schema
        return f"select={key},of:{root.bare_name}!{table.scope_via}()&of=is.null" if same else None
    joined = [(f"mine{number}", catalog[each.type_name].bare_name, each) for number, each in enumerate(scope.members)]
    embeds = "".join(f",{name}:{members}!{each.via}()" for name, members, each in joined)
    mine = "".join(f"&{name}.{each.person}=eq.{{me}}&{name}=is.null" for name, _, each in joined)
    return f"select={key}{embeds}{mine}" + (f"&{scope.owner}=neq.{{me}}" if scope.owner is not None else "")


def _owner(table: Table) -> str | None:
    """The column with the id of the person whose the row is."""
    of_person = catalog.scopes.of_person
    people = of_person.root if of_person is not None else None
    of = [each.via for each in table.relations.values() if each.target == people and not each.many and not each.theirs]
    return of[0] if of else None
