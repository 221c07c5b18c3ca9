"""Share joined topics among subscribers.

Phoenix allows one join per topic and socket, so a process joins a topic once, with the token of one of its subscribers,
and moves to another's when that one leaves, expires or is let in no longer. Every subscriber is admitted by a read of
its own, whoever carries the join.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gql.catalog import catalog
from gql.errors import ApiError
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.channel import Channel
from tripgate.upstream.realtime.client import RealtimeClient
from tripgate.upstream.realtime.frames import Change, Operation
from tripgate.upstream.realtime.listener import OnChange, TopicListener
from tripgate.upstream.realtime.presence import RemotePresence
from tripgate.upstream.realtime.subscription import Admit, ResyncCounts, Subscription
from tripgate.upstream.resilience.bulkhead import Bulkhead
from tripgate.upstream.resilience.failures import overloaded, unavailable


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """The limits of subscriptions.

    Attributes:
        queue_limit: Changes that wait for a slow reader before it gets a RESYNC instead.
        recheck: Seconds for which an admission is good.
        join_timeout: Seconds that a subscriber waits for the topic to be joined.
        admissions: How many subscribers are admitted at once. When all come back after a gap, their reads wait here,
            where that takes little, and queries find a connection between them.
        admissions_of_one: How many of one person's.
        admission_timeout: Seconds that a new subscriber waits to be admitted.
        retry_seconds: For how long a read that a subscription needs is tried again before the subscription fails.
    """

    queue_limit: int = 256
    recheck: float = 60.0
    join_timeout: float = 8.0
    admissions: int = 16
    admissions_of_one: int = 4
    admission_timeout: float = 15.0
    retry_seconds: float = 20.0


class Relay:
    """The topics of this process.

    What a change means for those who follow says the scope of its topic: rows of its membership tables may let somebody
    in or out, and the topic ends with its root.
    """

    def __init__(self, client: RealtimeClient, *, limits: RelayLimits) -> None:
        self._client = client
        self._limits = limits
        self._admission_bulkhead = Bulkhead(width=limits.admissions, queue=sys.maxsize, share=limits.admissions_of_one)
        self.resyncs = ResyncCounts()
        self._topics: dict[str, _Topic] = {}

    async def subscribe(self, topic: str, caller: Caller, admit: Admit, *, takes_pieces: bool = False) -> Subscription:
        """A subscription to a topic, until it is left.

        Args:
            takes_pieces: Whether pieces of texts are wanted, beside changes of rows.

        Raises:
            ApiError: FORBIDDEN when the caller may not see the topic; UPSTREAM_UNAVAILABLE when it cannot be joined in
                time; OVERLOADED when too many others wait to be admitted.
        """
        limits = self._limits
        subscription = Subscription(
            topic,
            caller,
            admit,
            queue_limit=limits.queue_limit,
            recheck=limits.recheck,
            admission_bulkhead=self._admission_bulkhead,
            retry_seconds=limits.retry_seconds,
            resyncs=self.resyncs,
            takes_pieces=takes_pieces,
        )
        shared = self._topic(topic)
        # Listening begins first, so that nothing is missed between the admission and the first change.
        shared.add(subscription)
        try:
            await self._admitted(subscription)
            await shared.ready(limits.join_timeout)
        except BaseException:
            self.leave(subscription)
            raise
        return subscription

    def listen(self, topic: str, caller: Caller, on_change: OnChange) -> TopicListener:
        """Have `on_change` called for each change on a topic, from when it is joined until the listener is left.

        There is no admission: changes may be acted on, and must not be shown to anybody.
        """
        shared = self._topic(topic)
        listener = TopicListener(topic, caller, on_change, self._admission_bulkhead)
        listener.joined_event = shared.add(listener)
        return listener

    def leave(self, subscription: Subscription) -> None:
        """End a subscription that nobody reads any more."""
        subscription.close()
        shared = self._topics[subscription.topic]
        shared.remove(subscription)
        if not shared.subscriptions:
            del self._topics[subscription.topic]

    @asynccontextmanager
    async def present(self, topic: str, caller: Caller, admit: Admit) -> AsyncIterator["Presence"]:
        """A subscription during which the caller counts as present on the topic.

        Raises:
            ApiError: As `subscribe`.
        """
        subscription = await self.subscribe(topic, caller, admit)
        shared = self._topics[topic]
        presence = Presence(subscription, shared)
        shared.enter(presence)
        try:
            yield presence
        finally:
            shared.exit(presence)
            self.leave(subscription)

    @property
    def subscribers(self) -> int:
        """How many subscriptions there are that somebody reads."""
        return sum(
            not isinstance(subscription, TopicListener)
            for shared in self._topics.values()
            for subscription in shared.subscriptions
        )

    @property
    def waiting(self) -> int:
        """How many changes wait for slow readers."""
        return sum(one.waiting for shared in self._topics.values() for one in shared.subscriptions)

    def _topic(self, name: str) -> "_Topic":
        shared = self._topics.get(name)
        if shared is None:
            shared = self._topics[name] = _Topic(name, self._client)
        return shared

    @property
    def longest_queue(self) -> int:
        """How many changes wait for the slowest reader."""
        return max((one.waiting for shared in self._topics.values() for one in shared.subscriptions), default=0)

    @property
    def retry_seconds(self) -> float:
        """For how long a read that a subscription needs is tried again before the subscription fails."""
        return self._limits.retry_seconds

    async def _admitted(self, subscription: Subscription) -> None:
        try:
            async with asyncio.timeout(self._limits.admission_timeout):
                await subscription.admit()
        except TimeoutError:
            raise overloaded() from None

    def end(self) -> None:
        """End every subscription, once what waits for its reader has been handed out."""
        for shared in self._topics.values():
            for subscription in list(shared.subscriptions):
                subscription.end()

    async def close(self) -> None:
        """End every subscription and close the connections to Realtime."""
        self.end()
        await self._client.close()


PRESENCE_CHANGED = Change("", Operation.UPDATE, None, None, "")
"""Somebody came to a topic or left it."""


class _Topic:
    """A topic that is joined once; the `ChannelListener` of its channel."""

    def __init__(self, name: str, client: RealtimeClient) -> None:
        self.name = name
        scope = catalog.scopes.of(name)
        self._memberships = catalog.members_of(scope) if scope is not None else frozenset[str]()
        self._root = catalog[scope.root].name if scope is not None else None
        self._owner = scope.owner if scope is not None else None
        self.subscriptions: dict[Subscription, None] = {}
        self._client = client
        self._channel: Channel | None = None
        self._carrier: Subscription | None = None
        self._refused: set[str] = set()
        self._moving: asyncio.TimerHandle | None = None
        self._present: dict[Presence, None] = {}
        self._remote_presence = RemotePresence()

    def add(self, subscription: Subscription) -> asyncio.Event:
        """Add a subscription; the event that is returned is set while the topic is joined."""
        self.subscriptions[subscription] = None
        subscription.on_refresh = self._refreshed
        if self._carrier is None:
            self._carry(subscription)
        else:
            self._plan_move()
        assert self._channel is not None  # noqa: S101 - there is one while somebody listens
        return self._channel.joined

    def remove(self, subscription: Subscription) -> None:
        """Remove a subscription. Another's token takes the join over where need be; the last one leaves the topic."""
        self.subscriptions.pop(subscription, None)
        if not self.subscriptions:
            if self._moving is not None:
                self._moving.cancel()
            if self._channel is not None:
                self._client.leave(self._channel)
                self._channel = None
        elif subscription is self._carrier:
            self._move()

    async def ready(self, timeout: float) -> None:  # noqa: ASYNC109 - a deadline for a wait on others
        """Wait until the topic is joined.

        Raises:
            ApiError: UPSTREAM_UNAVAILABLE.
        """
        if self._channel is None:
            raise _not_joined()
        try:
            # Not `wait_for`, which before Python 3.12 loses a cancellation that comes with the joined_event.
            async with asyncio.timeout(timeout):
                await self._channel.joined.wait()
        except TimeoutError:
            raise _not_joined() from None

    def on_change(self, change: Change) -> None:
        """Pass a change on to every subscription. What may change memberships has each admitted anew first."""
        if change.piece is not None:
            for subscription in self.subscriptions:
                if subscription.takes_pieces:
                    subscription.push(change)
            return
        if change.table in self._memberships or change.operation is Operation.RESYNC or self._changes_hands(change):
            for subscription in self.subscriptions:
                subscription.recheck_admission(removed=change.operation is not Operation.INSERT)
        ends = change.table == self._root and change.operation is Operation.DELETE
        for subscription in self.subscriptions:
            subscription.push(change)
            if ends:
                subscription.end(change)

    def _changes_hands(self, change: Change) -> bool:
        """Whether the root is somebody else's from now on."""
        owner, before = self._owner, change.before
        if change.table != self._root or owner is None or change.record is None or before is None:
            return False
        return owner in before and before[owner] != change.record.get(owner)

    def on_disconnected(self) -> None:
        """Tell every subscription that no changes come for now."""
        for subscription in self.subscriptions:
            subscription.disconnected()

    def on_refused(self, reason: str) -> None:  # noqa: ARG002 - the carrier's own read says why
        """The server refuses the carrier's token: admit the carrier again, and let another's token carry the join."""
        if self._carrier is not None:
            self._refused.add(self._carrier.caller.token or "")
            self._carrier.recheck_admission()
        self._move()

    def on_presence(self, event: str, payload: dict[str, Any]) -> None:
        """Take in who is present in other processes."""
        self._remote_presence.take(event, payload)
        self._tell_presence()

    def enter(self, presence: "Presence") -> None:
        """Add somebody who is present."""
        self._present[presence] = None
        self._track()

    def exit(self, presence: "Presence") -> None:
        """Remove somebody who was present."""
        self._present.pop(presence, None)
        self._track()

    @property
    def people(self) -> frozenset[str]:
        """The ids of all who are present here, and of all who are said to be in other processes."""
        here = frozenset(one.person for one in self._present)
        return here | self._remote_presence.people

    def _track(self) -> None:
        if self._channel is not None:
            self._client.track(self._channel, {"people": sorted({one.person for one in self._present})})
        self._tell_presence()

    def _tell_presence(self) -> None:
        for presence in self._present:
            presence.subscription.push(PRESENCE_CHANGED)

    def _carry(self, subscription: Subscription) -> None:
        token = subscription.caller.token or ""
        self._carrier = subscription
        if self._channel is None:
            self._channel = self._client.join(self.name, token, self)
        else:
            self._client.set_token(self._channel, token)
        self._plan_move()

    def _move(self) -> None:
        """Let the subscriber whose token lasts longest carry the join."""
        candidates = [one for one in self.subscriptions if one.caller.token not in self._refused]
        if not candidates:
            # The server accepts no subscriber's token: try any of them again in a second.
            self._carrier = None
            self._refused.clear()
            self._again_later()
            return
        self._carry(max(candidates, key=_lasts))

    def _again_later(self) -> None:
        if self._moving is not None:
            self._moving.cancel()
        self._moving = asyncio.get_running_loop().call_later(1.0, self._carry_any)

    def _carry_any(self) -> None:
        if self._carrier is None and self.subscriptions:
            self._carry(max(self.subscriptions, key=_lasts))

    def _plan_move(self) -> None:
        """Move before the carrier's token expires, where another's lasts longer; follow its refreshes."""
        if self._moving is not None:
            self._moving.cancel()
        self._moving = None
        if self._carrier is not None and self._carrier.caller.expires_at is not None:
            delay = max(self._carrier.caller.expires_at - time.time() - 10.0, 1.0)
            self._moving = asyncio.get_running_loop().call_later(delay, self._move)

    def _refreshed(self, subscription: Subscription) -> None:
        if subscription is self._carrier:
            self._carry(subscription)


class Presence:
    """One person's presence on a topic, and what it sees of the others'.

    Its subscription hands out PRESENCE_CHANGED when somebody came or went.
    """

    def __init__(self, subscription: Subscription, topic: _Topic) -> None:
        self.subscription = subscription
        self.person = subscription.caller.user_id or ""
        self._topic = topic

    @property
    def people(self) -> frozenset[str]:
        """The ids of all who are said to be present now, members of what the topic is about or not."""
        return self._topic.people

    def look_again(self) -> None:
        """Admit the person anew, then hand out PRESENCE_CHANGED once more."""
        self.subscription.recheck_admission()
        self.subscription.push(PRESENCE_CHANGED)


def _lasts(subscription: Subscription) -> float:
    return subscription.caller.expires_at or float("inf")


def _not_joined() -> ApiError:
    return unavailable("Live changes are not available right now. Try again shortly.")
