"""The SQL comments of tables and columns, which describe types and fields, and of checks, which are told to whoever
breaks them."""

import functools
from collections.abc import Mapping

from gql import pg_catalog


def describe(table: str, part: str = "") -> str | None:
    """The comment of a table, or of one of its columns, checks or functions of a row; `None` where there is none.

    Args:
        table: Its name, with its schema unless that is `public`.
    """
    return _comments().get(table if "." in table else f"{pg_catalog.PUBLIC}.{table}", {}).get(part)


@functools.cache
def _comments() -> Mapping[str, Mapping[str, str | None]]:
    # Of the plain data, since every start needs comments and nothing else of it.
    found = pg_catalog.raw()
    comments: dict[str, dict[str, str | None]] = {}
    for name, table in found["tables"].items():
        parts = {**table.get("columns", {}), **table.get("checks", {})}
        comments[name] = {"": table.get("comment"), **{part: said.get("comment") for part, said in parts.items()}}
    for signature, function in found["functions"].items():
        row_of = function.get("types", ())
        if len(row_of) == 1 and row_of[0] in comments:
            comments[row_of[0]][signature.partition("(")[0].partition(".")[2]] = function.get("comment")
    return comments
