"""Who is present on each channel.

A presence is one connection's metadata under its key; several connections may share a key. Everybody on the channel is
told of each difference as `presence_diff`; an update is a leave and a join with `phx_ref_prev`.
"""

from __future__ import annotations

import itertools
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from tripgate.local.realtime.serializer import Notice

if TYPE_CHECKING:
    from tripgate.local.realtime.hub import Address, Hub, Listener

DIFF = "presence_diff"
State = dict[str, dict[str, list[dict[str, Any]]]]


class _Present(NamedTuple):
    key: str
    meta: dict[str, Any]


class Presences:
    """The presences of every channel of this process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._present: dict[Address, dict[Listener, _Present]] = {}
        # Unlike those of an earlier process.
        self._refs = (f"{secrets.token_hex(4)}{number:x}" for number in itertools.count())

    def state(self, address: Address) -> State:
        """Everybody there, as `presence_state` shows them."""
        return _grouped(self._present.get(address, {}).values())

    def track(self, address: Address, listener: Listener, key: str, payload: dict[str, Any]) -> None:
        """Show or change what `listener` says of itself."""
        there = self._present.setdefault(address, {})
        before = there.get(listener)
        meta = {**payload, "phx_ref": next(self._refs)}
        if before is not None:
            meta["phx_ref_prev"] = before.meta["phx_ref"]
        there[listener] = _Present(key, meta)
        self._tell(address, joins=[there[listener]], leaves=[before] if before else [])

    def untrack(self, address: Address, listener: Listener) -> None:
        """It is present no more, if it was."""
        there = self._present.get(address, {})
        before = there.pop(listener, None)
        if before is not None:
            if not there:
                del self._present[address]
            self._tell(address, joins=[], leaves=[before])

    def _tell(self, address: Address, *, joins: list[_Present], leaves: list[_Present]) -> None:
        body = orjson.dumps({"joins": _grouped(joins), "leaves": _grouped(leaves)})
        self._hub.tell(address, Notice(DIFF, body))


def _grouped(presences: Any) -> State:
    state: State = {}
    for key, meta in presences:
        state.setdefault(key, {"metas": []})["metas"].append(meta)
    return state
