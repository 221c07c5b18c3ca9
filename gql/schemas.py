"""The Postgres schemas of the API, each with the prefix by which its types and root fields are told apart.

A table outside of `public` is called with its schema, as in `household.couples`, wherever tables are told apart by
name: in plans, changes, caches and errors. What asks Postgres or PostgREST takes the two apart again.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PostgresSchema:
    """A schema of the database that the API reads and writes.

    Attributes:
        prefix: What begins the names of its types, as in `HouseholdCouple`; empty for none.
    """

    name: str
    prefix: str = ""

    def qualified(self, table: str) -> str:
        """What a table or a function of the schema is called among those of all schemas: in `public` by its name."""
        return table if self.name == DEFAULT else f"{self.name}.{table}"

    def type_name(self, name: str) -> str:
        """The name of a type in the API: `HouseholdCouple` for `Couple`."""
        return name if self._begins(name) else self.prefix + name

    def field_name(self, name: str) -> str:
        """The name of a root field in the API, verbs apart: `householdCouples` for `couples`."""
        if self._begins(name):
            return name
        return f"{self.prefix[0].lower()}{self.prefix[1:]}{name[0].upper()}{name[1:]}"

    def _begins(self, name: str) -> bool:
        """Whether a name begins with the prefix as a word of its own, or with several of it, as `meetings` does."""
        first, rest = self.prefix[:1], self.prefix[1:]
        return re.match(rf"(?i:{first}){rest}s?(?![a-z])", name) is not None if self.prefix else True


DEFAULT = "public"
"""The schema whose tables go by their names alone, and the first that PostgREST is told of."""

PUBLIC = PostgresSchema(DEFAULT)
HOUSEHOLD = PostgresSchema("household", "Household")
TOGETHER = PostgresSchema("together", "Together")
INSIGHTS = PostgresSchema("insights", "Insight")
MEETINGS = PostgresSchema("meetings", "Meeting")
BACKOFFICE = PostgresSchema("backoffice", "Admin")


def schema_of(name: str) -> str:
    """The schema in the name of a table or a function, as plans have it."""
    schema, _, _ = name.rpartition(".")
    return schema or DEFAULT


def bare(name: str) -> str:
    """The name of a table or a function within its schema."""
    return name.rpartition(".")[2]
