"""One connection's place on one channel, from its join to its end.

What the client says is taken in order, one message at a time, while other channels of the connection go on. A refused
join is answered as such; a channel that cannot go on gets a `system` error, then `phx_close`. Source of codes and
sentences: supabase/realtime, lib/realtime_web/channels/realtime_channel.ex.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from tripgate.local.realtime import authorization, broadcast
from tripgate.local.realtime.authorization import Asker, Reading
from tripgate.local.realtime.errors import DisconnectError, RefusedError
from tripgate.local.realtime.frames import KEY_PREFIX, Join
from tripgate.local.realtime.hub import Address
from tripgate.local.realtime.limits import Window
from tripgate.local.realtime.serializer import BROADCAST, UserBroadcast
from tripgate.local.realtime.tokens import Identity, identify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tripgate.local.realtime.authorization import Extension
    from tripgate.local.realtime.postgres_changes import Subscription
    from tripgate.local.realtime.serializer import Frame, Message, Notice, Serializer
    from tripgate.local.realtime.services import Services

PREFIX = "realtime:"
# A longer life is looked at again in between.
LONGEST_TIMER = 3600.0

log = logging.getLogger(__name__)


class Channel:
    """See the module. `send` passes a frame to the connection; `ended` is called once, when the channel is over."""

    def __init__(
        self,
        services: Services,
        join: Message,
        *,
        serializer: Serializer,
        key_token: str,
        headers: Mapping[str, str],
        send: Callable[[Frame], None],
        ended: Callable[[Channel], None],
        hang_up: Callable[[], None],
    ) -> None:
        self.topic = join.topic
        self.join_ref = join.join_ref if join.join_ref is not None else join.ref
        self.serializer = serializer
        self._services = services
        self._key_token = key_token
        self._headers = headers
        self._send = send
        self._ended = ended
        self._hang_up = hang_up
        self._join = Join.of(join.payload)
        self._address = Address(self.topic.removeprefix(PREFIX), self._join.config.private)
        # Nobody's, until the join has verified a token.
        self._identity = Identity("", "", {}, 0)
        self._reading = Reading(broadcast=True, presence=True)
        self._writing: dict[Extension, bool] = {}
        presence = self._join.config.presence
        self._presence_enabled = presence.enabled
        self._presence_key = presence.key or str(uuid4())
        settings = services.settings
        self._presence_calls = Window(settings.max_presence_calls, settings.presence_window_seconds)
        self._subscriptions: list[Subscription] = []
        self._replayed: frozenset[str] = frozenset()
        # What is told between entering the channel and the join's reply; None from then on.
        self._early: list[tuple[Notice, Frame]] | None = []
        self._expiry: asyncio.TimerHandle | None = None
        self._over = False
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(join))

    # What the connection and the hub call ---------------------------------------------------------------------------

    def receive(self, message: Message) -> None:
        """Take what the client says, in its turn."""
        self._inbox.put_nowait(message)

    def hear(self, notice: Notice, frame: Frame) -> None:
        """Pass a notice on, if the person may read it and has not had it in the replay."""
        if self._early is not None:
            self._early.append((notice, frame))
            return
        if notice.event == BROADCAST:
            if not self._reading.broadcast or notice.message_id in self._replayed:
                return
        elif not self._reading.presence:
            return
        self._send(frame)

    def close(self) -> None:
        """End the channel and tell the client."""
        if not self._over:
            self._send(self.serializer.push(self.join_ref, self.join_ref, self.topic, "phx_close", {}))
        self.drop()

    def drop(self) -> None:
        """End the channel without a word. May be called again."""
        if self._over:
            return
        self._over = True
        if self._expiry is not None:
            self._expiry.cancel()
        if asyncio.current_task() is not self._task:
            self._task.cancel()
        self._services.hub.leave(self._address, self)
        self._services.presences.untrack(self._address, self)
        self._services.changes.remove(self._subscriptions)
        self._ended(self)

    def push(self, event: str, payload: Any) -> None:
        """Tell this client alone."""
        self._send(self.serializer.push(self.join_ref, None, self.topic, event, payload))

    def system(self, extension: str, status: str, message: str) -> None:
        """The message by which Realtime speaks of itself."""
        said = {"extension": extension, "status": status, "message": message, "channel": self._address.name}
        self.push("system", said)

    # The channel's own course ---------------------------------------------------------------------------------------

    async def _run(self, join: Message) -> None:
        try:
            await self._enter(join)
        except RefusedError as error:
            log.info("%s: %s", self.topic, error)
            self._reply(join, "error", {"reason": error.reason})
            self.drop()
            if isinstance(error, DisconnectError):
                self._hang_up()
            return
        except Exception:
            log.exception("%s cannot be joined", self.topic)
            self._reply(join, "error", {"reason": "UnknownErrorOnChannel: Unknown Error on Channel"})
            self.drop()
            return
        while not self._over:
            message = await self._inbox.get()
            try:
                await self._handle(message)
            except RefusedError as error:
                log.info("%s: %s", self.topic, error)
                self._shut_down(error.message)
            except Exception:
                log.exception("%s failed", self.topic)
                self._send(self.serializer.push(self.join_ref, self.join_ref, self.topic, "phx_error", {}))
                self.drop()

    async def _enter(self, join: Message) -> None:
        """Join. Raises RefusedError."""
        if not self._address.name:
            raise RefusedError("TopicNameRequired", "You must provide a topic name")
        if not self._services.joins.allows():
            raise DisconnectError("ClientJoinRateLimitReached", "Too many joins per second")
        config = self._join.config
        self._identity = identify(self._services.signer, self._join.token(self._key_token))
        await self._authorize()
        # Before the replay is read, so that nothing falls in between.
        self._services.hub.enter(self._address, self)
        replayed = await self._missed() if config.broadcast.replay is not None else []
        self._replayed = frozenset(message.id for message in replayed)
        self._subscriptions = self._services.changes.bindings(self, config.postgres_changes)
        self._watch_expiry()
        self._reply(join, "ok", {"postgres_changes": [subscription.shown for subscription in self._subscriptions]})
        for message in replayed:
            frame = self.serializer.notice(self.topic, message.notice())
            if frame is not None:
                self._send(frame)
        early, self._early = self._early or [], None
        for notice, frame in early:
            self.hear(notice, frame)
        if self._presence_enabled:
            self._show_presences()
        if self._subscriptions:
            await self._subscribe()
        if config.broadcast.replication_ready:
            await self._services.stream.ready.wait()
            self.system("system", "ok", "Replication connection established")

    async def _authorize(self) -> None:
        """Ask what the person may read. Raises RefusedError when that is nothing."""
        self._writing.clear()
        if not self._address.private:
            return
        pool, asker = self._services.pool, self._asker()
        self._reading = await authorization.may_read(pool, asker, presence=self._presence_enabled)
        if not (self._reading.broadcast or self._reading.presence):
            name = self._address.name
            message = f"You do not have permissions to read from this Channel topic: {name}"
            raise RefusedError("Unauthorized", message)

    async def _missed(self) -> list[broadcast.Missed]:
        if not self._address.private:
            raise RefusedError("UnableToReplayMessages", "Replay is not allowed for public channels")
        if not self._reading.broadcast:
            message = f"You do not have permissions to read from this Channel topic: {self._address.name}"
            raise RefusedError("Unauthorized", message)
        return await broadcast.missed(self._services.pool, self._address.name, self._join.config.broadcast.replay)

    async def _handle(self, message: Message) -> None:
        payload = message.payload
        match message.event:
            case "phx_leave":
                self._reply(message, "ok", {})
                self.close()
            case "broadcast":
                await self._broadcast(message)
            case "presence":
                await self._presence(message)
            case "access_token":
                token = payload.get("access_token") if isinstance(payload, dict) else None
                if isinstance(token, str) and not token.startswith(KEY_PREFIX):
                    await self._refresh(token)
            case _:
                log.info("Unexpected message from client of type `%s`", message.event)

    async def _broadcast(self, message: Message) -> None:
        payload, config = message.payload, self._join.config.broadcast
        if isinstance(payload, UserBroadcast):
            notice, size = broadcast.of_user(payload), len(payload.data)
        elif isinstance(payload, dict):
            notice = broadcast.as_given(payload)
            size = len(notice.body or b"")
        else:
            return
        if self._address.private and not await self._may_write("broadcast"):
            # Without an answer, like the platform.
            return
        if size > self._services.settings.max_payload_bytes:
            if config.ack:
                self._reply(message, "error", {"reason": "payload_size_exceeded"})
            return
        self._services.hub.tell(self._address, notice, but=None if config.self_ else self)
        if config.ack:
            self._reply(message, "ok", {})

    async def _presence(self, message: Message) -> None:
        payload = message.payload
        if not isinstance(payload, dict) or not isinstance(payload.get("event"), str):
            self._reply(message, "ok", {})
            return
        if not self._presence_calls.allows():
            raise RefusedError("ClientPresenceRateLimitReached", "Client presence rate limit exceeded")
        match payload["event"].lower():
            case "track":
                await self._track(message, payload.get("payload", {}))
            case "untrack":
                self._services.presences.untrack(self._address, self)
                self._reply(message, "ok", {})
            case _:
                self._reply(message, "error", {})

    async def _track(self, message: Message, shown: Any) -> None:
        if self._address.private:
            if not self._presence_enabled and not self._reading.presence:
                self._reading = await authorization.may_read(self._services.pool, self._asker(), presence=True)
            if not await self._may_write("presence"):
                self._reply(message, "error", {})
                return
        if not isinstance(shown, dict):
            self._reply(message, "error", {"reason": "Presence track payload must be a map"})
            return
        if len(orjson.dumps(shown)) > self._services.settings.max_payload_bytes:
            raise RefusedError("PresencePayloadTooLarge", "Track message size exceeded")
        self._services.presences.track(self._address, self, self._presence_key, shown)
        self._reply(message, "ok", {})
        if not self._presence_enabled:
            # This client was not shown who is there when it joined.
            self._presence_enabled = True
            self._show_presences()

    def _show_presences(self) -> None:
        if self._reading.presence:
            self.push("presence_state", self._services.presences.state(self._address))

    async def _refresh(self, token: str) -> None:
        """Go on with another token. Raises RefusedError where it is bad or the person may read no more."""
        if token == self._identity.token:
            return
        before = self._reading
        self._identity = identify(self._services.signer, token)
        await self._authorize()
        lost = (before.broadcast and not self._reading.broadcast) or (before.presence and not self._reading.presence)
        if lost:
            message = f"You no longer have permission to read from this Channel topic: {self._address.name}"
            raise RefusedError("Unauthorized", message)
        self._watch_expiry()
        if self._subscriptions:
            await self._subscribe()

    async def _subscribe(self) -> None:
        """Receive database changes from now on, as the present person."""
        try:
            await self._services.changes.add(self._subscriptions, self._identity)
        except RefusedError as error:
            self.system("postgres_changes", "error", error.message)
        else:
            self.system("postgres_changes", "ok", "Subscribed to PostgreSQL")

    def _watch_expiry(self) -> None:
        """End the channel with its token."""
        if self._expiry is not None:
            self._expiry.cancel()
        seconds = min(LONGEST_TIMER, max(0.0, self._identity.expires_at - time.time()))
        self._expiry = asyncio.get_running_loop().call_later(seconds, self._look_at_token)

    def _look_at_token(self) -> None:
        if self._identity.expired:
            self._shut_down(self._identity.expiry().message)
        else:
            self._watch_expiry()

    async def _may_write(self, extension: Extension) -> bool:
        if extension not in self._writing:
            self._writing[extension] = await authorization.may_write(self._services.pool, self._asker(), extension)
        return self._writing[extension]

    def _asker(self) -> Asker:
        return Asker(self._identity, self._address.name, self._headers)

    def _shut_down(self, message: str) -> None:
        self.system("system", "error", message)
        self.close()

    def _reply(self, message: Message, status: str, response: Any) -> None:
        payload = {"status": status, "response": response}
        self._send(self.serializer.push(self.join_ref, message.ref, self.topic, "phx_reply", payload))
