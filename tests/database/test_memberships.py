"""Invitations to whatever people share: under which rules one is invited, joins, declines, and what is told to whom.

Collections are invited to, and, as the next domain would be, boats of a scope that says so by three functions.
"""

from __future__ import annotations

import uuid
from typing import Any, LiteralString

import pytest

from gql.catalog import catalog
from resolvers.invitations import Accept, Invite
from tests.database.callers import AGAINST_POLICY, NOT_GRANTED, Actor, World, address_of, sign_up
from tests.database.test_broadcasts import brief, sent
from tests.database.test_sharing import seen, token_hash
from tripgate.gateway.schema import MUTATIONS

ANNOUNCE: LiteralString = "select public.announce_membership_invitation(%s, %s, %s)"
INSERT: LiteralString = (
    "insert into public.membership_invitations (scope, scope_id, email, role, token_hash)"
    " values (%s, %s, %s, %s, %s) returning id"
)
ACCEPT: LiteralString = "select public.accept_membership(%s)"

BOATS: LiteralString = """
set local role postgres;
create table private.boats (id uuid primary key, skipper uuid not null, name text not null);
create table private.crew (
    id uuid primary key default gen_random_uuid(), boat_id uuid, user_id uuid, role text, unique (boat_id, user_id)
);
create function private.boat_membership(scope_id uuid, person uuid) returns uuid language sql stable as $$
    select id from private.crew where boat_id = scope_id and user_id = person
    union all select id from private.boats where id = scope_id and skipper = person
$$;
create function private.boat_offer(scope_id uuid, inviter uuid) returns table (name text, roles text[])
language sql stable as $$
    select name, array['deckhand'] from private.boats where id = scope_id and skipper = inviter
$$;
create function private.join_boat(scope_id uuid, person uuid, as_role text) returns uuid
language plpgsql set search_path = '' as $$
declare key uuid;
begin
    if (select count(*) from private.crew where boat_id = scope_id) >= 1 then
        perform private.refuse('PLAN_FULL', 'There is no bunk left.');
    end if;
    insert into private.crew (boat_id, user_id, role) values (scope_id, person, as_role) returning id into key;
    return key;
end
$$;
reset role;
"""


@pytest.fixture(autouse=True)
def silence(world: World) -> None:
    """Forget what was sent, and who shares what, while the world was made."""
    world.db.execute("delete from realtime.messages")


def invite(
    world: World,
    email: str,
    *,
    scope: str = "collection",
    to: uuid.UUID | None = None,
    role: str = "viewer",
    by: Actor = "owner",
) -> int | str:
    """What comes of inviting, the way the Edge Function does it."""
    announced = world.attempt(by, ANNOUNCE, scope, to or world.owner.collections, email)
    if announced != 1:
        return announced
    return insert(world, email, scope=scope, to=to, role=role, by=by)


def insert(
    world: World,
    email: str,
    *,
    scope: str = "collection",
    to: uuid.UUID | None = None,
    role: str = "viewer",
    by: Actor = "owner",
) -> int | str:
    hash_ = token_hash(f"secret of {email}")
    world.db.execute("update public.membership_invitations set token_hash = md5(random()::text) || md5(random()::text)")
    world.db.execute("delete from realtime.messages")
    return world.attempt(by, INSERT, scope, to or world.owner.collections, email, role, hash_)


def strangers_address(world: World) -> str:
    return address_of(world.stranger.profiles)


def accept(world: World, actor: Actor, email: str) -> Any:
    with world.acting_as(actor) as db:
        row = db.execute(ACCEPT, (f"secret of {email}",)).fetchone()
    assert row is not None
    return row[0]


class TestInviting:
    @pytest.mark.parametrize(
        ("actor", "outcome"),
        [
            ("owner", 1),
            ("editor", "FORBIDDEN"),
            ("viewer", "FORBIDDEN"),
            ("stranger", "NOT_FOUND"),
            ("anonymous", NOT_GRANTED),
            ("service", NOT_GRANTED),
        ],
    )
    def test_whoever_may_announces(self, world: World, actor: Actor, outcome: int | str) -> None:
        given = "collection", world.owner.collections, "guest@people.example"
        assert world.attempt(actor, ANNOUNCE, *given) == outcome

    def test_a_collection_that_is_not_there_is_told_as_one_that_is_not_seen(self, world: World) -> None:
        assert world.attempt("owner", ANNOUNCE, "collection", uuid.uuid4(), "guest@people.example") == "NOT_FOUND"

    @pytest.mark.parametrize("scope", ["trip", "user", "boat", "Collection", "collection'", "x" * 60, None])
    def test_a_scope_that_takes_nobody_in_is_none(self, world: World, scope: str | None) -> None:
        assert world.attempt("owner", ANNOUNCE, scope, world.owner.trips, "guest@people.example") == "BAD_USER_INPUT"

    def test_no_address_is_refused_before_a_row_of_ours_could_tell_of_itself(self, world: World) -> None:
        assert world.attempt("owner", ANNOUNCE, "collection", world.owner.collections, None) == "BAD_USER_INPUT"
        to_trip = "select public.announce_invitation(%s, null)"
        assert world.attempt("owner", to_trip, world.owner.trips) == "BAD_USER_INPUT"

    def test_what_the_mail_says_is_answered(self, world: World) -> None:
        with world.acting_as("owner") as db:
            row = db.execute(ANNOUNCE, ("collection", world.owner.collections, "guest@people.example")).fetchone()
        assert row == ({"name": "Harbours", "roles": ["viewer", "editor"], "inviter": "Olga Owner"},)

    def test_none_is_taken_that_was_not_announced(self, world: World) -> None:
        assert insert(world, "guest@people.example") == "FORBIDDEN"
        assert world.attempt("owner", ANNOUNCE, "collection", world.owner.collections, "Guest@People.example") == 1
        assert insert(world, "other@people.example") == "FORBIDDEN"
        assert insert(world, "guest@people.example") == 1
        world.db.execute("update private.announced_invitations set announced_at = now() - interval '11 minutes'")
        assert insert(world, "guest@people.example") == "FORBIDDEN"

    @pytest.mark.parametrize("role", ["owner", "", "editor "])
    def test_as_what_the_collection_offers(self, world: World, role: str) -> None:
        assert invite(world, "guest@people.example", role=role) in {"BAD_USER_INPUT", "23514"}

    def test_nobody_invites_in_anothers_name(self, world: World) -> None:
        statement = (
            "insert into public.membership_invitations (scope, scope_id, email, role, token_hash, invited_by)"
            " values ('collection', %s, 'a@b.example', 'viewer', repeat('ab', 32), %s)"
        )
        assert world.attempt("editor", statement, world.owner.collections, world.owner.profiles) == NOT_GRANTED

    def test_one_is_open_to_an_address_and_twenty_are_to_a_collection(self, world: World) -> None:
        assert invite(world, "somebody@people.example") == 1
        assert statuses(world, "somebody@people.example") == ["pending", "revoked"]
        assert [invite(world, f"guest{n}@people.example") for n in range(20)] == [1] * 19 + ["RATE_LIMITED"]

    def test_those_to_trips_and_to_all_else_count_together(self, world: World) -> None:
        for n in range(29):
            world.attempt(
                "owner", "select public.announce_invitation(%s, %s)", world.owner.trips, f"{n}@people.example"
            )
        assert invite(world, "guest@people.example") == 1
        assert invite(world, "another@people.example") == "RATE_LIMITED"

    def test_nobody_is_invited_who_takes_part_and_who_asks_is_counted(self, world: World) -> None:
        addresses = [address_of(world.viewer.profiles), address_of(world.owner.profiles)]
        outcomes = [invite(world, addresses[n % 2]) for n in range(31)]
        assert outcomes == ["CONFLICT"] * 30 + ["RATE_LIMITED"]

    def test_of_an_account_nothing_is_told(self, world: World) -> None:
        """Whoever has one is invited as whoever has none."""
        assert invite(world, strangers_address(world)) == invite(world, "nobody@people.example") == 1

    def test_what_is_gone_takes_its_invitations_along(self, world: World) -> None:
        invite(world, "guest@people.example")
        world.attempt("owner", "delete from public.collections where id = %s", world.owner.collections)
        assert statuses(world, "guest@people.example") == []


class TestSeeing:
    def test_whoever_invites_and_the_confirmed_address_see_it_without_the_hash(self, world: World) -> None:
        invite(world, strangers_address(world))
        look = "select id, scope, scope_id, role, status from public.membership_invitations where email = %s"
        assert world.attempt("stranger", look, strangers_address(world)) == 1
        assert world.attempt("editor", look, strangers_address(world)) == 0
        for actor in ("owner", "stranger"):
            assert world.attempt(actor, "select token_hash from public.membership_invitations") == NOT_GRANTED
        world.db.execute("update auth.users set email_confirmed_at = null where id = %s", (world.stranger.profiles,))
        assert world.attempt("stranger", look, strangers_address(world)) == 0

    def test_both_are_told_without_the_hash(self, world: World) -> None:
        invite(world, strangers_address(world))
        for person in (world.owner, world.stranger):
            told = sent(world, f"user:{person.profiles}")
            assert ("INSERT", "membership_invitations") in brief(told)
            assert all("token_hash" not in payload["record"] for _, _, payload in told if payload["record"])

    def test_whoever_confirms_the_address_is_told_then(self, world: World) -> None:
        person = uuid.uuid4()
        sign_up(world.db, person, {"display_name": "Late"})
        world.db.execute("update auth.users set email_confirmed_at = null where id = %s", (person,))
        invite(world, address_of(person))
        assert brief(sent(world, f"user:{person}")) == []
        world.db.execute("update auth.users set email_confirmed_at = now() where id = %s", (person,))
        assert ("INSERT", "membership_invitations") in brief(sent(world, f"user:{person}"))


class TestTheBell:
    def test_rings_with_whom_an_open_invitation_names(self, world: World) -> None:
        invite(world, strangers_address(world), role="editor")
        ((title, body, link),) = bell(world, world.stranger.profiles)
        assert (title, link) == ("Olga Owner invites you to share the collection “Harbours”", "/invitations/collection")
        assert body.startswith("As an editor. The link to join was mailed to you, and works until ")
        close = "update public.membership_invitations set status = 'declined' where email = %s"
        assert world.attempt("stranger", close, strangers_address(world)) == 1
        assert bell(world, world.stranger.profiles) == []

    def test_rings_once_the_address_is_confirmed_and_no_longer_when_it_is_another(self, world: World) -> None:
        person = uuid.uuid4()
        sign_up(world.db, person, {"display_name": "Late"})
        world.db.execute("update auth.users set email_confirmed_at = null where id = %s", (person,))
        invite(world, address_of(person))
        assert bell(world, person) == []
        world.db.execute("update auth.users set email_confirmed_at = now() where id = %s", (person,))
        assert len(bell(world, person)) == 1
        world.db.execute("update auth.users set email = 'else@people.example' where id = %s", (person,))
        assert bell(world, person) == []

    def test_an_address_is_confirmed_though_a_system_is_there_no_longer(self, world: World) -> None:
        person = uuid.uuid4()
        sign_up(world.db, person, {"display_name": "Late"})
        world.db.execute("update auth.users set email_confirmed_at = null where id = %s", (person,))
        invite(world, address_of(person))
        world.db.execute("drop function private.collection_offer")
        world.db.execute("update auth.users set email_confirmed_at = now() where id = %s", (person,))
        assert bell(world, person) == []

    def test_tells_who_invited_as_long_as_whoever_joined_takes_part(self, world: World) -> None:
        invite(world, strangers_address(world))
        made = accept(world, "stranger", strangers_address(world))
        assert bell(world, world.stranger.profiles) == []
        joined = ("Stan Stranger joined “Harbours”", None, f"/collections/{world.owner.collections}")
        assert bell(world, world.owner.profiles) == [joined]
        world.attempt("owner", "delete from public.collection_members where id = %s", made["id"])
        assert bell(world, world.owner.profiles) == []

    def test_what_is_open_no_longer_is_pruned(self, world: World) -> None:
        invite(world, strangers_address(world))
        world.db.execute("alter table public.membership_invitations disable trigger user")
        world.db.execute("select private.prune_notifications()")
        assert len(bell(world, world.stranger.profiles)) == 1
        world.db.execute("update public.membership_invitations set expires_at = now()")
        world.db.execute("select private.prune_notifications()")
        assert bell(world, world.stranger.profiles) == []


class TestAnswering:
    @pytest.fixture(autouse=True)
    def invited(self, world: World) -> str:
        assert invite(world, strangers_address(world), role="editor") == 1
        return strangers_address(world)

    def test_makes_a_member_and_again_the_same(self, world: World, invited: str) -> None:
        made = accept(world, "stranger", invited)
        assert made == {
            "id": made["id"],
            "scope": "collection",
            "scope_id": str(world.owner.collections),
            "role": "editor",
        }
        assert accept(world, "stranger", invited) == made
        assert world.owner.collection_places in seen(world, "stranger", "collection_places")
        world.attempt("owner", "update public.collection_members set role = 'viewer' where id = %s", made["id"])
        accept(world, "stranger", invited)
        assert roles(world, world.stranger.profiles) == ["viewer"]

    def test_whoever_was_removed_is_not_let_in_again(self, world: World, invited: str) -> None:
        made = accept(world, "stranger", invited)
        assert world.attempt("owner", "delete from public.collection_members where id = %s", made["id"]) == 1
        assert world.attempt("stranger", ACCEPT, f"secret of {invited}") == "NOT_FOUND"

    @pytest.mark.parametrize("actor", ["owner", "editor", "viewer"])
    def test_is_for_the_invited_alone(self, world: World, invited: str, actor: Actor) -> None:
        assert world.attempt(actor, ACCEPT, f"secret of {invited}") == "NOT_FOUND"

    @pytest.mark.parametrize("actor", ["anonymous", "service"])
    def test_is_for_people(self, world: World, invited: str, actor: Actor) -> None:
        assert world.attempt(actor, ACCEPT, f"secret of {invited}") == NOT_GRANTED

    @pytest.mark.parametrize(
        "change", ["status = 'revoked'", "status = 'declined'", "expires_at = now()", "email = 'other@people.example'"]
    )
    def test_not_when_it_is_no_longer_open(self, world: World, invited: str, change: str) -> None:
        world.db.execute(f"update public.membership_invitations set {change} where email = %s", (invited,))
        assert world.attempt("stranger", ACCEPT, f"secret of {invited}") == "NOT_FOUND"

    def test_not_in_another_scope_than_is_asked_for(self, world: World, invited: str) -> None:
        of = "select public.accept_membership(%s, %s)"
        assert world.attempt("stranger", of, f"secret of {invited}", "couple") == "NOT_FOUND"
        assert world.attempt("stranger", of, f"secret of {invited}", "collection") == 1

    def test_not_once_its_inviter_may_not_invite(self, world: World, invited: str) -> None:
        world.db.execute(
            "update public.membership_invitations set invited_by = %s where email = %s",
            (world.editor.profiles, invited),
        )
        assert world.attempt("stranger", ACCEPT, f"secret of {invited}") == "NOT_FOUND"

    def test_the_invited_declines_and_the_inviter_revokes_and_nothing_else(self, world: World, invited: str) -> None:
        close = "update public.membership_invitations set status = %s where email = %s"
        for actor, status in (
            ("stranger", "revoked"),
            ("owner", "declined"),
            ("owner", "accepted"),
            ("stranger", "expired"),
        ):
            assert world.attempt(actor, close, status, invited) == AGAINST_POLICY, (actor, status)  # type: ignore[arg-type]
        assert world.attempt("editor", close, "revoked", invited) == 0
        assert world.attempt("stranger", close, "declined", invited) == 1
        assert world.attempt("owner", close, "revoked", invited) == 0
        assert world.attempt("stranger", ACCEPT, f"secret of {invited}") == "NOT_FOUND"


class TestTheNextDomain:
    def test_whatever_the_api_invites_to_says_how_and_takes_its_invitations_along(self, world: World) -> None:
        fields = [field for each in MUTATIONS for field in each.__strawberry_definition__.fields]  # type: ignore[attr-defined]
        scopes = [field.scope for field in fields if isinstance(field, Invite)]
        assert {scope.name for scope in scopes} >= {"collection"}
        assert scopes == [field.scope for field in fields if isinstance(field, Accept)]
        for scope in scopes:
            root = catalog[scope.root]
            parts = [f"private.{scope.name}_membership", f"private.{scope.name}_offer", f"private.join_{scope.name}"]
            for part in parts:
                assert world.db.execute("select to_regproc(%s)", (part,)).fetchone() != (None,), part
            row = world.db.execute(
                "select count(*) from pg_trigger where tgrelid = %s::regclass"
                " and tgfoid = 'private.forget_invitations'::regproc and encode(tgargs, 'escape') = %s",
                (f"{root.schema}.{root.bare_name}", f"{scope.name}\\000"),
            ).fetchone()
            assert row == (1,), scope.name

    @pytest.fixture(autouse=True)
    def boat(self, world: World) -> uuid.UUID:
        world.db.execute(BOATS)
        boat = uuid.uuid4()
        world.db.execute("insert into private.boats values (%s, %s, 'Gull')", (boat, world.owner.profiles))
        return boat

    def test_takes_part_by_its_three_functions(self, world: World, boat: uuid.UUID) -> None:
        address = strangers_address(world)
        assert invite(world, address, scope="boat", to=boat) == "BAD_USER_INPUT"
        assert invite(world, address, scope="boat", to=boat, role="deckhand", by="stranger") == "NOT_FOUND"
        assert invite(world, address, scope="boat", to=boat, role="deckhand") == 1
        made = accept(world, "stranger", address)
        assert (made["scope"], made["scope_id"], made["role"]) == ("boat", str(boat), "deckhand")
        assert invite(world, address, scope="boat", to=boat, role="deckhand") == "CONFLICT"

    def test_may_refuse_whom_it_has_no_place_for_whose_invitation_stays_open(
        self, world: World, boat: uuid.UUID
    ) -> None:
        world.db.execute("insert into private.crew (boat_id, user_id) values (%s, %s)", (boat, world.viewer.profiles))
        address = strangers_address(world)
        assert invite(world, address, scope="boat", to=boat, role="deckhand") == 1
        assert world.attempt("stranger", ACCEPT, f"secret of {address}") == "PLAN_FULL"
        world.db.execute("delete from private.crew")
        assert world.attempt("stranger", ACCEPT, f"secret of {address}") == 1


def statuses(world: World, email: str) -> list[str]:
    rows = world.db.execute(
        "select status from public.membership_invitations where email = %s and scope_id = %s order by status",
        (email, world.owner.collections),
    )
    return [status for (status,) in rows]


def roles(world: World, person: uuid.UUID) -> list[str]:
    rows = world.db.execute(
        "select role from public.collection_members where collection_id = %s and user_id = %s",
        (world.owner.collections, person),
    )
    return [role for (role,) in rows]


def bell(world: World, person: uuid.UUID) -> list[tuple[str, str, str]]:
    """Title, body and link of what invitations to collections have to do with, the newest first."""
    return world.db.execute(
        "select title, body, link from public.notifications where user_id = %s and system = 'memberships'"
        " order by created_at desc",
        (person,),
    ).fetchall()
