"""One WebSocket to Realtime: kept connected, its heartbeats checked, its channels joined again after a gap.

The stock client dies silently: no rejoin after a token expires, an end after five failed reconnects. This one keeps
trying, with full jitter, for as long as it has channels.
"""

import asyncio
import contextvars
import itertools
import logging
import random
from contextlib import suppress
from typing import Any

import aiohttp

from tripgate.upstream.realtime.channel import Channel
from tripgate.upstream.realtime.frames import Frame, UndecodableError
from tripgate.upstream.realtime.join_pace import JoinPace

_log = logging.getLogger("tripgate.realtime")

MOST_CHANNELS = 100
_PREFIX = "realtime:"
_LONGEST_BACKOFF = 10.0
_LARGEST_FRAME = 4 * 1024 * 1024
_TOO_MANY_JOINS = "ClientJoinRateLimitReached"
_REFUSED = ("unauthorized", "permission", "invalidjwt", "jwt", "expired", "access token")


class Socket:
    """Up to a hundred channels over one connection.

    Args:
        url: With key and version.
        heartbeat: Seconds between heartbeats; one that is not answered by the next ends the connection.
        pace: The pace of joining, which all sockets to one server share.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, *, heartbeat: float = 25.0, pace: JoinPace | None = None
    ) -> None:
        self._session = session
        self._url = url
        self._heartbeat = heartbeat
        self._pace = pace or JoinPace()
        # To be joined, in this order.
        self._waiting: dict[Channel, None] = {}
        self._more = asyncio.Event()
        self._channels: dict[str, Channel] = {}
        self._refs = itertools.count(1)
        self._joins: dict[str, Channel] = {}
        self._connection: aiohttp.ClientWebSocketResponse | None = None
        self._unanswered_heartbeat: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self.undecodable = 0

    @property
    def connected(self) -> bool:
        """Whether the connection is open now."""
        return self._connection is not None and not self._connection.closed

    @property
    def full(self) -> bool:
        """Whether the platform takes no more channels here."""
        return len(self._channels) >= MOST_CHANNELS

    @property
    def channels(self) -> int:
        """How many channels are kept here."""
        return len(self._channels)

    def join(self, channel: Channel) -> None:
        """Join this channel, and again after each interruption."""
        self._channels[channel.topic] = channel
        if self._task is None:
            # Not a part of the request whose subscription comes first.
            self._task = asyncio.create_task(self._run(), context=contextvars.Context())
        elif self.connected:
            self._join_soon(channel)

    def leave(self, channel: Channel) -> None:
        """Leave this channel."""
        channel.closed()
        self._waiting.pop(channel, None)
        if self._channels.get(channel.topic) is channel:
            del self._channels[channel.topic]
            self._send(channel, "phx_leave", {})

    def set_token(self, channel: Channel, token: str) -> None:
        """Go on under another token."""
        channel.token = token
        if channel.joined.is_set():
            self._send(channel, "access_token", {"access_token": token})

    def track(self, channel: Channel, payload: dict[str, Any]) -> None:
        """Say who is present here, again after each gap."""
        channel.tracked = payload
        if channel.joined.is_set():
            self._send(channel, "presence", {"type": "presence", "event": "track", "payload": payload})

    async def close(self) -> None:
        """Hang up."""
        for task in [self._task, *self._sending]:
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        self._task = None

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async with self._session.ws_connect(
                    self._url, max_msg_size=_LARGEST_FRAME, timeout=aiohttp.ClientWSTimeout(ws_close=2)
                ) as connection:
                    failures = 0
                    await self._serve(connection)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                _log.info("realtime connection failed: %s", type(error).__name__)
            finally:
                self._connection = None
                self._pace.answered(len(self._joins))
                self._joins.clear()
                for channel in self._channels.values():
                    channel.disconnected()
            failures += 1
            # Full jitter: a thousand gateways that lost one server do not come back at once.
            await asyncio.sleep(random.uniform(0, min(_LONGEST_BACKOFF, 0.2 * 2 ** min(failures, 8))))  # noqa: S311

    async def _serve(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self._connection = connection
        self._unanswered_heartbeat = None
        self._joins.clear()
        self._waiting.clear()
        for channel in self._channels.values():
            self._join_soon(channel)
        heartbeats = asyncio.create_task(self._send_heartbeats(connection))
        joining = asyncio.create_task(self._join_in_turn())
        try:
            async for message in connection:
                if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                    self._handle(message.data)
        finally:
            heartbeats.cancel()
            joining.cancel()

    def _handle(self, data: str | bytes) -> None:
        """Handle one message. One that cannot be handled is logged and counted, and the connection goes on."""
        topic = None
        try:
            frame = Frame.decode(data)
            topic = frame.topic
            channel = self._channels.get(topic.removeprefix(_PREFIX))
            if frame.event == "phx_reply" and frame.ref is not None:
                self._reply(frame.ref, frame.payload)
            elif channel is None or (frame.join_ref is not None and frame.join_ref != channel.join_ref):
                pass  # of one that has been left, or joined anew
            elif frame.event != "broadcast":
                self._receive(channel, frame)
            elif not channel.broadcast(frame.payload):
                self._count_undecodable()
        except UndecodableError as error:
            self._undecodable(error.topic)
        except Exception:
            _log.exception("a realtime message could not be taken in")
            self._undecodable(topic)

    def _undecodable(self, topic: str | None) -> None:
        """Pass a RESYNC on to the channel of the topic, or to all where the topic is not known."""
        self._count_undecodable()
        channels = list(self._channels.values())
        for channel in channels:
            if topic is None or topic == f"{_PREFIX}{channel.topic}":
                channel.undecodable()

    def _count_undecodable(self) -> None:
        self.undecodable += 1
        _log.warning("a realtime message could not be decoded: subscribers of its topic get a RESYNC")

    def _join_soon(self, channel: Channel) -> None:
        self._waiting[channel] = None
        self._more.set()

    async def _join_in_turn(self) -> None:
        while True:
            while not self._waiting:
                self._more.clear()
                await self._more.wait()
            await self._pace.turn()
            channel = next(iter(self._waiting), None)
            if channel is not None:
                del self._waiting[channel]
            if channel is not None and channel.join_ref is None:
                self._send_join(channel)
            else:
                self._pace.answered()

    async def _send_heartbeats(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await asyncio.sleep(self._heartbeat)
            if self._unanswered_heartbeat is not None:
                _log.warning("realtime heartbeat unanswered; connecting anew")
                await connection.close()
                return
            self._unanswered_heartbeat = ref = str(next(self._refs))
            frame = Frame(topic="phoenix", event="heartbeat", payload={}, ref=ref)
            with suppress(aiohttp.ClientError, ConnectionError):
                await connection.send_str(frame.encode())

    def _send_join(self, channel: Channel) -> None:
        channel.join_ref = ref = str(next(self._refs))
        self._joins[ref] = channel
        self._write(self._frame(channel, "phx_join", channel.join_payload(), ref))

    def _send(self, channel: Channel, event: str, payload: dict[str, Any]) -> None:
        if self.connected and channel.join_ref is not None:
            self._write(self._frame(channel, event, payload, str(next(self._refs))))

    @staticmethod
    def _frame(channel: Channel, event: str, payload: dict[str, Any], ref: str) -> Frame:
        return Frame(
            topic=f"{_PREFIX}{channel.topic}", event=event, payload=payload, ref=ref, join_ref=channel.join_ref
        )

    def _write(self, frame: Frame) -> None:
        connection = self._connection
        if connection is None or connection.closed:
            return

        async def write() -> None:
            # A connection that broke meanwhile is found by its reader.
            with suppress(aiohttp.ClientError, ConnectionError):
                await connection.send_str(frame.encode())

        task = asyncio.create_task(write())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _receive(self, channel: Channel, frame: Frame) -> None:
        match frame.event:
            case "presence_state" | "presence_diff":
                channel.listener.on_presence(frame.event, frame.payload)
            case "system" if frame.payload.get("status") == "error":
                _log.info("realtime channel: %s", frame.payload.get("message"))
            # It bears the number of the join that it ends: perhaps one that this channel has left already.
            case "phx_close" | "phx_error" if frame.ref in {None, channel.join_ref}:
                self._closed_by_server(channel, str(frame.payload.get("message", frame.event)))

    def _reply(self, ref: str, payload: dict[str, Any]) -> None:
        if ref == self._unanswered_heartbeat:
            self._unanswered_heartbeat = None
            return
        channel = self._joins.pop(ref, None)
        if channel is not None:
            self._pace.answered()
        if channel is None or channel.join_ref != ref:
            return
        if payload.get("status") == "ok":
            self._pace.accepted()
            channel.accepted()
            if channel.tracked is not None:
                self.track(channel, channel.tracked)
            return
        reason = str((payload.get("response") or {}).get("reason", "refused"))
        channel.join_ref = None
        if any(word in reason.lower() for word in _REFUSED):
            channel.listener.on_refused(reason)
        else:
            _log.warning("realtime join failed: %s", reason)
            if reason.startswith(_TOO_MANY_JOINS):
                self._pace.too_many()
            asyncio.get_running_loop().call_later(random.uniform(0.2, 2), self._try_again, channel)  # noqa: S311

    def _closed_by_server(self, channel: Channel, reason: str) -> None:
        """The server has closed the channel: most often its token expired or lost its permission."""
        channel.disconnected()
        channel.listener.on_refused(reason)

    def rejoin(self, channel: Channel) -> None:
        """Join again a channel that the server closed, under the token that it has now."""
        self._try_again(channel)

    def _try_again(self, channel: Channel) -> None:
        if self.connected and channel.join_ref is None and self._channels.get(channel.topic) is channel:
            self._join_soon(channel)
