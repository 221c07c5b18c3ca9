"""What is left and what is paid for, as it changes: on the person's own stream, and as live queries."""

from uuid import UUID

import psycopg

from tests.database.payments import reserve, settle, subscribe
from tests.gateway.test_payments import ENDS, STARTS
from tests.live.clients import Live, live
from tests.live.conftest import Party

COST = """subscription { usageLimits(filter: { metric: { eq: AI_COST } }) {
  nodes { metric limit used reserved remaining }
} }"""
PLAN = "subscription { billingSubscription { planKey status } }"
USED = "subscription { usageLimitChanges { operation usageLimit { metric used reserved remaining } } }"
PAID = "subscription { billingSubscriptionChanges { operation billingSubscription { planKey status } } }"


async def cost(connection: Live, live_query: str, limit: float, used: float, reserved: float) -> None:
    """Wait until the live query answers so; several changes at once may be answered once."""
    while True:
        (found,) = (await connection.event(live_query))["usageLimits"]["nodes"]
        if (float(found["limit"]), float(found["used"]), float(found["reserved"])) == (limit, used, reserved):
            return


async def test_one_sees_what_is_left_as_it_goes(party: Party) -> None:
    who = UUID(party.editor.id)
    async with live(party.editor) as connection, live(party.owner) as another:
        mine, plan = await connection.subscribe(COST), await connection.subscribe(PLAN)
        theirs = await another.subscribe(COST)
        await cost(connection, mine, 0.5, 0, 0)
        await cost(another, theirs, 0.5, 0, 0)
        assert await connection.event(plan) == {"billingSubscription": None}
        with psycopg.connect(party.info.admin_db_url, autocommit=True) as service:
            reserve(service, who, "0.2", f"{who}:a")
            await cost(connection, mine, 0.5, 0, 0.2)
            settle(service, f"{who}:a", "0.3")
            await cost(connection, mine, 0.5, 0.3, 0)
            subscribe(service, who, "pro", STARTS, ENDS)
            await cost(connection, mine, 5, 0, 0)
            assert await connection.event(plan) == {"billingSubscription": {"planKey": "PRO", "status": "ACTIVE"}}
        await another.silence(theirs)


async def test_changes_are_told_to_their_person_alone(party: Party) -> None:
    who = UUID(party.editor.id)
    async with live(party.editor) as connection, live(party.owner) as another:
        used, paid = await connection.subscribe(USED), await connection.subscribe(PAID)
        theirs = await another.subscribe(USED)
        for each, id_ in ((connection, used), (connection, paid), (another, theirs)):
            await each.silence(id_)
        with psycopg.connect(party.info.admin_db_url, autocommit=True) as service:
            subscribe(service, who, "pro", STARTS, ENDS)
            told = (await connection.event(paid))["billingSubscriptionChanges"]
            assert told == {"operation": "INSERT", "billingSubscription": {"planKey": "PRO", "status": "ACTIVE"}}
            for _ in range(3):
                assert (await connection.event(used))["usageLimitChanges"]["operation"] == "INSERT"
            reserve(service, who, 7, f"{who}:b", "WHATSAPP_MESSAGES")
            told = (await connection.event(used))["usageLimitChanges"]
            assert told == {
                "operation": "UPDATE",
                "usageLimit": {"metric": "WHATSAPP_MESSAGES", "used": "0", "reserved": "7", "remaining": "493"},
            }
        await another.silence(theirs)
