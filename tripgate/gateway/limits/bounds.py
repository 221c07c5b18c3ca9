"""The limits as plain numbers."""

from dataclasses import dataclass

from gql.errors import ApiError, ErrorCode
from tripgate.planner.paging import DEFAULT_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class PageSizes:
    """How many rows a page has.

    Attributes:
        default: Where a connection names no size.
        largest: The most that a page or a list of inputs may have, and groups have that name no size. Anything larger
            is refused when it is planned.
    """

    default: int = DEFAULT_PAGE_SIZE
    largest: int = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for, at most. The defaults are the settings' own.

    Attributes:
        length: Characters of a document.
        tokens: Tokens of a document.
        depth: Fields inside each other, a root field being the first.
        selections: Fields and fragments of all operations of a document, each spread counted as what it stands for.
        root_fields: Root fields of an operation, merged.
        aliases: Aliases of an operation, and `directives` its directives, fragments expanded.
        introspection_depth: Fields inside each other, `__schema` or `__type` being the first.
        introspection_lists: Lists of the schema's parts inside each other, as `args` in `fields` in `types`.
        introspection_selections: What `selections` counts, of all that is below `__schema` and `__type`.
        input_depth: Objects and lists inside each other, in an argument or a variable.
        input_list: Entries of a list in an argument or a variable.
        input_values: Objects, lists and plain values in all arguments and variables of an operation, each as often as
            it is used.
        conditions: What the filters and cursors of an operation may test together; alternatives in one list are one.
        validation_errors: Mistakes in a document that are told; a document with more is refused with these.
        cost: What an operation may cost; see `docs/limits.md`.
    """

    length: int = 65_536
    tokens: int = 2000
    depth: int = 12
    selections: int = 1000
    root_fields: int = 20
    aliases: int = 30
    directives: int = 50
    introspection_depth: int = 20
    introspection_lists: int = 3
    introspection_selections: int = 400
    input_depth: int = 32
    input_list: int = 2000
    input_values: int = 7500
    conditions: int = 200
    validation_errors: int = 20
    cost: int = 10_000
    pages: PageSizes = PageSizes()


def exceeded(
    code: ErrorCode, message: str, limit: int, found: int | None = None, *, field: str | None = None
) -> ApiError:
    """The refusal of what goes beyond a limit; `found` is left out where it was not counted to the end."""
    return ApiError(code, message, limit=limit, found=found, field=field)
