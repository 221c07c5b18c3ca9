"""Declare a GraphQL type over a table: one class is the mapping, the Strawberry type and its documentation.

```python
@table("trips", order_by=("created_at desc",))
class Trip:
    id: UUID = column(write=NEVER)
    title: str = column(write=REQUIRED)
    start_date: date | None
    items = to_many("TripItem", via="trip_id", description="What happens, day by day.")
```

Annotations say type and nullability; the field's name is the column's in camel case unless `column("name")` says
otherwise. Descriptions come from the SQL comments (`gql/pg_catalog.json`). Connection, filter, order and input types
are derived from the result by `gql.derive`.
"""

import datetime as dt
import decimal
import types
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, TypeVar

import strawberry
from strawberry.types.base import has_object_definition
from strawberry.utils.str_converters import to_camel_case

from gql import declared_at, derive
from gql.caching import CacheControl, directives, type_directives
from gql.catalog import catalog
from gql.descriptions import describe
from gql.fields import (
    FREELY,
    NEVER,
    REQUIRED,
    ColumnDeclaration,
    ComputedDeclaration,
    OutsideFieldDeclaration,
    PythonFieldDeclaration,
    RelationDeclaration,
    UniqueKeyDeclaration,
    Write,
    column,
    computed,
    computed_column,
    has_one,
    on_create,
    outside_field,
    python_field,
    to_many,
    to_one,
    unique,
)
from gql.forward_types import declare_object_type, defining, optional
from gql.scalars import JSON, BigInt, Interval, Vector
from gql.schemas import PUBLIC, PostgresSchema
from gql.scope import POLLED, REFERENCE, Membership, Scope, Streamed, Through, Unheard, Via
from gql.scope_checks import check_scope
from gql.table import (
    KEYS,
    Choices,
    Column,
    Computed,
    EmbeddedAs,
    Kind,
    OutsideField,
    PythonField,
    Relation,
    Sort,
    Table,
    UniqueKey,
    by_function,
)

__all__ = [
    "FREELY",
    "NEVER",
    "POLLED",
    "REFERENCE",
    "REQUIRED",
    "EmbeddedAs",
    "Node",
    "Streamed",
    "Write",
    "column",
    "computed",
    "computed_column",
    "has_one",
    "on_create",
    "outside_field",
    "python_field",
    "scope",
    "table",
    "to_many",
    "to_one",
    "unique",
]

T = TypeVar("T")

_KINDS: dict[object, Kind] = {
    str: Kind.TEXT,
    uuid.UUID: Kind.UUID,
    int: Kind.INT,
    decimal.Decimal: Kind.NUMERIC,
    bool: Kind.BOOLEAN,
    dt.date: Kind.DATE,
    dt.datetime: Kind.DATETIME,
    JSON: Kind.JSON,
    list[str]: Kind.TEXT_ARRAY,
    BigInt: Kind.BIGINT,
    float: Kind.DOUBLE,
    dt.time: Kind.TIME,
    Interval: Kind.INTERVAL,
    list[uuid.UUID]: Kind.UUID_ARRAY,
    list[int]: Kind.INT_ARRAY,
}


def scope(
    name: str,
    *,
    root: str,
    description: str,
    owner: str | None = None,
    members: tuple[Membership, ...] = (),
    of_person: bool = False,
    short: str | None = None,
) -> Scope:
    """Declare rows on which people share; see `gql.scope`."""
    made = Scope(name, root, description, owner, members, of_person, short, declared_at.caller())
    catalog.scopes.add(made)
    return made


def table(
    name: str,
    *,
    schema: PostgresSchema = PUBLIC,
    order_by: tuple[str, ...] = (),
    ordered_views: tuple[str, ...] = (),
    plural: str | None = None,
    hidden_columns: bool = False,
    key: str = "id",
    keys: tuple[UniqueKeyDeclaration, ...] = (),
    search: str | None = None,
    cache: CacheControl | None = None,
    read_only: bool = False,
    written_by_functions: bool = False,
    scope: Scope | Via | None = None,
    seen_in: tuple[Through, ...] = (),
    unheard: Unheard | None = None,
    embedded_as: EmbeddedAs | None = None,
    streamed: Streamed | None = None,
) -> Callable[[type[T]], type[T]]:
    """Map a class to the table `name`. The type is called like the class, behind the prefix of its schema.

    Args:
        name: The SQL table.
        schema: The Postgres schema that it is in. Below, names of root fields get its prefix too, never twice.
        order_by: The default order, as in `("created_at desc",)`; SQL's own places for nulls.
        ordered_views: Other orders of one key, as in `("start_date",)`, in which lists with lists in each row are often
            asked for. For them, and for the default order of a type with such lists, `make schema` writes views.
        plural: The root field of many, where it is not the table's name in camel case.
        hidden_columns: Whether nobody may read some column, so that the table's rows cannot be counted as wholes.
        key: The primary key's column: a uuid, a text or a bigint, which never changes. Fields that find a row take an
            argument of its name.
        keys: The unique keys beside the primary one, as in `(unique("user_id", "name", own="user_id"),)`.
        search: The function of the row, or column, that gives the words that `filter: { search }` looks through.
        cache: Whether answers with its rows may be cached, for those who want that.
        read_only: Whether it is a view: no input offers its columns, and no root field may write it. It needs a key all
            the same, whose values no two rows share, and `security_invoker`, so that policies decide about its rows.
        written_by_functions: Whether nobody but functions of the database writes it, not with a secret key either: that
            reads it, and calls them. No input offers its columns.
        scope: On whose topics changes of its rows are told: of the scope whose root it is, or of the one whose root's
            key stands in a column, as in `TRIP.via("trip_id")`, or in one of a table that foreign keys lead to.
        seen_in: Where else its rows are seen, as in `(TRIP.through("items"),)`: there it is told that one has changed.
        unheard: For a table whose changes no topic tells: `REFERENCE` where migrations alone change its rows, `POLLED`
            to have live queries of it read again and again. Without either, and without a scope, nothing starts.
        embedded_as: What of its rows comes along with rows of other schemas that refer to them, by a view in each of
            those, which `make schema` writes. Where more is selected, they are read by a request of their own.
        streamed: Its text that is told piece by piece while it is being written: its changes are then such pieces too.
    """

    def declare(cls: type[T]) -> type[T]:
        declared = declared_at.caller()
        hints = typing.get_type_hints(cls)
        marks = {key: value for key, value in vars(cls).items() if isinstance(value, RelationDeclaration)}
        columns = {
            made.field: made
            for made in (
                _column(key, hint, getattr(cls, key, ColumnDeclaration(None, NEVER if read_only else FREELY)))
                for key, hint in hints.items()
                if _without_none(hint)[0] is not Vector
            )
        }
        relations = {
            to_camel_case(key): Relation(
                to_camel_case(key), mark.target, mark.via, mark.many, mark.creatable, mark.theirs
            )
            for key, mark in marks.items()
        }
        objects = {key: value for key, value in vars(cls).items() if isinstance(value, ComputedDeclaration)}
        methods = {key: value for key, value in vars(cls).items() if isinstance(value, PythonFieldDeclaration)}
        outside = {key: value for key, value in vars(cls).items() if isinstance(value, OutsideFieldDeclaration)}
        default_order = tuple(_sort(text) for text in order_by)
        listed = default_order and any(
            relation.many and by_function(relation.via) is None for relation in relations.values()
        )
        type_name = schema.type_name(cls.__name__)
        path = scope.columns if isinstance(scope, Via) else () if scope is None else (key,)
        mapping = Table(
            type_name=type_name,
            name=schema.qualified(name),
            singular=type_name[0].lower() + type_name[1:],
            plural=schema.field_name(plural or to_camel_case(name)),
            columns=columns,
            relations=relations,
            computed={to_camel_case(key): _computed(key, mark.target) for key, mark in objects.items()},
            default_order=default_order,
            search=search,
            hidden_columns=hidden_columns,
            primary_key=key,
            read_only=read_only,
            written_by_functions=written_by_functions,
            never_selected=tuple(each for each, hint in hints.items() if _without_none(hint)[0] is Vector),
            python={to_camel_case(key): _python(key, mark, columns) for key, mark in methods.items()},
            outside={
                to_camel_case(key): OutsideField(to_camel_case(key), mark.needs, mark.source, mark.check, mark.alone)
                for key, mark in outside.items()
            },
            unique=tuple(_key(type_name, each, columns.values(), schema) for each in keys),
            ordered_views=((default_order,) if listed else ()) + tuple((_sort(text),) for text in ordered_views),
            cache=cache,
            scope=scope.scope if isinstance(scope, Via) else scope,
            scope_via=path[0] if len(path) == 1 else "",
            scope_path=path,
            seen_in=seen_in,
            unheard=unheard,
            embedded_as=embedded_as,
            streamed=streamed,
            declared_at=declared,
            field_caches={
                to_camel_case(key): control
                for key, mark in vars(cls).items()
                if (control := getattr(mark, "cache", None)) is not None
            },
        )
        _check_key(mapping)
        check_scope(mapping, scope)
        catalog.add(mapping)
        made = _strawberry_type(cls, mapping, marks, {**objects, **methods}, outside)
        declare_object_type(mapping.type_name, made)
        return made

    return declare


def _check_key(mapping: Table) -> None:
    """Make sure that rows can be named by their primary key, and that a view offers nothing to write and has what is
    embedded.

    Raises:
        ValueError: They cannot.
    """
    written = [column.field for column in mapping.columns.values() if column.creatable or column.patchable]
    if mapping.read_only and written:
        raise ValueError(f"{mapping.type_name}.{written[0]}: nobody writes a view; leave write=… out")
    if mapping.written_by_functions and written:
        raise ValueError(
            f"{mapping.type_name}.{written[0]}: functions alone write {mapping.name}; say write=NEVER of each column"
        )
    key = mapping.by_sql_name.get(mapping.primary_key)
    if key is None:
        raise ValueError(f'{mapping.type_name} has no column {mapping.primary_key}; name its key: table(…, key="…")')
    if key.kind not in KEYS or key.nullable:
        raise ValueError(f"{mapping.type_name}.{key.field}: a primary key is a uuid, a text or a bigint, never null")
    if key.patchable:
        raise ValueError(
            f"{mapping.type_name}.{key.field}: a primary key never changes; say write=NEVER or on_create(…)"
        )
    for name in mapping.embedded_as.columns if mapping.embedded_as is not None else ():
        if name not in mapping.by_sql_name or mapping.by_sql_name[name].computed:
            raise ValueError(f"{mapping.type_name} has no column {name}, which embedded_as names")
    for relation in mapping.relations.values():
        if relation.theirs and relation.target == mapping.type_name:
            raise ValueError(
                f"{mapping.type_name}.{relation.field}: PostgREST cannot tell the ends of a table's unique key to "
                "itself apart; leave has_one(…) out, and look the row up by its key"
            )
    brings = any(relation.creatable for relation in mapping.relations.values())
    if brings and key.kind is not Kind.UUID and not key.required:
        raise ValueError(
            f"{mapping.type_name}.{key.field}: rows that bring others along need keys that are known before they are "
            "made: uuids, or write=on_create(required=True)"
        )


def _sort(text: str) -> Sort:
    name, _, direction = text.partition(" ")
    return Sort.parse(name, direction or "asc")


def _column(key: str, hint: Any, mark: ColumnDeclaration) -> Column:
    annotation, nullable = _without_none(hint)
    is_enum = isinstance(annotation, type) and issubclass(annotation, Enum)
    if not is_enum and annotation not in _KINDS:
        kinds = ", ".join(getattr(kind, "__name__", str(kind)) for kind in _KINDS)
        raise ValueError(f"{key}: no column is {annotation!r}; it is an Enum, or one of {kinds}")
    return Column(
        field=to_camel_case(key),
        name=mark.name or key,
        kind=Kind.ENUM if is_enum else _KINDS[annotation],
        nullable=nullable,
        enum=annotation if is_enum else None,
        choices=_choices(annotation) if is_enum else None,
        creatable=mark.write.creatable,
        required=mark.write.required,
        patchable=mark.write.patchable,
        computed=mark.computed,
        digits=mark.digits,
        long=mark.long,
    )


def _python(key: str, mark: PythonFieldDeclaration, columns: Mapping[str, Column]) -> PythonField:
    needs = tuple((attribute, columns[to_camel_case(attribute)]) for attribute in mark.needs)
    return PythonField(to_camel_case(key), needs, mark.function)


def _key(type_name: str, mark: UniqueKeyDeclaration, columns: Iterable[Column], schema: PostgresSchema) -> UniqueKey:
    """A unique key; by default its lookup is called after the columns that are asked for, references without `Id`."""
    fields = {column.name: column.field for column in columns}
    named = "And".join(
        fields[name][0].upper() + fields[name][1:].removesuffix("Id") for name in mark.columns if name != mark.own
    )
    lookup = mark.lookup or f"{type_name[0].lower()}{type_name[1:]}By{named}"
    return UniqueKey(mark.columns, schema.field_name(lookup), mark.own)


def _computed(key: str, target: type, *, many: bool = False) -> Computed:
    keys: dict[str, tuple[str, Choices | None]] = {}
    objects = {}
    for name, hint in typing.get_type_hints(target).items():
        annotation, _ = _without_none(hint)
        inside = typing.get_args(annotation)[0] if typing.get_origin(annotation) is list else annotation
        if has_object_definition(inside):
            objects[to_camel_case(name)] = _computed(name, inside, many=inside is not annotation)
            continue
        is_enum = isinstance(annotation, type) and issubclass(annotation, Enum)
        keys[to_camel_case(name)] = (name, _choices(annotation) if is_enum else None)
    return Computed(to_camel_case(key), key, target.__name__, keys, objects, many)


def _choices(enum: type[Enum]) -> Choices:
    return tuple((member.value, member.name) for member in enum)


def _without_none(hint: Any) -> tuple[Any, bool]:
    arguments = typing.get_args(hint)
    # `| None` makes a `typing.Union` of what a NewType is called by.
    if typing.get_origin(hint) in {types.UnionType, typing.Union} and type(None) in arguments:
        (annotation,) = (argument for argument in arguments if argument is not type(None))
        return annotation, True
    return hint, False


@strawberry.interface(description="Anything that has a row of its own, after Relay's object identification.")
class Node:
    """Relay's Node."""

    node_id: strawberry.ID = strawberry.field(
        description="This object's identifier across all types, for Relay and other caches."
    )


def _strawberry_type(
    cls: type[T],
    mapping: Table,
    marks: dict[str, RelationDeclaration],
    objects: dict[str, ComputedDeclaration | PythonFieldDeclaration],
    outside: dict[str, OutsideFieldDeclaration],
) -> type[T]:
    """Turn the class into the Strawberry type of the same name."""
    hints = {key: hint for key, hint in cls.__annotations__.items() if key not in mapping.never_selected}
    for key, hint in tuple(hints.items()):
        sql_name = mapping.columns[to_camel_case(key)].name
        if mapping.columns[to_camel_case(key)].kind in {Kind.JSON, Kind.DOUBLE}:
            # What is stored may be nothing that JSON can say, as NaN is: then null stands there.
            hints[key] = optional(hint)
        deprecated = getattr(getattr(cls, key, None), "deprecated", None)
        made_field = strawberry.field(description=describe(mapping.name, sql_name), deprecation_reason=deprecated)
        setattr(cls, key, made_field)
    for key, mark in marks.items():
        setattr(cls, key, derive.relation_field(mark.target, mark.description, mark.deprecated, many=mark.many))
    for key, computed_mark in objects.items():
        made_of = (
            typing.get_type_hints(computed_mark.function)["return"]
            if isinstance(computed_mark, PythonFieldDeclaration)
            else computed_mark.target
        )
        setattr(cls, key, derive.object_field(made_of, computed_mark.description, computed_mark.deprecated))
    for key, outside_mark in outside.items():
        setattr(cls, key, derive.outside_field(outside_mark.returns, outside_mark.arguments, outside_mark.description))
    for key, value in vars(cls).items():
        if (control := mapping.field_caches.get(to_camel_case(key))) is not None:
            value.directives = directives(control)
    body = {key: value for key, value in vars(cls).items() if key not in {"__dict__", "__weakref__"}}
    # A type of its own that follows `Node`, whose `nodeId` leads: Relay's clients look for it first.
    made = type(mapping.type_name, (Node,), {**body, "__annotations__": hints})
    with defining():
        finished = strawberry.type(made, description=describe(mapping.name), directives=type_directives(mapping.cache))
    return typing.cast(type[T], finished)
