"""Trips that several people plan: who sees whom and what, how one joins and leaves, and how the votes stand."""

from __future__ import annotations

import hashlib
import uuid

import psycopg
import pytest

from tests.database.callers import AGAINST_POLICY, NOT_GRANTED, Actor, World, address_of, role
from tripgate.commands.checks.conformity import schemas

ON_THE_TRIP: list[Actor] = ["owner", "editor", "viewer"]


class TestPeople:
    def test_those_on_a_trip_see_each_other(self, world: World) -> None:
        everyone = {world.owner.profiles, world.editor.profiles, world.viewer.profiles, world.owner.companion}
        for actor in ON_THE_TRIP:
            assert seen(world, actor, "profiles") == everyone, actor

    def test_nobody_sees_an_email_address(self, world: World) -> None:
        columns = world.db.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = any (%s) and column_name ~ 'mail'",
            (schemas(),),
        ).fetchall()
        assert set(columns) == {
            ("user_preferences", "email_notifications"),
            ("invitations", "email"),
            ("membership_invitations", "email"),
        }
        assert world.attempt("viewer", "select email from auth.users") == NOT_GRANTED

    def test_two_trips_of_one_owner_do_not_introduce_their_people(self, world: World) -> None:
        second = own_trip(world, "Second")
        join(world, second, world.stranger.profiles, "viewer")
        assert world.viewer.profiles not in seen(world, "stranger", "profiles")
        assert world.owner.profiles in seen(world, "stranger", "profiles")

    def test_who_leaves_is_no_longer_seen(self, world: World) -> None:
        share_no_collection(world)
        leave = "delete from public.collaborators where trip_id = %s and user_id = auth.uid()"
        assert world.attempt("viewer", leave, world.owner.trips) == 1
        assert seen(world, "viewer", "profiles") == {world.viewer.profiles}
        assert seen(world, "viewer", "trips") == {world.viewer.trips}
        assert world.viewer.profiles not in seen(world, "editor", "profiles")


class TestCollaborators:
    def test_nobody_but_the_owner_removes_another(self, world: World) -> None:
        remove = "delete from public.collaborators where id = %s"
        for actor in ("editor", "viewer", "stranger"):
            assert world.attempt(actor, remove, world.owner.collaborators) == 0
        assert world.attempt("owner", remove, world.viewer.collaborators) == 1
        assert seen(world, "viewer", "trip_items") == set()

    def test_nobody_promotes_themselves(self, world: World) -> None:
        promote = "update public.collaborators set role = 'editor' where id = %s"
        assert world.attempt("viewer", promote, world.viewer.collaborators) == 0
        assert world.attempt("owner", promote, world.viewer.collaborators) == 1
        assert world.attempt("viewer", "update public.trips set title = 'Ours' where id = %s", world.owner.trips) == 1

    def test_a_demoted_editor_changes_nothing_more(self, world: World) -> None:
        demote = "update public.collaborators set role = 'viewer' where id = %s"
        assert world.attempt("owner", demote, world.editor.collaborators) == 1
        rename = "update public.trip_items set title = 'Mine' where id = %s"
        assert world.attempt("editor", rename, world.owner.trip_items) == 0

    @pytest.mark.parametrize("column", ["trip_id", "user_id", "id"])
    def test_who_and_where_never_change(self, world: World, column: str) -> None:
        statement = f"update public.collaborators set {column} = {column} where id = %s"
        assert world.attempt("owner", statement, world.viewer.collaborators) == NOT_GRANTED

    @pytest.mark.parametrize(
        "statement",
        [
            "insert into public.collaborators (trip_id, user_id) values (%s, %s)",
            "update public.collaborators set user_id = %s where trip_id = %s",
        ],
    )
    def test_an_owner_is_never_a_collaborator(self, world: World, statement: str) -> None:
        values = [world.owner.trips, world.owner.profiles]
        with pytest.raises(psycopg.errors.CheckViolation) as refusal:
            world.db.execute(statement, values if statement.startswith("insert") else values[::-1])
        assert refusal.value.diag.constraint_name == "collaborators_user_id_check"
        assert 'constraint "collaborators_user_id_check"' in str(refusal.value)

    def test_once_a_trip_and_person(self, world: World) -> None:
        with pytest.raises(psycopg.errors.UniqueViolation):
            join(world, world.owner.trips, world.viewer.profiles, "editor")


class TestPlacesOfSharedTrips:
    NAME = "insert into public.trip_items (trip_id, place_id, title) values (%s, %s, 'Swim')"

    def test_only_those_that_the_trip_names_are_seen(self, world: World) -> None:
        with world.acting_as("owner") as db:
            db.execute("insert into public.places (name) values ('Secret cove')")
        assert seen(world, "viewer", "places") == {world.owner.places}

    def test_a_place_of_the_trip_can_be_named_again_there(self, world: World) -> None:
        assert world.attempt("editor", self.NAME, world.owner.trips, world.owner.places) == 1

    def test_an_editor_adds_a_place_of_their_own_which_all_then_see(self, world: World) -> None:
        place = uuid.uuid4()
        assert world.attempt("editor", "insert into public.places (id, name) values (%s, 'Reef')", place) == 1
        assert place not in seen(world, "viewer", "places")
        assert world.attempt("editor", self.NAME, world.owner.trips, place) == 1
        assert place in seen(world, "viewer", "places")

    def test_but_not_named_on_another_trip_whose_people_would_see_it_then(self, world: World) -> None:
        assert world.attempt("editor", self.NAME, world.editor.trips, world.owner.places) == AGAINST_POLICY
        move = "update public.trip_items set trip_id = %s where id = %s"
        assert world.attempt("editor", move, world.editor.trips, world.owner.trip_items) == AGAINST_POLICY

    def test_an_editor_changes_an_item_that_names_the_owners_place(self, world: World) -> None:
        rename = "update public.trip_items set title = 'Lower the sails', place_id = place_id where id = %s returning *"
        assert world.attempt("editor", rename, world.owner.trip_items) == 1

    def test_can_be_saved_but_stay_the_owners(self, world: World) -> None:
        share_no_collection(world)
        save = "insert into public.saved_places (place_id) values (%s) returning name"
        with world.acting_as("viewer") as db:
            assert db.execute(save, (world.owner.places,)).fetchone() == ("Old harbour",)
        assert world.attempt("stranger", save, world.owner.places) in {AGAINST_POLICY, "23514"}
        world.attempt("owner", "delete from public.collaborators where id = %s", world.viewer.collaborators)
        assert seen(world, "viewer", "places") == set()
        assert len(seen(world, "viewer", "saved_places")) == 1
        assert world.attempt("viewer", "update public.saved_places set notes = 'Still nice'") == 1

    def test_nothing_of_others_goes_into_a_collection_or_under_a_tag(self, world: World) -> None:
        collect = "insert into public.collection_places (collection_id, place_id) values (%s, %s)"
        tag = "insert into public.place_tags (tag_id, place_id) values (%s, %s)"
        mine, theirs = world.stranger, world.owner
        assert world.attempt("stranger", collect, mine.collections, theirs.places) == AGAINST_POLICY
        assert world.attempt("stranger", collect, theirs.collections, mine.places) == AGAINST_POLICY
        assert world.attempt("stranger", tag, mine.tags, theirs.places) == AGAINST_POLICY
        assert world.attempt("stranger", tag, theirs.tags, mine.places) == AGAINST_POLICY


class TestVotes:
    CAST = "insert into public.votes (trip_item_id, value) values (%s, %s)"

    @pytest.mark.parametrize("actor", ["editor", "viewer"])
    def test_everyone_on_the_trip_votes_once_an_item(self, world: World, actor: Actor) -> None:
        assert world.attempt(actor, self.CAST, world.owner.trip_items, 1) == 1
        assert world.attempt(actor, self.CAST, world.owner.trip_items, 1) == "23505"
        with world.acting_as(actor) as db:
            again = "select value, comment from public.cast_vote(%s, -1, 'Changed my mind')"
            assert db.execute(again, (world.owner.trip_items,)).fetchone() == (-1, "Changed my mind")
        assert summary(world, actor) == {"up": 1, "neutral": 0, "down": 1, "score": 0, "mine": -1}

    def test_voting_again_replaces_the_comment_too(self, world: World) -> None:
        cast = "select value, comment from public.cast_vote(%s, %s, %s)"
        with world.acting_as("editor") as db:
            db.execute(cast, (world.owner.trip_items, 1, "At last"))
            assert db.execute(cast, (world.owner.trip_items, 0, None)).fetchone() == (0, None)

    @pytest.mark.parametrize(("actor", "outcome"), [("stranger", AGAINST_POLICY), ("anonymous", NOT_GRANTED)])
    def test_nobody_else_does(self, world: World, actor: Actor, outcome: str) -> None:
        cast = "select public.cast_vote(%s, 1, null)"
        assert world.attempt(actor, cast, world.owner.trip_items) == outcome
        assert world.attempt(actor, cast, uuid.uuid4()) == outcome

    def test_a_stranger_cannot_tell_an_item_from_none(self, world: World) -> None:
        assert world.attempt("stranger", self.CAST, world.owner.trip_items, 1) == AGAINST_POLICY
        assert world.attempt("stranger", self.CAST, uuid.uuid4(), 1) == AGAINST_POLICY

    def test_nobody_votes_as_another(self, world: World) -> None:
        statement = "insert into public.votes (trip_item_id, user_id, value) values (%s, %s, 1)"
        assert world.attempt("editor", statement, world.owner.trip_items, world.viewer.profiles) == AGAINST_POLICY

    def test_the_trip_is_the_items_whatever_is_said(self, world: World) -> None:
        world.db.execute(
            "update public.votes set trip_id = %s where id = %s", (world.stranger.trips, world.owner.votes)
        )
        assert trip_of_vote(world) == world.owner.trips

    def test_votes_follow_their_item_as_far_as_their_voters_do(self, world: World) -> None:
        second = own_trip(world, "Second")
        join(world, second, world.editor.profiles, "viewer")
        for actor in ("editor", "viewer"):
            world.attempt(actor, self.CAST, world.owner.trip_items, -1)
        with world.acting_as("owner") as db:
            db.execute("update public.trip_items set trip_id = %s where id = %s", (second, world.owner.trip_items))
        votes = world.db.execute(
            "select trip_id, user_id from public.votes where trip_item_id = %s", (world.owner.trip_items,)
        )
        assert set(votes) == {(second, world.owner.profiles), (second, world.editor.profiles)}

    def test_who_leaves_takes_their_votes_along(self, world: World) -> None:
        world.attempt("viewer", self.CAST, world.owner.trip_items, -1)
        world.attempt("owner", "delete from public.collaborators where id = %s", world.viewer.collaborators)
        assert summary(world, "owner") == {"up": 1, "neutral": 0, "down": 0, "score": 1, "mine": 1}

    def test_a_summary_of_a_row_of_ones_own_making_tells_nothing(self, world: World) -> None:
        forged = "select public.vote_summary(jsonb_populate_record(null::public.trip_items, %s)) ->> 'up'"
        with world.acting_as("stranger") as db:
            for trip in (world.owner.trips, world.stranger.trips):
                row = psycopg.types.json.Jsonb({"id": str(world.owner.trip_items), "trip_id": str(trip)})
                assert db.execute(forged, (row,)).fetchone() in {(None,), ("0",)}


class TestInviting:
    INVITE = "insert into public.invitations (trip_id, email, token_hash) values (%s, %s, %s) returning id"

    ANNOUNCE = "select public.announce_invitation(%s, %s)"

    def invite(self, world: World, email: str, trip: uuid.UUID | None = None) -> int | str:
        announced = world.attempt("owner", self.ANNOUNCE, trip or world.owner.trips, email)
        return announced if announced != 1 else self.insert(world, email, trip)

    def insert(self, world: World, email: str, trip: uuid.UUID | None = None) -> int | str:
        return world.attempt("owner", self.INVITE, trip or world.owner.trips, email, token_hash(uuid.uuid4().hex))

    def test_the_invited_see_their_invitations_and_others_do_not(self, world: World) -> None:
        assert self.invite(world, address_of(world.stranger.profiles)) == 1
        look = "select id, status from public.invitations where email = %s"
        address = address_of(world.stranger.profiles)
        assert world.attempt("stranger", look, address) == 1
        assert world.attempt("editor", look, address) == 0

    def test_an_address_that_is_not_confirmed_proves_nothing(self, world: World) -> None:
        self.invite(world, address_of(world.stranger.profiles))
        world.db.execute("update auth.users set email_confirmed_at = null where id = %s", (world.stranger.profiles,))
        look = "select id from public.invitations where trip_id = %s"
        assert world.attempt("stranger", look, world.owner.trips) == 0

    def test_a_claim_in_the_token_is_not_believed(self, world: World) -> None:
        claims = {"sub": str(world.stranger.profiles), "role": "authenticated", "email": "somebody@people.example"}
        with role(world.db, "authenticated", claims):
            rows = world.db.execute("select id from public.invitations where id = %s", (world.owner.invitations,))
            assert rows.fetchall() == []

    def test_a_second_one_to_an_address_replaces_the_first(self, world: World) -> None:
        assert self.invite(world, "somebody@people.example") == 1
        assert status_of(world, world.owner.invitations) == "revoked"

    def test_nobody_is_invited_who_is_on_the_trip(self, world: World) -> None:
        address = address_of(world.viewer.profiles)
        assert self.invite(world, address) == "CONFLICT"
        world.attempt("owner", "delete from public.collaborators where id = %s", world.viewer.collaborators)
        assert self.invite(world, address) == 1

    def test_one_past_its_time_is_marked_when_the_next_is_sent(self, world: World) -> None:
        expire(world, world.owner.invitations)
        assert self.invite(world, "else@people.example") == 1
        assert status_of(world, world.owner.invitations) == "expired"

    def test_twenty_can_be_open_on_a_trip(self, world: World) -> None:
        outcomes = [self.invite(world, f"guest{n}@people.example") for n in range(20)]
        assert outcomes == [1] * 19 + ["RATE_LIMITED"]
        revoke = "update public.invitations set status = 'revoked' where email = 'guest3@people.example'"
        assert world.attempt("owner", revoke) == 1
        assert self.invite(world, "late@people.example") == 1

    def test_thirty_can_be_sent_within_an_hour_whatever_becomes_of_the_trips(self, world: World) -> None:
        outcomes = []
        for n in range(31):
            trip = own_trip(world, f"Trip {n}")
            outcomes.append(self.invite(world, "guest@people.example", trip))
            world.attempt("owner", "delete from public.trips where id = %s", trip)
        assert outcomes == [1] * 30 + ["RATE_LIMITED"]
        world.db.execute("update private.announced_invitations set announced_at = now() - interval '61 minutes'")
        assert self.invite(world, "guest@people.example") == 1

    def test_those_that_are_refused_count_too(self, world: World) -> None:
        """Or an owner could try one address after the other until one is that of a member."""
        address = address_of(world.viewer.profiles)
        outcomes = [self.invite(world, address) for _ in range(31)]
        assert outcomes == ["CONFLICT"] * 30 + ["RATE_LIMITED"]

    def test_none_is_taken_that_was_not_announced_to_this_address_on_this_trip_by_this_person(
        self, world: World
    ) -> None:
        assert self.insert(world, "guest@people.example") == "FORBIDDEN"
        assert world.attempt("owner", self.ANNOUNCE, world.owner.trips, "Guest@People.example") == 1
        assert self.insert(world, "other@people.example") == "FORBIDDEN"
        assert self.insert(world, address_of(world.viewer.profiles)) == "FORBIDDEN"
        assert self.insert(world, "guest@people.example", own_trip(world, "Second")) == "FORBIDDEN"
        assert self.insert(world, "guest@people.example") == 1
        world.db.execute("update private.announced_invitations set announced_at = now() - interval '11 minutes'")
        assert self.insert(world, "guest@people.example") == "FORBIDDEN"

    @pytest.mark.parametrize(
        ("actor", "outcome"),
        [
            *((actor, "FORBIDDEN") for actor in ("editor", "viewer", "stranger")),
            *((actor, NOT_GRANTED) for actor in ("anonymous", "service")),
        ],
    )
    def test_only_the_owner_announces(self, world: World, actor: Actor, outcome: str) -> None:
        assert world.attempt(actor, self.ANNOUNCE, world.owner.trips, "guest@people.example") == outcome

    def test_an_anonymous_person_announces_none(self, world: World) -> None:
        """Each is a mail, and anonymous accounts can be had without end."""
        assert self.invite(world, "guest@people.example") == 1
        world.db.execute("update auth.users set is_anonymous = true where id = %s", (world.owner.profiles,))
        assert self.invite(world, "other@people.example") == "FORBIDDEN"

    def test_only_an_open_one_can_be_revoked_and_nothing_else_made_of_it(self, world: World) -> None:
        become = "update public.invitations set status = %s where id = %s"
        assert world.attempt("owner", become, "expired", world.owner.invitations) == AGAINST_POLICY
        assert world.attempt("owner", become, "revoked", world.owner.invitations) == 1
        assert world.attempt("owner", become, "revoked", world.owner.invitations) == 0


class TestAccepting:
    @pytest.fixture
    def secret(self, world: World) -> str:
        """The secret of an open invitation to the stranger."""
        world.db.execute(
            "insert into public.invitations (trip_id, email, role, invited_by, token_hash)"
            " values (%s, %s, 'editor', %s, %s)",
            (world.owner.trips, address_of(world.stranger.profiles), world.owner.profiles, token_hash("open sesame")),
        )
        return "open sesame"

    ACCEPT = "select * from public.accept_invitation(%s)"

    def test_makes_a_collaborator_once(self, world: World, secret: str) -> None:
        with world.acting_as("stranger") as db:
            row = db.execute("select trip_id, user_id, role from public.accept_invitation(%s)", (secret,)).fetchone()
        assert row == (world.owner.trips, world.stranger.profiles, "editor")
        assert world.owner.trip_items in seen(world, "stranger", "trip_items")
        assert world.attempt("stranger", self.ACCEPT, secret) == "NOT_FOUND"

    @pytest.mark.parametrize("actor", ["owner", "editor", "viewer"])
    def test_is_for_the_invited_alone(self, world: World, secret: str, actor: Actor) -> None:
        assert world.attempt(actor, self.ACCEPT, secret) == "NOT_FOUND"

    def test_is_for_people(self, world: World, secret: str) -> None:
        assert world.attempt("anonymous", self.ACCEPT, secret) == NOT_GRANTED
        assert world.attempt("service", self.ACCEPT, secret) == NOT_GRANTED

    @pytest.mark.parametrize(
        "change",
        ["status = 'revoked'", "expires_at = now()", "email = 'other@people.example'", "token_hash = repeat('0', 64)"],
    )
    def test_not_when_it_is_no_longer_open(self, world: World, secret: str, change: str) -> None:
        world.db.execute(
            f"update public.invitations set {change} where token_hash = %s",
            (token_hash(secret),),
        )
        assert world.attempt("stranger", self.ACCEPT, secret) == "NOT_FOUND"

    def test_by_somebody_who_has_come_to_be_on_the_trip_changes_the_role(self, world: World, secret: str) -> None:
        join(world, world.owner.trips, world.stranger.profiles, "viewer")
        assert world.attempt("stranger", self.ACCEPT, secret) == 1
        with world.acting_as("stranger") as db:
            roles = db.execute("select role from public.collaborators where user_id = auth.uid()").fetchall()
        assert roles == [("editor",)]


def seen(world: World, actor: Actor, table: str) -> set[uuid.UUID]:
    with world.acting_as(actor) as db:
        return {id_ for (id_,) in db.execute(f"select id from public.{table}")}


def own_trip(world: World, title: str) -> uuid.UUID:
    with world.acting_as("owner") as db:
        row = db.execute("insert into public.trips (title) values (%s) returning id", (title,)).fetchone()
    assert row is not None
    return uuid.UUID(str(row[0]))


def share_no_collection(world: World) -> None:
    """Those on the trip share nothing else."""
    world.db.execute("delete from public.collection_members")


def join(world: World, trip: uuid.UUID, person: uuid.UUID, as_role: str) -> None:
    world.db.execute(
        "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, %s)", (trip, person, as_role)
    )


def summary(world: World, actor: Actor) -> object:
    with world.acting_as(actor) as db:
        row = db.execute(
            "select public.vote_summary(item) from public.trip_items as item where id = %s",
            (world.owner.trip_items,),
        ).fetchone()
    assert row is not None
    return row[0]


def trip_of_vote(world: World) -> object:
    row = world.db.execute("select trip_id from public.votes where id = %s", (world.owner.votes,)).fetchone()
    assert row is not None
    return row[0]


def status_of(world: World, invitation: uuid.UUID) -> object:
    row = world.db.execute("select status from public.invitations where id = %s", (invitation,)).fetchone()
    assert row is not None
    return row[0]


def expire(world: World, invitation: uuid.UUID) -> None:
    world.db.execute("update public.invitations set expires_at = now() where id = %s", (invitation,))


def token_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
