"""The usual root fields of a table in one line, and what a module of `resolvers` offers.

```python
DOMAIN = domain(crud("Tag", upsert=True), crud("PlaceTag", upsert=True), TagQuery)
```

What a line does not say follows from the type's declaration in `gql/types`, so both are read when the schema is put
together, once every type is declared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import strawberry
from strawberry.utils.str_converters import to_snake_case

from gql.catalog import catalog
from gql.declared_at import caller, named
from gql.table import Table
from resolvers.declared import (
    DeclaredField,
    changes,
    create,
    create_many,
    delete,
    delete_many,
    grouped,
    lookup,
    many,
    one,
    update,
    update_many,
    upsert,
)

QUERY, MUTATION, SUBSCRIPTION = ROOTS = ("Query", "Mutation", "Subscription")


@dataclass(frozen=True, slots=True)
class Crud:
    """The root fields of one table; `crud` says which."""

    type_name: str
    reads: bool
    writes: bool
    upsert: bool
    changes: str | None
    declared_at: str = field(default="", compare=False)

    def types(self) -> list[type]:
        """Strawberry types that hold the fields, one for each root type that has some.

        Raises:
            ValueError: The type is not declared, or has no unique key to upsert by, or several.
        """
        with named(self.declared_at):
            return self._types()

    def _types(self) -> list[type]:
        table = catalog.get(self.type_name)
        if table is None:
            # The class of a table outside of `public` is called without the prefix of its schema.
            near = [name for name in catalog.by_type if name.endswith(self.type_name)]
            meant = f"; do you mean {near[0]}?" if near else ""
            raise ValueError(f"crud({self.type_name!r}): gql/types declares no such type{meant}")
        by_root: dict[str, dict[str, DeclaredField]] = {
            QUERY: self._reads(table) if self.reads else {},
            MUTATION: self._writes(table) if self.writes else {},
            SUBSCRIPTION: {},
        }
        if self.changes is not None:
            by_root[SUBSCRIPTION][f"{to_snake_case(table.singular)}_changes"] = changes(
                self.type_name, description=self.changes
            )
        return [
            strawberry.type(type(f"{self.type_name}{root}", (), dict(fields)))
            for root, fields in by_root.items()
            if fields
        ]

    def _reads(self, table: Table) -> dict[str, DeclaredField]:
        """One by its key and by each unique key; and all, plainly and in groups."""
        name, rows = to_snake_case(table.singular), to_snake_case(table.plural)
        return {
            name: one(self.type_name),
            **{to_snake_case(key.lookup): lookup(self.type_name) for key in table.unique},
            rows: many(self.type_name),
            f"{rows}_grouped": grouped(self.type_name),
        }

    def _writes(self, table: Table) -> dict[str, DeclaredField]:
        """What some column may be written for; and deleting."""
        if table.read_only:
            return {}
        name, rows = to_snake_case(table.singular), to_snake_case(table.plural)
        made: dict[str, DeclaredField] = {}
        if any(column.creatable for column in table.columns.values()):
            made[f"create_{name}"] = create(self.type_name)
            if self.upsert:
                if len(table.unique) != 1:
                    raise ValueError(
                        f"crud({self.type_name!r}, upsert=True): the type must have one unique key, "
                        f"not {len(table.unique)}; declare the field itself: upsert({self.type_name!r}, by=…)"
                    )
                made[f"upsert_{name}"] = upsert(self.type_name)
            made[f"create_{rows}"] = create_many(self.type_name)
        elif self.upsert:
            raise ValueError(f"crud({self.type_name!r}, upsert=True): no column of the type may be created")
        if any(column.patchable for column in table.columns.values()):
            made[f"update_{name}"] = update(self.type_name)
            made[f"update_{rows}"] = update_many(self.type_name)
        return {**made, f"delete_{name}": delete(self.type_name), f"delete_{rows}": delete_many(self.type_name)}


def crud(
    type_name: str, *, reads: bool = True, writes: bool = True, upsert: bool = False, changes: str | None = None
) -> Crud:
    """The usual root fields of a table; those that are unlike them are declared one by one, in a class beside it.

    Args:
        reads: Whether there are `tag`, `tagBy…` for each unique key, `tags` and `tagsGrouped`.
        writes: Whether there are `createTag`, `createTags` (where some column may be given to a new row),
            `updateTag`, `updateTags` (where some may be changed), `deleteTag` and `deleteTags`.
        upsert: Whether there is `upsertTag` too, by the type's only unique key.
        changes: Describes the subscription `tagChanges`, where there is one.
    """
    if upsert and not writes:
        raise ValueError(f"crud({type_name!r}): an upsert is a write")
    return Crud(type_name, reads, writes, upsert, changes, caller())


@dataclass(frozen=True, slots=True)
class Domain:
    """What one module of `resolvers` offers; `domain` makes it."""

    parts: Sequence[Crud | type]
    position: int

    def types(self) -> list[type]:
        """Strawberry types whose fields become those of the root types that their names end with, in order."""
        return [each for part in self.parts for each in (part.types() if isinstance(part, Crud) else [part])]


def domain(*parts: Crud | type, position: int = 1000) -> Domain:
    """What a module offers, assigned to its name `DOMAIN`: that is all it takes to be part of the schema.

    Args:
        parts: In the order of the schema: lines of `crud`, and Strawberry types called `…Query`, `…Mutation` or
            `…Subscription`.
        position: Where the fields stand in the schema as it is printed: behind those of smaller positions, and of one
            position by the modules' names.
    """
    return Domain(parts, position)
