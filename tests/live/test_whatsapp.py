"""Messages as they move on: whom they are to hears of them, and who had them sent."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg

from tests.database import whatsapp
from tests.gateway.test_whatsapp import sent_by
from tests.live.clients import Live, live

if TYPE_CHECKING:
    from tests.live.conftest import Party
    from tests.support import Person

CHANGES = (
    "subscription ($trip: UUID) { whatsappMessageChanges(tripId: $trip) { operation whatsappMessage { status } } }"
)
READ = {"operation": "UPDATE", "whatsappMessage": {"status": "READ"}}
MESSAGES = "subscription { whatsappMessages { nodes { status } } }"


async def test_sender_and_recipient_hear_of_it_and_nobody_else(party: Party) -> None:
    with psycopg.connect(party.info.admin_db_url, autocommit=True) as db:
        whatsapp.reached(db, party.editor.id)
        other = await party.owner.trip(title="Another")
        async with AsyncExitStack() as stack:

            async def follow(who: Person, query: str, **variables: Any) -> tuple[Live, str]:
                connection = await stack.enter_async_context(live(who))
                return connection, await connection.subscribe(query, **variables)

            hearing = [
                await follow(party.owner, CHANGES),
                await follow(party.editor, CHANGES),
                await follow(party.owner, CHANGES, trip=party.trip),
            ]
            not_hearing = [await follow(party.stranger, CHANGES), await follow(party.owner, CHANGES, trip=other)]
            followed, query = await follow(party.owner, MESSAGES)
            assert await followed.event(query) == {"whatsappMessages": {"nodes": []}}
            message = sent_by(db, party.owner, party.editor, party.trip)
            for connection, subscription in hearing:
                # Until Realtime has let them in.
                for _ in range(100):
                    db.execute("update public.whatsapp_messages set status = status where id = %s", (message,))
                    with suppress(TimeoutError):
                        await connection.event(subscription, 0.5)
                        break
            for connection, subscription in not_hearing:
                await connection.silence(subscription)

            whatsapp.told(db, f"wamid.{party.editor.id}", message, "read", datetime.now(UTC))
            for connection, subscription in hearing:
                while (await connection.event(subscription))["whatsappMessageChanges"] != READ:
                    pass
            while await followed.event(query) != {"whatsappMessages": {"nodes": [{"status": "READ"}]}}:
                pass
            for connection, subscription in not_hearing:
                await connection.silence(subscription)
