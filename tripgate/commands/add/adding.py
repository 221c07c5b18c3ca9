"""Adding one table, from its name to the texts of all files. Importing it declares every type."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path

import gql
import gql.types
from gql import pg_catalog, schemas
from gql.catalog import catalog
from gql.schemas import DEFAULT, bare, schema_of
from gql.scope import Scope
from gql.table import Table
from tripgate.commands.add import access, drafting, files, lacks, modules, naming, render, trial
from tripgate.commands.add.draft import Known, KnownScope, RefusedError, said
from tripgate.commands.add.files import ByHand, File
from tripgate.commands.add.lacks import Lack
from tripgate.commands.checks.mapping import PEOPLE
from tripgate.commands.pg_catalog import file, reading
from tripgate.gateway.schema import graphql_schema

_ACCESS = Path("tests") / "database" / "access"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for.

    Attributes:
        schema: Of the table, which is called `name` in it.
        class_name: Of its class, and `type_name` behind the prefix of its schema.
        key: The column that names the rows of a view, where one was given.
    """

    schema: schemas.PostgresSchema
    name: str
    class_name: str
    type_name: str
    domain: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Added:
    """What comes of it; nothing is written yet."""

    name: str
    files: list[File]
    by_hand: list[ByHand]
    lacks: list[Lack]
    notes: tuple[str, ...]


def wanted(folder: Path, table: str, class_name: str | None, domain: str | None, key: str | None) -> Wanted:
    """What the command line asks for, before any database is looked at.

    Raises:
        RefusedError: It cannot be.
    """
    if not (folder / "gql" / "types").is_dir() or not (folder / "supabase" / "schemas").is_dir():
        raise RefusedError("There is no gql/types and no supabase/schemas here: run it in a clone of Tripgate.")
    here, imported = (folder / "gql").resolve(), Path(gql.__file__ or "").resolve().parent
    if here != imported:
        raise RefusedError(f"This is the program of {imported.parent}, and not of {here.parent}: run the one in here.")
    schema = files.schema_of(schema_of(table.removeprefix(f"{DEFAULT}.")))
    name = bare(table)
    if (declared := catalog.find(schema.qualified(name))) is not None:
        raise RefusedError(f"{declared.name} is declared already: type {declared.type_name} in {_module(declared)}.")
    class_name = class_name or naming.class_name(naming.singular(name))
    if not class_name.isidentifier() or not class_name[:1].isupper() or "_" in class_name:
        raise RefusedError(f"{class_name} is no name of a type: give one with --type, in CamelCase.")
    domain = domain or (name if schema is schemas.PUBLIC else f"{schema.name}_{name}")
    if not domain.isidentifier():
        raise RefusedError(f"{domain} is no name of a module: give one with --domain, in lower case.")
    type_name = schema.type_name(class_name)
    if type_name in graphql_schema().type_map:
        raise RefusedError(f"The API has a type {type_name} already: give another name with --type.")
    return Wanted(schema, name, class_name, type_name, domain, key)


def added(folder: Path, wanted: Wanted, database: pg_catalog.Database, holds: access.Holds) -> Added:
    """What adding the table takes. Declares it in this process.

    Raises:
        RefusedError: It cannot be added as it is.
    """
    found = _found(database, wanted)
    known = _known()
    try:
        made = drafting.draft(found, wanted.class_name, wanted.type_name, known, wanted.key)
    except RefusedError as error:
        if found.granted(PEOPLE, "select"):
            raise
        scope, path = drafting.scope_of(found, known)
        raise RefusedError(f"{error}\n\n{lacks.beginning(found, scope, path)}") from None
    declaration = render.declaration(made, files.constant_of(wanted.schema.name))
    table = trial.declare(made, declaration, database)
    if table.singular == table.plural:
        raise RefusedError(
            f"One row and all of {made.name} would both be the root field {table.plural}: name the row with --type."
        )
    offered = render.resolvers(made, table.singular, table.plural)
    roots = trial.fields(offered)
    written = [
        files.declared(folder, made, wanted.domain, declaration),
        _of_fields(files.offered(folder, wanted.domain, offered), roots),
    ]
    written, by_hand = files.others(folder, made, written)
    said_of = folder / _ACCESS / f"{made.name}.toml"
    if said_of.parent.is_dir() and not found.view and not said_of.exists():
        text = access.written(made, holds, _people())
        written.append(File(said_of, None, text, "who may do what, as it is usual: review it"))
    missing = [] if wanted.schema.name in file.exposed(folder) else [lacks.not_served(wanted.schema.name)]
    return Added(wanted.name, written, by_hand, [*missing, *lacks.lacks(made)], made.notes)


def from_database(folder: Path, wanted: Wanted, database_url: str) -> Added:
    """The same of a database that runs, which is only read. Raises as `added`."""
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(database_url, connect_timeout=10, autocommit=True) as connection:
        schemas_read = dict.fromkeys([*file.exposed(folder), wanted.schema.name])
        return added(folder, wanted, reading.read(connection, [*schemas_read]), access.asking(connection))


def _of_fields(made: File, roots: dict[str, list[str]]) -> File:
    what = "; ".join(f"{root} {', '.join(names)}" for root, names in roots.items() if names)
    return File(made.path, made.before, made.after, what)


def _found(database: pg_catalog.Database, wanted: Wanted) -> pg_catalog.Table:
    found = database.table(wanted.name, wanted.schema.name)
    if found is not None:
        return found
    generated = {bare(view) for table in catalog for view in table.views.values()}
    there = [
        said(name)
        for name, table in database.tables.items()
        if catalog.find(said(name)) is None and table.name not in generated and not name.endswith("_keys")
    ]
    near = difflib.get_close_matches(wanted.schema.qualified(wanted.name), there, n=1)
    hint = f" Did you mean {near[0]}?" if near else f" Without a type are: {', '.join(there)}." if there else ""
    name = wanted.schema.qualified(wanted.name)
    raise RefusedError(f"There is no table {name}: a file of supabase/schemas must make it first.{hint}")


def _known() -> Known:
    types = {f"{each.schema}.{each.bare_name}": each.type_name for each in catalog}
    scopes: list[KnownScope] = []
    for module in sorted(pkgutil.iter_modules(gql.types.__path__), key=lambda each: each.name):
        name = f"{gql.types.__name__}.{module.name}"
        for constant, value in vars(importlib.import_module(name)).items():
            declared_here = isinstance(value, Scope) and not any(each.name == value.name for each in scopes)
            if declared_here and not value.of_person and not _imported(name, constant):
                scopes.append(KnownScope(value.name, value.noun, constant, name, _paths(value)))
    return Known(types, tuple(scopes))


def _imported(module: str, constant: str) -> bool:
    """Whether a module has a name from another one."""
    text = Path(importlib.import_module(module).__file__ or "").read_text(encoding="utf-8")
    return f"{constant} = " not in text


def _people() -> str:
    """The table of people, with its schema."""
    scope = catalog.scopes.of_person
    table = None if scope is None else catalog[scope.root]
    return "auth.users" if table is None else f"{table.schema}.{table.bare_name}"


def _paths(scope: Scope) -> dict[str, tuple[str, ...]]:
    """By table of a scope, the columns that lead to the root's key."""
    found: dict[str, tuple[str, ...]] = {}
    for each in catalog:
        if each.scope is scope:
            path = () if each.type_name == scope.root else each.scope_path
            found[f"{each.schema}.{each.bare_name}"] = path
    return found


def _module(table: Table) -> str:
    """The file that declares a type."""
    for path in sorted(Path(gql.types.__path__[0]).glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if modules.declares(text, table.bare_name, files.constant_of(table.schema)):
            return f"gql/types/{path.name}"
    return "gql/types"
