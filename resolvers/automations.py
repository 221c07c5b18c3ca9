"""What the caller wants to be told, and what is done for them by itself."""

from resolvers.declared.crud import crud, domain

DOMAIN = domain(
    crud("NotificationPreference", upsert=True, changes="What the caller wants to be told."),
    position=130,
)
