"""What Stripe told and never arrived is found by looking; and whoever leaves is no customer any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.functions.payments.conftest import eventually

if TYPE_CHECKING:
    from typing import Any

    from tests.functions.payments.conftest import Payments

PASS = "recover-stripe-events"


async def test_what_was_dropped_is_done_by_the_pass(payments: Payments) -> None:
    customer = await payments.customer(await payments.account())
    await payments.subscribe(customer, await payments.price())
    await payments.advance(31)
    events = await payments.events()
    for event in events:
        assert (await payments.tell(event))[0] == 200
    orderly = payments.state()
    ours = {"done"}
    for kept in (0, 3):
        payments.forget()
        for event in events[:kept]:
            await payments.tell(event)
        status, found = await payments.call(PASS, {"wait": True})
        assert status == 200
        assert found["failed"] == 0
        assert found["left"] == found["done"] == found["listed"] - payments_done(events[:kept])
        state = payments.state()
        assert (state["subscriptions"], state["invoices"]) == (orderly["subscriptions"], orderly["invoices"])
        assert {row["status"] for row in state["events"]} <= {*ours, "ignored"}
    assert await payments.call(PASS, {"wait": True}) == (
        200,
        {"listed": found["listed"], "left": 0, "done": 0, "waiting": 0, "failed": 0},
    )


def payments_done(events: list[dict[str, Any]]) -> int:
    """How many of these something follows of."""
    types = {
        "checkout.session.completed",
        "customer.subscription.created",
        "customer.subscription.updated",
        "invoice.paid",
    }
    return sum(event["type"] in types for event in events)


async def test_what_came_and_was_not_done_is_done(payments: Payments) -> None:
    customer = await payments.customer(await payments.account())
    await payments.subscribe(customer, await payments.price())
    down = {"provider": "stripe", "path": "/v1/subscriptions*", "kind": "status", "status": 500, "times": 100}
    await payments.control("POST", "failures", down)
    for event in await payments.events():
        await payments.tell(event)
    assert payments.count("subscriptions") == 0
    _, found = await payments.call(PASS, {"wait": True})
    assert found["failed"] == found["left"] > 0
    await payments.control("DELETE", "failures")
    assert (await payments.call(PASS, {"wait": True}))[1]["failed"] == 0
    assert payments.count("subscriptions") == 1


async def test_more_than_a_page_and_with_what_is_told_meanwhile(payments: Payments) -> None:
    price = await payments.price()
    for _ in range(3):
        await payments.subscribe(await payments.customer(await payments.account()), price)
    for _ in range(20):
        await payments.advance(31)
    events = await payments.events()
    (_, found), *_ = await asyncio.gather(
        payments.call(PASS, {"wait": True, "hours": 720}), *(payments.tell(event) for event in events[-20:])
    )
    assert found["listed"] > 100
    assert (found["failed"], payments.count("subscriptions")) == (0, 3)
    assert payments.count("invoices") == 3 * 21


async def test_it_is_for_the_databases_jobs(payments: Payments) -> None:
    customer = await payments.customer(await payments.account())
    await payments.subscribe(customer, await payments.price())
    job = "select command from cron.job where jobname = 'payments-recover-events'"
    (row,) = payments.db.execute(job).fetchall()
    payments.db.execute(row["command"])

    async def there() -> bool:
        return payments.count("subscriptions") == 1

    await eventually(there)
    ada = await payments.account()
    assert (await payments.call(PASS, {}, ada))[0] == 401


@pytest.mark.parametrize("hours", [0, -1, 721, "3", None, [], True])
async def test_it_looks_back_for_as_long_as_stripe_keeps_events(payments: Payments, hours: Any) -> None:
    status, told = await payments.call(PASS, {"hours": hours, "wait": True})
    if hours is None:
        assert status == 200
    else:
        assert (status, told["extensions"]) == (400, {"field": "hours"})


async def test_whoever_leaves_is_no_customer_and_pays_no_more(payments: Payments) -> None:
    ada = await payments.account()
    customer = await payments.customer(ada)
    session = await payments.subscribe(customer, await payments.price())
    for event in await payments.events():
        await payments.tell(event)
    payments.db.execute("delete from auth.users where id = %s", (ada.id,))
    (task,) = payments.db.execute("select kind, subject, payload::text from private.tasks").fetchall()
    assert (task["kind"], task["subject"]) == ("delete_external_customer", f"user:{ada.id}")
    # Once more: whoever does a task may die before saying so.
    payments.db.execute("select private.enqueue(%s, %s, %s::jsonb)", tuple(task.values()))
    for claimed in (2, 0):
        status, outcome = await payments.call("delete-external-customer", {"wait": True})
        assert (status, outcome["claimed"], outcome["done"]) == (200, claimed, claimed)
    found = await payments.stripe("GET", f"subscriptions/{session['subscription']}")
    assert found["status"] == "canceled"
    assert (await payments.stripe("GET", "customers"))["data"] == []
    for event in await payments.events():
        assert (await payments.tell(event))[0] == 200
    (invoice,) = payments.rows("invoices", "id")
    assert (invoice["user_id"], invoice["status"]) == (None, "paid")
