"""SQL text with numbered parameters, while it is written and when it is done."""

from dataclasses import dataclass, field
from functools import cache

from gql.catalog import catalog
from gql.schemas import bare, schema_of
from gql.table import by_function


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        values: What `$1`, `$2`, … stand for, as the text that Postgres reads each from.
    """

    text: str
    values: tuple[bytes, ...] = ()


@dataclass(slots=True)
class Writing:
    """A statement that is being written.

    Attributes:
        values: Those bound so far.
    """

    values: list[bytes] = field(default_factory=list)
    _aliases: int = 0

    def bind(self, value: str) -> str:
        """The parameter that stands for a value. Postgres infers its type from where it stands."""
        self.values.append(value.encode())
        return f"${len(self.values)}"

    def alias(self) -> str:
        """A fresh alias of a table."""
        self._aliases += 1
        return f"t{self._aliases}"

    def statement(self, text: str) -> Statement:
        """What was written."""
        return Statement(text, tuple(self.values))


def identifier(name: str) -> str:
    """A declared name, quoted."""
    return '"' + name.replace('"', '""') + '"'


def column(alias: str, name: str) -> str:
    """A column of a row, or what a function of the row makes of it: SQL writes both alike."""
    return f"{alias}.{identifier(name)}"


def qualified(name: str) -> str:
    """A table, a view or a function by its declared name, which outside of `public` says its schema."""
    return f"{identifier(schema_of(name))}.{identifier(bare(name))}"


def joined(table: str, alias: str, via: str, other: str, other_alias: str, *, many: bool) -> str:
    """The condition under which a row of the other table belongs to a row of this one.

    Args:
        via: The foreign key's column, on whichever side it is.
        many: Whether several rows can belong to it.
    """
    if (function := by_function(via)) is not None:
        # Found by the row's key, since what is joined or selected from need not be a row of the table any more; and as
        # an array, which is made once a row and then looked up.
        key, found = catalog.key_of(table), catalog.key_of(other)
        schema, dot, _ = table.rpartition(".")
        rows = f"{qualified(table)} as p, lateral {qualified(f'{schema}{dot}{function}')}(p) as f"
        return (
            f"{column(other_alias, found)} = any (array("
            f"select {column('f', found)} from {rows} where {column('p', key)} = {column(alias, key)}))"
        )
    if many or is_theirs(table, via, other):
        return f"{column(other_alias, via)} = {column(alias, catalog.key_of(table))}"
    return f"{column(other_alias, catalog.key_of(other))} = {column(alias, via)}"


@cache
def is_theirs(table: str, via: str, other: str) -> bool:
    """Whether the foreign key of a relation to one row is that row's own."""
    return any(
        relation.theirs and relation.via == via and catalog[relation.target].name == other
        for mapped in catalog
        if mapped.name == table
        for relation in mapped.relations.values()
    )


def array(values: tuple[str, ...]) -> str:
    """The literal of an array."""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"
