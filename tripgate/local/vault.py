"""The secrets that the stack keeps in the database's Vault, where jobs look them up by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Mapping

_DESCRIPTION = "Kept by Tripgate at each start."


def keep(database_url: str, secrets: Mapping[str, str]) -> None:
    """Create the secrets that are missing and update those that say something else.

    Does nothing in a database that an older version made without a Vault: whoever starts it is told to make it anew.

    Args:
        database_url: A connection string of the superuser.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        if connection.execute("select to_regclass('vault.secrets')").fetchone() == (None,):
            return
        try:
            query = "select name, id, decrypted_secret from vault.decrypted_secrets where name = any (%s)"
            found = {name: (identity, text) for name, identity, text in connection.execute(query, [list(secrets)])}
        except psycopg.DataError:  # of another key: they are ours to make anew
            connection.execute("delete from vault.secrets where name = any (%s)", [list(secrets)])
            found = {}
        for name, text in secrets.items():
            if name not in found:
                connection.execute("select vault.create_secret(%s, %s, %s)", [text, name, _DESCRIPTION])
            elif found[name][1] != text:
                connection.execute("select vault.update_secret(%s, %s)", [found[name][0], text])
