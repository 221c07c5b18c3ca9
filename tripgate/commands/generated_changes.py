"""The SQL by which changes are told on the topics of scopes, written from the declarations.

A function for each scope and column that holds its root's key finds the topic; the triggers of all tables with such a
column call it, with the columns that a deletion tells and, where not all may be told, those that may. A table that
finds its root through others has a function of its own. `private.broadcast_change` does the rest.
"""

import itertools
from collections.abc import Iterable, Sequence

from gql.catalog import catalog
from gql.schemas import DEFAULT
from gql.scope import Scope
from gql.table import Table


def told_elsewhere(table: Table, scopes: Iterable[Scope]) -> str:
    """What tells where else a row is seen, in these scopes, that it has changed: by its key, as it may be another's.

    That is told of changes only. Where a row begins or ends to be seen, the row that leads to it is told.
    """
    by_scope: dict[Scope, list[str]] = {scope: [] for scope in scopes}
    for each in table.seen_in:
        if each.scope not in by_scope:
            continue
        relation = table.relations[each.relation]
        target = catalog[relation.target]
        by_scope[each.scope].append(
            f"select distinct {target.scope_via} from {_sql(target)} where {relation.via} = new.{table.primary_key}"  # noqa: S608 - declared names
        )
    parts = []
    for scope, found in by_scope.items():
        name = f"tell_{scope.name}_of_{table.name.replace('.', '_')}"
        parts += [
            "\n".join(
                [
                    f"create function private.{name}() returns trigger",
                    "language plpgsql security definer set search_path = '' as $$",
                    "begin",
                    "    perform private.broadcast(",
                    f"        '{scope.name}:' || seen_in, 'UPDATE', tg_table_schema, tg_table_name, null,",
                    f"        jsonb_build_object('{table.primary_key}', new.{table.primary_key})",
                    "    ) from (",
                    "        " + "\n        union\n        ".join(found),
                    "    ) as seen (seen_in);",
                    "    return null;",
                    "end",
                    "$$;",
                    f"revoke execute on function private.{name}() from public;",
                ]
            ),
            f"create trigger {name} after update on {_sql(table)}\n"
            f"    for each row when (old is distinct from new) execute function private.{name}();",
        ]
    return "\n\n".join(parts)


def topics(made: Sequence[Table], there: Sequence[Table]) -> list[str]:
    """Who may listen to the topics of the scopes whose roots a stage makes.

    Those of `public` share one helper, which each stage replaces. Another schema is a system that may be there without
    the others, so it adds policies of its own, which nothing later changes.

    Args:
        there: All tables that are there by then, those of earlier stages included.
    """
    new = [scope for scope in catalog.scopes if catalog[scope.root] in made]
    parts = []
    if any(catalog[scope.root].schema == DEFAULT for scope in new):
        of_all = [scope for scope in catalog.scopes if catalog[scope.root] in there]
        parts.append(_helper([scope for scope in of_all if catalog[scope.root].schema == DEFAULT]))
    parts += [_policies(scope) for scope in new if catalog[scope.root].schema != DEFAULT]
    return parts


def _helper(scopes: Iterable[Scope]) -> str:
    """The helper of the policies on channels, once these scopes are there."""
    parts = [
        f"select '{scope.name}:' || auth.uid()"
        if scope.of_person
        else f"select '{scope.name}:' || key from private.my_{scope.name}_ids() as key"  # noqa: S608 - declared names
        for scope in sorted(scopes, key=lambda each: not each.of_person)
    ]
    return "\n".join(
        [
            "create or replace function private.my_topics() returns setof text",
            "language plpgsql stable security definer set search_path = '' as $$",
            "begin",
            "    return query",
            "        " + "\n        union all\n        ".join(parts) + ";",
            "end",
            "$$;",
        ]
    )


def _policies(scope: Scope) -> str:
    """The policies on channels for the topics of one scope. Of another's topic the helper is not asked."""
    name = catalog[scope.root].type_name
    topic = "(select realtime.topic())"
    mine = f"any (array(select '{scope.name}:' || key from private.my_{scope.name}_ids() as key))"  # noqa: S608 - declared names
    return "\n".join(
        [
            f'create policy "People can listen to each {name} that they take part in" on realtime.messages',
            "    for select to authenticated",
            "    using (",
            "        extension in ('broadcast', 'presence')",
            f"        and starts_with({topic}, '{scope.name}:')",
            f"        and {topic} = {mine}",
            "    );",
            "",
            f'create policy "People can be seen in each {name} that they take part in" on realtime.messages',
            "    for insert to authenticated",
            "    with check (",
            "        extension = 'presence'",
            f"        and starts_with({topic}, '{scope.name}:')",
            f"        and {topic} = {mine}",
            "    );",
        ]
    )


class Changes:
    """What tells of changes, table by table in the order of the files: functions come before what calls them.

    A system in a schema of its own takes the functions that `public` has. It makes all others itself, whoever else
    makes the same, since it may be there without them.
    """

    def __init__(self) -> None:
        self._made: dict[str, set[str]] = {DEFAULT: set()}

    def of_table(self, table: Table) -> list[str]:
        """What tells of the changes of a table, and who comes and goes by its rows."""
        if table.read_only:
            return []
        parts = []
        if table.scope is not None:
            parts += self._told(table, table.scope, table.scope_path, "changes", "insert or update or delete")
        person = catalog.scopes.of_person
        members = [each for scope in catalog.scopes for each in scope.members if catalog[each.type_name] is table]
        if person is not None and members:
            roots = [each.via for each in members]  # which of them the person is in no longer
            parts += self._told(table, person, (members[0].person,), "membership", "insert or update or delete", roots)
        elif person is not None and (owner := catalog.owner_of(table)) is not None:
            parts += self._told(table, person, (owner,), "ownership", f"insert or delete or update of {owner}")
        return parts

    def _told(
        self, table: Table, scope: Scope, path: Sequence[str], what: str, events: str, gone: Sequence[str] = ()
    ) -> list[str]:
        parts = []
        name = _name(table, scope, path)
        made = self._made.setdefault(table.schema, set())
        if name not in made | self._made[DEFAULT]:
            made.add(name)
            parts.append(_function(name, table, scope, path))
        shown: Sequence[str] = ()
        if table.hidden_columns or table.never_selected:
            shown = [column.name for column in table.columns.values() if not column.computed]
        arguments = ", ".join(f"'{each}'" for each in (",".join((table.primary_key, *gone)), *shown))
        parts.append(
            f"create trigger broadcast_{table.bare_name}_{what} after {events} on {_sql(table)}\n"
            f"    for each row execute function private.{name}({arguments});"
        )
        return parts


def _lets_in(table: Table, scope: Scope) -> str | None:
    """The column with the person whom a row lets take part in a scope."""
    if catalog[scope.root] is table:
        return None if scope.of_person else scope.owner
    return next((each.person for each in scope.members if catalog[each.type_name] is table), None)


def _name(table: Table, scope: Scope, path: Sequence[str]) -> str:
    name = f"broadcast_{scope.name}"
    if len(path) > 1 or (catalog[scope.root] is not table and _lets_in(table, scope) is not None):
        return f"{name}_of_{table.name.replace('.', '_')}"
    return name if catalog[scope.root] is table else f"{name}_by_{path[0]}"


def _function(name: str, table: Table, scope: Scope, path: Sequence[str]) -> str:
    root = catalog[scope.root]
    before, after = _found("old", table, path), _found("new", table, path)
    person = _lets_in(table, scope)
    # Another system may need the same.
    shared = table.schema != DEFAULT and table is not root and len(path) == 1 and person is None
    create = "create or replace function" if shared else "create function"
    lines = [
        f"{create} private.{name}() returns trigger",
        "language plpgsql security definer set search_path = '' as $$",
        "begin",
    ]
    if len(path) > 1:
        lines.append("    -- What goes with what it belongs to is not told: nothing is left that knows where.")
    elif table is not root and not scope.of_person:
        lines += [
            f"    -- What goes with its {scope.noun} is not told.",
            "    if tg_op = 'DELETE'",
            f"        and not exists (select from {_sql(root)} where {root.primary_key} = {before})",
            "    then",
            "        return null;",
            "    end if;",
        ]
    was = "to_jsonb(old)"
    if person is not None:
        key = table.primary_key
        lines.append("    -- Whom it lets in only now is not told what it was before.")
        was = (
            f"\n        case when old.{person} = new.{person} then to_jsonb(old)"
            f" else jsonb_build_object('{key}', old.{key}, '{person}', old.{person}) end"
        )
    lines += [
        "    perform private.broadcast_change(",
        f"        '{scope.name}', {before}::text, {after}::text, tg_argv[0], tg_argv[1:],",
        f"        tg_table_schema, tg_table_name, to_jsonb(new),{was if person is not None else f' {was}'}",
        "    );",
        "    return null;",
        "end",
        "$$;",
        f"revoke execute on function private.{name}() from public;",
    ]
    return "\n".join(lines)


def _found(row: str, table: Table, path: Sequence[str]) -> str:
    """The key of the root of a row, over the tables between them."""
    value, at = f"{row}.{path[0]}", table
    for column, following in itertools.pairwise(path):
        behind = catalog.behind(at, column)
        if behind is None:
            raise ValueError(f"{at.type_name}.{column} leads nowhere")
        value = f"(select {following} from {_sql(behind)} where {behind.primary_key} = {value})"  # noqa: S608 - declared names
        at = behind
    return value


def _sql(table: Table) -> str:
    return f"{table.schema}.{table.bare_name}"
