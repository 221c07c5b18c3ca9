"""What root fields offer of each table, read from the types that hold them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from strawberry.utils.str_converters import to_camel_case

from resolvers.declared.base import DeclaredField
from resolvers.declared.changes import Changes
from resolvers.declared.functions import FunctionRows
from resolvers.declared.queries import Many
from resolvers.declared.upserts import Upsert
from resolvers.declared.writes import Create, DeleteOne, Update
from resolvers.declared.writes_many import DeleteMany, UpdateMany

_WRITES: tuple[tuple[type[DeclaredField], tuple[str, ...]], ...] = (
    (Create, ("insert",)),
    (Upsert, ("insert",)),
    (Update, ("update",)),
    (UpdateMany, ("update",)),
    (DeleteOne, ("delete",)),
    (DeleteMany, ("delete",)),
)


@dataclass(slots=True)
class Offer:
    """The root fields over one table, by their names.

    Attributes:
        writes: Those that insert, update or delete.
        lists: Those that list its rows.
        changes: Those that tell of its changes.
    """

    writes: dict[str, list[str]] = field(default_factory=dict)
    lists: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


def offers(types: Iterable[type]) -> dict[str, Offer]:
    """By GraphQL type, what the fields of these Strawberry types offer."""
    found: dict[str, Offer] = {}
    for each in _fields(types):
        privileges = [privilege for kind, privileges in _WRITES if isinstance(each, kind) for privilege in privileges]
        if isinstance(each, Upsert) and any(column.patchable for column in each.table.columns.values()):
            privileges.append("update")
        lists = isinstance(each, Many) and not isinstance(each, FunctionRows)
        changes = isinstance(each, Changes)
        if not (privileges or lists or changes):
            continue
        offer = found.setdefault(each.table.type_name, Offer())
        name = each.graphql_name or to_camel_case(each.python_name)
        for privilege in privileges:
            offer.writes.setdefault(privilege, []).append(name)
        offer.lists += [name] if lists else []
        offer.changes += [name] if changes else []
    return found


def _fields(types: Iterable[type]) -> list[DeclaredField]:
    definitions = [each.__strawberry_definition__ for each in types]  # type: ignore[attr-defined]
    return [each for definition in definitions for each in definition.fields if isinstance(each, DeclaredField)]
