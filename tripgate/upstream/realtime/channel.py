"""One joined topic: its token, its state, and the listener that it calls."""

import asyncio
import time
from collections import deque
from dataclasses import replace
from typing import Any, Protocol

from tripgate.upstream.realtime.frames import Change, change_in, resync

REPLAY_LIMIT = 25
REPLAY_MARGIN_SECONDS = 5.0
_REPLAY_SETTLES_SECONDS = 1.0
_REMEMBERED_IDS = 256


class ChannelListener(Protocol):
    """Is called for a topic's events, from the event loop; must not block."""

    def on_change(self, change: Change) -> None:
        """A row changed, or RESYNC: something may have been missed."""

    def on_refused(self, reason: str) -> None:
        """The server does not accept the channel's token, or no longer."""

    def on_disconnected(self) -> None:
        """The connection is gone: no changes come until the topic is joined again."""

    def on_presence(self, event: str, payload: dict[str, Any]) -> None:
        """`presence_state` or `presence_diff`, whose contents are clients' own words."""


class Channel:
    """A topic that is kept joined until it is left. Made by `RealtimeClient.join`.

    After a gap the server is asked to replay. The replay is complete when the last message received before the gap is
    the first of it and it holds fewer messages than the server replays at most; otherwise a RESYNC follows.
    """

    def __init__(self, topic: str, token: str, listener: ChannelListener) -> None:
        self.topic = topic
        self.token = token
        self.listener = listener
        self.joined = asyncio.Event()
        self.join_ref: str | None = None
        self.tracked: dict[str, Any] | None = None
        self._received_ids: deque[str] = deque(maxlen=_REMEMBERED_IDS)
        self._received_at: float | None = None
        self._replayed = 0
        self._last_before_gap: str | None = None
        self._reached_last = False
        self._replay_out_of_order = False
        self._was_joined = False
        self._settling: asyncio.TimerHandle | None = None

    def join_payload(self) -> dict[str, Any]:
        """The payload of `phx_join`; after a gap also from when to replay."""
        broadcast: dict[str, Any] = {"ack": False, "self": False}
        if self._was_joined and self._received_at is not None:
            since = int((self._received_at - REPLAY_MARGIN_SECONDS) * 1000)
            broadcast["replay"] = {"since": since, "limit": REPLAY_LIMIT}
        presence = {"key": "", "enabled": True}
        config = {"broadcast": broadcast, "presence": presence, "postgres_changes": [], "private": True}
        return {"config": config, "access_token": self.token}

    def accepted(self) -> None:
        """The server has accepted the join."""
        if self._was_joined:
            if self._settling is not None:
                self._settling.cancel()
            delay = _REPLAY_SETTLES_SECONDS if self._received_ids else 0
            self._settling = asyncio.get_running_loop().call_later(delay, self._settle)
        self._was_joined = True
        self.joined.set()

    def disconnected(self) -> None:
        """The connection is gone; the socket joins the channel again."""
        self.joined.clear()
        self.join_ref = None
        self._last_before_gap = self._received_ids[-1] if self._received_ids else None
        self._replayed = 0
        self._reached_last = False
        self._replay_out_of_order = False
        self.listener.on_disconnected()

    def closed(self) -> None:
        """The topic was left for good."""
        self.joined.clear()
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None

    def broadcast(self, payload: dict[str, Any]) -> bool:
        """Pass a broadcast on, once. False where it could not be decoded, and a RESYNC was passed on instead."""
        change = change_in(payload, self.topic)
        if change is None:
            return True
        known = change.message_id in self._received_ids
        if change.replayed:
            self._replayed += 1
            if not self._reached_last:
                # What comes before the last message received is older than the gap, if the server keeps the order.
                self._reached_last = change.message_id is not None and change.message_id == self._last_before_gap
                self._replay_out_of_order |= not known
                return not change.undecodable
        if not known:
            if change.message_id is not None:
                # What has no id is kept nowhere, so it cannot be replayed.
                self._received_ids.append(change.message_id)
                self._received_at = time.time()
            self.listener.on_change(change)
        return not change.undecodable

    def undecodable(self) -> None:
        """Pass on a RESYNC: a message that may have been a change could not be decoded."""
        self.listener.on_change(replace(resync(), undecodable=True))

    def _settle(self) -> None:
        self._settling = None
        if self._replay_out_of_order or not self._reached_last or self._replayed >= REPLAY_LIMIT:
            self.listener.on_change(resync())
