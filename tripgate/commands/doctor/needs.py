"""What Tripgate needs of a database and its functions beside the mapped tables, and what nobody may see.

Tests hold these lists against the program and the schemas.
"""

from collections.abc import Mapping

from gql.table import catalog
from tripgate.gateway.schema import written_by_filter

EDGE_FUNCTIONS = ("invite-collaborator", "accept-invitation")

_NOBODY = "00000000-0000-4000-8000-000000000000"

FUNCTIONS: Mapping[str, str] = {
    "delete_my_account": "",
    "move_trip_item": f"item={_NOBODY}&day=1&new_position=0",
    "cast_vote": f"item={_NOBODY}&new_value=0&new_comment=",
    "announce_invitation": f"trip={_NOBODY}&email=",
    "accept_invitation": "token=",
    "search_places": "words=",
    "distance_in_metres": f"from_place={_NOBODY}&to_place={_NOBODY}",
    "insert_tree": "tree=%5B%5D",
    **{f"{table.name}_by_ids": "ids=%7B%7D" for table in catalog if not table.hidden_columns},
}
"""Functions of schema public that signed-in people call, and arguments with which a call has no effect."""

TRIGGERS: Mapping[str, str] = {
    "on_auth_user_created": "auth.users",
    "name_saved_places": "public.saved_places",
    "refuse_owner_as_collaborator": "public.collaborators",
    "limit_invitations": "public.invitations",
    "set_votes_trip_id": "public.votes",
    "carry_trip_items_votes": "public.trip_items",
    "withdraw_collaborators_votes": "public.collaborators",
    "broadcast_trips_changes": "public.trips",
    "broadcast_trip_items_changes": "public.trip_items",
    "broadcast_collaborators_changes": "public.collaborators",
    "broadcast_votes_changes": "public.votes",
    "broadcast_collaborators_membership": "public.collaborators",
    "broadcast_invitations_changes": "public.invitations",
    **{f"expect_{name}_{event}s": f"public.{name}" for name, event in written_by_filter()},
}
"""Triggers without which sign-up, invitations, votes, subscriptions or writes by filter do not work. Each mapped table
has one more, `set_<table>_updated_at`."""

PUBLICATION = "supabase_realtime"
PUBLISHED = ("trips", "trip_items", "collaborators", "votes")

# PostgREST's query strings, with {me} and {email} for the caller's own. Written out, since the gateway's filters ask
# for rows that a caller may see and these for rows that they may not: each must answer with nothing.
_OF_OTHERS = "select=id&user_id=neq.{me}"
_ON_HIDDEN_TRIPS = "select=id,of:trips!trip_id()&of=is.null"

NEVER_SEEN: Mapping[str, str] = {
    **dict.fromkeys(
        ("user_preferences", "saved_places", "collections", "collection_places", "tags", "place_tags"), _OF_OTHERS
    ),
    "trips": "select=id,mine:collaborators!trip_id()&mine.user_id=eq.{me}&mine=is.null&user_id=neq.{me}",
    "trip_items": _ON_HIDDEN_TRIPS,
    "collaborators": _ON_HIDDEN_TRIPS,
    "votes": _ON_HIDDEN_TRIPS,
    "invitations": _ON_HIDDEN_TRIPS + "&email=neq.{email}",
    "places": "select=id,on:trip_items!place_id()&on=is.null&user_id=neq.{me}",
    "profiles": ("select=id,owns:trips!user_id(),joins:collaborators!user_id()&owns=is.null&joins=is.null&id=neq.{me}"),
}
"""For each mapped table, rows that no policy shows to a person: of others, or of trips that they are not on."""
