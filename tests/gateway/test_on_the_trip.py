"""Who is on a trip: what viewers and editors may do, how roles change, and how people leave."""

from tests.gateway.inviting import ACCEPT, ADD, NO_INVITATION, NOBODY, SEE, Trip
from tests.support import Person


class TestOnTheTrip:
    VOTE = "mutation ($item: UUID!) { castVote(tripItemId: $item, value: UP) { value } }"
    RENAME = 'mutation ($id: UUID!) { updateTrip(id: $id, patch: { title: "Senja" }) { title } }'
    CHANGE = """mutation ($id: UUID!, $role: CollaboratorRole!) {
      updateCollaborator(id: $id, patch: { role: $role }) { role user { id } trip { title } }
    }"""
    REMOVE = "mutation ($id: UUID!) { removeCollaborator(id: $id) { user { id } trip { title } } }"
    LEAVE = "mutation ($id: UUID!) { leaveTrip(tripId: $id) }"

    async def test_a_viewer_looks_and_votes(self, trip: Trip, guest: Person) -> None:
        await trip.join(guest, "VIEWER")
        item = (await trip.owner.ask(ADD, trip=trip.id))["createTripItem"]["id"]
        assert await guest.ask(self.VOTE, item=item) == {"castVote": {"value": "UP"}}
        assert await guest.code(ADD, trip=trip.id) == "FORBIDDEN"
        assert await guest.code(self.RENAME, id=trip.id) == "FORBIDDEN"

    async def test_an_editor_changes_the_trip_as_well(self, trip: Trip, guest: Person) -> None:
        await trip.join(guest, "EDITOR")
        item = (await guest.ask(ADD, trip=trip.id))["createTripItem"]["id"]
        assert await guest.ask(self.VOTE, item=item) == {"castVote": {"value": "UP"}}
        assert await guest.ask(self.RENAME, id=trip.id) == {"updateTrip": {"title": "Senja"}}

    async def test_the_owner_changes_a_role(self, trip: Trip, guest: Person) -> None:
        collaborator = await trip.join(guest, "EDITOR")
        assert await trip.owner.ask(self.CHANGE, id=collaborator, role="VIEWER") == {
            "updateCollaborator": {"role": "VIEWER", "user": {"id": guest.id}, "trip": {"title": "Lofoten"}}
        }
        assert await guest.code(ADD, trip=trip.id) == "FORBIDDEN"
        assert await guest.code(self.CHANGE, id=collaborator, role="EDITOR") == "FORBIDDEN"
        await trip.owner.ask(self.CHANGE, id=collaborator, role="EDITOR")
        assert await guest.ask(self.RENAME, id=trip.id) == {"updateTrip": {"title": "Senja"}}

    async def test_the_owner_removes_somebody(self, trip: Trip, guest: Person) -> None:
        collaborator = await trip.join(guest)
        assert await trip.owner.ask(self.REMOVE, id=collaborator) == {
            "removeCollaborator": {"user": {"id": guest.id}, "trip": {"title": "Lofoten"}}
        }
        assert await guest.ask(SEE, id=trip.id) == {"trip": None}
        assert await trip.owner.code(self.REMOVE, id=collaborator) == "NOT_FOUND"

    async def test_one_leaves_and_comes_back_by_a_new_invitation(self, trip: Trip, guest: Person) -> None:
        await trip.join(guest)
        assert await guest.ask(self.LEAVE, id=trip.id) == {"leaveTrip": True}
        assert await guest.ask(SEE, id=trip.id) == {"trip": None}
        assert await guest.refused(ACCEPT, token=await trip.token(guest)) == NO_INVITATION
        await trip.join(guest, "EDITOR")
        assert await guest.ask(SEE, id=trip.id) == {"trip": {"title": "Lofoten"}}

    async def test_what_is_nobodys(self, anonymous: Person, stranger: Person) -> None:
        for query, given in ((self.CHANGE, {"role": "EDITOR"}), (self.REMOVE, {}), (self.LEAVE, {})):
            assert await stranger.code(query, id=NOBODY, **given) == "NOT_FOUND"
            assert await anonymous.code(query, id=NOBODY, **given) == "UNAUTHENTICATED"
