"""Rendered requests as people read them: with what is percent-encoded decoded."""

from collections.abc import Iterable
from urllib.parse import unquote

from tripgate.gateway.schema import graphql_schema

graphql_schema()  # fills the catalog


def parameters(text: str) -> str:
    """A parameter, or a whole path."""
    return unquote(text)


def shown(found: Iterable[str]) -> list[str]:
    """Each of several parameters."""
    return [parameters(text) for text in found]
