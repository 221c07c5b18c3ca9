"""From an invitation to a trip planned together, and who is on it: every way in, and every way that is closed."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway.inviting import ACCEPT, INVITE, NO_INVITATION, NOBODY, SEE, Trip
from tests.support import Person, Wire

REVOKE = "mutation ($id: UUID!) { revokeInvitation(id: $id) { status email trip { title } } }"
MINE = "{ myInvitations { id role status tripId trip { id } invitedBy { id } } }"
INVITATIONS = "query ($id: UUID!) { trip(id: $id) { invitations { nodes { email status } totalCount } } }"


class TestFromMailToTrip:
    async def test_the_owner_invites(self, trip: Trip, guest: Person) -> None:
        invitation = await trip.invite(guest, "EDITOR")
        expires = datetime.fromisoformat(invitation.pop("expiresAt")) - datetime.now(UTC)
        assert timedelta(days=6, hours=23) < expires <= timedelta(days=7)
        assert invitation == {
            "id": invitation["id"],
            "email": guest.email,
            "role": "EDITOR",
            "status": "PENDING",
            "acceptedAt": None,
            "trip": {"id": trip.id, "title": "Lofoten"},
            "invitedBy": {"id": trip.owner.id},
        }

    async def test_the_mail_says_who_invites_to_what_and_holds_the_link(self, trip: Trip, guest: Person) -> None:
        await trip.owner.ask('mutation { updateMyProfile(patch: { displayName: "Ada & Co" }) { id } }')
        await trip.invite(guest)
        mail = await trip.mail(guest)
        assert mail["subject"] == "Ada & Co invites you to plan a trip"
        assert mail["text"].startswith("Ada & Co invites you to plan “Lofoten” together.\n")
        assert f'href="http://127.0.0.1:3000/invitations?token={await trip.token(guest)}"' in mail["html"]

    async def test_the_invited_sees_the_invitation_but_not_yet_the_trip(
        self, trip: Trip, guest: Person, stranger: Person
    ) -> None:
        invitation = await trip.invite(guest, "EDITOR")
        hidden = {"trip": None, "invitedBy": None}
        assert (await guest.ask(MINE))["myInvitations"] == [
            {"id": invitation["id"], "role": "EDITOR", "status": "PENDING", "tripId": trip.id, **hidden}
        ]
        assert await guest.ask(SEE, id=trip.id) == {"trip": None}
        assert await stranger.ask(MINE) == {"myInvitations": []}
        assert await trip.owner.ask(MINE) == {"myInvitations": []}

    async def test_of_very_many_the_invited_sees_the_newest_hundred(self, trip: Trip, guest: Person) -> None:
        trip.sql(
            "with silent as (select set_config('session_replication_role', 'replica', true) as role)"
            " insert into public.invitations (trip_id, invited_by, email, token_hash, created_at)"
            " select %s, %s, %s, encode(sha256(gen_random_uuid()::text::bytea), 'hex'),"
            " now() - made * interval '1 minute'"
            " from silent, generate_series(1, 101) as made where silent.role = 'replica'",
            trip.id,
            trip.owner.id,
            guest.email,
        )
        newest = (await guest.ask("{ myInvitations { createdAt } }"))["myInvitations"]
        assert len(newest) == 100
        made = [datetime.fromisoformat(each["createdAt"]) for each in newest]
        assert made == sorted(made, reverse=True)
        assert datetime.now(UTC) - made[-1] < timedelta(minutes=101)

    async def test_it_rings_with_the_invited_until_they_accept_and_then_with_the_owner(
        self, trip: Trip, guest: Person, stranger: Person
    ) -> None:
        bell = "{ notifications { nodes { kind title link } } }"
        await trip.invite(guest)
        (told,) = (await guest.ask(bell))["notifications"]["nodes"]
        assert (told["kind"], told["link"]) == ("trip_invitation", "/invitations")
        assert told["title"].endswith(" invites you to plan “Lofoten” together")
        await guest.ask(ACCEPT, token=await trip.token(guest))
        assert (await guest.ask(bell))["notifications"]["nodes"] == []
        (told,) = (await trip.owner.ask(bell))["notifications"]["nodes"]
        assert (told["kind"], told["link"]) == ("trip_joined", f"/trips/{trip.id}")
        assert told["title"].endswith(" joined “Lofoten”")
        assert (await stranger.ask(bell))["notifications"]["nodes"] == []

    async def test_who_accepts_is_on_the_trip(self, trip: Trip, guest: Person) -> None:
        await trip.invite(guest, "EDITOR")
        data = await guest.ask(ACCEPT, token=await trip.token(guest))
        assert data["acceptInvitation"] == {
            "id": data["acceptInvitation"]["id"],
            "role": "EDITOR",
            "user": {"id": guest.id},
            "trip": {"id": trip.id, "title": "Lofoten"},
        }
        assert await guest.ask(SEE, id=trip.id) == {"trip": {"title": "Lofoten"}}
        assert await guest.ask(MINE) == {"myInvitations": []}
        data = await trip.owner.ask(
            """query ($id: UUID!) {
                 trip(id: $id) {
                   collaborators { nodes { role user { id } } }
                   invitations { nodes { status acceptedAt } }
                 }
               }""",
            id=trip.id,
        )
        assert data["trip"]["collaborators"]["nodes"] == [{"role": "EDITOR", "user": {"id": guest.id}}]
        (invitation,) = data["trip"]["invitations"]["nodes"]
        assert invitation["status"] == "ACCEPTED"
        assert abs(datetime.fromisoformat(invitation["acceptedAt"]) - datetime.now(UTC)) < timedelta(minutes=1)

    async def test_an_address_is_the_same_in_any_case(self, trip: Trip, guest: Person) -> None:
        data = await trip.owner.ask(INVITE, trip=trip.id, email=f" {str(guest.email).upper()} ")
        assert data["inviteCollaborator"]["email"] == guest.email
        assert len((await guest.ask(MINE))["myInvitations"]) == 1

    async def test_one_is_asked_before_one_has_an_account(self, trip: Trip, guest: Person) -> None:
        late = f"late.{guest.email}"
        await trip.owner.ask(INVITE, trip=trip.id, email=late)
        data = await guest.ask(
            "mutation ($input: SignUpInput!) { signUp(input: $input) { session { accessToken } } }",
            input={"email": late, "password": "correct horse", "displayName": "Late"},
        )
        newcomer = Person(guest.http, guest.url, data["signUp"]["session"]["accessToken"], email=late)
        accepted = await newcomer.ask(ACCEPT, token=await trip.token(newcomer))
        assert accepted["acceptInvitation"]["trip"] == {"id": trip.id, "title": "Lofoten"}

    async def test_each_step_reads_once(self, trip: Trip, guest: Person, wire: Wire) -> None:
        wire.clear()
        await trip.invite(guest)
        assert [request.partition("?")[0] for request in wire.requests] == ["GET /invitations"]
        wire.clear()
        await guest.ask(ACCEPT, token=await trip.token(guest))
        assert [request.partition("?")[0] for request in wire.requests] == ["GET /collaborators"]


class TestATokenThatOpensNothing:
    """One answer for all of them, so that nobody learns which invitations there are."""

    async def test_used(self, trip: Trip, guest: Person) -> None:
        await trip.join(guest)
        assert await guest.refused(ACCEPT, token=await trip.token(guest)) == NO_INVITATION

    async def test_unknown(self, guest: Person) -> None:
        assert await guest.refused(ACCEPT, token="x" * 43) == NO_INVITATION

    async def test_expired(self, trip: Trip, guest: Person) -> None:
        invitation = await trip.invite(guest)
        trip.sql("update public.invitations set expires_at = now() where id = %s", invitation["id"])
        assert await guest.refused(ACCEPT, token=await trip.token(guest)) == NO_INVITATION
        assert await guest.ask(MINE) == {"myInvitations": []}

    async def test_revoked(self, trip: Trip, guest: Person) -> None:
        invitation = await trip.invite(guest)
        await trip.owner.ask(REVOKE, id=invitation["id"])
        assert await guest.refused(ACCEPT, token=await trip.token(guest)) == NO_INVITATION
        assert await guest.ask(MINE) == {"myInvitations": []}

    async def test_replaced_by_a_newer_one(self, trip: Trip, guest: Person) -> None:
        await trip.invite(guest)
        first = await trip.token(guest)
        await trip.invite(guest, "EDITOR")
        assert await guest.refused(ACCEPT, token=first) == NO_INVITATION
        data = await guest.ask(ACCEPT, token=await trip.token(guest))
        assert data["acceptInvitation"]["role"] == "EDITOR"

    async def test_somebody_elses(self, trip: Trip, guest: Person, stranger: Person) -> None:
        await trip.invite(guest)
        token = await trip.token(guest)
        for other in (stranger, trip.owner):
            assert await other.refused(ACCEPT, token=token) == NO_INVITATION
        assert await stranger.ask(SEE, id=trip.id) == {"trip": None}
        await guest.ask(ACCEPT, token=token)

    async def test_of_a_trip_that_is_gone(self, trip: Trip, guest: Person) -> None:
        await trip.invite(guest)
        await trip.owner.ask("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=trip.id)
        assert await guest.refused(ACCEPT, token=await trip.token(guest)) == NO_INVITATION

    async def test_what_cannot_be_a_token(self, guest: Person) -> None:
        for token in ("x" * 201, "a\0b"):
            assert await guest.code(ACCEPT, token=token) == "NOT_FOUND"
        assert await guest.refused(ACCEPT, token="") == {
            "code": "BAD_USER_INPUT",
            "message": "token must be given.",
            "field": "token",
        }


class TestWhoMayInvite:
    @pytest.mark.parametrize("role", ["EDITOR", "VIEWER"])
    async def test_nobody_on_the_trip_but_its_owner(
        self, trip: Trip, guest: Person, stranger: Person, role: str
    ) -> None:
        await trip.join(guest, role)
        assert await guest.refused(INVITE, trip=trip.id, email=stranger.email) == {
            "code": "FORBIDDEN",
            "message": "Only the owner of a trip invites to it.",
        }
        assert await stranger.ask(MINE) == {"myInvitations": []}

    async def test_a_stranger_learns_not_even_that_the_trip_is_there(self, trip: Trip, stranger: Person) -> None:
        refused = await stranger.refused(INVITE, trip=trip.id, email="else@example.com")
        assert refused == {"code": "NOT_FOUND", "message": "There is no such trip, or you may not see it."}
        assert await stranger.refused(INVITE, trip=NOBODY, email="else@example.com") == refused

    async def test_nobody_without_an_account(self, trip: Trip, anonymous: Person) -> None:
        assert await anonymous.code(INVITE, trip=trip.id, email="else@example.com") == "UNAUTHENTICATED"
        assert await anonymous.code(ACCEPT, token="x" * 43) == "UNAUTHENTICATED"
        assert await anonymous.code(REVOKE, id=NOBODY) == "UNAUTHENTICATED"
        assert await anonymous.code(MINE) == "UNAUTHENTICATED"


class TestWhomToInvite:
    @pytest.mark.parametrize(
        "email", ["", "ben", "ben@example", "a b@example.com", "a@b.c\nBcc: d@e.f", "a\0@b.c", "x" * 250 + "@b.com"]
    )
    async def test_an_address(self, trip: Trip, email: str) -> None:
        assert await trip.owner.refused(INVITE, trip=trip.id, email=email) == {
            "code": "BAD_USER_INPUT",
            "message": "email must be an e-mail address.",
            "field": "email",
        }

    async def test_not_oneself(self, trip: Trip) -> None:
        assert await trip.owner.refused(INVITE, trip=trip.id, email=str(trip.owner.email).upper()) == {
            "code": "BAD_USER_INPUT",
            "message": "You own this trip and need no invitation.",
            "field": "email",
        }

    async def test_nobody_who_is_on_the_trip(self, trip: Trip, guest: Person) -> None:
        collaborator = await trip.join(guest)
        assert await trip.owner.refused(INVITE, trip=trip.id, email=guest.email, role="EDITOR") == {
            "code": "CONFLICT",
            "message": "This person is on the trip already. Change their role there.",
            "reason": "ALREADY_ON_TRIP",
            "field": "email",
        }
        await trip.owner.ask("mutation ($id: UUID!) { removeCollaborator(id: $id) { id } }", id=collaborator)
        await trip.join(guest, "EDITOR")

    async def test_to_a_trip_in_a_role(self, trip: Trip) -> None:
        for wrong in ({"trip": "3"}, {"role": "OWNER"}, {"email": None}):
            given = {"trip": trip.id, "email": "else@example.com", **wrong}
            assert await trip.owner.code(INVITE, **given) == "BAD_USER_INPUT"

    async def test_again_replaces_the_first(self, trip: Trip, guest: Person) -> None:
        first = await trip.invite(guest)
        second = await trip.invite(guest, "EDITOR")
        assert [each["id"] for each in (await guest.ask(MINE))["myInvitations"]] == [second["id"]]
        data = await trip.owner.ask("query ($id: UUID!) { invitation(id: $id) { status } }", id=first["id"])
        assert data == {"invitation": {"status": "REVOKED"}}


class TestHowMany:
    SENT = """insert into public.invitations (trip_id, invited_by, email, token_hash)
              select %s, %s, format('guest%%s@example.com', n), encode(sha256(gen_random_uuid()::text::bytea), 'hex')
              from generate_series(1, %s) as n"""

    async def test_twenty_open_ones_a_trip(self, trip: Trip, guest: Person) -> None:
        trip.sql(self.SENT, trip.id, trip.owner.id, 20)
        assert await trip.owner.refused(INVITE, trip=trip.id, email=guest.email) == {
            "code": "RATE_LIMITED",
            "message": "There can be 20 open invitations to one trip. Revoke one, or wait until one is answered.",
        }
        data = await trip.owner.ask("query ($id: UUID!) { trip(id: $id) { invitations { nodes { id } } } }", id=trip.id)
        await trip.owner.ask(REVOKE, id=data["trip"]["invitations"]["nodes"][0]["id"])
        await trip.invite(guest)

    async def test_thirty_an_hour_a_person(self, trip: Trip, guest: Person) -> None:
        announced = """insert into private.announced_invitations (user_id, scope, scope_id, email_hash)
                       select %s, 'trip', %s, '' from generate_series(1, 30)"""
        trip.sql(announced, trip.owner.id, trip.id)
        assert await trip.owner.refused(INVITE, trip=trip.id, email=guest.email) == {
            "code": "RATE_LIMITED",
            "message": "A person can send 30 invitations an hour. Wait an hour, then invite again.",
        }
        assert await guest.ask(MINE) == {"myInvitations": []}


class TestRevoking:
    async def test_an_open_one(self, trip: Trip, guest: Person) -> None:
        invitation = await trip.invite(guest)
        data = await trip.owner.ask(REVOKE, id=invitation["id"])
        assert data["revokeInvitation"] == {"status": "REVOKED", "email": guest.email, "trip": {"title": "Lofoten"}}

    async def test_one_that_is_not_open_any_more(self, trip: Trip, guest: Person, stranger: Person) -> None:
        revoked, accepted = await trip.invite(guest), await trip.invite(stranger)
        await trip.owner.ask(REVOKE, id=revoked["id"])
        await stranger.ask(ACCEPT, token=await trip.token(stranger))
        for invitation in (revoked, accepted):
            assert await trip.owner.refused(REVOKE, id=invitation["id"]) == {
                "code": "CONFLICT",
                "message": "This invitation is not open any more.",
                "reason": "NOT_OPEN",
            }
        assert await stranger.ask(SEE, id=trip.id) == {"trip": {"title": "Lofoten"}}

    async def test_is_for_the_owner_alone(self, trip: Trip, guest: Person, stranger: Person, newcomer: Person) -> None:
        await trip.join(newcomer, "EDITOR")
        invitation = await trip.invite(guest)
        # The invited sees it; nobody else does.
        assert await guest.code(REVOKE, id=invitation["id"]) == "FORBIDDEN"
        assert await newcomer.code(REVOKE, id=invitation["id"]) == "NOT_FOUND"
        assert await stranger.code(REVOKE, id=invitation["id"]) == "NOT_FOUND"
        assert await trip.owner.code(REVOKE, id=NOBODY) == "NOT_FOUND"
        assert (await guest.ask(MINE))["myInvitations"][0]["status"] == "PENDING"


async def test_invitations_are_seen_by_the_owner_and_each_by_the_invited(
    trip: Trip, guest: Person, stranger: Person
) -> None:
    await trip.join(guest, "EDITOR")
    waiting = await trip.invite(stranger)
    pending, accepted = {"email": stranger.email, "status": "PENDING"}, {"email": guest.email, "status": "ACCEPTED"}
    assert await trip.owner.ask(INVITATIONS, id=trip.id) == {
        "trip": {"invitations": {"nodes": [pending, accepted], "totalCount": 2}}
    }
    assert await guest.ask(INVITATIONS, id=trip.id) == {"trip": {"invitations": {"nodes": [accepted], "totalCount": 1}}}
    read = "query ($id: UUID!) { invitation(id: $id) { status } }"
    assert await stranger.ask(read, id=waiting["id"]) == {"invitation": {"status": "PENDING"}}
    assert await guest.ask(read, id=waiting["id"]) == {"invitation": None}
