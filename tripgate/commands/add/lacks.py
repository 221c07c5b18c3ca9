"""What the SQL of a table leaves out that its type counts on, in words and with the SQL to write."""

from collections.abc import Iterator
from dataclasses import dataclass

from gql import pg_catalog
from tripgate.commands.add import naming
from tripgate.commands.add.draft import Draft, KnownScope, said
from tripgate.commands.checks.mapping import PEOPLE

_TO = "for {} to authenticated"
_COMMANDS = {"select": "view", "insert": "add", "update": "change", "delete": "remove"}


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that is missing.

    Attributes:
        sql: What makes it; `…` where only a person knows.
        fails: Whether `make check` or the tests fail without it.
    """

    text: str
    sql: str
    fails: bool = True


def lacks(draft: Draft) -> list[Lack]:
    """Everything that is missing, the worst first."""
    table = draft.table
    if table.view:
        return [*_view(table), *_comments(draft)]
    return [
        *_security(draft),
        *_policies(draft),
        *_indexes(draft),
        *_comments(draft),
        *_rights(draft),
    ]


def not_served(schema: str) -> Lack:
    """A schema that PostgREST is not told of."""
    return Lack(f"supabase/config.toml does not serve schema {schema}. Below [api], add to `schemas`:", f'"{schema}"')


def beginning(table: pg_catalog.Table, scope: KnownScope | None, path: tuple[str, ...]) -> str:
    """The grants and policies of a table that has none, as they are usual."""
    own = next((name for name, column in table.columns.items() if column.default == "auth.uid()"), None)
    given = [name for name, column in table.columns.items() if not column.generated and name not in _TIMES]
    changed = [name for name in given if name not in {*table.primary_key, *path[:1], own}]
    name = table.qualified
    lines = [
        f"revoke all on {name} from anon, authenticated, service_role;",
        f"grant select, delete on {name} to authenticated;",
        f"grant insert ({', '.join(given)}) on {name} to authenticated;",
        *([f"grant update ({', '.join(changed)}) on {name} to authenticated;"] if changed else []),
        f"alter table {name} enable row level security;",
        *(_policy(table, command, scope, path, own) for command in _COMMANDS if command != "update" or changed),
    ]
    return "\n".join(lines)


_TIMES = {"created_at", "updated_at"}


def _policy(
    table: pg_catalog.Table, command: str, scope: KnownScope | None, path: tuple[str, ...], own: str | None
) -> str:
    who = "…"
    if own is not None:
        who = f"{own} = (select auth.uid())"
    if scope is not None and len(path) == 1 and (own is None or command == "select"):
        helper = f"my_{scope.name}_ids" if command == "select" else f"my_editable_{scope.name}_ids"
        who = f"{path[0]} = any (array(select private.{helper}()))"
    what = naming.words(table.name)
    if scope is not None:
        what = what.removeprefix(f"{scope.noun} ")
    whose = f"{what} of their {naming.words(scope.name)}s" if scope is not None else f"their {what}"
    name = f"People can {_COMMANDS[command]} {whose}"
    lines = [f'create policy "{name}" on {table.qualified}', f"    {_TO.format(command)}"]
    lines += [f"    using ({who})"] if command != "insert" else []
    lines += [f"    with check ({who})"] if command in {"insert", "update"} else []
    return "\n".join(lines) + ";"


def _view(table: pg_catalog.Table) -> Iterator[Lack]:
    if not table.invoker:
        yield Lack(
            "It shows every row to everybody: it reads with its owner's rights.",
            f"alter view {table.qualified} set (security_invoker = true);",
        )


def _security(draft: Draft) -> Iterator[Lack]:
    table = draft.table
    if not table.rls:
        yield Lack(
            "Row level security is off: whoever is granted it sees and changes every row.",
            f"alter table {table.qualified} enable row level security;",
        )
    if table.grants.get("anon"):
        yield Lack("Role anon is granted rights on it.", f"revoke all on {table.qualified} from anon, public;")
    for policy in table.policies:
        if {"anon", "public"}.intersection(policy.to):
            yield Lack(
                f'Policy "{policy.name}" is for people without an account too.',
                f'alter policy "{policy.name}" on {table.qualified} to authenticated;',
            )


def _policies(draft: Draft) -> Iterator[Lack]:
    for command in ("select", *draft.writes):
        if not draft.table.policies_for(command):
            fails = "nobody sees a row" if command == "select" else f"every {command} is refused"
            yield Lack(
                f"No policy lets signed-in people {command} rows, so {fails}.",
                _policy(draft.table, command, draft.scope, draft.path, draft.own),
            )


def _indexes(draft: Draft) -> Iterator[Lack]:
    table = draft.table
    ordered = [each for each in draft.order if draft.path or draft.own]
    first = draft.path[0] if draft.path else draft.own
    wanted: list[tuple[tuple[str, ...], str]] = [
        (key.columns, f"deleting from {said(key.to)}, and the relation from there, look through")
        for key in table.foreign_keys
        if table.index_behind(*key.columns) is None
    ]
    if ordered and first is not None and not _in_order(table, (first, *draft.order)):
        wanted = [each for each in wanted if each[0] != (first,)]
        wanted.append(((first, *draft.order), "lists are in the order of"))
    for columns, what in wanted:
        name = "_".join(["idx", table.name, *(column.removesuffix(" desc") for column in columns)])
        yield Lack(
            f"No index begins with {', '.join(columns)}, which {what}.",
            f"create index {name} on {table.qualified} ({', '.join(columns)});",
            fails=len(columns) == 1,
        )


def _in_order(table: pg_catalog.Table, keys: tuple[str, ...]) -> bool:
    return any(index.keys[: len(keys)] == keys and index.where is None for index in table.indexes)


def _comments(draft: Draft) -> Iterator[Lack]:
    """What the API has no description of without them."""
    table = draft.table
    lines = []
    if not table.comment:
        lines.append(f"comment on {'view' if table.view else 'table'} {table.qualified} is '….';")
    lines += [
        f"comment on column {table.qualified}.{each.column} is '….';"
        for each in draft.fields
        if each.column in table.columns and not table.columns[each.column].comment
    ]
    lines += [
        f"comment on constraint {check.name} on {table.qualified} is '….';"
        for check in table.checks.values()
        if not check.comment
    ]
    if lines:
        yield Lack("The API describes itself by the SQL's comments, and there is none here:", "\n".join(lines))


def _rights(draft: Draft) -> Iterator[Lack]:
    table = draft.table
    written = {"insert": "create", "update": "update", "delete": "delete"}
    for privilege, field in written.items():
        if privilege in draft.writes:
            continue
        columns = [name for name in table.columns if name not in {*_TIMES, draft.key}]
        what = privilege if privilege == "delete" else f"{privilege} ({', '.join(columns)})"
        yield Lack(
            f"Nobody is granted to {privilege}, so there is no {field}{draft.type_name}. If there should be one:",
            f"grant {what} on {table.qualified} to {PEOPLE};",
            fails=False,
        )
    missing = sorted(_TIMES - table.columns.keys())
    if missing:
        yield Lack(
            f"It has no {' and no '.join(missing)}, which every table of the project has.",
            "\n".join(
                f"alter table {table.qualified} add {name} timestamptz not null default now();" for name in missing
            ),
            fails=False,
        )
