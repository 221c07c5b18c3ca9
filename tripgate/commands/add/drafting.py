"""Decides what a table becomes in the API, from what Postgres knows of it. Pure: nothing is read, written or declared.

What the API cannot hold is left out and said in the draft's notes, in the order of the table.
"""

import re
from collections.abc import Iterator

from gql import pg_catalog
from tripgate.commands.add import naming
from tripgate.commands.add.draft import (
    Choices,
    Draft,
    Field,
    Known,
    KnownScope,
    RefusedError,
    Relation,
    quoted,
    said,
)
from tripgate.commands.checks.mapping import PEOPLE
from tripgate.commands.doctor.report import listed

KEYS = {"uuid", "text", "bigint"}
"""What a primary key can be in SQL."""

SHORT = 254
"""How many characters a text may have and still travel in a URL."""

# A type in SQL without its size: the annotation, and where its name comes from.
_ANNOTATIONS: dict[str, tuple[str, str | None]] = {
    "text": ("str", None),
    "uuid": ("UUID", "uuid"),
    "integer": ("int", None),
    "smallint": ("int", None),
    "numeric": ("Decimal", "decimal"),
    "boolean": ("bool", None),
    "date": ("date", "datetime"),
    "timestamp with time zone": ("datetime", "datetime"),
    "time without time zone": ("time", "datetime"),
    "jsonb": ("JSON", "gql.scalars"),
    "bigint": ("BigInt", "gql.scalars"),
    "double precision": ("float", None),
    "interval": ("Interval", "gql.scalars"),
    "text[]": ("list[str]", None),
    "uuid[]": ("list[UUID]", "uuid"),
    "integer[]": ("list[int]", None),
    "vector": ("Vector", "gql.scalars"),
}
_INSTEAD = {
    "character varying": "text with a check of its length",
    "character": "text with a check of its length",
    "real": "double precision",
    "json": "jsonb",
    "timestamp without time zone": "timestamptz",
    "time with time zone": "time",
}
_GENERATED = re.compile(r"whole_|.*_(against|by_ids)$")
_LENGTH = re.compile(r"char_length\({}\) (<=|<) (\d+)")


def draft(table: pg_catalog.Table, class_name: str, type_name: str, known: Known, key: str | None = None) -> Draft:
    """What the table becomes.

    Args:
        key: The column by which rows of a view are named.

    Raises:
        RefusedError: Nobody may read it, or no single column names its rows.
    """
    readable = table.granted(PEOPLE, "select")
    if not readable:
        raise RefusedError(
            f"Signed-in people may read nothing of {said(table.qualified)}, and what they may do decides what the API "
            "offers. Write its grants and policies into supabase/schemas first; this is a beginning:"
        )
    return _Drafting(table, class_name, type_name, known, _key(table, key)).drafted()


def _key(table: pg_catalog.Table, key: str | None) -> str:
    name = said(table.qualified)
    if table.view:
        key = key or "id"
        if key not in table.columns:
            raise RefusedError(f"{name} is a view, so say which column names its rows: --key COLUMN.")
    elif len(table.primary_key) != 1:
        has = f"is {listed(table.primary_key)}" if table.primary_key else "is missing"
        also = f", and make ({', '.join(table.primary_key)}) unique" if table.primary_key else ""
        raise RefusedError(
            f"The primary key of {name} {has}, and the API names a row by one column. Give it a column "
            f"`id uuid not null default gen_random_uuid()` as primary key{also}."
        )
    else:
        (key,) = table.primary_key
    if table.columns[key].type not in KEYS:
        raise RefusedError(
            f"{name}.{key} is {table.columns[key].type}, and a key of the API is uuid, text or bigint. Change its type."
        )
    if key not in table.granted(PEOPLE, "select"):
        raise RefusedError(f"Signed-in people may not read {name}.{key}, which names its rows. Grant it.")
    return key


def scope_of(table: pg_catalog.Table, known: Known) -> tuple[KnownScope | None, tuple[str, ...]]:
    """The scope that fewest foreign keys lead to, and their columns with that of the root's key.

    None where the row is a person's who need not give that foreign key: it is theirs alone then, and would not be told.
    """
    scope, path = _led_to(table, known)
    return (None, ()) if path and _is_perhaps(table, path[0]) else (scope, path)


def _is_perhaps(table: pg_catalog.Table, column: str) -> bool:
    """Whether somebody owns the rows, and those with a null in the column are of no scope."""
    return table.columns[column].nullable and own_of(table) is not None


def own_of(table: pg_catalog.Table) -> str | None:
    """The column that is the caller by default."""
    return next((name for name in table.columns if table.columns[name].default == "auth.uid()"), None)


def _led_to(table: pg_catalog.Table, known: Known) -> tuple[KnownScope | None, tuple[str, ...]]:
    found = [
        (scope, (*key.columns, *path))
        for scope in known.scopes
        for key in table.foreign_keys
        if len(key.columns) == 1 and (path := scope.paths.get(key.to)) is not None
    ]
    if not found or table.view:
        return None, ()
    return min(found, key=lambda each: len(each[1]))


class _Drafting:
    def __init__(self, table: pg_catalog.Table, class_name: str, type_name: str, known: Known, key: str) -> None:
        self._table, self._class_name, self._type_name, self._known, self._key = (
            table,
            class_name,
            type_name,
            known,
            key,
        )
        self._notes: list[str] = []
        self._imports: dict[str, set[str]] = {}
        self._choices: list[Choices] = []
        self._values: dict[str, tuple[str, ...]] = {}
        # A column called like a type of the module `datetime` would hide it from the columns below.
        self._qualified = bool({"date", "datetime", "time"} & table.columns.keys())

    def drafted(self) -> Draft:
        table = self._table
        fields = [each for column in table.columns.values() for each in self._field(column)]
        fields += self._computed()
        relations, others = self._relations(fields)
        scope, path = scope_of(table, self._known)
        shown = {each.column for each in fields}
        own = own_of(table)
        unsaid, there = _led_to(table, self._known) if scope is None else (None, ())
        if unsaid is not None:
            line = f"scope={unsaid.constant}.via({', '.join(map(quoted, there))})"
            self._notes.append(
                f"{there[0]} may be null and each row is somebody's own ({own}), so changes are told to nobody. If "
                f"those of rows with a {unsaid.noun} shall be told to all who share it, write {line} into @table(…) "
                f"in place of unheard=POLLED, with `from {unsaid.module} import {unsaid.constant}`, and "
                'changes="…" into crud(…).'
            )
        every = table.granted(PEOPLE, "select") == table.columns.keys()
        order = self._order(shown, path)
        return Draft(
            table=table,
            class_name=self._class_name,
            type_name=self._type_name,
            key=self._key,
            fields=tuple(fields),
            choices=tuple(self._choices),
            relations=tuple(relations),
            others=tuple(others),
            order=order,
            unique=tuple(self._unique(shown)),
            scope=scope,
            path=path,
            own=own,
            search=self._search(),
            hidden=not table.view and not every,
            writes=() if table.view else tuple(self._writes()),
            imports={module: frozenset(names) for module, names in self._imports.items()},
            notes=tuple(self._notes),
            enums=self._values,
        )

    # Columns ----------------------------------------------------------------------------------------------------------

    def _field(self, column: pg_catalog.Column) -> Iterator[Field]:
        if column.name not in self._table.granted(PEOPLE, "select") or column.type == "tsvector":
            return
        name = naming.attribute(column.name)
        arguments = []
        key = self._table.foreign_key(column.name)
        if key is not None and not column.name.endswith("_id") and column.name != self._key:
            name = f"{name}_id"
        annotation = self._annotation(column)
        if annotation is None:
            return
        if name != column.name:
            arguments.append(f'"{column.name}"')
        if not self._table.view:
            arguments += self._write(column)
        if column.type.startswith("numeric(") and annotation.startswith("Decimal"):
            whole, _, behind = column.type.removeprefix("numeric(").removesuffix(")").partition(",")
            arguments.append(f"digits=({int(whole)}, {int(behind or 0)})")
        if self._is_long(column):
            arguments.append("long=True")
        if self._table.view and arguments:
            arguments.insert(name != column.name, "write=NEVER")
        yield Field(name, column.name, annotation, tuple(arguments))

    def _annotation(self, column: pg_catalog.Column) -> str | None:
        values = self._table.values(column.name)
        plain = re.sub(r"\(.*?\)", "", column.type).rpartition(".")[2]
        nullable = " | None" * (column.nullable and not self._table.view)
        if values and (column.labels or plain in {"text", "integer", "smallint"}) and column.name != self._key:
            return self._enum(column, values, plain) + nullable
        if plain not in _ANNOTATIONS:
            advice = f" Make it {_INSTEAD[plain]}." if plain in _INSTEAD else ""
            lost = ""
            if not (column.nullable or column.filled) and "insert" in self._writes():
                lost = " It must be given to each new row all the same: give it a default."
            self._notes.append(f"{column.name} is {column.type}, of which the API has no kind.{advice}{lost}")
            return None
        annotation, module = _ANNOTATIONS[plain]
        if module == "datetime" and self._qualified:
            self._imports.setdefault("datetime as dt", set())
            return f"dt.{annotation}{nullable}"
        if module is not None:
            self._imports.setdefault(module, set()).add(annotation.removeprefix("list[").removesuffix("]"))
        return annotation + nullable

    def _enum(self, column: pg_catalog.Column, values: tuple[str, ...], plain: str) -> str:
        name = self._class_name + naming.class_name(column.name)
        members: dict[str, str] = {}
        for value in values:
            is_text = bool(column.labels) or plain == "text"
            members[naming.member(value, members)] = quoted(value) if is_text else value
        description = column.comment or f"The {naming.words(column.name)} of a {naming.words(self._singular)}."
        self._choices.append(Choices(name, column.name, description, tuple(members.items())))
        self._values[column.name] = values
        self._imports.setdefault("enum", set()).add("Enum")
        self._imports.setdefault("strawberry", set())
        return name

    def _write(self, column: pg_catalog.Column) -> Iterator[str]:
        """How `write=…` says what may be written; of what may be freely, nothing."""
        inserted = column.name in self._table.granted(PEOPLE, "insert")
        updated = column.name in self._table.granted(PEOPLE, "update") and column.name != self._key
        # The gateway and Postgres know these by themselves.
        known = (column.name == self._key and column.filled) or column.default == "auth.uid()"
        needed = inserted and not (column.nullable or column.filled)
        if known or not (inserted or updated):
            yield "write=NEVER"
        elif not inserted:
            yield "write=Write(creatable=False, required=False, patchable=True)"
        elif not updated:
            yield f"write=on_create(required={needed})"
        elif needed:
            yield "write=REQUIRED"

    def _is_long(self, column: pg_catalog.Column) -> bool:
        """Whether no check keeps texts as short as a URL takes; keys, and what refers to one, travel in URLs anyway."""
        name = column.name
        if column.type != "text" or name in self._values or self._table.view:
            return False
        if name == self._key or self._table.foreign_key(name) is not None:
            return False
        length = re.compile(_LENGTH.pattern.format(re.escape(name)))
        for check in self._table.checks.values():
            if any(int(most) - (sign == "<") <= SHORT for sign, most in length.findall(check.check)):
                return False
            # A pattern that takes up the whole text and repeats nothing without an end.
            for pattern in re.findall(rf"\b{re.escape(name)} ~ '(\^.*\$)'", check.check):
                if not re.search(r"[*+]|,\}", pattern):
                    return False
        return True

    def _computed(self) -> Iterator[Field]:
        """Functions of a row that return one value which the API can hold."""
        for function in self._table.functions.values():
            usable = PEOPLE in function.roles and function.volatility != "volatile" and not function.names
            plain = re.sub(r"\(.*?\)", "", function.returns)
            if not usable or plain not in _ANNOTATIONS or plain == "jsonb" or _GENERATED.match(function.name):
                continue
            annotation, module = _ANNOTATIONS[plain]
            if module == "datetime" and self._qualified:
                annotation = f"dt.{annotation}"
            elif module is not None:
                self._imports.setdefault(module, set()).add(annotation.removeprefix("list[").removesuffix("]"))
            yield Field(naming.attribute(function.name), function.name, f"{annotation} | None", (), "computed_column")

    # Relations --------------------------------------------------------------------------------------------------------

    def _relations(self, fields: list[Field]) -> tuple[list[Relation], list[Relation]]:
        taken = {each.attribute for each in fields}
        relations, others = [], []
        shown = {each.column for each in fields}
        for key in self._table.foreign_keys:
            if len(key.columns) != 1:
                self._notes.append(f"The foreign key {key.name} is of several columns; relations follow one.")
                continue
            (column,) = key.columns
            if column not in shown or key.to.startswith("auth."):
                continue
            target = self._type_name if key.to == self._table.qualified else self._known.types.get(key.to)
            if target is None:
                self._notes.append(
                    f"{column} refers to {said(key.to)}, over which no type is declared, so there is no relation. "
                    f"Add that table first, or declare the relation later."
                )
                continue
            name = naming.singular(key.to.rpartition(".")[2]) if column == self._key else column.removesuffix("_id")
            name = naming.attribute(name)
            if name in taken:
                name = f"{name}_row"
            taken.add(name)
            words = naming.words(naming.singular(key.to.rpartition(".")[2]))
            comment = self._table.columns[column].comment if column != self._key else None
            relations.append(Relation(name, "to_one", target, column, comment or f"Its {words}."))
            others.append(self._other(key, column, name))
        return relations, others

    def _other(self, key: pg_catalog.ForeignKey, column: str, relation: str) -> Relation:
        """The relation from the other side."""
        one = self._table.is_unique(column)
        name = self._singular if one else self._table.name
        same = [each for each in self._table.foreign_keys if each.to == key.to and len(each.columns) == 1]
        if len(same) > 1 or key.to == self._table.qualified:
            name = f"{name}_by_{relation}"
        words = naming.words(self._singular if one else self._table.name)
        made_by = "has_one" if one else "to_many"
        return Relation(naming.attribute(name), made_by, self._type_name, column, f"Its {words}.", key.to)

    # The table as a whole ---------------------------------------------------------------------------------------------

    def _order(self, shown: set[str], path: tuple[str, ...]) -> tuple[str, ...]:
        """The default order: of an index behind a foreign key where there is one, the newest first otherwise."""
        referring = {column for key in self._table.foreign_keys for column in key.columns}
        # Rows of one trip are listed more often than those of one person.
        for index in sorted(self._table.indexes, key=lambda each: each.columns[:1] != path[:1]):
            keys = list(index.keys)
            if index.method != "btree" or index.where is not None or keys[0] not in referring:
                continue
            while keys and keys[0] in referring:
                keys.pop(0)
            names = [key.removesuffix(" desc") for key in keys]
            if keys and shown.issuperset(names) and self._key not in names and not index.unique:
                return tuple(keys)
        return ("created_at desc",) if "created_at" in shown else ()

    def _unique(self, shown: set[str]) -> Iterator[tuple[str, ...]]:
        """The keys by which rows can be looked up, in the order of their indexes."""
        for index in self._table.indexes:
            columns = index.columns
            if frozenset(columns) in self._table.unique_keys and shown.issuperset(columns):
                yield columns

    def _search(self) -> str | None:
        words = [name for name, column in self._table.columns.items() if column.type == "tsvector"]
        functions = [name for name, each in self._table.functions.items() if each.returns == "tsvector"]
        return next(iter([*words, *functions]), None)

    def _writes(self) -> Iterator[str]:
        for privilege in ("insert", "update"):
            if self._table.granted(PEOPLE, privilege):
                yield privilege
        if self._table.may(PEOPLE, "delete"):
            yield "delete"

    @property
    def _singular(self) -> str:
        return naming.singular(self._table.name)
