"""Whence a request comes: the address that it is counted by."""

import ipaddress
import logging
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal

from aiohttp import web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Forwarded = Literal["X-Forwarded-For", "Forwarded"]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNKNOWN = "unknown"
_log = logging.getLogger("tripgate")
_LONGEST = 64  # characters of an address with a port, with some room for spaces
_KEPT = 4096


class Addresses:
    """Finds the address of a request's client.

    Behind proxies that is what they say of it. Each adds the address that it was asked from, so the list is read from
    its end, past the proxies that are trusted, to the first that is not one: whatever stands before it, the client may
    have written itself.

    Args:
        proxies: The networks of the proxies whose word counts. With none, who connects is the client.
        header: Where they say it. Only one is read, since a proxy passes the other on as it came.
    """

    def __init__(self, proxies: Sequence[Network] = (), *, header: Forwarded = "X-Forwarded-For") -> None:
        self._proxies = tuple(proxies)
        self._trusted = lru_cache(_KEPT)(self._is_proxy)
        self._warned = False
        self._header = header

    def of(self, request: web.Request) -> str:
        """The client's address: whole for IPv4; for IPv6 its /64, since one client has all of that."""
        remote = request.remote or ""
        if not self._proxies:
            if not self._warned and self._header in request.headers:
                self._warn_of_proxy(remote)
            return _key(remote)
        found = _address(remote)
        if found is None or not self._trusted(found):
            return _key(remote)
        for text in self._forwarded(request):
            hop = _address(text)
            if hop is None:
                break  # nobody knows what stands before that; the proxy that said so is as near as we get
            found = hop
            if not self._trusted(hop):
                break
        return _text(found)

    def trusts(self, text: str) -> bool:
        """Whether this is the address of a proxy whose word counts."""
        found = _address(text)
        return found is not None and self._trusted(found)

    def _warn_of_proxy(self, remote: str) -> None:
        """Log once that requests of many clients seem to come from one address, of a proxy that no setting names."""
        found = _address(remote)
        if found is not None and found.is_private:
            self._warned = True
            _log.warning(
                "requests seem to come by a proxy at %s, so all its clients count as one address; "
                "if it is yours, name it in TRIPGATE_TRUSTED_PROXIES",
                remote,
            )

    def _is_proxy(self, address: _Address) -> bool:
        return any(address in network for network in self._proxies)

    def _forwarded(self, request: web.Request) -> Iterator[str]:
        """What the proxies say, the nearest first."""
        for line in reversed(request.headers.getall(self._header, ())):
            for entry in reversed(line.split(",")):
                yield entry if self._header == "X-Forwarded-For" else _for(entry)


def _for(element: str) -> str:
    """The `for` of an element of `Forwarded` (RFC 7239); empty where it has none."""
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return value.strip().strip('"')
    return ""


@lru_cache(_KEPT)
def _key(text: str) -> str:
    found = _address(text)
    return UNKNOWN if found is None else _text(found)


def _address(text: str) -> _Address | None:
    """An address, with or without a port."""
    return _parsed(text) if len(text) <= _LONGEST else None


@lru_cache(_KEPT)
def _parsed(text: str) -> _Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found


@lru_cache(_KEPT)
def _text(address: _Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Address(int(address) >> 64 << 64)) + "/64"
