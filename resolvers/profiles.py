"""The caller as others see them."""

import strawberry

from resolvers.declared import own


@strawberry.type
class ProfileQuery:
    """Reading profiles."""

    viewer = own("Profile", by="id", description="The caller's profile; null for an anonymous caller.")
