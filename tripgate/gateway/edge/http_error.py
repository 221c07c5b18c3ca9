"""Errors that HTTP has a status of its own for."""

from collections.abc import Mapping

from gql.errors import ApiError, ErrorCode


class HttpError(ApiError):
    """A request that is refused before it is understood.

    Args:
        status: The HTTP status, whatever the media type of the answer.
        headers: What that status asks for, such as `Allow`.
        reason: Of a CONFLICT.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: ErrorCode = ErrorCode.BAD_REQUEST,
        headers: Mapping[str, str] | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(code, message, reason=reason)
        self.status = status
        self.headers = headers or {}


def method_not_allowed(message: str, *allowed: str) -> HttpError:
    """405, which must name the methods that are."""
    return HttpError(405, message, headers={"Allow": ", ".join(allowed)})
