"""Retries for subscriptions, which live longer than a request."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gql.errors import ApiError
from tripgate.upstream.resilience.failures import TRANSIENT, overloaded

_FIRST_WAIT = 0.2
_LONGEST_WAIT = 4.0
T = TypeVar("T")


async def retry(ask: Callable[[], Awaitable[T]], seconds: float, *, after: ApiError | None = None) -> T:
    """The result of `ask()`, which is called again, after growing pauses, while it fails in a way that may pass.

    Args:
        seconds: For how long after the first failure, all attempts and pauses together. What the first attempt takes
            is its own to bound: many who wait for their turn have not failed.
        after: How it failed when it was asked first; by default it was not asked yet.

    Raises:
        ApiError: A failure that will not pass, at once; the last one of the others when the time is over.
    """
    if after is not None and after.code not in TRANSIENT:
        raise after
    last = after
    longest = _FIRST_WAIT
    time = asyncio.get_running_loop().time
    ends = None if after is None else time() + seconds
    while True:
        try:
            async with asyncio.timeout_at(ends):
                if last is not None:
                    # Drawn at random, since all who wait were interrupted at the same moment.
                    await asyncio.sleep(random.uniform(0, longest))  # noqa: S311
                    longest = min(2 * longest, _LONGEST_WAIT)
                return await ask()
        except ApiError as error:
            if error.code not in TRANSIENT:
                raise
            last = error
            if ends is None:
                ends = time() + seconds
        except TimeoutError:
            raise last or overloaded() from None
