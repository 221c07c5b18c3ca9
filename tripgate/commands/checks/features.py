"""Whether a table has what its root fields need, so that they do not fail later or stay silent.

Takes what is declared, what is offered of it and the database; gives findings that name the fields concerned.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from gql import pg_catalog
from gql.catalog import Catalog, catalog
from gql.table import Table
from tripgate.commands import generated_sql
from tripgate.commands.checks.mapping import PEOPLE
from tripgate.commands.checks.root_fields import Offer
from tripgate.commands.doctor.report import Finding, failure, listed, warning

_TRIGGER = re.compile(r"^create trigger (\w+)", re.MULTILINE)
_FUNCTION = re.compile(r"^create (?:or replace )?function (\w+\.\w+)\((?:\w+ )?([^()]*)\)", re.MULTILINE)
_VIEW = re.compile(r"^create (?:or replace )?view (\w+\.\w+)", re.MULTILINE)

_GENERATE = "Run `make schema`, which writes it, then `make migration`, and push that."
_MAY = {
    "insert": "insert into",
    "update": "update rows of",
    "delete": "delete from",
}


def check(table: Table, offer: Offer, declared: Catalog, database: pg_catalog.Database) -> list[Finding]:
    """What a type's root fields and relations lack; nothing where the table itself is not there."""
    found = database.table(table.name)
    if found is None:
        return []
    return [
        *security(found),
        *_readable(table, found),
        *_writes(table, offer, found),
        *_generated(table, offer, found, database),
        *_changes(table, offer, found),
        *_indexes(table, declared, found),
    ]


def schemas(declared: Catalog, database: pg_catalog.Database) -> Iterator[Finding]:
    """Schemas that people may not look into, and scopes of which nobody can be told who takes part."""
    for name in declared.schemas():
        if name in database.schemas and PEOPLE not in database.schemas[name].usage:
            yield failure(
                f"Signed-in people may not use schema {name}, so nothing of it can be read.",
                f"Run: grant usage on schema {name} to authenticated, service_role.",
            )
    helpers = database.schemas.get("private", pg_catalog.Schema()).helpers
    for scope in declared.scopes if database.schemas else ():
        helper = f"my_{scope.name}_ids"
        # Topics of a scope are not asked for before its root is there.
        root = database.table(declared[scope.root].name)
        if not scope.of_person and root is not None and helper not in helpers:
            yield failure(
                f"There is no function private.{helper}(), which tells who may follow a {scope.noun}: without it "
                "nobody can follow anything.",
                f"Write it: it returns the key of each {scope.noun} that the caller takes part in.",
            )


def _readable(table: Table, found: pg_catalog.Table) -> Iterator[Finding]:
    if not found.view and not found.policies_for("select"):
        yield failure(
            f"No policy lets signed-in people read {table.name}, so nobody sees a row.",
            f"Run: create policy … on {found.qualified} for select to authenticated using (…).",
        )


def security(found: pg_catalog.Table) -> Iterator[Finding]:
    """What is open to more people than it should be, whether a type is declared over it or not."""
    if not found.view and not found.rls:
        yield failure(
            f"Row level security is off on {_name(found.qualified)}: whoever is granted it sees and changes every row.",
            f"Run: alter table {found.qualified} enable row level security.",
        )
    if found.grants.get("anon"):
        yield failure(
            f"Role anon is granted rights on {_name(found.qualified)}.",
            f"Run: revoke all on {found.qualified} from anon, public.",
        )
    for policy in found.policies:
        if {"anon", "public"}.intersection(policy.to):
            yield failure(
                f'Policy "{policy.name}" on {_name(found.qualified)} is for {listed(policy.to)}, so for people '
                "without an account too.",
                "Write it `to authenticated`.",
            )


def _writes(table: Table, offer: Offer, found: pg_catalog.Table) -> Iterator[Finding]:
    for privilege, fields in offer.writes.items():
        always = f"so {listed(fields)} {'are' if len(fields) > 1 else 'is'} always refused"
        if found.view:
            yield failure(f"{table.name} is a view, {always}.", "Say read_only=True.")
            continue
        granted = found.may(PEOPLE, "delete") if privilege == "delete" else found.granted(PEOPLE, privilege)
        if not granted:
            what = privilege if privilege == "delete" else f"{privilege} (…)"
            yield failure(
                f"Signed-in people are not granted to {_MAY[privilege]} {table.name}, {always}.",
                f"Run: grant {what} on {found.qualified} to authenticated; or leave the fields out.",
            )
        if not found.policies_for(privilege):
            what = "with check" if privilege == "insert" else "using"
            yield failure(
                f"No policy lets signed-in people {_MAY[privilege]} {table.name}, {always}.",
                f"Run: create policy … on {found.qualified} for {privilege} to authenticated {what} (…); "
                "or leave the fields out.",
            )


def generated(table: Table) -> dict[str, str]:
    """What `make schema` writes for a table, by its kind: triggers by name, views with their schema, functions with
    schema and types."""
    text = generated_sql.of_table(table)
    # What else there is, triggers call.
    functions = [f"{name}({types})" for name, types in _FUNCTION.findall(text)]
    of_the_api = tuple(f"{schema}." for schema in catalog.schemas())
    return {
        **dict.fromkeys(_TRIGGER.findall(text), "trigger"),
        **{name: "function" for name in functions if name.startswith(of_the_api)},
        **dict.fromkeys(_VIEW.findall(text), "view"),
    }


def _generated(table: Table, offer: Offer, found: pg_catalog.Table, database: pg_catalog.Database) -> Iterator[Finding]:
    there = {"trigger": found.triggers, "function": database.functions, "view": database.tables}
    # Whom a trigger of changes leaves without word is told with the fields that they subscribe to.
    told = {_change_trigger(table)} if offer.changes else set()
    missing = [
        f"{kind} {_name(name)}"
        for name, kind in generated(table).items()
        if name not in there[kind] and name not in told
    ]
    if missing:
        yield failure(f"Type {table.type_name} needs what is not there: {listed(missing)}.", _GENERATE)
    closed = [
        name
        for name, kind in generated(table).items()
        if (kind == "function" and name in database.functions and PEOPLE not in database.functions[name].roles)
        or (kind == "view" and name in database.tables and not database.tables[name].may(PEOPLE, "select"))
    ]
    if closed:
        yield failure(
            f"Type {table.type_name} needs what signed-in people may not use: {listed(map(_name, closed))}.",
            _GENERATE,
        )
    views = [(name, view) for name in catalog.views_of(table).values() if (view := database.table(name)) is not None]
    # Of a table with columns that nobody may read they have the others.
    shown = [column.name for column in table.columns.values() if not column.computed]
    wanted = shown if table.hidden_columns else list(found.columns)
    if old := [name for name, view in views if list(view.columns) != wanted or not view.invoker]:
        yield failure(f"The columns of view {listed(old)} are not those of {table.name} by now.", _GENERATE)
    yield from _embedded(table, database)
    if off := [name for name, trigger in found.triggers.items() if trigger.off]:
        yield failure(
            f"Trigger {listed(off)} is switched off.", f"Run: alter table {found.qualified} enable trigger {off[0]}."
        )


def _embedded(table: Table, database: pg_catalog.Database) -> Iterator[Finding]:
    """What is wrong with the views by which rows of other schemas come along with a table's."""
    targets = {
        relation.target: catalog[relation.target]
        for relation in table.relations.values()
        if not relation.many and not relation.theirs and catalog.crosses(table, relation)
    }
    for target in targets.values():
        name = catalog.embedded_view(target, table.schema)
        view = None if name is None else database.table(name)
        if target.embedded_as is None or view is None:
            continue  # told as missing
        if not view.invoker:
            yield failure(
                f"{name} shows every row of {target.name} to everybody: it reads with its owner's rights.",
                f"Run: alter view {view.qualified} set (security_invoker = true).",
            )
        if set(view.columns) != {target.primary_key, *target.embedded_as.columns}:
            yield failure(f"The columns of view {name} are not those that {target.type_name} says.", _GENERATE)


def _name(name: str) -> str:
    """A name as people say it: without types, and in `public` without the schema."""
    return name.partition("(")[0].removeprefix(f"{pg_catalog.PUBLIC}.")


def _change_trigger(table: Table) -> str:
    return f"broadcast_{table.bare_name}_changes"


def _changes(table: Table, offer: Offer, found: pg_catalog.Table) -> Iterator[Finding]:
    # What tells of a view's rows is a trigger of a table behind it, which may be the platform's.
    if not offer.changes or found.view:
        return
    fields = listed(offer.changes)
    telling = found.triggers.get(_change_trigger(table))
    unheard = {"insert", "update", "delete"} - set(telling.on if telling is not None else ())
    if unheard:
        events = listed(event for event in ("insert", "update", "delete") if event in unheard)
        yield failure(
            f"No trigger tells of each {events} on {table.name}, so subscribers of {fields} hear nothing of it.",
            _GENERATE,
        )


def _indexes(table: Table, declared: Catalog, found: pg_catalog.Table) -> Iterator[Finding]:
    for key in found.foreign_keys:
        if found.index_behind(*key.columns) is None:
            yield warning(
                f"No index of {table.name} begins with {listed(key.columns)}, which {_followed(table, key, declared)}.",
                f"Run: create index on {found.qualified} ({', '.join(key.columns)}).",
            )


def unsorted(table: Table, found: pg_catalog.Table) -> str | None:
    """The default order of a list for which no index has all rows, or those of one person or parent, in a row."""
    order = [each for each in table.default_order if not each.path]
    if found.view or not order or _sorted_by(found, [each.column for each in order]):
        return None
    return ", ".join(each.column + " desc" * each.descending for each in order)


def _followed(table: Table, key: pg_catalog.ForeignKey, declared: Catalog) -> str:
    """Who reads rows by a foreign key: relations from the other side, and Postgres itself."""
    relations = [
        f"{other.type_name}.{relation.field}"
        for other in declared
        for relation in other.relations.values()
        if relation.target == table.type_name and (relation.many or relation.theirs) and key.columns == (relation.via,)
    ]
    deletes = f"deleting from {_name(key.to)}"
    return f"{listed([*relations, deletes])} look{'' if relations else 's'} through"


def _sorted_by(found: pg_catalog.Table, order: Sequence[str]) -> bool:
    """Whether an index holds rows in this order, all of them or those of one person or parent."""
    known: Callable[[str], bool] = lambda name: found.foreign_key(name) is not None  # noqa: E731 - one line, twice
    for index in found.indexes:
        columns = list(index.columns)
        while columns and columns[0] != order[0] and known(columns[0]):
            columns.pop(0)
        if columns[: len(order)] == list(order) and index.method == "btree" and index.where is None:
            return True
    return list(order) == list(found.primary_key)
