"""A collection from an invitation's mail to being shared: every way in and out, through the API."""

from typing import Any

import psycopg
import pytest

from tests.gateway.inviting import NO_INVITATION, Inviting
from tests.support import Person
from tripgate.commands.doctor.function_calls import never_seen
from tripgate.local.stack import StackInfo

INVITE = """mutation ($id: UUID!, $email: String!, $role: CollectionRole! = VIEWER) {
  inviteToCollection(collectionId: $id, email: $email, role: $role) {
    id scope scopeId email role status invitedBy { id }
  }
}"""
ACCEPT = """mutation ($token: String!) {
  acceptCollectionInvitation(token: $token) { id role user { id } collection { id name members { totalCount } } }
}"""
REVOKE = "mutation ($id: UUID!) { revokeMembershipInvitation(id: $id) { status } }"
DECLINE = "mutation ($id: UUID!) { declineMembershipInvitation(id: $id) { status } }"
MINE = "{ myMembershipInvitations { id scope role status invitedBy { id } } }"
SEE = """query ($id: UUID!) {
  collection(id: $id) {
    name owner { id } collectionPlaces { nodes { notes place { name } } } members { nodes { role user { id } } }
  }
}"""
PUT = """mutation ($id: UUID!, $place: UUID!) {
  createCollectionPlace(input: { collectionId: $id, placeId: $place, notes: "Go" }) { id ownerId place { name } }
}"""
LEAVE = "mutation ($id: UUID!) { leaveCollection(collectionId: $id) }"


class Collection(Inviting):
    """A collection with a place in it."""

    page = "invitations/collection"

    async def invite(self, guest: Person, role: str = "VIEWER") -> dict[str, Any]:
        """The owner invites; what that answers."""
        return dict((await self.owner.ask(INVITE, id=self.id, email=guest.email, role=role))["inviteToCollection"])

    async def join(self, guest: Person, role: str = "VIEWER") -> str:
        """The guest is invited and accepts; the member's id."""
        await self.invite(guest, role)
        return str((await guest.ask(ACCEPT, token=await self.token(guest)))["acceptCollectionInvitation"]["id"])


async def place_of(person: Person, name: str) -> str:
    made = await person.ask("mutation ($name: String!) { createPlace(input: { name: $name }) { id } }", name=name)
    return str(made["createPlace"]["id"])


@pytest.fixture
async def collection(seeded: StackInfo, anonymous: Person) -> Collection:
    owner = await anonymous.sign_up()
    made = await owner.ask('mutation { createCollection(input: { name: "Bays" }) { id } }')
    id_ = made["createCollection"]["id"]
    await owner.ask(PUT, id=id_, place=await place_of(owner, "Cove"))
    return Collection(seeded, owner, id_)


async def test_from_the_mail_to_the_collection(collection: Collection, guest: Person) -> None:
    await collection.owner.ask('mutation { updateMyProfile(patch: { displayName: "Ada & Co" }) { id } }')
    invitation = await collection.invite(guest, "EDITOR")
    assert invitation == {
        "id": invitation["id"],
        "scope": "collection",
        "scopeId": collection.id,
        "email": guest.email,
        "role": "editor",
        "status": "PENDING",
        "invitedBy": {"id": collection.owner.id},
    }
    mail = await collection.mail(guest)
    assert mail["subject"] == "Ada & Co invites you to share a collection"
    assert mail["text"].startswith("Ada & Co invites you to share the collection “Bays”.\n")
    assert (await guest.ask(MINE))["myMembershipInvitations"] == [
        {"id": invitation["id"], "scope": "collection", "role": "editor", "status": "PENDING", "invitedBy": None}
    ]
    assert await guest.ask(SEE, id=collection.id) == {"collection": None}

    token = await collection.token(guest)
    made = (await guest.ask(ACCEPT, token=token))["acceptCollectionInvitation"]
    assert made == {
        "id": made["id"],
        "role": "EDITOR",
        "user": {"id": guest.id},
        "collection": {"id": collection.id, "name": "Bays", "members": {"totalCount": 1}},
    }
    assert (await guest.ask(ACCEPT, token=token))["acceptCollectionInvitation"] == made
    assert (await guest.ask(SEE, id=collection.id))["collection"] == {
        "name": "Bays",
        "owner": {"id": collection.owner.id},
        "collectionPlaces": {"nodes": [{"notes": "Go", "place": {"name": "Cove"}}]},
        "members": {"nodes": [{"role": "EDITOR", "user": {"id": guest.id}}]},
    }
    assert await guest.ask(MINE) == {"myMembershipInvitations": []}


async def test_an_editor_puts_places_in_and_a_viewer_does_not(
    collection: Collection, guest: Person, stranger: Person
) -> None:
    await collection.join(guest, "EDITOR")
    await collection.join(stranger)
    made = (await guest.ask(PUT, id=collection.id, place=await place_of(guest, "Reef")))["createCollectionPlace"]
    assert (made["ownerId"], made["place"]) == (guest.id, {"name": "Reef"})
    for person in (collection.owner, stranger):
        seen = (await person.ask(SEE, id=collection.id))["collection"]["collectionPlaces"]["nodes"]
        assert [each["place"]["name"] for each in seen] == ["Cove", "Reef"]
    assert await stranger.code(PUT, id=collection.id, place=await place_of(stranger, "Rock")) == "FORBIDDEN"
    rename = 'mutation ($id: UUID!) { updateCollection(id: $id, patch: { name: "Ours" }) { name } }'
    assert await guest.code(rename, id=collection.id) == "FORBIDDEN"


async def test_leaving_being_removed_and_changing_roles(
    collection: Collection, guest: Person, stranger: Person
) -> None:
    await collection.join(guest)
    member = await collection.join(stranger)
    promote = """mutation ($id: UUID!) {
      updateCollectionMember(id: $id, patch: { role: EDITOR }) { role user { id } }
    }"""
    assert await guest.code(promote, id=member) == "FORBIDDEN"
    changed = await collection.owner.ask(promote, id=member)
    assert changed["updateCollectionMember"] == {"role": "EDITOR", "user": {"id": stranger.id}}
    assert await guest.ask(LEAVE, id=collection.id) == {"leaveCollection": True}
    assert await guest.ask(SEE, id=collection.id) == {"collection": None}
    assert await guest.code(LEAVE, id=collection.id) == "NOT_FOUND"
    await collection.owner.ask("mutation ($id: UUID!) { removeCollectionMember(id: $id) { id } }", id=member)
    assert await stranger.ask(SEE, id=collection.id) == {"collection": None}


async def test_who_invites_to_what(collection: Collection, guest: Person, stranger: Person) -> None:
    await collection.join(guest, "EDITOR")
    given = {"id": collection.id, "email": "somebody@example.com"}
    assert await guest.code(INVITE, **given) == "FORBIDDEN"
    assert await stranger.code(INVITE, **given) == "NOT_FOUND"
    own = await collection.owner.refused(INVITE, id=collection.id, email=collection.owner.email)
    assert (own["code"], own["field"]) == ("BAD_USER_INPUT", "email")
    twice = await collection.owner.refused(INVITE, id=collection.id, email=guest.email)
    assert (twice["code"], twice["reason"], twice["field"]) == ("CONFLICT", "ALREADY_MEMBER", "email")


async def test_a_link_is_for_the_invited_alone_and_for_a_collection(
    collection: Collection, guest: Person, stranger: Person
) -> None:
    await collection.invite(guest)
    token = await collection.token(guest)
    for person in (stranger, collection.owner):
        assert await person.refused(ACCEPT, token=token) == NO_INVITATION
    other = "mutation ($token: String!) { acceptInvitation(token: $token) { id } }"
    assert await guest.code(other, token=token) == "NOT_FOUND"
    assert (await guest.ask(ACCEPT, token=token))["acceptCollectionInvitation"]["role"] == "VIEWER"


async def test_revoked_or_declined_it_is_closed(collection: Collection, guest: Person, stranger: Person) -> None:
    for person, close, status in ((collection.owner, REVOKE, "REVOKED"), (guest, DECLINE, "DECLINED")):
        invitation = (await collection.invite(guest))["id"]
        token = await collection.token(guest)
        assert await stranger.code(close, id=invitation) == "NOT_FOUND"
        other = guest if person is collection.owner else collection.owner
        assert await other.code(close, id=invitation) == "FORBIDDEN"
        (answer,) = (await person.ask(close, id=invitation)).values()
        assert answer == {"status": status}
        refused = await person.refused(close, id=invitation)
        assert (refused["code"], refused["reason"]) == ("CONFLICT", "NOT_OPEN")
        assert await guest.code(ACCEPT, token=token) == "NOT_FOUND"


async def test_nobody_does_anything_of_it_without_an_account(collection: Collection, anonymous: Person) -> None:
    for document, given in (
        (INVITE, {"id": collection.id, "email": "a@b.example"}),
        (ACCEPT, {"token": "x"}),
        (LEAVE, {"id": collection.id}),
        (REVOKE, {"id": collection.id}),
        (DECLINE, {"id": collection.id}),
        (MINE, {}),
    ):
        assert await anonymous.code(document, **given) == "UNAUTHENTICATED", document


async def test_the_secret_is_kept_as_its_hash_alone(collection: Collection, guest: Person) -> None:
    await collection.invite(guest)
    token = await collection.token(guest)
    with psycopg.connect(collection.stack.admin_db_url) as db:
        row = db.execute(
            "select to_jsonb(kept)::text from public.membership_invitations as kept where email = %s"
            " and token_hash = encode(sha256(convert_to(%s, 'UTF8')), 'hex')",
            (guest.email, token),
        ).fetchone()
    assert row is not None
    assert token not in row[0]


async def test_the_doctor_takes_none_of_it_for_a_policy_that_shows_too_much(
    collection: Collection, guest: Person, stranger: Person
) -> None:
    await collection.join(guest, "EDITOR")
    await collection.invite(stranger)
    api = collection.stack.api_url
    for person in (collection.owner, guest, stranger):
        headers = {"apikey": collection.stack.publishable_key, "Authorization": f"Bearer {person.token}"}
        for table, query in never_seen().items():
            asked = query.format(me=person.id, email=person.email)
            async with person.http.get(f"{api}/rest/v1/{table}?{asked}&limit=1", headers=headers) as response:
                assert (response.status, await response.json()) == (200, []), table
