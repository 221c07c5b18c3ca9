"""Types that rows are written from."""

import functools
from collections.abc import Callable
from typing import Any

from gql.catalog import catalog
from gql.derive.type_builder import Field, annotation_of, make_input
from gql.descriptions import describe
from gql.forward_types import list_of, optional
from gql.table import Column, Relation, Table


@functools.cache
def create_type(type_name: str) -> type:
    """`Create<Type>Input`: what has no sensible default is required; rows that refer to the new one may come along."""
    return make_input(f"Create{type_name}Input", _create_fields(catalog[type_name]), f"A new `{type_name}`.")


@functools.cache
def create_related_type(type_name: str, field: str) -> type:
    """`Create<Type><Field>Input`, as in `CreateTripItemsInput`: what it refers to goes without saying."""
    relation = catalog[type_name].relations[field]
    fields = _create_fields(catalog[relation.target], without=relation.via)
    description = f"A new `{relation.target}` of a new `{type_name}`."
    return make_input(f"Create{type_name}{field[0].upper()}{field[1:]}Input", fields, description)


@functools.cache
def patch_type(type_name: str) -> type:
    """`<Type>Patch`: absent means unchanged, null means null."""
    table = catalog[type_name]
    fields = {
        column.field: Field(_input_of(column, required=False), describe(table.name, column.name))
        for column in table.columns.values()
        if column.patchable
    }
    description = f"Changes to a `{type_name}`. A field left out stays as it is; null makes it null."
    return make_input(f"{type_name}Patch", fields, description)


@functools.cache
def upsert_type(type_name: str, lookup: str | None) -> type:
    """`Upsert<Type>Input`: as for a new row, but the columns of the key that `lookup` finds rows by are required."""
    table = catalog[type_name]
    (key,) = (key for key in table.unique if lookup in {None, key.lookup})
    fields = {
        column.field: Field(
            _input_of(column, required=column.required or column.name in key.asked), describe(table.name, column.name)
        )
        for column in table.columns.values()
        if column.creatable
    }
    asked = " and ".join(f"`{table.by_sql_name[name].field}`" for name in key.asked)
    description = f"A `{type_name}`, the one with this {asked} where there is one. A field left out stays as it is."
    return make_input(f"Upsert{type_name}Input", fields, description)


def _create_fields(table: Table, *, without: str | None = None) -> dict[str, Field]:
    fields = {
        column.field: Field(_input_of(column, required=column.required), describe(table.name, column.name))
        for column in table.columns.values()
        if column.creatable and column.name != without
    }
    along = [relation for relation in table.relations.values() if relation.creatable]
    for relation in along:
        if catalog.crosses(table, relation):
            raise ValueError(
                f"{table.type_name}.{relation.field}: rows of another Postgres schema are not made along with these; "
                "leave create=True out"
            )
    return fields | {relation.field: _related_input(table, relation) for relation in along}


def _related_input(table: Table, relation: Relation) -> Field:
    return Field(
        lambda: optional(list_of(create_related_type(table.type_name, relation.field))),
        f"New `{relation.target}` rows that belong to it: all are created, or nothing is.",
    )


def _input_of(column: Column, *, required: bool) -> Callable[[], Any]:
    annotation = annotation_of(column)
    return lambda: annotation if required else optional(annotation)
