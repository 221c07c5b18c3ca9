"""The public error codes. Every error that a client sees carries one of these in `extensions.code`."""

from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    """What went wrong, in the terms a client can act on. Documented in `docs/errors.md`."""

    BAD_REQUEST = "BAD_REQUEST"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    DOCUMENT_NOT_FOUND = "DOCUMENT_NOT_FOUND"
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    INTROSPECTION_DISABLED = "INTROSPECTION_DISABLED"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    QUERY_TOO_LARGE = "QUERY_TOO_LARGE"
    QUERY_TOO_DEEP = "QUERY_TOO_DEEP"
    TOO_MANY_SELECTIONS = "TOO_MANY_SELECTIONS"
    TOO_MANY_ROOT_FIELDS = "TOO_MANY_ROOT_FIELDS"
    TOO_MANY_ALIASES = "TOO_MANY_ALIASES"
    TOO_MANY_DIRECTIVES = "TOO_MANY_DIRECTIVES"
    INTROSPECTION_TOO_LARGE = "INTROSPECTION_TOO_LARGE"
    INPUT_TOO_LARGE = "INPUT_TOO_LARGE"
    COST_LIMIT_EXCEEDED = "COST_LIMIT_EXCEEDED"
    OPERATION_RESOLUTION_FAILURE = "OPERATION_RESOLUTION_FAILURE"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    AT_MOST_EXCEEDED = "AT_MOST_EXCEEDED"
    RATE_LIMITED = "RATE_LIMITED"
    NOT_ENABLED = "NOT_ENABLED"
    NOT_REPRESENTABLE = "NOT_REPRESENTABLE"
    NOT_RUN = "NOT_RUN"
    USAGE_LIMIT_EXCEEDED = "USAGE_LIMIT_EXCEEDED"
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    PLAN_FULL = "PLAN_FULL"
    MEETING_FULL = "MEETING_FULL"
    RECIPIENT_OPTED_OUT = "RECIPIENT_OPTED_OUT"
    TEMPLATE_REQUIRED = "TEMPLATE_REQUIRED"
    AI_PROVIDER_ERROR = "AI_PROVIDER_ERROR"
    AI_RATE_LIMITED = "AI_RATE_LIMITED"
    TIMEOUT = "TIMEOUT"
    OVERLOADED = "OVERLOADED"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


RAISED_CODES = frozenset(
    {
        ErrorCode.BAD_USER_INPUT,
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.FORBIDDEN,
        ErrorCode.NOT_FOUND,
        ErrorCode.CONFLICT,
        ErrorCode.RATE_LIMITED,
        ErrorCode.NOT_ENABLED,
        ErrorCode.TIMEOUT,
        ErrorCode.UPSTREAM_UNAVAILABLE,
        ErrorCode.USAGE_LIMIT_EXCEEDED,
        ErrorCode.INSUFFICIENT_CREDITS,
        ErrorCode.PLAN_FULL,
        ErrorCode.MEETING_FULL,
        ErrorCode.RECIPIENT_OPTED_OUT,
        ErrorCode.TEMPLATE_REQUIRED,
        ErrorCode.AI_PROVIDER_ERROR,
        ErrorCode.AI_RATE_LIMITED,
    }
)
"""What SQL functions, by `private.refuse`, and Edge Functions may tell a client; of any other code nothing is shown."""


class ApiError(Exception):
    """An error meant for the client: its message and extensions are shown as they are.

    Args:
        code: One of the public codes.
        message: One sentence that says what is wrong and, where it helps, what to do.
        extensions: More for programs, such as `field`, `constraint` or `sqlstate`; `None` values are left out.
    """

    def __init__(self, code: ErrorCode, message: str, **extensions: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.extensions: dict[str, Any] = {
            "code": code.value,
            **{key: value for key, value in extensions.items() if value is not None},
        }


def bad_input(message: str, **extensions: Any) -> ApiError:
    """An argument that the caller must change before trying again."""
    return ApiError(ErrorCode.BAD_USER_INPUT, message, **extensions)
