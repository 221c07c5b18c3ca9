"""People and their preferences."""

import strawberry

from resolvers.declared import grouped, many, one, own, update_own


@strawberry.type
class ProfileQuery:
    """Reading profiles."""

    viewer = own("Profile", by="id", description="The caller's profile; null for an anonymous caller.")
    profile = one("Profile")
    profiles = many("Profile")
    profiles_grouped = grouped("Profile")
    my_preferences = own(
        "UserPreferences", by="userId", description="The caller's preferences; null for an anonymous caller."
    )


@strawberry.type
class ProfileMutation:
    """Changing one's own profile and preferences."""

    update_my_profile = update_own("Profile", by="id", description="Change the caller's profile.")
    update_my_preferences = update_own("UserPreferences", by="userId", description="Change the caller's preferences.")
