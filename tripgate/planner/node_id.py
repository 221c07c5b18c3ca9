"""Identifiers across all types, as Relay wants them: opaque text that names a type and a key."""

import base64
import binascii
import uuid

from gql.errors import bad_input


def encode(type_name: str, key: str) -> str:
    """The identifier of a row."""
    return base64.urlsafe_b64encode(f"{type_name}:{key}".encode()).decode().rstrip("=")


def decode(node_id: str) -> tuple[str, uuid.UUID]:
    """The type and the key in an identifier.

    Raises:
        ApiError: BAD_USER_INPUT for text that this API never made.
    """
    try:
        text = base64.b64decode(node_id.encode() + b"=" * (-len(node_id) % 4), altchars=b"-_", validate=True).decode()
        type_name, _, key = text.partition(":")
        return type_name, uuid.UUID(key)
    except (binascii.Error, ValueError):
        raise bad_input("nodeId is not an identifier of this API.", field="nodeId") from None
