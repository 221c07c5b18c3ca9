"""Which answers may be kept, by declaration: `@table("tags", cache=CacheControl(60, told=Told.TO_OWNER))`.

The schema shows it as Apollo's directive `@cacheControl`, and it means what it means there: an answer may be kept for
as long as the most fleeting of its fields. What says nothing is not kept.
"""

from dataclasses import dataclass
from enum import Enum

import strawberry
from strawberry.schema_directive import Location
from strawberry.types.unset import UNSET


class Told(Enum):
    """How the gateway learns that somebody else has changed a row."""

    ON_TRIP = "on the private topic of the trip that it belongs to"
    TO_OWNER = "not at all: nobody but its owner sees it or writes it"
    NOWHERE = "by writes that pass through the gateway alone"


@dataclass(frozen=True, slots=True)
class CacheControl:
    """How long an answer with such rows may be kept, and what ends that earlier.

    Attributes:
        seconds: At most so long; 0 keeps an answer with it from being kept at all.
        told: How changes are learned of.
        depends_on: Other tables, by their SQL names, whose changes alter such a row or who may see it: those that its
            policies look into, those that what is computed from it adds up, those whose deletions it follows.
    """

    seconds: int
    told: Told = Told.NOWHERE
    depends_on: tuple[str, ...] = ()


NOT_KEPT = CacheControl(0)
"""Of a field that means something else each time, like one that looks at the clock."""


@strawberry.enum(description="Whom a kept answer may be shown to.")
class CacheControlScope(Enum):
    """Apollo's scopes; everything here is seen through somebody's policies, so it is PRIVATE."""

    PUBLIC = strawberry.enum_value("PUBLIC", description="Anybody.")
    PRIVATE = strawberry.enum_value("PRIVATE", description="Only the person whom it was made for.")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT, Location.INTERFACE, Location.UNION],
    name="cacheControl",
    description="How long an answer with this may be kept, in seconds; see docs/caching.md.",
)
class CacheControlDirective:
    """`@cacheControl(maxAge: 60, scope: PRIVATE)`.

    Attributes:
        inherit_max_age: Whether it may be kept for as long as what it is part of.
    """

    max_age: int | None = UNSET
    scope: CacheControlScope | None = UNSET
    inherit_max_age: bool | None = UNSET


def directives(control: CacheControl | None) -> list[object]:
    """What the schema shows of a declaration."""
    if control is None:
        return []
    return [CacheControlDirective(max_age=control.seconds, scope=CacheControlScope.PRIVATE)]


def inherited() -> list[object]:
    """What the schema shows of a part that is as fleeting as its whole."""
    return [CacheControlDirective(inherit_max_age=True)]
