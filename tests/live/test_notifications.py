"""The bell as it rings: on the person's own stream, and as live queries."""

from typing import Any

from tests.live.clients import Live, live
from tests.live.conftest import Party
from tests.support import Person

CHANGES = "subscription { notificationChanges { operation id notification { title readAt user { displayName } } } }"
PLAIN = "subscription { notificationChanges { operation id notification { title readAt } } }"
BELL = "subscription { notifications(first: 10) { nodes { title readAt } } }"
COUNT = "subscription { unreadNotifications }"
TELL = "select private.notify(%s, 'trips', 'greeting', %s, null, null)"


async def following(connection: Live, person: Person, party: Party) -> str:
    """A subscription that is heard to have begun."""
    id_ = await connection.subscribe(PLAIN)
    for attempt in range(50):
        party.sql(TELL, person.id, f"Ready {attempt}")
        try:
            while (await connection.event(id_, 0.3))["notificationChanges"]["notification"][
                "title"
            ] != f"Ready {attempt}":
                pass
        except TimeoutError:
            continue
        return id_
    raise AssertionError("the subscription never began")


async def test_one_hears_what_one_is_told_reads_and_deletes_and_nobody_else_does(party: Party) -> None:
    async with live(party.editor) as connection, live(party.owner) as another:
        mine = await following(connection, party.editor, party)
        theirs = await following(another, party.owner, party)
        party.sql(TELL, party.editor.id, "Hello")
        told = (await connection.event(mine))["notificationChanges"]
        assert told == {"operation": "INSERT", "id": told["id"], "notification": {"title": "Hello", "readAt": None}}
        await party.editor.ask("mutation ($ids: [UUID!]) { markNotificationsRead(ids: $ids) { id } }", ids=[told["id"]])
        read = (await connection.event(mine))["notificationChanges"]
        assert (read["operation"], read["id"], bool(read["notification"]["readAt"])) == ("UPDATE", told["id"], True)
        await party.editor.ask("mutation ($id: UUID!) { deleteNotification(id: $id) { id } }", id=told["id"])
        gone = (await connection.event(mine))["notificationChanges"]
        assert gone == {"operation": "DELETE", "id": told["id"], "notification": None}
        # What else happens on one's own stream is not of the bell.
        party.sql("update public.profiles set display_name = 'Renamed' where id = %s", party.editor.id)
        await connection.silence(mine)
        await another.silence(theirs)


async def test_two_people_who_ask_the_same_each_hear_their_own(party: Party) -> None:
    """Documents are shared by all; whose stream it is, is not."""
    async with live(party.editor) as connection, live(party.owner) as another:
        for one, person in ((connection, party.editor), (another, party.owner)):
            await following(one, person, party)
        here, there = await connection.subscribe(CHANGES), await another.subscribe(CHANGES)
        await connection.silence(here)
        await another.silence(there)
        party.sql(TELL, party.editor.id, "For the editor")
        party.sql(TELL, party.owner.id, "For the owner")
        heard = [
            (await each.event(id_))["notificationChanges"]["notification"]["title"]
            for each, id_ in ((connection, here), (another, there))
        ]
        assert heard == ["For the editor", "For the owner"]


async def test_the_list_and_the_count_are_live(party: Party) -> None:
    async with live(party.stranger) as connection:
        bell, count = await connection.subscribe(BELL), await connection.subscribe(COUNT)
        assert await connection.event(bell) == {"notifications": {"nodes": []}}
        assert await connection.event(count) == {"unreadNotifications": 0}
        party.sql(TELL, party.stranger.id, "Hello")
        assert await connection.event(bell) == {"notifications": {"nodes": [{"title": "Hello", "readAt": None}]}}
        assert await connection.event(count) == {"unreadNotifications": 1}
        await party.stranger.ask('mutation { markNotificationsRead(until: "9999-01-01T00:00:00Z") { id } }')
        listed: Any = await connection.event(bell)
        assert listed["notifications"]["nodes"][0]["readAt"]
        assert await connection.event(count) == {"unreadNotifications": 0}


async def test_nobody_follows_without_an_account(party: Party) -> None:
    async with live(Person(party.editor.http, party.editor.url)) as connection:
        assert await connection.ending(await connection.subscribe(PLAIN)) == "UNAUTHENTICATED"
