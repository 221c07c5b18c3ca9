"""The SQL that is the same for every table, written from the declarations: `supabase/schemas/9NN_*_generated.sql`.

A stage is what one `0NN_<stage>_tables.sql` makes, or `0NN_<stage>_1_tables.sql` where both its files have one number;
its generated file has that number and stands behind all others.
Where a table is made is read from those files, all else from `gql/types` and the fields of `resolvers`. Takes the
project's folder and no database; raises GeneratedSqlError.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from gql.catalog import catalog
from gql.schemas import PostgresSchema, bare, schema_of
from gql.scope import Scope
from gql.table import Sort, Table, keys_view
from tripgate.commands import generated_changes
from tripgate.gateway.schema import written_by_filter

_MADE = re.compile(r"^create (?:table|(?:or replace )?view) (?:if not exists )?(\w+)\.(\w+)", re.MULTILINE)
_STAGE = re.compile(r"0(\d\d)_(\w+?)(?:_1)?_tables\.sql")
_EVERYBODY = "public, anon, authenticated, service_role"

_HEADER = """\
-- Written by `make schema` from gql/types and resolvers, for the tables of {file}. Do not change it here.
--
-- Rows by their ids, for lists of ids that no URL would hold, and each row once more, as a computed relationship of
-- itself, for requests that call a function of the table: docs/postgrest.md says more. Both are plain SQL without a
-- setting, so that Postgres puts the table, or the row, in their place and calls nothing; they run with the caller's
-- own rights. Tables with columns that nobody may read have neither.
--
-- Rows in order, for lists in which each row has lists of its own, as invoker's views. PostgREST sorts above its joins;
-- from a view in that very order it sorts first. `select *` is worked out when a view is made: a new column makes new
-- views.
--
-- Changes of rows on which people share, told on their topics: 900_changes.sql says how.
--
-- Columns whose texts may be too long for a URL, compared with what a request brings along. Their parameters have
-- names, which makes them no fields of the API; rows as wholes have none, so that nobody calls them with a row of
-- their own making.
"""


class GeneratedSqlError(Exception):
    """Declarations and SQL do not fit each other; the message says where."""


def generated(project_dir: Path) -> dict[Path, str]:
    """Every file that is written from the declarations, with the text that it should have.

    Raises:
        GeneratedSqlError: No file makes a declared table, or one of another name does.
    """
    schemas = project_dir / "supabase" / "schemas"
    texts = {
        file: file.read_text(encoding="utf-8") for file in sorted(schemas.glob("*.sql")) if not _is_generated(file)
    }
    by_file: dict[Path, list[Table]] = {}
    made = {
        PostgresSchema(schema).qualified(name): file
        for file, text in texts.items()
        for schema, name in _MADE.findall(text)
    }
    order = list(made)
    for table in sorted(catalog, key=lambda each: order.index(each.name) if each.name in made else -1):
        if table.name not in made:
            raise GeneratedSqlError(
                f"{table.type_name} is declared over the table {table.name}, which no file in {schemas} makes."
            )
        by_file.setdefault(made[table.name], []).append(table)
    written = {}
    keys: set[str] = set()
    changes = generated_changes.Changes()
    seen: list[Table] = []
    told: set[tuple[str, Scope]] = set()
    for file, tables in by_file.items():
        stage = _STAGE.fullmatch(file.name)
        if stage is None:
            raise GeneratedSqlError(f"{file} makes tables of the API, so it must be called 0NN_<stage>_tables.sql.")
        name = f"9{stage[1]}_{stage[2]}_generated.sql"
        parts = [_HEADER.format(file=file.name), *(of_table(table, keys, changes) for table in tables)]
        seen += tables
        ready = {
            table.name: [each for each in _seen_by_now(table, seen) if (table.name, each) not in told] for table in seen
        }
        if any(ready.values()):
            head = "-- Rows that are seen elsewhere too "
            parts.append(f"\n{head:-<120}")
            parts += [generated_changes.told_elsewhere(table, ready[table.name]) for table in seen if ready[table.name]]
            told |= {(name, scope) for name, scopes in ready.items() for scope in scopes}
        if any(catalog[scope.root] in tables for scope in catalog.scopes):
            head = "-- Topics "
            parts += [f"\n{head:-<120}", *generated_changes.topics(tables, seen)]
        written[schemas / name] = "\n\n".join(part.rstrip("\n") for part in parts) + "\n"
    return written


def stale(project_dir: Path) -> list[Path]:
    """The files that differ from the declarations, or have none left. Raises as `generated`."""
    wanted = generated(project_dir)
    differ = [file for file, text in wanted.items() if not file.exists() or file.read_text(encoding="utf-8") != text]
    return sorted([*differ, *_left_over(project_dir, wanted)])


def update(project_dir: Path) -> None:
    """Write them, and remove those that have no declarations left. Raises as `generated`."""
    wanted = generated(project_dir)
    for file in _left_over(project_dir, wanted):
        file.unlink()
    for file, text in wanted.items():
        file.write_text(text, encoding="utf-8")


def _seen_by_now(table: Table, there: Sequence[Table]) -> list[Scope]:
    """The scopes in which a table's rows are seen, of those by whose tables that can be known already."""
    leads: dict[Scope, list[Table]] = {}
    for each in table.seen_in:
        leads.setdefault(each.scope, []).append(catalog[table.relations[each.relation].target])
    return [scope for scope, tables in leads.items() if all(each in there for each in tables)]


def _is_generated(file: Path) -> bool:
    return file.name.startswith("9") and file.name.endswith("_generated.sql")


def _left_over(project_dir: Path, wanted: Mapping[Path, str]) -> list[Path]:
    schemas = project_dir / "supabase" / "schemas"
    return [file for file in schemas.glob("*.sql") if _is_generated(file) and file not in wanted]


def of_table(table: Table, keys: set[str] | None = None, changes: generated_changes.Changes | None = None) -> str:
    """What is written for one table.

    Args:
        keys: The views of other schemas' tables that are written already, to which this table's are added.
        changes: What knows which functions of scopes are written already.
    """
    head = f"-- {table.name} "
    parts = [f"\n{head:-<120}", _service_role(table)]
    if "updated_at" in table.by_sql_name and not table.read_only:
        parts.append(
            f"create trigger set_{table.bare_name}_updated_at before update on {_sql(table)}\n"
            "    for each row execute function private.set_updated_at();"
        )
    events = [event for name, event in written_by_filter() if name == table.name]
    parts += [_write_guard(table, event) for event in ("update", "delete") if event in events]
    parts += (changes or generated_changes.Changes()).of_table(table)
    if not table.hidden_columns:
        parts += [_by_ids(table), _whole(table)]
    parts += [_view(table, order, name) for order, name in catalog.views_of(table).items()]
    parts += [_against(table, column.name) for column in table.columns.values() if column.long]
    written = set() if keys is None else keys
    for name, view in {**_keys_views(table), **_embedded_views(table)}.items():
        if name not in written:
            parts.append(view)
            written.add(name)
    return "\n\n".join(parts)


def _sql(table: Table) -> str:
    """A table as SQL names it."""
    return f"{table.schema}.{table.bare_name}"


def _shown(table: Table) -> str:
    """The columns that people may read."""
    return ", ".join(column.name for column in table.columns.values() if not column.computed)


def _service_role(table: Table) -> str:
    shown = _shown(table)
    if table.written_by_functions:
        what = f"select ({shown})" if table.hidden_columns else "select"
        return f"-- Functions alone write it.\ngrant {what} on {_sql(table)} to service_role;"
    if not table.hidden_columns:
        return f"grant all on {_sql(table)} to service_role;"
    return (
        f"-- All but reading what nobody may read.\ngrant select ({shown}) on {_sql(table)} to service_role;\n"
        f"grant insert, update, delete, truncate, references, trigger on {_sql(table)} to service_role;"
    )


def _write_guard(table: Table, event: str) -> str:
    return (
        f"create trigger expect_{table.bare_name}_{event}s after {event} on {_sql(table)}\n"
        "    referencing old table as touched for each statement execute function private.expect_rows();"
    )


def _by_ids(table: Table) -> str:
    key = table.by_sql_name[table.primary_key].kind  # called as its type is in SQL
    return _function(
        table,
        f"{table.bare_name}_by_ids({{}}{key}[])",
        "ids ",
        f"setof {_sql(table)} language sql stable",
        f"select * from {_sql(table)} where {table.primary_key} = any (ids)",  # noqa: S608 - declared names
        f"The rows of {table.bare_name} with these ids, of those that the caller may see.",
    )


def _whole(table: Table) -> str:
    return _function(
        table,
        f"whole_{table.bare_name}({{}}{_sql(table)})",
        "",
        f"setof {_sql(table)} rows 1 language sql stable",
        "select ($1).*",
        f"The row of {table.bare_name} itself.",
    )


def _against(table: Table, column: str) -> str:
    return _function(
        table,
        f"{column}_against({{}}{_sql(table)})",
        "entry ",
        "jsonb language sql stable set search_path = ''",
        f"select public.compare_with_texts(entry.{column})",
        "How the column compares with each text that the request brings along.",
    )


def _function(table: Table, signature: str, parameter: str, returns: str, body: str, comment: str) -> str:
    """A function beside its table that only signed-in people may call; `signature` has a place for the parameter."""
    plain = f"{table.schema}.{signature.format('')}"
    return "\n".join(
        [
            f"create function {table.schema}.{signature.format(parameter)} returns {returns} as $$",
            f"    {body}",
            "$$;",
            f"comment on function {plain} is '{comment}';",
            f"revoke execute on function {plain} from {_EVERYBODY};",
            f"grant execute on function {plain} to authenticated;",
        ]
    )


def _view(table: Table, order: tuple[Sort, ...], name: str) -> str:
    keys = ", ".join(key.column + " desc" * key.descending for key in order)
    if name.endswith("_reversed"):
        comment = f"The same as {bare(name).removesuffix('_reversed')}, from its end."
    else:
        comment = f"The rows of {table.bare_name}, ordered by {keys}."
    # Whoever reads a view needs to be allowed all of its columns.
    what = _shown(table) if table.hidden_columns else "*"
    query = f"select {what} from {_sql(table)} order by {keys}"  # noqa: S608 - declared names
    return _viewed(f"{table.schema}.{bare(name)}", query, comment)


def _viewed(name: str, query: str, comment: str) -> str:
    """A view with its reader's rights, who is signed in."""
    return "\n".join(
        [
            f"create view {name} with (security_invoker = true) as",
            f"    {query};",
            f"comment on view {name} is '{comment}';",
            f"revoke all on {name} from anon, authenticated, service_role;",
            f"grant select on {name} to authenticated;",
        ]
    )


def _keys_views(table: Table) -> dict[str, str]:
    """The views of other schemas' keys in which rows of this table are embedded."""
    return {
        (name := keys_view(parent.name, table.schema)): _keys_view(name, parent)
        for parent in catalog
        for relation in parent.relations.values()
        if catalog[relation.target] is table
        and catalog.crosses(parent, relation)
        and (relation.many or relation.theirs)
    }


def _keys_view(name: str, parent: Table) -> str:
    said = f"The keys of {_sql(parent)}, in whose rows those of this schema that refer to them are embedded."
    query = f"select {parent.primary_key} from {_sql(parent)}"  # noqa: S608 - declared names
    return _viewed(f"{schema_of(name)}.{bare(name)}", query, said)


def _embedded_views(table: Table) -> dict[str, str]:
    """The views by which rows of other schemas are embedded in this table's, which refer to them."""
    found = {}
    for relation in table.relations.values():
        target = catalog[relation.target]
        if relation.many or relation.theirs or target.embedded_as is None or not catalog.crosses(table, relation):
            continue
        name = catalog.embedded_view(target, table.schema)
        if name is None or catalog.find(name) is not None:
            raise GeneratedSqlError(
                f"{name} is a table of its own, and the view by which rows of {target.name} are embedded in those of "
                f"{table.schema}. Call one otherwise: {target.type_name} says embedded_as=…."
            )
        found[name] = _embedded_view(name, target)
    return found


def _embedded_view(name: str, target: Table) -> str:
    assert target.embedded_as is not None  # noqa: S101 - asked before
    columns = ", ".join((target.primary_key, *target.embedded_as.columns))
    said = f"What comes along of {_sql(target)} with rows of this schema that refer to it."
    query = f"select {columns} from {_sql(target)}"  # noqa: S608 - declared names
    return _viewed(f"{schema_of(name)}.{bare(name)}", query, said)
