"""The limits of a document, checked once, before it is validated: validation itself may cost much more."""

from graphql import DocumentNode

from gql.errors import ErrorCode
from tripgate.gateway.limits.bounds import Limits, exceeded
from tripgate.gateway.limits.measure import Measured, Size, measure, root_keys

_LARGEST = 1_000_000_000
"""What is told of a number that fragments have made larger still."""


def check_document(document: DocumentNode, limits: Limits) -> Measured:
    """Refuse a parsed document that asks for too much, whether or not it is valid; what it amounts to otherwise.

    Raises:
        ApiError: TOO_MANY_SELECTIONS, QUERY_TOO_DEEP, TOO_MANY_ROOT_FIELDS, TOO_MANY_ALIASES, TOO_MANY_DIRECTIVES,
            INTROSPECTION_TOO_LARGE or INPUT_TOO_LARGE.
    """
    found = measure(document)
    sizes = [size for _, size in found.operations]
    # All operations together, since all are validated whichever is run. First, since it bounds what follows.
    _at_most(
        limits.selections,
        sum(size.selections for size in sizes),
        ErrorCode.TOO_MANY_SELECTIONS,
        "The document selects {found} fields and fragments, each fragment counted wherever it is spread; "
        "at most {limit} are allowed.",
    )
    _at_most(
        limits.introspection_selections,
        sum(size.inner_selections for size in sizes),
        ErrorCode.INTROSPECTION_TOO_LARGE,
        "The document selects {found} fields and fragments below __schema and __type; at most {limit} are allowed.",
    )
    for size in sizes:
        _check(size, limits)
    for node, _ in found.operations:
        _at_most(
            limits.root_fields,
            len(root_keys(node, found.fragments)),
            ErrorCode.TOO_MANY_ROOT_FIELDS,
            "The operation has {found} root fields; at most {limit} are allowed.",
        )
    _at_most(
        limits.input_depth,
        found.input_depth,
        ErrorCode.INPUT_TOO_LARGE,
        "An argument nests {found} objects and lists inside each other; at most {limit} are allowed.",
    )
    _at_most(
        limits.input_list,
        found.input_list,
        ErrorCode.INPUT_TOO_LARGE,
        "A list in an argument has {found} entries; at most {limit} are allowed.",
    )
    return found


def _check(size: Size, limits: Limits) -> None:
    """The limits of one operation."""
    _at_most(
        limits.depth,
        size.depth,
        ErrorCode.QUERY_TOO_DEEP,
        "The operation nests fields {found} deep; at most {limit} are allowed.",
    )
    _at_most(
        limits.aliases,
        size.aliases,
        ErrorCode.TOO_MANY_ALIASES,
        "The operation has {found} aliases, each fragment counted wherever it is spread; at most {limit} are allowed.",
    )
    _at_most(
        limits.directives,
        size.directives,
        ErrorCode.TOO_MANY_DIRECTIVES,
        "The operation has {found} directives, each fragment counted wherever it is spread; "
        "at most {limit} are allowed.",
    )
    _at_most(
        limits.input_values,
        size.values,
        ErrorCode.INPUT_TOO_LARGE,
        "The arguments of the operation hold {found} values, each fragment counted wherever it is spread; "
        "at most {limit} are allowed.",
    )
    _at_most(
        limits.introspection_depth,
        size.inner_depth,
        ErrorCode.INTROSPECTION_TOO_LARGE,
        "The operation nests fields {found} deep below __schema or __type; at most {limit} are allowed.",
    )
    _at_most(
        limits.introspection_lists,
        size.inner_lists,
        ErrorCode.INTROSPECTION_TOO_LARGE,
        "The operation nests {found} lists inside each other below __schema or __type; at most {limit} are allowed.",
    )


def _at_most(limit: int, found: int, code: ErrorCode, message: str) -> None:
    if found > limit:
        # A number that JSON readers take as it is.
        found = min(found, _LARGEST)
        raise exceeded(code, message.format(limit=limit, found=found), limit, found)
