"""Derive the types that follow from a table: connections, filters, orders, inputs and patches.

Every function is memoised by name, so one GraphQL type stays one class, and types may refer to each other in a circle.
"""

from gql.derive.aggregates import group_arguments, group_type
from gql.derive.filters import filter_type, order_type
from gql.derive.inputs import create_type, patch_type, upsert_type
from gql.derive.outputs import (
    MISSED,
    change_type,
    connection_arguments,
    connection_type,
    left_name,
    object_field,
    outside_field,
    own_change_type,
    presence_type,
    relation_field,
)
from gql.derive.type_builder import annotation_of, argument, key_argument, row_argument, scope_argument, scope_key_name

__all__ = [
    "MISSED",
    "annotation_of",
    "argument",
    "change_type",
    "connection_arguments",
    "connection_type",
    "create_type",
    "filter_type",
    "group_arguments",
    "group_type",
    "key_argument",
    "left_name",
    "object_field",
    "order_type",
    "outside_field",
    "own_change_type",
    "patch_type",
    "presence_type",
    "relation_field",
    "row_argument",
    "scope_argument",
    "scope_key_name",
    "upsert_type",
]
