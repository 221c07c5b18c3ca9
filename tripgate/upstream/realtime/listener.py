"""A subscription of the gateway's own to a topic, for code that acts on changes, as the cache does.

It is not admitted as a person is, so what it learns may be acted on (an answer leaves the cache) and is never shown.
"""

import asyncio
from collections.abc import Callable

from gql.errors import ApiError
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.frames import Change, resync
from tripgate.upstream.realtime.subscription import Subscription
from tripgate.upstream.resilience.bulkhead import Bulkhead

OnChange = Callable[[Change], None]
"""Called from the event loop for each change; RESYNC says that some may have been missed. Must not block."""


class TopicListener(Subscription):
    """Calls `on_change` for each change of a topic, at once: there is no queue and no reader. Made by `Relay.listen`.

    Attributes:
        joined_event: Set while the topic is joined.
    """

    __slots__ = ("_on_change", "joined_event")

    joined_event: asyncio.Event

    def __init__(self, topic: str, caller: Caller, on_change: OnChange, admission_bulkhead: Bulkhead) -> None:
        super().__init__(topic, caller, _no_admission, queue_limit=0, recheck=0, admission_bulkhead=admission_bulkhead)
        self._on_change = on_change

    @property
    def joined(self) -> bool:
        """Whether the topic is joined now, so that every change arrives."""
        return self.joined_event.is_set()

    async def ready(self) -> None:
        """Wait until the topic is joined."""
        await self.joined_event.wait()

    def push(self, change: Change) -> None:
        """Pass a change on."""
        self._on_change(change)

    def disconnected(self) -> None:
        """Pass on a RESYNC: the connection is gone, so changes may be missed."""
        self._on_change(resync())

    def end(self, farewell: Change | None = None) -> None:  # noqa: ARG002 - it has been passed on
        """Pass on a RESYNC: the topic has ended, so no more changes come."""
        self._on_change(resync())

    def fail(self, error: ApiError) -> None:  # noqa: ARG002 - there is no reader to tell
        """Pass on a RESYNC: the topic was refused, so no more changes come."""
        self._on_change(resync())

    def recheck_admission(self, *, removed: bool = False) -> None:
        """Do nothing: nobody is shown anything, so there is nobody to admit."""


async def _no_admission(_: Caller) -> None:
    return
