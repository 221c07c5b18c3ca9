"""The client of Realtime: opens as many sockets as its channels need."""

from typing import Any
from urllib.parse import urlencode

import aiohttp

from tripgate.upstream.realtime.channel import Channel, ChannelListener
from tripgate.upstream.realtime.join_pace import JoinPace
from tripgate.upstream.realtime.socket import Socket


class RealtimeClient:
    """Joins topics.

    Args:
        url: Realtime's address, as in `https://project.supabase.co/realtime/v1`.
        heartbeat: Seconds between heartbeats.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, api_key: str, *, heartbeat: float = 25.0) -> None:
        self._session = session
        base = url.replace("http", "ws", 1).rstrip("/")
        self._url = f"{base}/websocket?{urlencode({'apikey': api_key, 'vsn': '1.0.0'})}"
        self._heartbeat = heartbeat
        self._pace = JoinPace()
        self._sockets: list[Socket] = []
        self._socket_of: dict[Channel, Socket] = {}

    def join(self, topic: str, token: str, listener: ChannelListener) -> Channel:
        """Keep a private topic joined until it is left."""
        channel = Channel(topic, token, listener)
        socket = next((one for one in self._sockets if not one.full), None)
        if socket is None:
            socket = Socket(self._session, self._url, heartbeat=self._heartbeat, pace=self._pace)
            self._sockets.append(socket)
        self._socket_of[channel] = socket
        socket.join(channel)
        return channel

    def leave(self, channel: Channel) -> None:
        """Leave a topic."""
        socket = self._socket_of.pop(channel, None)
        if socket is not None:
            socket.leave(channel)

    def set_token(self, channel: Channel, token: str) -> None:
        """Go on under another token; a channel that the server closed is joined again."""
        socket = self._socket_of[channel]
        socket.set_token(channel, token)
        socket.rejoin(channel)

    def track(self, channel: Channel, payload: dict[str, Any]) -> None:
        """Say who is present on a topic."""
        self._socket_of[channel].track(channel, payload)

    @property
    def sockets(self) -> int:
        """How many connections are open."""
        return sum(socket.connected for socket in self._sockets)

    @property
    def channels(self) -> int:
        """How many topics are kept joined."""
        return len(self._socket_of)

    @property
    def undecodable(self) -> int:
        """How many messages could not be decoded."""
        return sum(socket.undecodable for socket in self._sockets)

    @property
    def broken(self) -> bool:
        """Whether a connection that keeps topics is not open."""
        return any(socket.channels and not socket.connected for socket in self._sockets)

    async def close(self) -> None:
        """Close all connections."""
        for socket in self._sockets:
            await socket.close()
        self._sockets.clear()
        self._socket_of.clear()
