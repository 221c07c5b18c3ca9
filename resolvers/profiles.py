"""People and their preferences."""

import strawberry

from resolvers.declared import my_changes, own, update_own
from resolvers.declared.crud import crud, domain


@strawberry.type
class ViewerQuery:
    """Reading one's own profile."""

    viewer = own("Profile", by="id", description="The caller's profile; null for an anonymous caller.")


@strawberry.type
class PreferencesQuery:
    """Reading one's own preferences."""

    my_preferences = own(
        "UserPreferences", by="userId", description="The caller's preferences; null for an anonymous caller."
    )


@strawberry.type
class ProfileMutation:
    """Changing one's own profile and preferences."""

    update_my_profile = update_own("Profile", by="id", description="Change the caller's profile.")
    update_my_preferences = update_own("UserPreferences", by="userId", description="Change the caller's preferences.")


@strawberry.type
class OwnSubscription:
    """Following what concerns oneself."""

    my_changes = my_changes(
        description="What concerns the caller alone, as it happens: invitations to them, trips that they come to or "
        "leave, their role, and everything of their own, changed here or elsewhere."
    )


DOMAIN = domain(
    ViewerQuery,
    crud("Profile", writes=False),
    PreferencesQuery,
    ProfileMutation,
    OwnSubscription,
    position=30,
)
