"""What is left to somebody, as the function answers it, and refuses what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.functions.payments.conftest import Payments

NAME = "enforce-usage-limits"


async def test_what_is_left_of_each_metric(payments: Payments) -> None:
    ada = await payments.account()
    payments.db.execute("select public.reserve_usage(%s, 'ai_cost', 0.2, 'k')", (ada.id,))
    payments.db.execute("select public.settle_usage('k', 0.1234)")
    payments.db.execute("select public.reserve_usage(%s, 'whatsapp_messages', 3, 'l')", (ada.id,))
    status, body = await payments.call(NAME, {}, ada)
    assert status == 200, body
    found = {each.pop("metric"): each for each in body["limits"]}
    assert found["storage_bytes"].pop("resets_at") is None
    assert all(each.pop("resets_at", "a time") for each in found.values())
    assert found == {
        "ai_cost": {"limit": "0.50", "used": "0.1234", "reserved": "0", "remaining": "0.3766"},
        "storage_bytes": {"limit": "104857600", "used": "0", "reserved": "0", "remaining": "104857600"},
        "whatsapp_messages": {"limit": "20", "used": "0", "reserved": "3", "remaining": "17"},
    }
    # As answers have it, and as refusals and GraphQL do.
    for metric in ("ai_cost", "AI_COST"):
        (one,) = (await payments.call(NAME, {"metric": metric}, ada))[1]["limits"]
        assert one["metric"] == "ai_cost"


async def test_beyond_what_is_left_it_refuses(payments: Payments) -> None:
    ada, ben = await payments.account(), await payments.account()
    payments.db.execute("select public.reserve_usage(%s, 'whatsapp_messages', 15, 'm')", (ada.id,))
    for amount, expected in ((5, 200), ("5", 200), (6, 402), ("5.000001", 402)):
        status, body = await payments.call(NAME, {"metric": "whatsapp_messages", "amount": amount}, ada)
        assert status == expected, (amount, body)
    assert body["code"] == "USAGE_LIMIT_EXCEEDED"
    assert body["extensions"].pop("resetsAt")
    assert body["extensions"] == {"metric": "WHATSAPP_MESSAGES", "limit": "20", "used": "0", "reserved": "15"}
    assert (await payments.call(NAME, {"metric": "whatsapp_messages", "amount": 20}, ben))[0] == 200


async def test_who_is_anonymous_has_nothing(payments: Payments) -> None:
    ada = await payments.account()
    payments.db.execute("update auth.users set is_anonymous = true where id = %s", (ada.id,))
    status, body = await payments.call(NAME, {"metric": "ai_cost", "amount": "0.000001"}, ada)
    assert (status, body["code"]) == (402, "USAGE_LIMIT_EXCEEDED")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        *(({"metric": metric}, "metric") for metric in ("x", "", 7, None, ["ai_cost"])),
        *(
            ({"metric": "ai_cost", "amount": amount}, "amount")
            for amount in (0, -1, "x", "", None, "1e3", 1e300, "0.0000001")
        ),
        ({"amount": 1}, "metric"),
    ],
    ids=str,
)
async def test_wrong_input(payments: Payments, wrong: dict[str, Any], field: str) -> None:
    status, body = await payments.call(NAME, wrong, await payments.account())
    assert (status, body["code"], body["extensions"]) == (400, "BAD_USER_INPUT", {"field": field})


async def test_nobody_who_is_not_signed_in_is_answered(payments: Payments) -> None:
    assert (await payments.call(NAME, {}))[0] == 401
