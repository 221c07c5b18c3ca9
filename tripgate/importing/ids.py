"""The ids of rows: the same for the same old record, run after run. Postgres has no SHA-1, so they are made here."""

import json
from uuid import UUID, uuid5

# Of this program; never to be changed.
NAMESPACE = UUID("7d1a8f1e-6a0f-5c39-9d0c-3f0d4f9b2f61")


def id_of(system: str, table: str, owner: UUID | None, old: str) -> UUID:
    """The uuid, version 5, of a record.

    Args:
        table: With its schema.
        owner: Who owns it here, where old ids are somebody's.
        old: The record's old key, as `key_of` writes it.
    """
    # As JSON no two lists of names can be read as one.
    return uuid5(NAMESPACE, json.dumps([system, table, str(owner) if owner else "", old], ensure_ascii=False))


def key_of(parts: list[str]) -> str:
    """One text for the fields that identify a record."""
    return parts[0] if len(parts) == 1 else json.dumps(parts, ensure_ascii=False)
