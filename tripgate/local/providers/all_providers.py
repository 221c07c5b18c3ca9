"""The services outside that this program knows how to fake."""

from tripgate.local.providers.ai.provider import AI
from tripgate.local.providers.meta.provider import META
from tripgate.local.providers.provider import Provider
from tripgate.local.providers.stripe.provider import STRIPE

ALL: tuple[Provider, ...] = (STRIPE, AI, META)
