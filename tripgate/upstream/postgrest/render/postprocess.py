"""What PostgREST cannot answer as a plan wants it, and what is done with its rows afterwards.

Few reads need any of it: those of aggregates in parts, and those that want the values of related keys.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from tripgate.planner.plan import Embed, Read, related_key
from tripgate.upstream.postgrest.merge import Part, merge
from tripgate.upstream.postgrest.render.grouping import grouped

Row = dict[str, Any]

VALUE = "v"
"""Where in the object that stands for a related key its value is."""


@dataclass(frozen=True, slots=True)
class Postprocessing:
    """From PostgREST's rows of a read to those that the plan asks for; called with them, once.

    Attributes:
        parts: How rows of totals become one; empty where they are no totals.
        keys: The aliases of related keys, which PostgREST answers as objects.
        below: The same for embeds, by alias.
    """

    parts: tuple[Part, ...]
    keys: tuple[str, ...]
    below: tuple[tuple[str, "Postprocessing"], ...]

    def __call__(self, rows: list[Row]) -> list[Row]:
        if self.parts:
            return [merge(self.parts, rows)]
        for row in rows:
            for key in self.keys:
                row[key] = (value := row[key]) and value[VALUE]
            for alias, process in self.below:
                found = row[alias]
                if isinstance(found, list):
                    row[alias] = process(found)
                elif found is not None:
                    process([found])
        return rows


def without_postprocessing(read: Read) -> tuple[Read, Postprocessing | None]:
    """The read as PostgREST can answer it, and what is to be done with its rows.

    Raises:
        ApiError: BAD_USER_INPUT for what it cannot answer at all.
    """
    parts: tuple[Part, ...] = ()
    if read.aggregates:
        read, parts = grouped(read)
    keys = tuple(related_key(number) for number, key in enumerate(read.order) if key.path) if read.keys else ()
    embeds: list[Embed] = []
    below: list[tuple[str, Postprocessing]] = []
    changed = False
    for embed in read.embeds:
        inner, process = without_postprocessing(embed.read)
        if process is not None:
            below.append((embed.alias, process))
        if inner is not embed.read:
            changed = True
            embeds.append(dataclasses.replace(embed, read=inner))
        else:
            embeds.append(embed)
    if changed:
        read = dataclasses.replace(read, embeds=tuple(embeds))
    return read, Postprocessing(parts, keys, tuple(below)) if parts or keys or below else None
