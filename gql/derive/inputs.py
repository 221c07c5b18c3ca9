"""Types that rows are written from."""

import functools
from collections.abc import Callable
from typing import Any

import strawberry

from gql.derive.making import Field, annotation_of, make
from gql.descriptions import describe
from gql.late import optional
from gql.table import Column, catalog


@functools.cache
def create_type(type_name: str) -> type:
    """`Create<Type>Input`: what has no sensible default is required."""
    table = catalog[type_name]
    fields = {
        column.field: Field(_input_of(column, required=column.required), describe(table.name, column.name))
        for column in table.columns.values()
        if column.creatable
    }
    return make(f"Create{type_name}Input", fields, f"A new `{type_name}`.", strawberry.input)


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
    return make(f"{type_name}Patch", fields, description, strawberry.input)


def _input_of(column: Column, *, required: bool) -> Callable[[], Any]:
    annotation = annotation_of(column)
    return lambda: annotation if required else optional(annotation)
