"""A person is one customer, and has one page open on which to pay, however many tabs ask for one."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.functions.payments.conftest import SITE, Account, Payments, eventually

if TYPE_CHECKING:
    from collections.abc import Iterable

INPUT = {"plan_key": "pro", "success_url": f"{SITE}/paid?s={{CHECKOUT_SESSION_ID}}", "cancel_url": f"{SITE}/plans"}


@pytest.fixture
async def ada(payments: Payments) -> Account:
    """Somebody who may pay for plans that Stripe sells."""
    await payments.price()
    await payments.price("enterprise")
    return await payments.account()


async def checkout(payments: Payments, account: Account, **changes: Any) -> tuple[int, Any]:
    return await payments.call("create-checkout-session", {**INPUT, **changes}, account)


async def listed(payments: Payments, path: str) -> list[dict[str, Any]]:
    return list((await payments.stripe("GET", path))["data"])


async def opened(payments: Payments) -> list[dict[str, Any]]:
    """The pages that are open at Stripe."""
    return await listed(payments, "checkout/sessions?status=open&limit=100")


def kept(payments: Payments) -> list[dict[str, Any]]:
    """The pages that the database knows, the first first."""
    return payments.db.execute(
        "select stripe_session_id, plan_key, status, payment_status from private.checkout_sessions order by created_at"
    ).fetchall()


def customers(payments: Payments) -> list[str]:
    found = payments.db.execute("select stripe_customer_id from public.stripe_customers").fetchall()
    return [row["stripe_customer_id"] for row in found]


async def tell_all(payments: Payments, events: Iterable[dict[str, Any]] | None = None) -> None:
    for event in await payments.events() if events is None else events:
        assert (await payments.tell(event))[0] == 200


async def test_a_page_on_which_to_pay(payments: Payments, ada: Account) -> None:
    status, body = await checkout(payments, ada)
    assert status == 200, body
    assert body["session"].keys() == {"url", "kind", "expires_at"}
    assert body["session"]["kind"] == "checkout"
    (session,) = await opened(payments)
    assert session["url"] == body["session"]["url"]
    assert [session["customer"]] == customers(payments)
    assert session["metadata"] == {"user_id": ada.id, "system": "trips", "plan_key": "pro"}
    (customer,) = await listed(payments, "customers")
    assert (customer["email"], customer["metadata"]) == (ada.email, {"user_id": ada.id, "system": "trips"})
    assert (await payments.press(session["url"], "pay"))[1] == f"{SITE}/paid?s={session['id']}"
    await tell_all(payments)
    (subscription,) = payments.rows("subscriptions", "id")
    assert (str(subscription["user_id"]), subscription["plan_key"], subscription["status"]) == (ada.id, "pro", "active")
    assert [(row["status"], row["payment_status"]) for row in kept(payments)] == [("complete", "paid")]


async def test_ten_at_once_are_one_customer_with_one_open_page(payments: Payments, ada: Account) -> None:
    answers = await asyncio.gather(*(checkout(payments, ada) for _ in range(10)))
    assert {status for status, _ in answers} == {200}
    assert len({body["session"]["url"] for _, body in answers}) == 1
    assert len(await opened(payments)) == 1
    assert len(await listed(payments, "checkout/sessions?limit=100")) == 1
    assert [each["id"] for each in await listed(payments, "customers?limit=100")] == customers(payments)


async def test_ten_at_once_for_different_plans_leave_one_page_open(payments: Payments, ada: Account) -> None:
    plans = ["pro", "enterprise"] * 5
    answers = await asyncio.gather(*(checkout(payments, ada, plan_key=plan) for plan in plans))
    assert {status for status, _ in answers} == {200}
    (session,) = await opened(payments)
    assert session["url"] in {body["session"]["url"] for _, body in answers}
    assert len(await listed(payments, "customers?limit=100")) == 1
    assert [row["stripe_session_id"] for row in kept(payments) if row["status"] == "open"] == [session["id"]]


async def test_another_plan_closes_the_page_of_the_first(payments: Payments, ada: Account) -> None:
    first = (await checkout(payments, ada))[1]["session"]
    second = (await checkout(payments, ada, plan_key="enterprise"))[1]["session"]
    assert first["url"] != second["url"]
    assert [each["url"] for each in await opened(payments)] == [second["url"]]
    assert [(row["plan_key"], row["status"]) for row in kept(payments)] == [("pro", "expired"), ("enterprise", "open")]


async def test_whoever_has_subscribed_is_led_to_the_portal(payments: Payments, ada: Account) -> None:
    """Told or not: Stripe is asked."""
    page = (await checkout(payments, ada))[1]["session"]["url"]
    await payments.press(page, "pay")
    for _ in range(2):
        status, body = await checkout(payments, ada, plan_key="enterprise")
        assert (status, body["session"]["kind"]) == (200, "portal")
        await tell_all(payments)
    assert await opened(payments) == []
    assert await payments.press(body["session"]["url"], "back") == (303, INPUT["cancel_url"])


async def test_whoever_waits_for_a_transfer_pays_no_second_time(payments: Payments, ada: Account) -> None:
    await payments.press((await checkout(payments, ada))[1]["session"]["url"], "succeed_later")
    assert (await checkout(payments, ada))[1]["session"]["kind"] == "portal"


async def test_whoever_has_left_subscribes_again(payments: Payments, ada: Account) -> None:
    await payments.press((await checkout(payments, ada))[1]["session"]["url"], "pay")
    (subscription,) = await listed(payments, "subscriptions")
    await payments.stripe("DELETE", f"subscriptions/{subscription['id']}")
    await tell_all(payments)
    assert (await checkout(payments, ada))[1]["session"]["kind"] == "checkout"
    assert len(customers(payments)) == 1


async def test_a_page_that_expired_untold_is_none(payments: Payments, ada: Account) -> None:
    (first, second) = ((await checkout(payments, ada))[1]["session"], None)
    (session,) = await opened(payments)
    await payments.stripe("POST", f"checkout/sessions/{session['id']}/expire")
    status, body = await checkout(payments, ada)
    second = body["session"]
    assert (status, second["kind"]) == (200, "checkout")
    assert second["url"] != first["url"]
    assert [row["status"] for row in kept(payments)] == ["expired", "open"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *(({"plan_key": plan}, "plan_key") for plan in ("free", "gold", "", None, 7, ["pro"], "toString")),
        *(
            ({"success_url": url}, "success_url")
            for url in ("https://evil.example/", "//x", "", None, 7, f"{SITE}.evil.example")
        ),
        *(({"cancel_url": url}, "cancel_url") for url in ("https://evil.example/", "javascript:alert(1)", None)),
    ],
    ids=str,
)
async def test_wrong_input_makes_nothing(payments: Payments, ada: Account, changes: dict[str, Any], field: str) -> None:
    status, body = await checkout(payments, ada, **changes)
    assert (status, body["code"], body["extensions"]) == (400, "BAD_USER_INPUT", {"field": field})
    assert await listed(payments, "customers") == []


async def test_nobody_without_an_account_of_their_own_pays(payments: Payments, ada: Account) -> None:
    headers = {"apikey": payments.info.publishable_key}
    for token, status in ((None, 401), (payments.info.publishable_key, 401)):
        sent = headers | ({"Authorization": f"Bearer {token}"} if token else {})
        url = f"{payments.info.api_url}/functions/v1/create-checkout-session"
        async with payments.http.post(url, json=INPUT, headers=sent) as answer:
            assert answer.status == status
    payments.db.execute("update auth.users set is_anonymous = true where id = %s", (ada.id,))
    assert (await checkout(payments, ada))[1]["code"] == "FORBIDDEN"
    assert await listed(payments, "customers") == []


async def test_whoever_has_left_is_told_so_though_their_token_holds(payments: Payments, ada: Account) -> None:
    payments.db.execute("delete from auth.users where id = %s", (ada.id,))
    left = {"code": "UNAUTHENTICATED", "message": "This account does not exist any more.", "extensions": {}}
    assert await checkout(payments, ada) == (401, left)
    assert await payments.call("create-billing-portal-session", {"return_url": f"{SITE}/"}, ada) == (401, left)
    assert payments.db.execute("select subject from private.billing_leases").fetchall() == []


async def test_who_was_deleted_at_stripe_by_hand_is_another_customer(payments: Payments, ada: Account) -> None:
    """What is told of the first one late is still of the same person."""
    await payments.press((await checkout(payments, ada))[1]["session"]["url"], "pay")
    await tell_all(payments)
    (former,) = customers(payments)
    await payments.stripe("DELETE", f"customers/{former}")
    portal = await payments.call("create-billing-portal-session", {"return_url": f"{SITE}/"}, ada)
    assert (portal[0], portal[1]["code"]) == (404, "NOT_FOUND")
    answers = await asyncio.gather(*(checkout(payments, ada) for _ in range(3)))
    assert {(status, body["session"]["kind"]) for status, body in answers} == {(200, "checkout")}
    (customer,) = customers(payments)
    assert [each["id"] for each in await listed(payments, "customers")] == [customer]
    assert [row["status"] for row in payments.rows("subscriptions", "id")] == ["active"]
    await tell_all(payments)
    assert [row["status"] for row in payments.rows("subscriptions", "id")] == ["canceled"]
    await payments.press(answers[0][1]["session"]["url"], "pay")
    await tell_all(payments)
    assert sorted(row["status"] for row in payments.rows("subscriptions", "id")) == ["active", "canceled"]
    assert {str(row["user_id"]) for row in payments.rows("subscriptions", "id")} == {ada.id}


async def test_a_page_that_was_open_for_who_was_deleted_at_stripe_is_none(payments: Payments, ada: Account) -> None:
    await checkout(payments, ada)
    (former,) = customers(payments)
    await payments.stripe("DELETE", f"customers/{former}")
    assert (await checkout(payments, ada))[1]["session"]["kind"] == "checkout"
    assert customers(payments) != [former]
    assert [row["status"] for row in kept(payments)] == ["expired", "open"]
    assert len(await opened(payments)) == 1


@pytest.mark.parametrize("kind", ["drop", "truncate", "garbage"])
async def test_whoever_has_no_address_is_one_customer_too(payments: Payments, ada: Account, kind: str) -> None:
    """Who died before it was kept here has left one at Stripe."""
    payments.db.execute("update auth.users set email = null, phone = '491700000000' where id = %s", (ada.id,))
    failure = {"provider": "stripe", "method": "POST", "path": "/v1/customers", "kind": kind, "after": True, "times": 3}
    await payments.control("POST", "failures", failure)

    async def works() -> bool:
        return (await checkout(payments, ada))[0] == 200

    await eventually(works)
    assert [each["id"] for each in await listed(payments, "customers?limit=100")] == customers(payments)


DOWN = [
    *({"kind": "status", "status": status} for status in (500, 429, 401)),
    *({"kind": kind} for kind in ("drop", "garbage", "truncate")),
]


@pytest.mark.parametrize("failure", DOWN, ids=json.dumps)
async def test_while_stripe_is_down_nothing_is_half_made(payments: Payments, ada: Account, failure: Any) -> None:
    await payments.control("POST", "failures", {"provider": "stripe", "times": 1000, **failure})
    status, body = await checkout(payments, ada)
    assert (status, body["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert (customers(payments), kept(payments)) == ([], [])
    await payments.control("DELETE", "failures")
    assert (await checkout(payments, ada))[0] == 200
    assert (len(await listed(payments, "customers")), len(await opened(payments))) == (1, 1)


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/checkout/sessions"])
@pytest.mark.parametrize("kind", ["drop", "truncate", "garbage"])
async def test_an_answer_that_is_lost_makes_no_second_one(
    payments: Payments, ada: Account, path: str, kind: str
) -> None:
    """Stripe did it, and we did not hear: even after the library gave up, it is found the next time."""
    failure = {"provider": "stripe", "method": "POST", "path": path, "kind": kind, "after": True, "times": 3}
    await payments.control("POST", "failures", failure)

    async def works() -> bool:
        status, body = await checkout(payments, ada)
        assert status == 200 or body["code"] == "UPSTREAM_UNAVAILABLE"
        return status == 200

    await eventually(works)
    assert (len(await listed(payments, "customers")), len(await listed(payments, "checkout/sessions"))) == (1, 1)


async def test_after_a_failure_that_stripe_keeps_it_is_looked_for_before_it_is_asked_anew(
    payments: Payments, ada: Account
) -> None:
    for statuses in ([500], [500, 500]):
        await payments.control("POST", "stripe/saved_failures", {"statuses": statuses})
        assert (await checkout(payments, ada))[0] == 200
    assert (len(await listed(payments, "customers")), len(await opened(payments))) == (1, 1)


@pytest.mark.parametrize("nth", range(6))
async def test_killed_on_the_way_there_is_one_customer_and_one_page_in_the_end(
    payments: Payments, ada: Account, nth: int
) -> None:
    failure = {"provider": "stripe", "kind": "delay", "delaySeconds": 30, "after": True, "skip": nth}
    await payments.control("POST", "failures", failure)
    asking = asyncio.create_task(checkout(payments, ada))

    async def reached() -> bool:
        return asking.done() or not (await payments.control("GET", "failures"))["failures"]

    await eventually(reached)
    payments.kill("create-checkout-session")
    await asyncio.gather(asking, return_exceptions=True)
    await payments.control("DELETE", "failures")
    # The turn of whoever died is over.
    payments.db.execute("update private.billing_leases set lease_until = now()")
    assert (await checkout(payments, ada))[0] == 200
    assert (len(await listed(payments, "customers")), len(await listed(payments, "checkout/sessions"))) == (1, 1)
    assert [row["status"] for row in kept(payments)] == ["open"]


async def test_a_plan_that_stripe_does_not_sell_cannot_be_paid_for(payments: Payments) -> None:
    change = "update private.plans set price_lookup_key = %s where key = 'pro'"
    payments.db.execute(change, ("tripgate_other",))
    try:
        status, body = await checkout(payments, await payments.account())
    finally:
        payments.db.execute(change, ("tripgate_pro",))
    assert (status, body["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert "this plan" in body["message"].lower()


async def test_the_portal_is_of_whoever_has_begun_to_pay(payments: Payments, ada: Account) -> None:
    asked = {"return_url": f"{SITE}/plans"}
    status, body = await payments.call("create-billing-portal-session", asked, ada)
    assert (status, body["code"]) == (404, "NOT_FOUND")
    await checkout(payments, ada)
    status, body = await payments.call("create-billing-portal-session", asked, ada)
    assert (status, body["session"]["kind"]) == (200, "portal")
    assert await payments.press(body["session"]["url"], "back") == (303, asked["return_url"])
    for wrong in ("https://evil.example", None):
        status, body = await payments.call("create-billing-portal-session", {"return_url": wrong}, ada)
        assert (status, body["extensions"]) == (400, {"field": "return_url"})
