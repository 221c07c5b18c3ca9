"""For what lives longer than a request: ask again for as long as a failure may pass."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gql.errors import ApiError
from tripgate.upstream.resilience.failures import MAY_PASS, overloaded

_FIRST_WAIT = 0.2
_LONGEST_WAIT = 4.0
T = TypeVar("T")


async def patiently(ask: Callable[[], Awaitable[T]], seconds: float) -> T:
    """What `ask` gives at last, asked with growing pauses while Supabase is away.

    Args:
        seconds: For how long.

    Raises:
        ApiError: A failure that will not pass, at once; the last one of the others when the time is over.
    """
    last: ApiError = overloaded()
    longest = _FIRST_WAIT
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return await ask()
                except ApiError as error:
                    if error.code not in MAY_PASS:
                        raise
                    last = error
                # Drawn at random, since all who wait were interrupted at the same moment.
                await asyncio.sleep(random.uniform(0, longest))  # noqa: S311
                longest = min(2 * longest, _LONGEST_WAIT)
    except TimeoutError:
        raise last from None
