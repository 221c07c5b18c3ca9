"""Where the database is: an address as libpq takes it, which may name several hosts, of which one is the primary."""

from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_CONNECT_SECONDS = 5.0
_ONE_HOST_SECONDS = 2
"""The least that psycopg allows one host."""


class Address:
    """An address. Of several hosts the one that was had last is tried first, and none that is a standby is taken.

    Args:
        url: As libpq takes it.
    """

    def __init__(self, url: str) -> None:
        self._found: dict[str, Any] = dict(conninfo_to_dict(url))
        parts = [_split(self._found.get(name)) for name in ("host", "hostaddr", "port")]
        count = max(map(len, parts))
        # One port is every host's; one that is left out is libpq's own.
        hosts, numbers, ports = (each * count if len(each) == 1 else each for each in parts)
        self._places = list(zip(hosts, numbers, ports, strict=False)) if count > 1 else []
        if self._places:
            self._found.setdefault("target_session_attrs", "primary")
            # One that swallows what it is sent must leave time for the next.
            self._found.setdefault("connect_timeout", _ONE_HOST_SECONDS)

    @property
    def seconds(self) -> float:
        """How long it may take to connect."""
        return max(_CONNECT_SECONDS, _ONE_HOST_SECONDS * len(self._places) + 1.0)

    @property
    def conninfo(self) -> str:
        """The address as libpq is told."""
        if not self._places:
            return make_conninfo(**self._found)
        hosts, numbers, ports = (",".join(each) for each in zip(*self._places, strict=True))
        named = {"host": hosts, "hostaddr": numbers, "port": ports}
        return make_conninfo(**self._found | {name: text for name, text in named.items() if text.strip(",")})

    def had(self, host: str, port: str) -> None:
        """Try this one first from now on."""
        self._places.sort(key=lambda place: host not in place[:2] or place[2] not in {port, ""})


def _split(value: object) -> list[str]:
    return str(value).split(",") if value is not None else [""]
