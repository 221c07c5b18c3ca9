"""Live queries of invitations: heard of by whoever sends them, and by whose confirmed address they name."""

import asyncio
from typing import Any

from tests.live.clients import Live, live
from tests.live.conftest import Party

INVITATIONS = "subscription { invitations { nodes { email status } } }"
MINE = "subscription { myInvitations { email } }"
INVITE = """insert into public.invitations (trip_id, email, role, token_hash, invited_by)
  values (%s, %s, 'viewer', encode(sha256(%s::text::bytea), 'hex'), %s)"""


async def payload(connection: Live) -> Any:
    """The next answer, as it was sent."""
    message = await connection.message()
    assert message["type"] == "next", message
    return message["payload"]


async def test_neither_side_polls_and_both_hear_at_once(party: Party) -> None:
    stranger = party.stranger.email
    async with live(party.owner) as inviting, live(party.stranger) as invited, live(party.stranger) as inbox:
        for connection, query, none in (
            (inviting, INVITATIONS, {"invitations": {"nodes": []}}),
            (invited, INVITATIONS, {"invitations": {"nodes": []}}),
            (inbox, MINE, {"myInvitations": []}),
        ):
            await connection.subscribe(query)
            assert await payload(connection) == {"data": none}
        await asyncio.sleep(0.5)  # the topics are joined
        party.sql(INVITE, party.trip, stranger, party.trip, party.owner.id)
        pending = {"data": {"invitations": {"nodes": [{"email": stranger, "status": "PENDING"}]}}}
        assert await payload(inviting) == pending
        assert await payload(invited) == pending
        assert await payload(inbox) == {"data": {"myInvitations": [{"email": stranger}]}}
        party.sql("update public.invitations set status = 'revoked' where trip_id = %s", party.trip)
        assert (await payload(invited))["data"]["invitations"]["nodes"][0]["status"] == "REVOKED"
        assert await payload(inbox) == {"data": {"myInvitations": []}}
        party.sql("delete from public.trips where id = %s", party.trip)
        assert await payload(invited) == {"data": {"invitations": {"nodes": []}}}


async def test_an_address_that_is_not_confirmed_hears_of_nothing(party: Party) -> None:
    """Until it is: then of all that wait for it."""
    confirm = "update auth.users set email_confirmed_at = %s where id = %s"
    party.sql(confirm, None, party.stranger.id)
    async with live(party.stranger) as connection:
        query = await connection.subscribe(INVITATIONS)
        assert await connection.event(query) == {"invitations": {"nodes": []}}
        await asyncio.sleep(0.5)
        party.sql(INVITE, party.trip, party.stranger.email, party.trip, party.owner.id)
        await connection.silence(query, 1.0)
        party.sql(confirm, "now()", party.stranger.id)
        assert await connection.event(query) == {
            "invitations": {"nodes": [{"email": party.stranger.email, "status": "PENDING"}]}
        }
