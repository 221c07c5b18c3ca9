"""What one pays for and what is left of it, over GraphQL: one's own alone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database.payments import call, customer, reserve, settle, subscribe
from tests.support import Person
from tripgate.local.stack import StackInfo

LIMITS = """{ usageLimits(orderBy: [{ metric: ASC }]) {
  nodes { metric limit used reserved remaining periodEnd } totalCount
} }"""
STARTS = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
ENDS = STARTS + timedelta(days=30)


@pytest.fixture
def service(seeded: StackInfo) -> Iterator[psycopg.Connection]:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        yield connection


async def test_plans_say_what_they_cost_and_include(newcomer: Person) -> None:
    answer = await newcomer.ask("{ plans { key name price currency interval limits { metric limit } } }")
    assert [(plan["key"], plan["interval"]) for plan in answer["plans"]] == [
        ("FREE", None), ("PRO", "MONTH"), ("ENTERPRISE", "MONTH"),
    ]  # fmt: skip
    pro = answer["plans"][1]
    assert (pro["name"], pro["price"], pro["currency"]) == ("Pro", "9.00", "EUR")
    assert pro["limits"] == [
        {"metric": "AI_COST", "limit": "5"},
        {"metric": "STORAGE_BYTES", "limit": "10737418240"},
        {"metric": "WHATSAPP_MESSAGES", "limit": "500"},
    ]


async def test_who_pays_for_nothing_sees_what_is_free(newcomer: Person) -> None:
    answer = await newcomer.ask(
        "{ billingSubscription { id } stripeCustomer { id } invoices { totalCount } billingEvents { totalCount } }"
    )
    assert answer == {
        "billingSubscription": None,
        "stripeCustomer": None,
        "invoices": {"totalCount": 0},
        "billingEvents": {"totalCount": 0},
    }
    limits = (await newcomer.ask(LIMITS))["usageLimits"]
    assert limits["totalCount"] == 3
    assert [(each["metric"], each["limit"], each["periodEnd"] is None) for each in limits["nodes"]] == [
        ("AI_COST", "0.50", False), ("STORAGE_BYTES", "104857600", True), ("WHATSAPP_MESSAGES", "20", False),
    ]  # fmt: skip


async def test_what_is_used_is_seen_by_its_person_alone(
    newcomer: Person, anonymous: Person, service: psycopg.Connection
) -> None:
    other = await anonymous.sign_up()
    who = UUID(newcomer.id)
    subscribe(service, who, "pro", STARTS, ENDS)
    reserve(service, who, "1.5", f"{who}:a")
    reserve(service, who, "1", f"{who}:b")
    settle(service, f"{who}:b", "0.75")
    cost = (await newcomer.ask(LIMITS))["usageLimits"]["nodes"][0]
    assert datetime.fromisoformat(cost.pop("periodEnd")) == ENDS
    assert {name: str(float(value)) for name, value in cost.items() if name != "metric"} == {
        "limit": "5.0", "used": "0.75", "reserved": "1.5", "remaining": "2.75",
    }  # fmt: skip
    others = (await other.ask(LIMITS))["usageLimits"]["nodes"][0]
    assert (others["limit"], others["used"], others["reserved"]) == ("0.50", "0", "0")
    found = await newcomer.ask("{ billingSubscription { planKey status cancelAtPeriodEnd user { id } } }")
    assert found["billingSubscription"] == {
        "planKey": "PRO", "status": "ACTIVE", "cancelAtPeriodEnd": False, "user": {"id": str(who)},
    }  # fmt: skip
    assert (await other.ask("{ billingSubscription { planKey } }"))["billingSubscription"] is None
    assert (await other.ask("{ billingSubscriptions { totalCount } }"))["billingSubscriptions"]["totalCount"] == 0


async def test_invoices_and_events_are_seen_without_what_stripe_sent(
    newcomer: Person, anonymous: Person, service: psycopg.Connection
) -> None:
    other = await anonymous.sign_up()
    who = UUID(newcomer.id)
    of = customer(service, who)
    event, invoice = f"evt_{who.hex}", f"in_{who.hex}"
    call(service, "select public.record_stripe_event(%s, 'invoice.paid', false, %s, %s, '{}')", event, invoice, of)
    token = call(service, "select public.take_billing_lease(%s)", of)
    apply = "select public.apply_stripe_invoice(%s, %s, %s, 'paid', 'jpy', 900, 900, event => %s)"
    call(service, apply, of, token, invoice, event)
    paid = {"status": "PAID", "currency": "JPY", "amountDue": "900", "amountPaid": "900", "amountRefunded": "0"}
    answer = await newcomer.ask(
        "{ invoices { nodes { status currency amountDue amountPaid amountRefunded } }"
        " billingEvents { nodes { type status objectId attempts } } }"
    )
    assert answer == {
        "invoices": {"nodes": [paid]},
        "billingEvents": {"nodes": [{"type": "invoice.paid", "status": "DONE", "objectId": invoice, "attempts": 1}]},
    }
    assert await newcomer.code("{ billingEvents { nodes { payload } } }") == "GRAPHQL_VALIDATION_FAILED"
    empty: dict[str, Any] = await other.ask("{ invoices { totalCount } billingEvents { totalCount } }")
    assert empty == {"invoices": {"totalCount": 0}, "billingEvents": {"totalCount": 0}}


async def test_nobody_is_told_nothing(anonymous: Person) -> None:
    for query in ("{ plans { key } }", "{ usageLimits { totalCount } }", "{ billingSubscription { id } }"):
        assert await anonymous.code(query) == "UNAUTHENTICATED", query
