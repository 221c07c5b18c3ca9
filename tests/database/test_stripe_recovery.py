"""What Edge Functions ask of Stripe's events and prices: the service alone is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

from tests.database.callers import role, told_by

if TYPE_CHECKING:
    from tests.database.callers import World

CALLS: dict[str, LiteralString] = {
    "events": "select public.stripe_events_left('{evt_1}')",
    "prices": "select public.stripe_price_keys()",
}


@pytest.mark.parametrize("client", ["anon", "authenticated"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.usefixtures("world")
def test_no_client_asks(db: psycopg.Connection, client: LiteralString, call: LiteralString) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, client):
        db.execute(call)


def test_events_that_never_came_or_are_not_done_are_left_in_their_order(db: psycopg.Connection, world: World) -> None:
    db.execute("delete from public.billing_events where true")
    for event, status in (("evt_1", "received"), ("evt_2", "done"), ("evt_3", "ignored"), ("evt_5", "waiting")):
        db.execute(
            "insert into public.billing_events (stripe_event_id, type, livemode, status) values (%s, 'x', false, %s)",
            (event, status),
        )
    with role(db, "service_role"):
        asked = ["evt_5", "evt_4", "evt_3", "evt_2", "evt_1"]
        assert db.execute("select public.stripe_events_left(%s)", (asked,)).fetchone() == (["evt_5", "evt_4", "evt_1"],)
        assert db.execute("select public.stripe_events_left('{}')").fetchone() == ([],)


@pytest.mark.usefixtures("world")
def test_of_too_many_it_is_not_asked(db: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error) as refused, role(db, "service_role"):
        db.execute("select public.stripe_events_left(array(select n::text from generate_series(1, 1001) as n))")
    assert told_by(refused.value) == "BAD_USER_INPUT"


def test_the_prices_are_those_of_plans_that_are_paid_for(db: psycopg.Connection) -> None:
    with role(db, "service_role"):
        found = db.execute("select public.stripe_price_keys()").fetchone()
    assert found == ({"pro": "tripgate_pro", "enterprise": "tripgate_enterprise"},)
