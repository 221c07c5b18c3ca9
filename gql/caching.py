"""Which answers may be cached, by declaration: `@table("tags", cache=CacheControl(60, InvalidatedBy.OWN_WRITES))`.

The schema shows it as Apollo's directive `@cacheControl`, and it means what it means there: an answer may be cached for
as long as the field with the least `maxAge` says. A field or type without the directive is not cached.
"""

from dataclasses import dataclass
from enum import Enum

import strawberry
from strawberry.schema_directive import Location
from strawberry.types.unset import UNSET


class InvalidatedBy(Enum):
    """What removes an answer with a row from the cache once the row has changed."""

    SCOPE_TOPIC = "messages on the Realtime topic of the scope that the row belongs to"
    OWN_WRITES = "the owner's own writes: nobody else sees the row or writes it"
    GATEWAY_WRITES = "writes that pass through a gateway; others are noticed when the answer expires"


@dataclass(frozen=True, slots=True)
class CacheControl:
    """How long an answer with such rows may be cached, and what invalidates it earlier.

    Attributes:
        seconds: At most so long; with 0 an answer with it is not cached at all, though live queries hear of what it
            depends on.
        invalidated_by: What invalidates it when a row changes.
        depends_on: Other tables, by their SQL names, whose changes alter such a row or who may see it: those that its
            policies look into, those that what is computed from it adds up, those whose deletions it follows.
    """

    seconds: int
    invalidated_by: InvalidatedBy = InvalidatedBy.GATEWAY_WRITES
    depends_on: tuple[str, ...] = ()


NOT_CACHED = CacheControl(0)
"""For a field that has another value each time, like one that looks at the clock."""


@strawberry.enum(description="Whom a cached answer may be shown to.")
class CacheControlScope(Enum):
    """Apollo's scopes; everything here is seen through somebody's policies, so it is PRIVATE."""

    PUBLIC = strawberry.enum_value("PUBLIC", description="Anybody.")
    PRIVATE = strawberry.enum_value("PRIVATE", description="Only the person whom it was made for.")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT, Location.INTERFACE, Location.UNION],
    name="cacheControl",
    description="How long an answer with this may be cached, in seconds; see docs/caching.md.",
)
class CacheControlDirective:
    """`@cacheControl(maxAge: 60, scope: PRIVATE)`.

    Attributes:
        inherit_max_age: Whether it may be cached for as long as what it is part of.
    """

    max_age: int | None = UNSET
    scope: CacheControlScope | None = UNSET
    inherit_max_age: bool | None = UNSET


def directives(control: CacheControl | None) -> list[object]:
    """The schema directives of a field's declaration."""
    if control is None:
        return []
    return [CacheControlDirective(max_age=control.seconds, scope=CacheControlScope.PRIVATE)]


def type_directives(control: CacheControl | None) -> list[object]:
    """The schema directives of a type's declaration: none where nothing is cached, which goes without saying."""
    return directives(control) if control is not None and control.seconds else []


def inherited() -> list[object]:
    """The schema directive of a part that may be cached for as long as its whole."""
    return [CacheControlDirective(inherit_max_age=True)]
