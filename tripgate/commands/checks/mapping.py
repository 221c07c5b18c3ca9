"""Whether a declared type says of its table what the database says of it: types, nulls, keys, relations, rights.

Takes the declaration and the database; gives findings, in the words of the declaration.
"""

from collections.abc import Iterator

from gql import pg_catalog
from gql.catalog import Catalog
from gql.table import Column, Kind, Relation, Table, by_function
from tripgate.commands.doctor.report import Finding, failure, listed, note, warning

SQL_TYPES: dict[Kind, frozenset[str]] = {
    Kind.TEXT: frozenset({"text"}),
    Kind.UUID: frozenset({"uuid"}),
    Kind.INT: frozenset({"integer", "smallint"}),
    Kind.NUMERIC: frozenset({"numeric", "bigint"}),
    Kind.BOOLEAN: frozenset({"boolean"}),
    Kind.DATE: frozenset({"date"}),
    Kind.DATETIME: frozenset({"timestamp with time zone"}),
    Kind.JSON: frozenset({"jsonb"}),
    Kind.ENUM: frozenset({"text", "smallint", "integer"}),
    Kind.TEXT_ARRAY: frozenset({"text[]"}),
    Kind.BIGINT: frozenset({"bigint"}),
    Kind.DOUBLE: frozenset({"double precision"}),
    Kind.TIME: frozenset({"time without time zone"}),
    Kind.INTERVAL: frozenset({"interval"}),
    Kind.UUID_ARRAY: frozenset({"uuid[]"}),
    Kind.INT_ARRAY: frozenset({"integer[]"}),
}
"""What a column of each kind may be in SQL, without its size."""

PEOPLE = "authenticated"
_SERVICE = "service_role"
"""The role of whoever is signed in."""

_DECLARE = "Declare it as it is, or change the table."
_MAKE = "Make it, or push the migration that does."


def check(table: Table, declared: Catalog, database: pg_catalog.Database) -> list[Finding]:
    """Everything in which the declaration of a type and its table differ."""
    found = database.table(table.name)
    if found is None:
        return [failure(f"There is no table {table.name}, which type {table.type_name} needs.", _MAKE)]
    return [
        *_kind(table, found),
        *(finding for column in table.columns.values() for finding in _column(table, column, found)),
        *_undeclared(table, found),
        *_keys(table, found),
        *(finding for each in table.relations.values() for finding in _relation(table, each, declared, database)),
        *_functions(table, found),
    ]


def _kind(table: Table, found: pg_catalog.Table) -> Iterator[Finding]:
    if table.read_only is not found.view:
        says = "a view, so say read_only=True" if found.view else "a table, so leave read_only=True out"
        yield failure(f"{table.type_name}: {table.name} is {says}.", "")
    if found.view and not found.invoker:
        yield failure(
            f"{table.name} shows every row to everybody: it reads with its owner's rights.",
            f"Run: alter view {found.qualified} set (security_invoker = true).",
        )
    if not found.view and table.hidden_columns is found.may(PEOPLE, "select"):
        says = "may read all columns" if table.hidden_columns else "may not read some columns"
        yield failure(
            f"{table.type_name}: signed-in people {says} of {table.name}, and its declaration says the opposite.",
            f"Say hidden_columns={not table.hidden_columns}, or change the grants.",
        )
    if table.written_by_functions:
        for privilege in ("insert", "update", "delete"):
            if found.may(_SERVICE, privilege) or found.granted(_SERVICE, privilege):
                yield failure(
                    f"{table.type_name}: the service may {privilege} {table.name}, which functions alone write.",
                    f"Run: revoke {privilege} on {found.qualified} from service_role.",
                )


def _column(table: Table, column: Column, found: pg_catalog.Table) -> Iterator[Finding]:
    name = f"{table.type_name}.{column.field}"
    if column.computed:
        return
    here = found.columns.get(column.name)
    if here is None:
        yield failure(f"{name}: there is no column {table.name}.{column.name}.", _MAKE)
        return
    if not _fits(column.kind, here.type, here.labels):
        yield failure(
            f"{name} is declared as {column.kind.value}, and {table.name}.{column.name} is {here.type}.", _DECLARE
        )
    if not found.view and column.nullable is not here.nullable:
        says = "is never null" if column.nullable else "may be null"
        yield failure(f"{name}: {table.name}.{column.name} {says}, and its declaration says the opposite.", _DECLARE)
    if column.kind is Kind.NUMERIC and column.digits is None and "(" in here.type:
        yield failure(f"{name}: {table.name}.{column.name} is {here.type}.", f"Say digits={_size(here.type)}.")
    elif column.digits is not None and column.digits != _size(here.type):
        yield failure(f"{name} is declared with digits={column.digits}, and {column.name} is {here.type}.", _DECLARE)
    if column.choices is not None:
        members, may = {str(value) for value, _ in column.choices}, found.choices(column.name)
        if may is None and found.view:
            pass  # what its rows may hold is for the tables behind it to say
        elif may is None:
            yield failure(f"{name} is an enum, and no check lists what {table.name}.{column.name} may be.", "Add one.")
        elif members != may:
            unlike = listed(sorted(members ^ may))
            yield failure(f"{name}: the enum and {table.name}.{column.name} differ in {unlike}.", _DECLARE)
    yield from _rights(table, column, found)


def _rights(table: Table, column: Column, found: pg_catalog.Table) -> Iterator[Finding]:
    name = f"{table.type_name}.{column.field}"
    if column.name not in found.granted(PEOPLE, "select"):
        yield failure(f"{name}: signed-in people may not select {table.name}.{column.name}.", "Grant it.")
    # Where nobody may insert anything, no root field does: inputs are derived all the same.
    inserted = found.granted(PEOPLE, "insert")
    if column.creatable and inserted and column.name not in inserted:
        yield failure(f"{name}: signed-in people may not insert {table.name}.{column.name}.", "Grant it.")
    if column.patchable and column.name not in found.granted(PEOPLE, "update"):
        yield failure(f"{name}: signed-in people may not update {table.name}.{column.name}.", "Grant it.")
    here = found.columns[column.name]
    may_be_left_out = column.nullable or column.required or here.filled
    if column.creatable and inserted and not may_be_left_out:
        yield failure(f"{name} may be left out of a new row, and {table.name}.{column.name} has no default.", _DECLARE)


def _undeclared(table: Table, found: pg_catalog.Table) -> Iterator[Finding]:
    declared = {*(column.name for column in table.columns.values()), *table.never_selected}
    # A view of a table's rows in order has the table's columns, and types name those that they want of any other.
    if left := sorted(found.granted(PEOPLE, "select") - declared) if not found.view else []:
        yield note(
            f"{table.type_name} has no field for {table.name}.{listed(left)}, which signed-in people may read.",
            "Declare it, or grant the columns one by one.",
        )
    if missing := [name for name in table.never_selected if name not in found.columns]:
        yield failure(f"{table.type_name}: there is no column {table.name}.{listed(missing)}.", _MAKE)


def _keys(table: Table, found: pg_catalog.Table) -> Iterator[Finding]:
    if not found.view and found.primary_key != (table.primary_key,):
        is_ = listed(found.primary_key) or "missing"
        yield failure(
            f"{table.type_name}: the primary key of {table.name} is {is_}, not {table.primary_key}.", _DECLARE
        )
    readable = {column.name for column in table.columns.values()}
    declared = {frozenset(key.columns) for key in table.unique}
    for key in table.unique:
        if not found.is_unique(*key.columns):
            yield failure(
                f"{table.type_name}: no constraint keeps {listed(key.columns)} of {table.name} unique.",
                "Add one over exactly these columns, or leave unique(…) out.",
            )
        if key.own is not None and (key.own not in key.columns or not _is_the_caller(found, key.own)):
            yield failure(
                f"{table.type_name}: {table.name}.{key.own} is not the caller by default, as own={key.own!r} says.",
                f"Run: alter table {found.qualified} alter column {key.own} set default auth.uid().",
            )
    # Rows that people never write are told apart by keys of whoever does, as the ids of a service outside.
    written = found.granted(PEOPLE, "insert") | found.granted(PEOPLE, "update")
    for columns in sorted(map(sorted, found.unique_keys - declared)):
        if written and readable.issuperset(columns) and not found.view:
            said = ", ".join(f'"{name}"' for name in columns)
            yield note(
                f"{table.type_name}: {listed(columns)} of {table.name} is unique, and no root field finds rows by it.",
                f"Say keys=(unique({said}),).",
            )


def _is_the_caller(found: pg_catalog.Table, column: str) -> bool:
    here = found.columns.get(column)
    return here is not None and here.default == "auth.uid()"


def _relation(table: Table, relation: Relation, declared: Catalog, database: pg_catalog.Database) -> Iterator[Finding]:
    target = declared[relation.target]
    holder, other = (target, table) if relation.many or relation.theirs else (table, target)
    holding = database.table(holder.name)
    referred = database.table(other.name)
    if holding is None or referred is None:
        return  # told of its own type
    name = f"{table.type_name}.{relation.field}"
    if (function := by_function(relation.via)) is not None:
        ends = (
            {table.name: holding, target.name: referred}
            if holder is table
            else {table.name: referred, target.name: holding}
        )
        row, rows = ends[table.name].qualified, f"SETOF {ends[target.name].qualified}"
        if not any(each.row_of == row and each.returns == rows for each in database.named(function, table.schema)):
            yield failure(f"{name}: there is no function {function} of {table.name} that returns {rows}.", _DECLARE)
        return
    if holding.view or referred.view:
        # PostgREST finds a view's relations by the columns that it takes over.
        if relation.via not in holding.columns:
            yield failure(f"{name}: there is no column {holder.name}.{relation.via}.", _DECLARE)
        return
    key = holding.foreign_key(relation.via)
    if key is None or key.to != referred.qualified or key.on != referred.primary_key:
        yield failure(
            f"{name} follows a foreign key {holder.name}.{relation.via} to {other.name}, which there is not.",
            f"Run: alter table {holding.qualified} add foreign key ({relation.via}) references {referred.qualified}.",
        )
    elif relation.theirs and not holding.is_unique(relation.via):
        yield failure(
            f"{name} is one row, and several may have the same {holder.name}.{relation.via}.",
            "Make it unique, or say to_many(…).",
        )
    elif relation.many and holding.is_unique(relation.via):
        yield warning(f"{name} is a list, and {holder.name}.{relation.via} is unique.", "Say has_one(…).")


def _functions(table: Table, found: pg_catalog.Table) -> Iterator[Finding]:
    for column in table.columns.values():
        if not column.computed:
            continue
        function = found.functions.get(column.name)
        name = f"{table.type_name}.{column.field}"
        if function is None:
            yield failure(f"There is no function {column.name}({table.name}), which {name} needs.", _MAKE)
        elif not _fits(column.kind, function.returns, ()):
            yield failure(
                f"{name} is declared as {column.kind.value}, and {column.name} returns {function.returns}.", _DECLARE
            )
        else:
            yield from _called(name, function)
    for item in table.computed.values():
        name = f"{table.type_name}.{item.field}"
        function = found.functions.get(item.name)
        if function is None:
            yield failure(f"There is no function {item.name}({table.name}), which {name} needs.", _MAKE)
        else:
            yield from _called(name, function)
    if table.search is not None:
        search = found.functions.get(table.search)
        words = found.columns.get(table.search)
        type_ = search.returns if search is not None else words.type if words is not None else "not there"
        if type_ != "tsvector":
            yield failure(
                f"{table.type_name}Filter.search looks through {table.name}.{table.search}, which is {type_}.",
                "Make it a function of the row, or a column, of type tsvector.",
            )


def _called(name: str, function: pg_catalog.Function) -> Iterator[Finding]:
    """What holds of a function of a row that a field selects."""
    if PEOPLE not in function.roles:
        yield failure(
            f"{name}: signed-in people may not call {function.signature}.",
            f"Run: grant execute on function {function.signature} to authenticated.",
        )
    if function.volatility == "volatile":
        yield warning(f"{name}: {function.signature} is volatile, so nothing is worked out ahead.", "Say `stable`.")


def _fits(kind: Kind, type_: str, labels: tuple[str, ...]) -> bool:
    return _plain(type_) in SQL_TYPES[kind] or (kind is Kind.ENUM and bool(labels))


def _plain(type_: str) -> str:
    """A type without its size: `numeric` of `numeric(12,2)`."""
    before, _, behind = type_.partition("(")
    return before + behind.partition(")")[2]


def _size(type_: str) -> tuple[int, int] | None:
    """The digits of `numeric(12,2)`, and of a number without a size none."""
    sizes = type_.partition("(")[2].partition(")")[0]
    if not sizes:
        return None
    whole, _, behind = sizes.partition(",")
    return int(whole), int(behind or 0)
