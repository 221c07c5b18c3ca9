"""Derive the types that follow from a table: connections, filters, orders, inputs and patches.

Every function is memoised by name, so one GraphQL type stays one class, and types may refer to each other in a circle.
"""

from gql.derive.filters import filter_type, order_type
from gql.derive.inputs import create_type, patch_type
from gql.derive.making import argument, key_argument, row_argument
from gql.derive.outputs import (
    change_type,
    connection_arguments,
    connection_type,
    object_field,
    presence_type,
    relation_field,
)

__all__ = [
    "argument",
    "change_type",
    "connection_arguments",
    "connection_type",
    "create_type",
    "filter_type",
    "key_argument",
    "object_field",
    "order_type",
    "patch_type",
    "presence_type",
    "relation_field",
    "row_argument",
]
