"""One joined topic: its token, its state, and what is told to whoever listens."""

import asyncio
import time
from collections import deque
from dataclasses import replace
from typing import Any, Protocol

from tripgate.upstream.realtime.frames import Change, change_in, resync

REPLAY_LIMIT = 25
REPLAY_MARGIN_SECONDS = 5.0
_REPLAY_SETTLES_SECONDS = 1.0
_REMEMBERED = 256


class Listener(Protocol):
    """Who is told of a topic's events. Calls come from the event loop and must not block."""

    def changed(self, change: Change) -> None:
        """A row changed, or RESYNC: something may have been missed."""

    def refused(self, reason: str) -> None:
        """The server does not let this token in, or no longer."""

    def lost(self) -> None:
        """Nothing is heard until the topic is joined again."""

    def presence(self, event: str, payload: dict[str, Any]) -> None:
        """`presence_state` or `presence_diff`, whose contents are clients' own words."""


class Channel:
    """A topic that is kept joined until it is left. Made by `RealtimeClient.join`.

    After a gap the server is asked to replay. What was missed counts as complete when the last message that was heard
    comes first among fewer than the most that are replayed; otherwise a RESYNC follows.
    """

    def __init__(self, topic: str, token: str, listener: Listener) -> None:
        self.topic = topic
        self.token = token
        self.listener = listener
        self.joined = asyncio.Event()
        self.join_ref: str | None = None
        self.tracked: dict[str, Any] | None = None
        self._heard: deque[str] = deque(maxlen=_REMEMBERED)
        self._heard_at: float | None = None
        self._replayed = 0
        self._gap_behind: str | None = None
        self._met_last = False
        self._doubtful = False
        self._was_joined = False
        self._settling: asyncio.TimerHandle | None = None

    def join_payload(self) -> dict[str, Any]:
        """What `phx_join` carries: with a gap behind it, also from when to replay."""
        broadcast: dict[str, Any] = {"ack": False, "self": False}
        if self._was_joined and self._heard_at is not None:
            since = int((self._heard_at - REPLAY_MARGIN_SECONDS) * 1000)
            broadcast["replay"] = {"since": since, "limit": REPLAY_LIMIT}
        presence = {"key": "", "enabled": True}
        config = {"broadcast": broadcast, "presence": presence, "postgres_changes": [], "private": True}
        return {"config": config, "access_token": self.token}

    def accepted(self) -> None:
        """The server let us in."""
        if self._was_joined:
            if self._settling is not None:
                self._settling.cancel()
            delay = _REPLAY_SETTLES_SECONDS if self._heard else 0
            self._settling = asyncio.get_running_loop().call_later(delay, self._settle)
        self._was_joined = True
        self.joined.set()

    def lost(self) -> None:
        """The connection is gone; the client joins again."""
        self.joined.clear()
        self.join_ref = None
        self._gap_behind = self._heard[-1] if self._heard else None
        self._replayed = 0
        self._met_last = False
        self._doubtful = False
        self.listener.lost()

    def closed(self) -> None:
        """Left for good."""
        self.joined.clear()
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None

    def broadcast(self, payload: dict[str, Any]) -> bool:
        """A broadcast came: tell of it once. False where it could not be decoded, and a RESYNC was told instead."""
        change = change_in(payload)
        if change is not None:
            self._tell(change)
        return change is None or not change.undecodable

    def _tell(self, change: Change) -> None:
        known = change.message_id in self._heard
        if change.replayed:
            self._replayed += 1
            if not self._met_last:
                # What comes before the last message heard is older than the gap, unless the server's order is another.
                self._met_last = change.message_id is not None and change.message_id == self._gap_behind
                self._doubtful |= not known
                return
        if known:
            return
        if change.message_id is not None:
            self._heard.append(change.message_id)
        self._heard_at = time.time()
        self.listener.changed(change)

    def undecodable(self) -> None:
        """Something came that cannot be understood, which may have been a change."""
        self.listener.changed(replace(resync(), undecodable=True))

    def _settle(self) -> None:
        self._settling = None
        if self._doubtful or not self._met_last or self._replayed >= REPLAY_LIMIT:
            self.listener.changed(resync())
