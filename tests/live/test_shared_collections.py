"""Following a collection: those who share it hear of it, each other and its places, as long as they do."""

from dataclasses import dataclass

import pytest

from tests.live.clients import Live, live
from tests.live.conftest import Party
from tests.live.test_own_changes import following
from tests.support import Person

PLACES = """subscription ($id: UUID!) {
  collectionPlaceChanges(collectionId: $id) { operation collectionPlace { notes place { name } } }
}"""
MEMBERS = """subscription ($id: UUID!) {
  collectionMemberChanges(collectionId: $id) { operation collectionMember { role user { id } } }
}"""
ITSELF = "subscription ($id: UUID!) { collectionChanges(collectionId: $id) { operation collection { name } } }"
LIVE = """subscription ($id: UUID!) {
  collection(id: $id) { name collectionPlaces { nodes { place { name } } } members { nodes { user { displayName } } } }
}"""
PRESENCE = "subscription ($id: UUID!) { collectionPresence(collectionId: $id) { people { id } } }"
PUT = "insert into public.collection_places (user_id, collection_id, place_id) values (%s, %s, %s)"


@dataclass
class Shared:
    """The owner's collection, which the editor shares, and a place of the editor's that is not in it."""

    party: Party
    id: str
    place: str

    def put(self) -> None:
        """The place comes into it."""
        self.party.sql(PUT, self.party.editor.id, self.id, self.place)

    def remove(self) -> None:
        """The editor shares it no longer."""
        self.party.sql("delete from public.collection_members where collection_id = %s", self.id)


@pytest.fixture
async def shared(party: Party) -> Shared:
    made = await party.owner.ask('mutation { createCollection(input: { name: "Bays" }) { id } }')
    id_ = made["createCollection"]["id"]
    place = await party.editor.ask('mutation { createPlace(input: { name: "Reef" }) { id } }')
    # Nothing else lets them see each other's.
    party.sql("delete from public.collaborators where trip_id = %s", party.trip)
    join(party, id_, party.editor)
    return Shared(party, id_, place["createPlace"]["id"])


def join(party: Party, collection: str, person: Person) -> None:
    party.sql(
        "insert into public.collection_members (collection_id, user_id, role) values (%s, %s, 'editor')",
        collection,
        person.id,
    )


async def renamed(shared: Shared, connection: Live) -> None:
    """A new name is heard of; and what was followed before on this connection is, then."""
    id_ = await connection.subscribe(ITSELF, id=shared.id)
    for attempt in range(50):
        name = f"Ready {attempt}"
        shared.party.sql("update public.collections set name = %s where id = %s", name, shared.id)
        try:
            while (await connection.event(id_, 0.5))["collectionChanges"]["collection"]["name"] != name:
                pass
        except TimeoutError:
            continue
        return
    raise AssertionError("the subscription never began")


async def test_those_who_share_it_hear_of_what_becomes_of_it(shared: Shared) -> None:
    party = shared.party
    async with live(party.owner) as owner, live(party.editor) as editor:
        changes = [
            (connection, await connection.subscribe(document, id=shared.id))
            for document in (PLACES, MEMBERS)
            for connection in (owner, editor)
        ]
        for connection in (owner, editor):
            await renamed(shared, connection)
        shared.put()
        for connection, id_ in changes[:2]:
            heard = await connection.event(id_)
            assert heard["collectionPlaceChanges"] == {
                "operation": "INSERT",
                "collectionPlace": {"notes": None, "place": {"name": "Reef"}},
            }
        join(party, shared.id, party.stranger)
        for connection, id_ in changes[2:]:
            heard = await connection.event(id_)
            assert heard["collectionMemberChanges"] == {
                "operation": "INSERT",
                "collectionMember": {"role": "EDITOR", "user": {"id": party.stranger.id}},
            }


async def test_whoever_is_removed_hears_that_and_nothing_more(shared: Shared) -> None:
    party = shared.party
    mine = "subscription { myChanges { __typename ... on LeftCollection { collectionId } } }"
    async with live(party.editor) as editor:
        presence = await editor.subscribe(PRESENCE, id=shared.id)
        assert (await editor.event(presence))["collectionPresence"]["people"] == [{"id": party.editor.id}]
        places = await editor.subscribe(PLACES, id=shared.id)
        query = await editor.subscribe(LIVE, id=shared.id)
        assert (await editor.event(query))["collection"]["name"] == "Bays"
        await following(editor, party.editor, party)
        own = await editor.subscribe(mine)
        shared.put()
        assert (await editor.event(places))["collectionPlaceChanges"]["operation"] == "INSERT"
        shared.remove()
        assert await editor.ending(places) == "FORBIDDEN"
        assert await editor.ending(presence) == "FORBIDDEN"
        while (answer := await editor.event(query))["collection"] is not None:
            assert answer["collection"]["name"] == "Bays"
        while (told := (await editor.event(own))["myChanges"])["__typename"] != "LeftCollection":
            pass
        assert told == {"__typename": "LeftCollection", "collectionId": shared.id}


async def test_a_live_query_shows_the_places_and_people_as_they_come(shared: Shared) -> None:
    party = shared.party
    async with live(party.owner) as owner:
        query = await owner.subscribe(LIVE, id=shared.id)
        assert (await owner.event(query))["collection"]["collectionPlaces"]["nodes"] == []
        shared.put()
        assert (await owner.event(query))["collection"]["collectionPlaces"]["nodes"] == [{"place": {"name": "Reef"}}]
        party.sql("update public.places set name = 'Rock' where id = %s", shared.place)
        assert (await owner.event(query))["collection"]["collectionPlaces"]["nodes"] == [{"place": {"name": "Rock"}}]
        party.sql("update public.profiles set display_name = 'Edda' where id = %s", party.editor.id)
        assert (await owner.event(query))["collection"]["members"]["nodes"] == [{"user": {"displayName": "Edda"}}]


async def test_a_stranger_is_refused_as_for_one_that_does_not_exist(shared: Shared) -> None:
    async with live(shared.party.stranger) as stranger:
        for id_ in (shared.id, shared.place):
            for document in (ITSELF, PLACES, MEMBERS, PRESENCE):
                assert await stranger.failure(await stranger.subscribe(document, id=id_)) == (
                    "FORBIDDEN",
                    "You may not follow this collection, or there is no such collection.",
                )


async def test_whoever_is_invited_sees_it_come_and_go_and_so_does_the_inviter(shared: Shared) -> None:
    party = shared.party
    mine = "subscription { myMembershipInvitations { role status } }"
    sent = "subscription { membershipInvitations { nodes { email status } } }"
    async with live(party.stranger) as invited, live(party.owner) as inviting, live(party.editor) as other:
        there = await invited.subscribe(mine)
        here = await inviting.subscribe(sent)
        elsewhere = [await other.subscribe(document) for document in (mine, sent)]
        assert (await invited.event(there))["myMembershipInvitations"] == []
        assert (await inviting.event(here))["membershipInvitations"]["nodes"] == []
        for id_ in elsewhere:
            await other.event(id_)
        party.sql(
            """insert into public.membership_invitations (scope, scope_id, email, role, token_hash, invited_by)
               values ('collection', %s, %s, 'viewer', encode(sha256(random()::text::bytea), 'hex'), %s)""",
            shared.id,
            party.stranger.email,
            party.owner.id,
        )
        assert (await invited.event(there))["myMembershipInvitations"] == [{"role": "viewer", "status": "PENDING"}]
        nodes = (await inviting.event(here))["membershipInvitations"]["nodes"]
        assert nodes == [{"email": party.stranger.email, "status": "PENDING"}]
        party.sql("delete from public.collections where id = %s", shared.id)
        assert (await invited.event(there))["myMembershipInvitations"] == []
        assert (await inviting.event(here))["membershipInvitations"]["nodes"] == []
        for id_ in elsewhere:
            await other.silence(id_)
