"""What the doctor asks about the tables of trips; tests hold it against the program."""

from collections.abc import Mapping

from tripgate.systems.system import Bucket, Form

# All that supabase/config.toml declares.
EDGE_FUNCTIONS = (
    "invite-collaborator",
    "accept-invitation",
    "invite-member",
    "accept-membership",
    "handle-stripe-webhook",
    "create-checkout-session",
    "create-billing-portal-session",
    "recover-stripe-events",
    "delete-external-customer",
    "enforce-usage-limits",
    "run-ai-agent",
    "summarize-trip",
    "optimize-itinerary",
    "classify-place",
    "search-ai-memories",
    "clean-storage",
    "send-whatsapp-message",
    "handle-whatsapp-webhook",
    "schedule-reminder",
    "trigger-automation",
)

# As supabase/program/011_storage.sql makes them.
_PICTURES = frozenset({"image/jpeg", "image/png", "image/webp", "image/avif"})
BUCKETS = (
    Bucket("trip-images", False, 52_428_800, _PICTURES, resized=True),
    Bucket("place-photos", False, 52_428_800, _PICTURES, resized=True),
    Bucket("user-avatars", True, 5_242_880, _PICTURES, resized=True),
)

FORMS = (
    Form(
        "trips?select=id&order=start_date.desc.nullslast,id&limit=1",
        "Orders that say where nulls go fail",
        "PostgREST 13.0.0 and 13.0.1 do not know them beside a limit: use 13.0.2 or newer.",
    ),
    Form(
        "trips?select=id,f0:trip_items!trip_id(f0:places!place_id())&f0.f0=not.is.null&f0=not.is.null&order=id&limit=100",
        "Filters by what is related to related rows fail",
        "Report it with the version of PostgREST.",
        like="trips?select=id,f0:trip_items!trip_id(id,f0:places!place_id(id))&f0.f0=not.is.null&f0=not.is.null"
        "&order=id&limit=100",
    ),
    Form(
        "trips_by_created_at_desc?select=id,r0:trip_items!trip_id(id)&order=created_at.desc,id&r0.order=id&limit=100",
        "Lists whose rows have lists fail: the views in order do not embed what their tables do",
        like="trips?select=id,r0:trip_items!trip_id(id)&order=created_at.desc,id&r0.order=id&limit=100",
    ),
)

NEVER_SEEN: Mapping[str, str] = {
    "invitations": "select=id,of:trips!trip_id()&of=is.null&email=neq.{email}",
    "membership_invitations": "select=id&invited_by=neq.{me}&email=neq.{email}",
    "ai_agents": "select=id&is_active=is.false",
    "stored_files": "select=id&bucket=eq.trip-images&trip_id=is.null",
    "places": "select=id,on:trip_items!place_id(),kept:collection_places!place_id()&on=is.null&kept=is.null"
    "&user_id=neq.{me}",
    "profiles": "select=id,owns:trips!user_id(),joins:collaborators!user_id(),keeps:collections!user_id(),"
    "shares:collection_members!user_id()&owns=is.null&joins=is.null&keeps=is.null&shares=is.null&id=neq.{me}",
}
"""Invitations are seen by who is invited, places by whoever is on a trip that goes there or shares a collection with
them, people by who shares a trip or a collection with them."""
