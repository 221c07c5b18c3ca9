"""GraphQL errors as JSON: public ones as they are, everything else masked behind an id that the log knows."""

import logging
import uuid
from collections.abc import Iterable
from typing import Any

from graphql import GraphQLError

from gql.errors import ApiError, ErrorCode
from tripgate.planner.json_values import DEEPEST, Path

_log = logging.getLogger("tripgate.errors")


def formatted(errors: Iterable[GraphQLError], code: ErrorCode = ErrorCode.BAD_USER_INPUT) -> list[dict[str, Any]]:
    """The errors for the response.

    Args:
        code: What errors of graphql-core itself mean here; while executing they are arguments that do not fit.
    """
    return [_one(error, code) for error in errors]


def request_error(error: ApiError) -> list[dict[str, Any]]:
    """The errors of a request that was refused before any field ran."""
    return [{"message": error.message, "extensions": error.extensions}]


def not_representable(path: Path) -> dict[str, Any]:
    """What stands beside the null of a stored value that cannot be answered."""
    message = (
        f"What is stored here nests deeper than {DEEPEST} levels, or holds a number that is too large for readers of "
        "JSON. It can be replaced."
    )
    return {"message": message, "path": path, "extensions": {"code": ErrorCode.NOT_REPRESENTABLE.value}}


def masked(error: BaseException) -> dict[str, Any]:
    """What a client learns of a mistake of ours: an id that the log knows."""
    error_id = str(uuid.uuid4())
    _log.error("masked error", exc_info=error, extra={"fields": {"errorId": error_id}})
    return {
        "message": "Something went wrong here. It is not your fault; give this id when you report it.",
        "extensions": {"code": ErrorCode.INTERNAL_SERVER_ERROR.value, "errorId": error_id},
    }


def _one(error: GraphQLError, code: ErrorCode) -> dict[str, Any]:
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if isinstance(original, ApiError):
        message, extensions = original.message, original.extensions
    elif original is None or isinstance(original, GraphQLError):
        message, extensions = error.message, {"code": code.value}
    elif isinstance(original, ValueError) and error.path is None:
        # A scalar's own words about a literal or a variable.
        message, extensions = error.message, {"code": code.value}
    else:
        shown = masked(original)
        message, extensions = shown["message"], shown["extensions"]
    answer: dict[str, Any] = {"message": message}
    if error.locations:
        answer["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        answer["path"] = error.path
    answer["extensions"] = extensions
    return answer
