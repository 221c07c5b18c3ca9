"""Who hears of a topic's changes without being shown them: enough to know that something is not as it was.

It takes no admission of its own, and so it may learn that something changed but must never pass on what.
"""

import asyncio
from collections.abc import Callable

from gql.errors import ApiError
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.frames import Change, resync
from tripgate.upstream.realtime.subscription import Subscription
from tripgate.upstream.resilience.gate import Gate

Hear = Callable[[Change], None]
"""Called from the event loop for each change; RESYNC says that some may have been missed. Must not block."""


class Ear(Subscription):
    """One listener of a topic, told at once: it has no queue and no reader. Made by `Relay.listen`.

    Attributes:
        joining: Set while the topic is joined.
    """

    __slots__ = ("_hear", "joining")

    joining: asyncio.Event

    def __init__(self, topic: str, caller: Caller, hear: Hear, turns: Gate) -> None:
        super().__init__(topic, caller, _nobody_is_admitted, most_waiting=0, recheck=0, turns=turns)
        self._hear = hear

    @property
    def joined(self) -> bool:
        """Whether changes can be heard now."""
        return self.joining.is_set()

    async def ready(self) -> None:
        """Wait until changes can be heard."""
        await self.joining.wait()

    def push(self, change: Change) -> None:
        """Tell of a change."""
        self._hear(change)

    def lost(self) -> None:
        """Nothing is heard for now, and so something may be missed."""
        self._hear(resync())

    def end(self) -> None:
        """There is nothing more to hear."""
        self._hear(resync())

    def fail(self, error: ApiError) -> None:  # noqa: ARG002 - there is no reader to tell
        """There is nothing more to hear."""
        self._hear(resync())

    def doubt(self) -> None:
        """Nothing is handed out, so nobody needs to be admitted."""


async def _nobody_is_admitted(_: Caller) -> None:
    return
