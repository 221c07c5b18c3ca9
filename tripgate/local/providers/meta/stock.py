"""What the fake has from the start, where the project hears of it: its templates, approved, and whom it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tripgate.local.providers.meta.templates import Category, Templates
    from tripgate.local.providers.meta.webhooks import Webhooks
    from tripgate.local.providers.provider import Lent

WEBHOOK = "handle-whatsapp-webhook"
SECRET = "WHATSAPP_APP_SECRET"  # noqa: S105 - the name of a setting
# In English, as supabase/program/009_whatsapp.sql has them.
TEMPLATES: tuple[tuple[str, Category, str], ...] = (
    (
        "verification_code",
        "AUTHENTICATION",
        "{{code}} is your verification code. For your security, do not share this code.",
    ),
    ("trip_reminder", "UTILITY", "Your reminder for “{{trip}}”: {{text}}\n\nReply STOP to end messages."),
    ("trip_update", "UTILITY", "News of “{{trip}}”: {{text}}\n\nReply STOP to end messages."),
    ("trip_message", "UTILITY", "A message from {{sender}} about “{{trip}}”: {{text}}\n\nReply STOP to end messages."),
    ("trip_ideas", "MARKETING", "An idea for your next trip: {{text}}\n\nReply STOP to end messages."),
)


def fill(templates: Templates, webhooks: Webhooks, lent: Lent) -> None:
    """Approve what the project sends, and tell its webhook: where it has one."""
    for name, category, body in TEMPLATES:
        templates.add(name, "en", category, body)
    secret = lent.settings.get(SECRET)
    webhooks.hook = None
    if WEBHOOK in lent.functions and secret:
        webhooks.set_hook(f"{lent.api_url}/functions/v1/{WEBHOOK}", secret)
