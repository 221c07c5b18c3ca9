"""Which nulls mean an error and nothing else: `trips: TripConnection @semanticNonNull`.

A root field that could not be null would take the answers of all others along when it fails. So all can be, and those
that are null only beside an error say so with the directive of https://specs.apollo.dev/nullability/v0.4, which Apollo
Kotlin, Relay and graphql-codegen read.
"""

import strawberry
from strawberry.schema_directive import Location
from strawberry.types.unset import UNSET


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="semanticNonNull",
    description="Null here comes with an error whose path leads here, and never without; level 0 is the field, 1 the "
    "entries of its list.",
)
class SemanticNonNull:
    """`@semanticNonNull`, which `semantic_non_null()` makes for a field as such.

    Attributes:
        levels: Of lists inside each other, those that are meant.
    """

    levels: list[int] = (0,)  # type: ignore[assignment]  # a default of a dataclass must not change


_OF_THE_FIELD = SemanticNonNull(levels=UNSET)  # the schema does not repeat the default


def semantic_non_null() -> list[object]:
    """The directives of a field that is null only beside an error."""
    return [_OF_THE_FIELD]
