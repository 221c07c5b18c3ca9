"""Scopes: the rows on which people share, by declaration.

```python
TRIP = scope(
    "trip",
    root="Trip",
    owner="user_id",
    members=(Membership("Collaborator", via="trip_id", person="user_id"),),
    description="The trip.",
)
```

Whoever takes part in such a row hears of changes in it: of the row itself, which is the scope's root, and of the rows
of all tables that name the scope. They travel on one Realtime topic for each root row, called after the scope and the
row's key, as in `trip:0b8a…`. Subscriptions, presence, the relay, the answer cache and the generated triggers read it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class Unheard(Enum):
    """Why live queries need not hear of changes that no topic tells everybody of who sees the row."""

    REFERENCE = "migrations alone change the rows"
    POLLED = "live queries read the rows again and again"


REFERENCE = Unheard.REFERENCE
POLLED = Unheard.POLLED


@dataclass(frozen=True, slots=True)
class Membership:
    """Rows that let people take part.

    Attributes:
        type_name: The GraphQL type over the table, which is itself in the scope.
        via: The column with the root's key.
        person: The column with the id of the person.
    """

    type_name: str
    via: str
    person: str


@dataclass(frozen=True, slots=True)
class Scope:
    """One kind of row on which people share.

    Attributes:
        name: What topics begin with, before a colon and the root's key. With its underscores as spaces it is also what
            messages call the row, unless `short` is.
        root: The GraphQL type of the row.
        description: What the argument that names the row says.
        owner: The root's column with the id of the person whose it is; `None` where it is nobody's.
        members: The tables by whose rows others take part.
        of_person: Whether the root is a person, who alone hears of it, whoever else may see the row. On such a topic
            people are told of the memberships that they gain and lose in all other scopes.
        short: What arguments and messages call the row, where topics say more: `run` for `ai_run`.
        declared_at: Its file and line.
    """

    name: str
    root: str
    description: str
    owner: str | None = None
    members: tuple[Membership, ...] = ()
    of_person: bool = False
    short: str | None = None
    declared_at: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in (self.name, self.called):
            if not _NAME.fullmatch(name):
                raise ValueError(f"a scope is called like a column, in lower case, and not {name!r}")

    def via(self, *columns: str) -> "Via":
        """What a table says whose column holds the root's key: `@table("trip_items", scope=TRIP.via("trip_id"))`.

        A table without such a column names the foreign keys that lead there, `TRIP.via("trip_item_id", "trip_id")`,
        each with a to-one relation. Finding the root then takes a look at each table between, and what goes with one of
        those is not told.
        """
        return Via(self, columns)

    def through(self, relation: str, *, always: bool = True) -> "Through":
        """What a table says whose rows are seen where a to-many relation of theirs leads: `TRIP.through("items")`.

        There people are told that a row has changed, and its key; not the row, which may be somebody else's. `always`
        says whether everybody who sees where it leads sees the row.
        """
        return Through(self, relation, always)

    def topic(self, key: Any) -> str:
        """The topic of one row, by its key."""
        return f"{self.name}:{key}"

    @property
    def called(self) -> str:
        """What arguments call it."""
        return self.name if self.short is None else self.short

    @property
    def noun(self) -> str:
        """What people call such a row."""
        return self.called.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Via:
    """How a table finds its scope.

    Attributes:
        columns: Its column with the root's key, behind the foreign keys that lead to the table which has it.
    """

    scope: Scope
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Through:
    """Where else a row is seen.

    Attributes:
        relation: The GraphQL name of a to-many relation to its root, or to a table with a column that holds its key.
        always: Whether whoever sees where that leads sees the row.
    """

    scope: Scope
    relation: str
    always: bool = True


@dataclass(frozen=True, slots=True)
class Streamed:
    """A text of a row that is told piece by piece while it is being written: what a table says that has one.

    Whoever writes it sends each piece on the topic of the row's scope, as an event `delta` whose payload is the row's
    key under the name `row`, `offset`, the code points before the piece, and `text`; and puts the text into the row now
    and then, and in the end.

    Attributes:
        column: With the text, which only grows while the row is open.
        state: With what says whether the text is still being written.
        open: What `state` says while it is.
        row: What a piece calls the key of its row, as in `message_id`.
    """

    column: str
    state: str
    open: str
    row: str


class Scopes:
    """The scopes of a program.

    Attributes:
        by_name: Each by what its topics begin with.
        of_person: The scope whose roots are people.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, Scope] = {}
        self.of_person: Scope | None = None

    def add(self, scope: Scope) -> None:
        """Register a scope. Topics tell scopes apart by their names, and people have one topic each."""
        if scope.name in self.by_name:
            raise ValueError(f"the scope {scope.name} is declared twice")
        if scope.of_person:
            if self.of_person is not None:
                raise ValueError(f"{scope.name}: {self.of_person.name} is the scope of a person already")
            self.of_person = scope
        self.by_name[scope.name] = scope

    def of(self, topic: str) -> Scope | None:
        """The scope of a topic."""
        return self.by_name.get(topic.partition(":")[0])

    def __iter__(self) -> Iterator[Scope]:
        return iter(self.by_name.values())
