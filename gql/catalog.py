"""Every mapped type, and what follows from all of them together: who refers to whom, who takes part where.

`gql.declare` fills it as `gql.types` is imported.
"""

from collections.abc import Iterable, Iterator, Mapping

from gql.schemas import DEFAULT
from gql.scope import Scope, Scopes
from gql.table import WHOLE, Relation, Sort, Table


class Catalog:
    """Every mapped type, by its GraphQL name. Relations are looked up here, so modules may refer to each other.

    Attributes:
        partly_hidden: The names of tables of which nobody may read whole rows.
        scopes: The rows on which people share.
        streamed: The table whose text is told piece by piece on the topics of a scope, by the scope's name.
        several_schemas: Whether there are tables outside of `public`.
        listed: The types of which some root field reads a list; `None` where no program says so.
    """

    def __init__(self) -> None:
        self.by_type: dict[str, Table] = {}
        self._by_name: dict[str, Table] = {}
        self._by_field: dict[str, Table] = {}
        self.partly_hidden: set[str] = set()
        self.streamed: dict[str, Table] = {}
        self.scopes = Scopes()
        self.several_schemas = False
        self.listed: set[str] | None = None

    def add(self, table: Table) -> None:
        """Register a type.

        Raises:
            ValueError: Its name, or that of one of its root fields, is another's. Neither may win.
        """
        if (other := self.by_type.get(table.type_name)) is not None:
            raise ValueError(
                f"{table.type_name} is declared twice: over {other.name} and over {table.name}. "
                "Call one of the classes otherwise."
            )
        for name in (table.singular, table.plural, *(key.lookup for key in table.unique)):
            if (other := self._by_field.setdefault(name, table)) is not table:
                raise ValueError(
                    f"{name} would be a root field of both {other.type_name} over {other.name} and {table.type_name} "
                    f'over {table.name}. Call one otherwise, with table(…, plural="…") or by its class.'
                )
        if table.streamed is not None and table.scope is not None:
            other = self.streamed.setdefault(table.scope.name, table)
            if other is not table:
                said = f"on the topics of {table.scope.name} pieces of {other.type_name} are told already"
                raise ValueError(f"{table.type_name}: {said}")
        self.by_type[table.type_name] = table
        self._by_name[table.name] = table
        self.several_schemas |= table.schema != DEFAULT
        if table.hidden_columns:
            self.partly_hidden.add(table.name)

    def __getitem__(self, type_name: str) -> Table:
        return self.by_type[type_name]

    def get(self, type_name: str) -> Table | None:
        """The mapping of a type, or `None` for a type that no table stands behind."""
        return self.by_type.get(type_name)

    def named(self, name: str) -> Table:
        """The mapping of a table by its name in SQL."""
        return self._by_name[name]

    def find(self, name: str) -> Table | None:
        """The same; `None` for what is no mapped table."""
        return self._by_name.get(name)

    def crosses(self, table: Table, relation: Relation) -> bool:
        """Whether a relation leads to a table of another Postgres schema, so that only rows can be read over it."""
        return self.several_schemas and self.by_type[relation.target].schema != table.schema

    def embedded_view(self, target: Table, schema: str, columns: Iterable[str] = ()) -> str | None:
        """The view by which rows of a table come along with those of another schema that refer to them.

        `None` where there is none, or it lacks one of these columns.
        """
        said = target.embedded_as
        if said is None or not {target.primary_key, *said.columns}.issuperset(columns):
            return None
        return f"{schema}.{said.view}" if schema != DEFAULT else said.view

    def list_at_root(self, type_name: str) -> None:
        """Take note of a root field that reads a list."""
        self.listed = {*(self.listed or ()), type_name}

    def views_of(self, table: Table) -> Mapping[tuple[Sort, ...], str]:
        """The table's views in order, where a root field reads from them: nothing else does."""
        return table.views if self.listed is None or table.type_name in self.listed else {}

    def members_of(self, scope: Scope) -> frozenset[str]:
        """The tables by whose rows people take part in a scope."""
        return frozenset(self.by_type[each.type_name].name for each in scope.members)

    def left_by(self, table: Table) -> "Iterator[tuple[Scope, str]]":
        """The scopes in which people take part by rows of a table, each with the column that has the root's key."""
        for scope in self.scopes:
            for each in scope.members:
                if self.by_type[each.type_name] is table:
                    yield scope, each.via

    def owner_of(self, table: Table) -> str | None:
        """The column with the person whose a row is, of a table whose rows are the roots of a scope."""
        return next((each.owner for each in self.scopes if each.root == table.type_name and not each.of_person), None)

    def told_to_person(self) -> "list[Table]":
        """The tables whose changes are told on a person's own topic: their own rows', and those of what they join."""
        return [
            table
            for table in self
            if (table.scope is not None and table.scope.of_person)
            or self.owner_of(table) is not None
            or any(table.name in self.members_of(scope) for scope in self.scopes)
        ]

    def behind(self, table: Table, column: str) -> Table | None:
        """The table that a foreign key of another one leads to, where a to-one relation says so."""
        return next(
            (
                self.by_type[each.target]
                for each in table.relations.values()
                if each.via == column and not each.many and not each.theirs and each.target in self.by_type
            ),
            None,
        )

    def key_of(self, name: str) -> str:
        """The primary key's column of a table, or of the relation by which a row of it embeds itself."""
        table = self._by_name.get(name) or self._by_name.get(name.replace(WHOLE, "", 1))
        return "id" if table is None else table.primary_key

    def schemas(self) -> tuple[str, ...]:
        """The Postgres schemas of all tables, `public` first."""
        found = {table.schema for table in self.by_type.values()}
        return (DEFAULT, *sorted(found - {DEFAULT}))

    def __iter__(self) -> Iterator[Table]:
        return iter(self.by_type.values())


catalog = Catalog()
"""The program's own types, filled as `gql.types` is imported."""
