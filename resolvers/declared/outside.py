"""Fields whose values another service gives: all of an answer are asked for together, behind the rows."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gql.errors import ApiError, ErrorCode
from resolvers.context import Context
from tripgate.planner.json_values import Path
from tripgate.planner.outside import Outside, found

Source = Callable[[Context, Sequence[Outside]], Awaitable[Sequence[Any]]]
"""Gives the value of each; an ApiError in its place where one alone fails. What it raises fails all of them."""

_SOURCES: dict[str, Source] = {}


def source(name: str) -> Callable[[Source], Source]:
    """Have a function answer the fields that name it: `outside_field(source=…)`."""

    def register(function: Source) -> Source:
        _SOURCES[name] = function
        return function

    return register


async def fill(answer: Any, context: Context) -> list[tuple[Path, ApiError]]:
    """Put in what was asked for outside; null, and its error with its path, where there is none."""
    wanted = list(found(answer))
    failed: list[tuple[Path, ApiError]] = []
    for name in dict.fromkeys(each.field.source for *_, each in wanted):
        spots = [spot for spot in wanted if spot[3].field.source == name]
        values = await _values(name, context, [each for *_, each in spots])
        for (holder, key, path, _), value in zip(spots, values, strict=True):
            holder[key] = None if isinstance(value, ApiError) else value
            if isinstance(value, ApiError):
                failed.append((path, value))
    return failed


async def one(context: Context, wanted: Outside) -> Any:
    """A single value.

    Raises:
        ApiError: There is none.
    """
    (value,) = await _values(wanted.field.source, context, [wanted])
    if isinstance(value, ApiError):
        raise value
    return value


async def _values(name: str, context: Context, wanted: list[Outside]) -> Sequence[Any]:
    try:
        return await _SOURCES[name](context, wanted)
    except ApiError as error:
        return [error] * len(wanted)
    except TimeoutError:
        return [ApiError(ErrorCode.TIMEOUT, "This took too long. Try again.")] * len(wanted)
