"""What somebody who planned trips in a spreadsheet, or elsewhere, brings along."""

from tripgate.importing.declaring import (
    Import,
    Persons,
    Source,
    choice,
    date,
    decimal,
    integer,
    json,
    person,
    reference,
    text,
    texts,
    timestamp,
)

_PLACES = Source(
    "places",
    "public.places",
    {
        "user_id": person("owner"),
        "name": text(required=True),
        "category": choice(
            "",
            *("attraction", "museum", "nature", "beach", "restaurant", "cafe", "bar", "shop", "lodging", "transport"),
            "other",
            default="other",
        ),
        "address": text(),
        "city": text(),
        "country_code": text(),
        "latitude": decimal(),
        "longitude": decimal(),
        "website": text(),
        "notes": text(),
        "created_at": timestamp(),
    },
    owner="user_id",
)

_TRIPS = Source(
    "trips",
    "public.trips",
    {
        "user_id": person("owner"),
        "title": text(required=True),
        "description": text(),
        "destination": text(),
        "status": choice("", "planning", "booked", "completed", "cancelled", default="planning"),
        "start_date": date(),
        "end_date": date(),
        "budget": decimal(),
        "currency": text(),
        "labels": texts(),
        "created_at": timestamp(),
    },
    owner="user_id",
)

_ITEMS = Source(
    "trip_items",
    "public.trip_items",
    {
        "trip_id": reference("trips", "trip", required=True),
        "place_id": reference("places", "place"),
        "title": text(required=True),
        "notes": text(),
        "kind": choice("", "activity", "food", "lodging", "transport", "note", default="activity"),
        "day_number": integer(),
        "order_index": integer(),
        "starts_at": timestamp(),
        "ends_at": timestamp(),
        "cost": decimal(),
        "details": json(),
        "created_at": timestamp(),
    },
    owner="trip_id",
)

IMPORT = Import("trips", (_PLACES, _TRIPS, _ITEMS), Persons(name="name"))
