"""Who listens to which channel, and the telling of all of them at once.

A notice is encoded once for each version of the format, however many listen. Public and private channels of the same
name are different channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from tripgate.local.realtime.serializer import Frame, Notice, Serializer


class Address(NamedTuple):
    """A channel's name without `realtime:`, and its kind."""

    name: str
    private: bool

    @property
    def topic(self) -> str:
        """As the wire says it."""
        return f"realtime:{self.name}"


class Listener(Protocol):
    """A connection's place on a channel."""

    @property
    def serializer(self) -> Serializer:
        """The format of its connection."""

    def hear(self, notice: Notice, frame: Frame) -> None:
        """Pass `frame`, which says `notice`, on. Returns at once."""


class Hub:
    """The listeners of every channel of this process."""

    def __init__(self) -> None:
        self._listeners: dict[Address, dict[Listener, None]] = {}

    def enter(self, address: Address, listener: Listener) -> None:
        """From now on, `listener` hears what is told there."""
        self._listeners.setdefault(address, {})[listener] = None

    def leave(self, address: Address, listener: Listener) -> None:
        """It hears no more."""
        listeners = self._listeners.get(address)
        if listeners is not None:
            listeners.pop(listener, None)
            if not listeners:
                del self._listeners[address]

    def tell(self, address: Address, notice: Notice, *, but: Listener | None = None) -> None:
        """Tell everybody there, in the order of entering, `but` one."""
        listeners = self._listeners.get(address)
        if not listeners:
            return
        frames: dict[Serializer, Frame | None] = {}
        for listener in listeners:
            if listener is but:
                continue
            serializer = listener.serializer
            if serializer not in frames:
                frames[serializer] = serializer.notice(address.topic, notice)
            frame = frames[serializer]
            if frame is not None:
                listener.hear(notice, frame)
