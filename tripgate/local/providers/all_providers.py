"""The services outside that this program knows how to fake."""

from tripgate.local.providers.provider import Provider

ALL: tuple[Provider, ...] = ()
