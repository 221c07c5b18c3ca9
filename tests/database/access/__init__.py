"""Who may do what with the rows of each table, and of what the rows are made: one file a table.

```toml
row = { user_id = "$profiles", name = "windy" }
insert = { user_id = "$profiles", name = "calm" }
change = { name = "taken" }

[may]
#         owner  editor  viewer  stranger  anonymous  service
select = "1      0       0       0         N          1"
insert = "1      P       P       P         N          1"
update = "1      0       0       0         N          1"
delete = "1      0       0       0         N          1"
```

`row` is the owner's row, and the stranger's; it is left out where an account comes with one. `insert` is the row that
is tried, by default such a one again, and `change` what an update sets. `$profiles` stands for the key of the owner's
row in that table (`$household.couples` in another schema), `$companion` for the key of a third person, `$hash` for
64 hexadecimal digits, `$name` for a new name and `$vector` for an embedding. Below `[may]` stands for each actor how
many of the owner's rows are reached, or how it is refused: N where nothing is granted, P by a policy, or an SQLSTATE.
`before` is a statement that the actor runs before inserting. Where the table has checks, `[refused]` holds for each of
them what it refuses of an update, as in `tags_name_check = [{ name = "" }]`.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from gql import pg_catalog

Actor = Literal["owner", "editor", "viewer", "stranger", "anonymous", "service"]
Command = Literal["select", "insert", "update", "delete"]
Row = Mapping[str, Any]

NOT_GRANTED = "not granted"
AGAINST_POLICY = "against policy"

_OUTCOMES = {"N": NOT_GRANTED, "P": AGAINST_POLICY}


@dataclass(frozen=True)
class Access:
    """What a file says.

    Attributes:
        name: Of the table, with its schema unless that is `public`.
    """

    name: str
    row: Row | None
    insert: Row
    change: Row
    before: str
    may: Mapping[tuple[str, Actor], int | str]
    refused: Mapping[str, Sequence[Row]]

    @property
    def table(self) -> pg_catalog.Table:
        """What Postgres knows of the table."""
        found = pg_catalog.loaded().table(self.name)
        assert found is not None, f"there is no table {self.name}"
        return found

    @property
    def needs(self) -> set[str]:
        """The tables in which the owner must have a row first."""
        return {str(value)[1:] for value in (self.row or {}).values() if str(value).startswith("$")}

    @property
    def replaces(self) -> bool:
        """Whether there is room for what is inserted only without the row that is there."""
        row = self.row or {}
        same = {name for name, value in self.insert.items() if self.row is None or row.get(name) == value}
        return any(index.unique and same.issuperset(index.columns) for index in self.table.indexes)


@functools.cache
def loaded() -> dict[str, Access]:
    """Every file's, by the table, and each behind those that its row refers to."""
    files = {file.stem: file for file in Path(__file__).parent.glob("*.toml")}
    left = {name: parsed(name, file.read_text(encoding="utf-8")) for name, file in sorted(files.items())}
    found: dict[str, Access] = {}
    while left:
        ready = [name for name, access in left.items() if access.needs.isdisjoint(left)]
        assert ready, f"the rows of {', '.join(left)} refer to each other in a circle"
        found |= {name: left.pop(name) for name in ready}
    return found


def parsed(name: str, text: str) -> Access:
    """A file's content. Raises AssertionError that says what is missing."""
    said = tomllib.loads(text)
    may: dict[tuple[str, Actor], int | str] = {}
    actors: tuple[Actor, ...] = get_args(Actor)
    for command in get_args(Command):
        cells = said["may"][command].split()
        assert len(cells) == len(actors), f"{name}.toml: {command} must say something of each of {', '.join(actors)}"
        for actor, cell in zip(actors, cells, strict=True):
            may[command, actor] = int(cell) if re.fullmatch(r"\d", cell) else _OUTCOMES.get(cell, cell)
    row = said.get("row")
    return Access(
        name, row, said.get("insert", row), said["change"], said.get("before", ""), may, said.get("refused", {})
    )
