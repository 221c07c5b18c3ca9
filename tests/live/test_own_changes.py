"""`myChanges`: what concerns a person alone, wherever it is changed, and nobody else's."""

from typing import Any

import pytest

from tests.live.clients import Live, live
from tests.live.conftest import Party
from tests.support import Person

MINE = """subscription {
  myChanges {
    __typename
    ... on CollaboratorChange { operation id collaborator { role trip { title } } }
    ... on InvitationChange { operation invitation { email status } }
    ... on ProfileChange { operation profile { displayName } }
    ... on UserPreferencesChange { operation userPreferences { locale } }
    ... on TagChange { operation tag { name } }
    ... on TripChange { operation trip { title } }
    ... on LeftTrip { tripId }
    ... on MissedChanges { occurredAt }
  }
}"""


async def following(connection: Live, person: Person, party: Party) -> str:
    """A subscription that is heard to have begun."""
    id_ = await connection.subscribe(MINE)
    for attempt in range(50):
        name = f"Ready {attempt}"
        party.sql("update public.profiles set display_name = %s where id = %s", name, person.id)
        try:
            while (await connection.event(id_, 0.3))["myChanges"]["profile"]["displayName"] != name:
                pass
        except TimeoutError:
            continue
        return id_
    raise AssertionError("the subscription never began")


async def test_one_hears_of_coming_to_a_trip_of_ones_role_and_of_leaving(party: Party) -> None:
    async with live(party.stranger) as connection:
        mine = await following(connection, party.stranger, party)
        party.sql(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')",
            party.trip,
            party.stranger.id,
        )
        came = (await connection.event(mine))["myChanges"]
        assert came == {
            "__typename": "CollaboratorChange",
            "operation": "INSERT",
            "id": came["id"],
            "collaborator": {"role": "VIEWER", "trip": {"title": "Shared"}},
        }
        party.sql("update public.collaborators set role = 'editor' where id = %s", came["id"])
        changed = (await connection.event(mine))["myChanges"]
        assert changed == {**came, "operation": "UPDATE", "collaborator": {**came["collaborator"], "role": "EDITOR"}}
        party.sql("delete from public.collaborators where id = %s", came["id"])
        gone = (await connection.event(mine))["myChanges"]
        assert gone == {"__typename": "LeftTrip", "tripId": party.trip}
        await connection.silence(mine)


async def test_an_invitation_reaches_whoever_has_confirmed_its_address_and_whoever_sent_it(party: Party) -> None:
    async with live(party.stranger) as invited, live(party.owner) as inviting, live(party.editor) as other:
        there = await following(invited, party.stranger, party)
        here = await following(inviting, party.owner, party)
        elsewhere = await following(other, party.editor, party)
        party.sql(
            """insert into public.invitations (trip_id, email, role, token_hash, invited_by)
               values (%s, %s, 'viewer', encode(sha256('x'), 'hex'), %s)""",
            party.trip,
            party.stranger.email,
            party.owner.id,
        )
        told: dict[str, Any] = {
            "__typename": "InvitationChange",
            "operation": "INSERT",
            "invitation": {"email": party.stranger.email, "status": "PENDING"},
        }
        assert (await invited.event(there))["myChanges"] == told
        assert (await inviting.event(here))["myChanges"] == told
        await other.silence(elsewhere)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "update public.user_preferences set locale = 'fr-FR' where user_id = %s",
            {"__typename": "UserPreferencesChange", "operation": "UPDATE", "userPreferences": {"locale": "fr-FR"}},
        ),
        (
            "insert into public.tags (user_id, name) values (%s, 'Sea')",
            {"__typename": "TagChange", "operation": "INSERT", "tag": {"name": "Sea"}},
        ),
        (
            "insert into public.trips (user_id, title) values (%s, 'Made elsewhere')",
            {"__typename": "TripChange", "operation": "INSERT", "trip": {"title": "Made elsewhere"}},
        ),
    ],
    ids=["preferences", "tag", "trip"],
)
async def test_what_is_ones_own_is_told_wherever_it_was_changed(
    party: Party, statement: str, told: dict[str, Any]
) -> None:
    async with live(party.editor) as connection, live(party.owner) as another:
        mine = await following(connection, party.editor, party)
        theirs = await following(another, party.owner, party)
        party.sql(statement, party.editor.id)
        assert (await connection.event(mine))["myChanges"] == told
        await another.silence(theirs)


async def test_nobody_follows_without_an_account(party: Party) -> None:
    async with live(Person(party.editor.http, party.editor.url)) as connection:
        assert await connection.ending(await connection.subscribe(MINE)) == "UNAUTHENTICATED"
