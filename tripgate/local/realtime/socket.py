"""One WebSocket connection: its channels, its heartbeat, and the order of what is written to it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, WSMsgType, web

from tripgate.local.realtime.channel import PREFIX, Channel
from tripgate.local.realtime.serializer import FrameError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tripgate.local.realtime.serializer import Frame, Message, Serializer
    from tripgate.local.realtime.services import Services

PHOENIX = "phoenix"
CLOSE_SECONDS = 2.0
TOO_MANY = "ChannelRateLimitReached: Too many channels"

log = logging.getLogger(__name__)


class Socket:
    """See the module. `key_token` is what the API key stands for; `abort` cuts off a client that will not close."""

    def __init__(
        self,
        services: Services,
        response: web.WebSocketResponse,
        serializer: Serializer,
        *,
        key_token: str,
        headers: Mapping[str, str],
        abort: Callable[[], None],
    ) -> None:
        self._services = services
        self._response = response
        self._serializer = serializer
        self._key_token = key_token
        self._headers = headers
        self._abort = abort
        self._channels: dict[str, Channel] = {}
        self._backlog: deque[Frame] = deque()
        self._backlog_bytes = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve the connection to its end."""
        writer = asyncio.create_task(self._write())
        try:
            await self._read()
        finally:
            for channel in tuple(self._channels.values()):
                channel.drop()
            writer.cancel()
            if self._closing is not None:
                await self._closing

    def send(self, frame: Frame) -> None:
        """Write a frame after all others. Returns at once; a reader that is too slow is hung up."""
        if self._closing is not None:
            return
        self._backlog.append(frame)
        self._backlog_bytes += len(frame.data)
        if self._backlog_bytes > self._services.settings.max_backlog_bytes:
            log.warning("A client reads too slowly")
            self.hang_up(WSCloseCode.TRY_AGAIN_LATER)
        else:
            self._idle.clear()
            self._wake.set()

    def hang_up(self, code: int = WSCloseCode.OK) -> None:
        """Close the connection, after what has been written so far."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code))

    async def _close(self, code: int) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if code != WSCloseCode.TRY_AGAIN_LATER:
                    await self._idle.wait()
                await self._response.close(code=code)
        except (TimeoutError, ConnectionError):
            self._abort()

    async def _read(self) -> None:
        limit = self._services.settings.heartbeat_timeout_seconds
        while True:
            try:
                message = await self._response.receive(timeout=limit)
            except TimeoutError:
                self.hang_up()
                return
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            data = message.data.encode() if message.type is WSMsgType.TEXT else message.data
            try:
                self._take(self._serializer.decode(data, message.type))
            except FrameError as error:
                log.info("A client sent a frame that is %s", error)
                self.hang_up(WSCloseCode.INVALID_TEXT)
                return

    async def _write(self) -> None:
        try:
            while True:
                self._idle.set()
                await self._wake.wait()
                self._wake.clear()
                while self._backlog:
                    frame = self._backlog[0]
                    await self._response.send_frame(frame.data, frame.opcode)
                    self._backlog.popleft()
                    self._backlog_bytes -= len(frame.data)
        except ConnectionError:
            # The reading side ends too, and clears up.
            self._idle.set()

    def _take(self, message: Message) -> None:
        if message.topic == PHOENIX:
            if message.event == "heartbeat":
                self._reply(message, "ok", {})
            return
        if message.event == "phx_join":
            self._join(message)
            return
        channel = self._channels.get(message.topic)
        if channel is not None and message.join_ref in {None, channel.join_ref}:
            channel.receive(message)
        elif channel is None:
            leaving = message.event == "phx_leave"
            self._reply(message, "ok" if leaving else "error", {} if leaving else {"reason": "unmatched topic"})

    def _join(self, message: Message) -> None:
        if not message.topic.startswith(PREFIX):
            self._reply(message, "error", {"reason": "unmatched topic"})
            return
        earlier = self._channels.get(message.topic)
        if earlier is not None:
            earlier.close()
        if len(self._channels) >= self._services.settings.max_channels_per_connection:
            self._reply(message, "error", {"reason": TOO_MANY})
            return
        self._channels[message.topic] = Channel(
            self._services,
            message,
            serializer=self._serializer,
            key_token=self._key_token,
            headers=self._headers,
            send=self.send,
            ended=self._forget,
            hang_up=self.hang_up,
        )

    def _forget(self, channel: Channel) -> None:
        if self._channels.get(channel.topic) is channel:
            del self._channels[channel.topic]

    def _reply(self, message: Message, status: str, response: dict[str, str]) -> None:
        payload = {"status": status, "response": response}
        join_ref = message.join_ref or message.ref if message.event == "phx_join" else message.join_ref
        self.send(self._serializer.push(join_ref, message.ref, message.topic, "phx_reply", payload))
