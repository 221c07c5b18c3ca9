"""Identifiers across all types, as Relay wants them: opaque text that names a type and a key."""

import base64
import binascii
import uuid

from gql.errors import bad_input
from gql.table import Catalog, Kind

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
        return type_name, _key(catalog[type_name].key.kind, key)
    except (binascii.Error, ValueError, KeyError):
        raise bad_input("nodeId is not an identifier of this API.", field="nodeId") from None


def _key(kind: Kind, text: str) -> str:
    """A key of this kind as its column holds it. Raises ValueError where no column could."""
    if kind is Kind.UUID:
        return str(uuid.UUID(text))
    if kind is Kind.BIGINT:
        if (number := int(text)) not in _INT64:
            raise ValueError(text)
        return str(number)
    if "\0" in text:
        raise ValueError(text)
    return text
