"""Who is present on a topic in other processes, as far as they may be believed.

What a presence says is its client's own words: anybody who may join the topic can say anything. So only UUIDs count, a
bounded number of them, and whoever shows them leaves out who is no member of what the topic is about. That one member
says that another is there cannot be told from the truth.
"""

import logging
import re
from typing import Any

_log = logging.getLogger("tripgate.realtime")

MOST_PEOPLE_PER_CLIENT = 1_000
MOST_PEOPLE = 10_000
MOST_CLIENTS = 1_000
"""Of one topic. A gateway's process is one client for all its people."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class RemotePresence:
    """The people of a topic by the client that says so, from `presence_state` and `presence_diff`."""

    __slots__ = ("_by_client",)

    def __init__(self) -> None:
        self._by_client: dict[str, frozenset[str]] = {}

    def take(self, event: str, payload: dict[str, Any]) -> None:
        """Take in an event of Realtime; parts of any other form are ignored."""
        if event == "presence_state":
            self._by_client.clear()
            payload = {"joins": payload}
        joins, leaves = payload.get("joins"), payload.get("leaves")
        for client, _ in _metas(leaves):
            self._by_client.pop(client, None)
        left = MOST_PEOPLE - sum(map(len, self._by_client.values()))
        for client, people in _metas(joins):
            if len(people) > left or len(self._by_client) >= MOST_CLIENTS:
                _log.warning("more is said to be present on a topic of realtime than is believed")
                break
            self._by_client[client] = people
            left -= len(people)

    @property
    def people(self) -> frozenset[str]:
        """The ids of all who are said to be there."""
        return frozenset().union(*self._by_client.values())


def _metas(group: Any) -> list[tuple[str, frozenset[str]]]:
    """Each client's people, of those who say any."""
    found = []
    for presence in group.values() if isinstance(group, dict) else ():
        metas = presence.get("metas") if isinstance(presence, dict) else None
        for meta in metas if isinstance(metas, list) else ():
            people = meta.get("people") if isinstance(meta, dict) else None
            if isinstance(people, list):
                said = people[:MOST_PEOPLE_PER_CLIENT]
                ids = frozenset(one for one in said if isinstance(one, str) and _UUID.fullmatch(one))
                found.append((str(meta.get("phx_ref")), ids))
    return found
