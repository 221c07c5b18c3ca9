"""Identifiers across all types, as Relay wants them: opaque text that names a type and a key."""

import base64
import binascii
import uuid

from gql.catalog import Catalog
from gql.errors import bad_input
from gql.table import Kind

_INT64 = range(-(2**63), 2**63)


def encode(type_name: str, key: str) -> str:
    """The identifier of a row."""
    return base64.urlsafe_b64encode(f"{type_name}:{key}".encode()).decode().rstrip("=")


def decode(catalog: Catalog, node_id: str) -> tuple[str, str]:
    """The type and the key in an identifier, the key as a row holds it.

    Raises:
        ApiError: BAD_USER_INPUT for text that this API never made.
    """
    try:
        text = base64.b64decode(node_id.encode() + b"=" * (-len(node_id) % 4), altchars=b"-_", validate=True).decode()
        type_name, _, key = text.partition(":")
        return type_name, key_text(catalog[type_name].key.kind, key)
    except (binascii.Error, ValueError, KeyError):
        raise bad_input("nodeId is not an identifier of this API.", field="nodeId") from None


def key_text(kind: Kind, given: object) -> str:
    """A key of this kind as its column holds it.

    Raises:
        ValueError: No column could hold it.
    """
    if kind is Kind.BIGINT and type(given) is int:
        given = str(given)
    if not isinstance(given, str):
        raise ValueError(given)
    if kind is Kind.UUID:
        return str(uuid.UUID(given))
    if kind is Kind.BIGINT:
        if (number := int(given)) not in _INT64:
            raise ValueError(given)
        return str(number)
    if "\0" in given:
        raise ValueError(given)
    given.encode()  # a lone surrogate is a ValueError too
    return given
