"""What the doctor asks a project for beside its mapped tables, and what nobody may see.

Functions are those of `gql/pg_catalog.json`; tests hold the rest against the program.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from gql import pg_catalog
from tripgate.commands.checks.drift import callable_by_people

EDGE_FUNCTIONS = ("invite-collaborator", "accept-invitation")

_NOBODY = "00000000-0000-4000-8000-000000000000"
# A value of each type with which a call of any function has no effect.
_NOTHING = {"uuid": _NOBODY, "integer": "1", "bigint": "1", "numeric": "1", "boolean": "false", "jsonb": "[]"}


def calls() -> Mapping[str, str]:
    """The functions that signed-in people call, each with arguments with which a call has no effect."""
    return {
        function.name: urlencode(
            {
                name: "{}" if type_.endswith("[]") else _NOTHING.get(type_, "")
                for name, type_ in zip(function.names, function.types, strict=False)
            }
        )
        for function in callable_by_people(pg_catalog.loaded())
        if len(function.names) >= len(function.types)
    }


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
