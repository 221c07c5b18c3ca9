"""Types and tables agree, and nothing is missing that root fields need: of every table, and each check can tell.

The same checks are the doctor's, those of `tripgate dev` and of `tripgate schema --check`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString
from uuid import UUID

import pytest

from gql import pg_catalog
from gql.catalog import catalog
from gql.declare import NEVER, REQUIRED, column, on_create, table
from gql.table import Kind, Table, UniqueKey
from gql.types.scopes import TRIP
from resolvers.declared.crud import crud
from tripgate.commands.checks import drift, features, mapping
from tripgate.commands.checks.conformity import conformity
from tripgate.commands.checks.root_fields import Offer, offers
from tripgate.commands.doctor.report import Finding, Level
from tripgate.commands.pg_catalog import reading
from tripgate.gateway import schema
from tripgate.gateway.schema import MUTATIONS, QUERIES, SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

OFFERS = offers([*QUERIES, *MUTATIONS, *SUBSCRIPTIONS])
TABLES = [pytest.param(table, id=table.type_name) for table in catalog]


def findings(table: Table, database: pg_catalog.Database) -> list[Finding]:
    offer = OFFERS.get(table.type_name, Offer())
    return [*mapping.check(table, catalog, database), *features.check(table, offer, catalog, database)]


@pytest.mark.parametrize("table", TABLES)
def test_a_type_and_its_table_agree_and_its_fields_have_what_they_need(table: Table) -> None:
    assert [finding.line for finding in findings(table, pg_catalog.loaded())] == []


def test_nothing_else_is_missing() -> None:
    database = pg_catalog.loaded()
    assert [each.level for each in conformity(database).findings] == [Level.NOTE]
    assert drift.compare(database, database) == []


# Lists whose rows are few for each reader, so that sorting them costs nothing.
SORTED_EACH_TIME = {
    "Profile": "those one travels with",
    "WhatsappContact": "one a person",
    "Collaborator": "those on one's trips",
    "CollectionMember": "those in one's collections",
    "CollectionPlace": "the places of one's collections",
    "TripPreferences": "those on one's trips",
    "PlaceTag": "the tags that one has given",
}


@pytest.mark.parametrize("table", [each for each in TABLES if OFFERS.get(each.values[0].type_name, Offer()).lists])
def test_an_index_is_in_the_order_of_a_list(table: Table) -> None:
    found = pg_catalog.loaded().table(table.name)
    assert found is not None
    assert (features.unsorted(table, found) is not None) == (table.type_name in SORTED_EACH_TIME)


def test_a_table_that_is_made_and_no_more_is_told_all_that_it_lacks(
    db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long lists of ids would answer INTERNAL_SERVER_ERROR, and subscribers hear nothing."""
    db.execute(
        """
        create table public.shelves (
            id uuid primary key, trip_id uuid not null references public.trips (id), title text not null,
            updated_at timestamptz not null default now()
        );
        grant select on public.shelves to authenticated;
        """
    )
    for name in ("by_type", "_by_name", "_by_field"):
        monkeypatch.setattr(catalog, name, dict(getattr(catalog, name)))

    @table("shelves", scope=TRIP.via("trip_id"), order_by=("title",))
    class Shelf:
        """Where things stand."""

        id: UUID = column(write=NEVER)
        trip_id: UUID = column(write=on_create(required=True))
        title: str = column(write=REQUIRED)
        updated_at: datetime = column(write=NEVER)

    monkeypatch.setattr(schema, "MUTATIONS", schema.MUTATIONS)
    crud_types = crud("Shelf", changes="Changes of shelves.").types()
    schema.MUTATIONS = (*schema.MUTATIONS, *(each for each in crud_types if each.__name__.endswith("Mutation")))
    found = reading.read(db, ["public"])
    shelf = catalog["Shelf"]
    said = [
        *mapping.check(shelf, catalog, found),
        *features.check(shelf, offers(crud_types)["Shelf"], catalog, found),
    ]
    texts = [finding.text for finding in said]
    needs = next(text for text in texts if text.startswith("Type Shelf needs what is not there: "))
    for each in ("function shelves_by_ids", "function whole_shelves", "trigger set_shelves_updated_at"):
        assert each in needs
    assert {each for each in texts if each != needs} == {
        "Shelf.title: signed-in people may not update shelves.title.",
        "Row level security is off on shelves: whoever is granted it sees and changes every row.",
        "No policy lets signed-in people read shelves, so nobody sees a row.",
        "Signed-in people are not granted to insert into shelves, so createShelf and createShelves are always refused.",
        "No policy lets signed-in people insert into shelves, so createShelf and createShelves are always refused.",
        "Signed-in people are not granted to update rows of shelves, so updateShelf and updateShelves are always "
        "refused.",
        "No policy lets signed-in people update rows of shelves, so updateShelf and updateShelves are always refused.",
        "Signed-in people are not granted to delete from shelves, so deleteShelf and deleteShelves are always refused.",
        "No policy lets signed-in people delete from shelves, so deleteShelf and deleteShelves are always refused.",
        "No trigger tells of each insert, update and delete on shelves, so subscribers of shelfChanges hear nothing "
        "of it.",
        "No index of shelves begins with trip_id, which deleting from trips looks through.",
    }
    assert all(finding.advice for finding in said)


BROKEN_IN_SQL: list[tuple[LiteralString, str]] = [
    # What a type says of its table.
    ("alter table public.tags rename to labels", "There is no table tags, which type Tag needs."),
    ("alter table public.trips rename budget to price", "Trip.budget: there is no column trips.budget."),
    (
        "alter table public.votes alter comment type varchar",
        "Vote.comment is declared as text, and votes.comment is character varying.",
    ),
    (
        "alter table public.trips alter title drop not null",
        "Trip.title: trips.title may be null, and its declaration says the opposite.",
    ),
    (
        "update public.trips set budget = 0; alter table public.trips alter budget set not null",
        "Trip.budget: trips.budget is never null, and its declaration says the opposite.",
    ),
    (
        "drop view if exists public.trips_by_created_at_desc, public.trips_by_created_at_desc_reversed,"
        " public.trips_by_start_date, public.trips_by_start_date_reversed, public.trips_by_start_date_desc,"
        " public.trips_by_start_date_desc_reversed; alter table public.trips alter budget type numeric(14,3)",
        "Trip.budget is declared with digits=(12, 2), and budget is numeric(14,3).",
    ),
    (
        "alter table public.collaborators drop constraint collaborators_role_check, add constraint"
        " collaborators_role_check check (role in ('viewer', 'editor', 'guest'))",
        "Collaborator.role: the enum and collaborators.role differ in guest.",
    ),
    (
        "alter table public.collaborators drop constraint collaborators_role_check",
        "Collaborator.role is an enum, and no check lists what collaborators.role may be.",
    ),
    ("alter table public.votes drop constraint votes_pkey", "Vote: the primary key of votes is missing, not id."),
    (
        "alter table public.trip_items drop constraint fk_trip_items_place_id",
        "TripItem.place follows a foreign key trip_items.place_id to places, which there is not.",
    ),
    (
        "alter table public.trip_items drop constraint fk_trip_items_trip_id",
        "Trip.items follows a foreign key trip_items.trip_id to trips, which there is not.",
    ),
    (
        "alter table public.tags drop constraint tags_user_id_name_key",
        "Tag: no constraint keeps user_id and name of tags unique.",
    ),
    (
        "alter table public.tags add constraint tags_colour_key unique (colour)",
        "Tag: colour of tags is unique, and no root field finds rows by it.",
    ),
    (
        "alter table public.tags alter user_id drop default",
        "Tag: tags.user_id is not the caller by default, as own='user_id' says.",
    ),
    ("alter table public.tags add shape text", "Tag has no field for tags.shape, which signed-in people may read."),
    (
        "drop function public.duration_days(public.trips)",
        "There is no function duration_days(trips), which Trip.durationDays needs.",
    ),
    (
        "drop function public.vote_summary(public.trip_items)",
        "There is no function vote_summary(trip_items), which TripItem.voteSummary needs.",
    ),
    (
        "revoke execute on function public.cost_total(public.trips) from authenticated",
        "Trip.costTotal: signed-in people may not call public.cost_total(public.trips).",
    ),
    (
        "alter function public.cost_total(public.trips) volatile",
        "Trip.costTotal: public.cost_total(public.trips) is volatile, so nothing is worked out ahead.",
    ),
    (
        "revoke update (colour) on public.tags from authenticated",
        "Tag.colour: signed-in people may not update tags.colour.",
    ),
    (
        "revoke insert (colour) on public.tags from authenticated",
        "Tag.colour: signed-in people may not insert tags.colour.",
    ),
    (
        "alter table public.tags alter colour drop default",
        "Tag.colour may be left out of a new row, and tags.colour has no default.",
    ),
    (
        "revoke select on public.tags from authenticated; grant select (id, user_id, colour, created_at,"
        " updated_at) on public.tags to authenticated",
        "Tag.name: signed-in people may not select tags.name.",
    ),
    (
        "revoke select on public.tags from authenticated; grant select (id) on public.tags to authenticated",
        "Tag: signed-in people may not read some columns of tags, and its declaration says the opposite.",
    ),
    # What root fields need.
    (
        "alter table public.tags disable row level security",
        "Row level security is off on tags: whoever is granted it sees and changes every row.",
    ),
    (
        "create table public.drafts (id uuid primary key)",
        "Row level security is off on drafts: whoever is granted it sees and changes every row.",
    ),
    ("grant select on public.tags to anon", "Role anon is granted rights on tags."),
    (
        'create policy "Everybody may look at tags" on public.tags for select using (true)',
        'Policy "Everybody may look at tags" on tags is for public, so for people without an account too.',
    ),
    (
        "revoke delete on public.tags from authenticated",
        "Signed-in people are not granted to delete from tags, so deleteTag and deleteTags are always refused.",
    ),
    (
        "revoke insert on public.trip_items from authenticated",
        "Signed-in people are not granted to insert into trip_items, so createTripItem and createTripItems are"
        " always refused.",
    ),
    ("drop function public.tags_by_ids(uuid[])", "Type Tag needs what is not there: function tags_by_ids."),
    (
        "drop function public.notes_against(public.places)",
        "Type Place needs what is not there: function notes_against.",
    ),
    (
        "drop function public.comment_against(public.votes)",
        "Type Vote needs what is not there: function comment_against.",
    ),
    (
        "drop trigger set_tags_updated_at on public.tags",
        "Type Tag needs what is not there: trigger set_tags_updated_at.",
    ),
    (
        "drop trigger expect_tags_deletes on public.tags",
        "Type Tag needs what is not there: trigger expect_tags_deletes.",
    ),
    ("alter table public.tags disable trigger set_tags_updated_at", "Trigger set_tags_updated_at is switched off."),
    (
        "drop trigger broadcast_collaborators_changes on public.collaborators",
        "No trigger tells of each insert, update and delete on collaborators, so subscribers of collaboratorChanges "
        "hear nothing of it.",
    ),
    (
        "drop trigger broadcast_votes_changes on public.votes",
        "No trigger tells of each insert, update and delete on votes, so subscribers of voteChanges hear nothing"
        " of it.",
    ),
    (
        "drop index public.idx_trip_items_place_id, public.idx_trip_items_trip_id_place_id",
        "No index of trip_items begins with place_id, which Place.items and deleting from places look through.",
    ),
    (
        "revoke usage on schema public from public, authenticated",
        "Signed-in people may not use schema public, so nothing of it can be read.",
    ),
    (
        "alter function private.my_trip_ids() rename to my_journey_ids",
        "There is no function private.my_trip_ids(), which tells who may follow a trip: without it nobody can follow"
        " anything.",
    ),
    (
        "revoke execute on function public.tags_by_ids(uuid[]) from authenticated",
        "Type Tag needs what signed-in people may not use: tags_by_ids.",
    ),
    (
        "revoke select on public.trips_by_start_date from authenticated",
        "Type Trip needs what signed-in people may not use: trips_by_start_date.",
    ),
    # What the schemas make beside.
    ("drop function public.delete_my_account()", "There is no function delete_my_account."),
    ("grant execute on function public.delete_my_account() to anon", "Role anon may call delete_my_account."),
    ("revoke execute on function public.cast_vote from authenticated", "Signed-in people may not call cast_vote."),
    ("drop trigger limit_invitations on public.invitations", "There is no trigger limit_invitations on invitations."),
    ("drop trigger on_auth_user_created on auth.users", "There is no trigger on_auth_user_created on auth.users."),
    ("alter table auth.users disable trigger on_auth_user_created", "Trigger on_auth_user_created is switched off."),
    ("alter table realtime.messages disable row level security", "Row level security is off on realtime.messages."),
    (
        "drop index public.idx_invitations_email_status",
        "There is no index idx_invitations_email_status of invitations.",
    ),
    (
        "alter publication supabase_realtime drop table public.votes",
        "Publication supabase_realtime lacks votes, so clients of postgres_changes miss them.",
    ),
]


@pytest.mark.parametrize(("breaking", "told"), BROKEN_IN_SQL, ids=[told for _, told in BROKEN_IN_SQL])
def test_what_is_broken_in_the_database_is_told(db: psycopg.Connection, breaking: LiteralString, told: str) -> None:
    db.execute(breaking)
    found = reading.read(db, ["public"])
    said = conformity(found)
    lines = [*said.findings, *drift.compare(pg_catalog.loaded(), found, told=said.told)]
    assert told in [finding.text for finding in lines]


@pytest.mark.parametrize("command", ["select", "insert", "update", "delete"])
def test_a_policy_that_is_missing_is_told(db: psycopg.Connection, command: str) -> None:
    (policy,) = pg_catalog.loaded().tables["public.tags"].policies_for(command)
    db.execute(f'drop policy "{policy.name}" on public.tags'.encode())
    consequence = {
        "select": "No policy lets signed-in people read tags, so nobody sees a row.",
        "insert": "No policy lets signed-in people insert into tags, so createTag, upsertTag and createTags are always "
        "refused.",
        "update": "No policy lets signed-in people update rows of tags, so upsertTag, updateTag and updateTags are "
        "always refused.",
        "delete": "No policy lets signed-in people delete from tags, so deleteTag and deleteTags are always refused.",
    }
    found = reading.read(db, ["public"])
    assert consequence[command] in [each.text for each in findings(catalog["Tag"], found)]
    dropped = f'There is no policy "{policy.name}" on tags.'
    assert dropped in [each.text for each in drift.compare(pg_catalog.loaded(), found)]


BROKEN_IN_THE_TYPE: list[tuple[str, Callable[[Table], Table], str]] = [
    (
        "Trip",
        lambda trip: replace(trip, columns={**trip.columns, "title": replace(trip.columns["title"], kind=Kind.INT)}),
        "Trip.title is declared as int, and trips.title is text.",
    ),
    (
        "Trip",
        lambda trip: replace(trip, columns={**trip.columns, "budget": replace(trip.columns["budget"], digits=None)}),
        "Trip.budget: trips.budget is numeric(12,2).",
    ),
    (
        "Trip",
        lambda trip: replace(
            trip, relations={**trip.relations, "items": replace(trip.relations["items"], many=False, theirs=True)}
        ),
        "Trip.items is one row, and several may have the same trip_items.trip_id.",
    ),
    (
        "Trip",
        lambda trip: replace(trip, unique=(UniqueKey(("title",), "tripByTitle"),)),
        "Trip: no constraint keeps title of trips unique.",
    ),
    ("Trip", lambda trip: replace(trip, read_only=True), "Trip: trips is a table, so leave read_only=True out."),
    (
        "Trip",
        lambda trip: replace(trip, hidden_columns=True),
        "Trip: signed-in people may read all columns of trips, and its declaration says the opposite.",
    ),
    (
        "Trip",
        lambda trip: replace(trip, written_by_functions=True),
        "Trip: the service may delete trips, which functions alone write.",
    ),
    ("Trip", lambda trip: replace(trip, search="title"), "TripFilter.search looks through trips.title, which is text."),
    ("Tag", lambda tag: replace(tag, never_selected=("embedding",)), "Tag: there is no column tags.embedding."),
]


@pytest.mark.parametrize(("name", "change", "told"), BROKEN_IN_THE_TYPE, ids=[each[2] for each in BROKEN_IN_THE_TYPE])
def test_what_a_type_says_otherwise_is_told(name: str, change: Callable[[Table], Table], told: str) -> None:
    said = mapping.check(change(catalog[name]), catalog, pg_catalog.loaded())
    assert told in [finding.text for finding in said]


def test_a_schema_that_is_not_served_is_told(tmp_path: Path) -> None:
    (tmp_path / "supabase").mkdir()
    (tmp_path / "supabase" / "config.toml").write_text('[api]\nschemas = ["meetings"]')
    said = [each.text for each in conformity(pg_catalog.loaded(), tmp_path).findings]
    assert "supabase/config.toml does not expose schema public, so nothing of it can be read." in said


def test_tables_of_other_schemas_are_told_apart_by_it() -> None:
    open_to_all = pg_catalog.Table("meetings", "marks", {})
    assert [each.text for each in features.security(open_to_all)] == [
        "Row level security is off on meetings.marks: whoever is granted it sees and changes every row."
    ]


def test_of_a_schema_that_is_not_served_no_table_is_said_to_be_missing(tmp_path: Path) -> None:
    """Then `make schema` has not looked at it, and to expose it is all that there is to do."""
    (tmp_path / "supabase").mkdir()
    (tmp_path / "supabase" / "config.toml").write_text('[api]\nschemas = ["meetings"]')
    said = [each.text for each in conformity(pg_catalog.Database({}, {}), tmp_path).findings]
    assert {each.partition(" schema ")[0] for each in said} == {"supabase/config.toml does not expose"}


def test_a_view_must_read_with_the_callers_rights(db: psycopg.Connection) -> None:
    db.execute("alter view public.trips_by_start_date reset (security_invoker)")
    said = features.check(catalog["Trip"], Offer(), catalog, reading.read(db, ["public"]))
    assert "The columns of view trips_by_start_date are not those of trips by now." in [each.text for each in said]
