"""GraphQL errors as JSON: public ones as they are, everything else masked behind an id that the log knows."""

import logging
import uuid
from collections.abc import Iterable
from typing import Any

from graphql import GraphQLError
from strawberry.exceptions import StrawberryGraphQLError

from gql.errors import ApiError, ErrorCode
from tripgate.planner.json_values import NOT_REPRESENTABLE, Path

_log = logging.getLogger("tripgate.errors")
_LONGEST_MESSAGE = 1000
_TAIL = 300


class CombinedError(GraphQLError):
    """What is raised where only one error can be, and several are to be told."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


def formatted(errors: Iterable[GraphQLError], code: ErrorCode = ErrorCode.BAD_USER_INPUT) -> list[dict[str, Any]]:
    """The errors for the response.

    Args:
        code: What errors of graphql-core itself mean here; while executing they are arguments that do not fit.
    """
    return [_one(error, code) for error in errors]


def request_error(error: ApiError) -> list[dict[str, Any]]:
    """The errors of a request that was refused before any field ran."""
    return [{"message": bounded(error.message), "extensions": error.extensions}]


def bounded(message: str) -> str:
    """The message, its middle cut out where it is long: graphql-core repeats whatever does not fit its type."""
    if len(message) <= _LONGEST_MESSAGE:
        return message
    return f"{message[: _LONGEST_MESSAGE - _TAIL]} … {message[-_TAIL:]}"


def not_representable(path: Path) -> dict[str, Any]:
    """What stands beside the null of a stored value that cannot be answered."""
    return {"message": NOT_REPRESENTABLE, "path": path, "extensions": {"code": ErrorCode.NOT_REPRESENTABLE.value}}


def beside_null(path: Path, error: ApiError) -> dict[str, Any]:
    """What stands beside the null of a value that could not be had."""
    return {"message": bounded(error.message), "path": path, "extensions": error.extensions}


def masked(error: BaseException) -> dict[str, Any]:
    """What a client learns of a mistake of ours: an id that the log knows."""
    error_id = str(uuid.uuid4())
    _log.error("masked error", exc_info=error, extra={"fields": {"errorId": error_id}})
    return {
        "message": "Something went wrong here. It is not your fault; give this id when you report it.",
        "extensions": {"code": ErrorCode.INTERNAL_SERVER_ERROR.value, "errorId": error_id},
    }


def public(error: Exception) -> Exception:
    """What a field's failure becomes before anybody sees it: an error of the API, or of GraphQL with a code."""
    original: BaseException | None = error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if isinstance(original, ApiError):
        return error
    if isinstance(original, GraphQLError):
        if isinstance(error, GraphQLError):
            error.extensions = {"code": _code(original, ErrorCode.BAD_USER_INPUT), **(error.extensions or {})}
            error.message = bounded(error.message) or "You may not do this."
        return error
    shown = masked(original or error)
    return ApiError(ErrorCode.INTERNAL_SERVER_ERROR, shown["message"], errorId=shown["extensions"]["errorId"])


def _one(error: GraphQLError, code: ErrorCode) -> dict[str, Any]:
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if isinstance(original, ApiError):
        message, extensions = original.message, original.extensions
    elif original is None or isinstance(original, GraphQLError):
        message, extensions = error.message, {"code": _code(original, code), **(error.extensions or {})}
    elif isinstance(original, ValueError) and error.path is None:
        # A scalar's own words about a literal or a variable.
        message, extensions = error.message, {"code": code.value, **(error.extensions or {})}
    else:
        shown = masked(original)
        message, extensions = shown["message"], shown["extensions"]
    answer: dict[str, Any] = {"message": bounded(message)}
    if error.locations:
        answer["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        answer["path"] = error.path
    answer["extensions"] = extensions
    return answer


def _code(original: BaseException | None, code: ErrorCode) -> str:
    """What an error of GraphQL means: Strawberry's own kind is what its permission classes raise."""
    return (ErrorCode.FORBIDDEN if isinstance(original, StrawberryGraphQLError) else code).value
