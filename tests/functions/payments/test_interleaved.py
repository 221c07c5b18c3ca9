"""Events told while what they are about goes on, early, late and at once: the rows are those of an orderly run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.functions.payments.conftest import Payments, eventually
from tests.support import examples

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(frozen=True)
class Round:
    """What is told behind a step of the lifecycle.

    Attributes:
        picks: Of the events that there are then, by their places, modulo how many there are; the same may stand twice.
        at_once: How many are told at the same time.
        into_the_next: They are still being told while the next step is done.
    """

    picks: tuple[int, ...] = ()
    at_once: int = 1
    into_the_next: bool = False


@dataclass
class Person:
    """Somebody who subscribes, and does so again after the first subscription has ended."""

    payments: Payments
    customer: str
    subscriptions: list[str] = field(default_factory=list)

    async def subscribe(self, plan: str) -> None:
        session = await self.payments.subscribe(self.customer, await self.payments.price(plan))
        self.subscriptions.append(session["subscription"])

    async def portal(self, button: str, plan: str = "pro") -> None:
        page = (await self.payments.stripe("POST", "billing_portal/sessions", {"customer": self.customer}))["url"]
        chosen = {"subscription": self.subscriptions[-1], "price": await self.payments.price(plan)}
        assert (await self.payments.press(page, button, **chosen))[0] == 303

    async def card(self, *, declines: bool) -> None:
        await self.payments.control("POST", "stripe/card", {"customer": self.customer, "declines": declines})

    async def refund(self) -> None:
        """A euro of what was paid first."""
        paid = (await self.payments.stripe("GET", f"invoices?customer={self.customer}&status=paid&limit=100"))["data"]
        payments = (await self.payments.stripe("GET", f"invoice_payments?invoice={paid[-1]['id']}"))["data"]
        intent = payments[0]["payment"]["payment_intent"]
        await self.payments.stripe("POST", "refunds", {"payment_intent": intent, "amount": "100"})

    async def end(self) -> None:
        """The subscription ends at once."""
        await self.payments.stripe("DELETE", f"subscriptions/{self.subscriptions[-1]}")

    def steps(self) -> list[Callable[[], Awaitable[None]]]:
        """A larger plan, a renewal that is declined and paid, a smaller plan, an end; and once more from the start."""
        return [
            lambda: self.subscribe("pro"),
            lambda: self.portal("change", "enterprise"),
            lambda: self.card(declines=True),
            lambda: self.payments.advance(31),
            lambda: self.card(declines=False),
            lambda: self.payments.advance(4),
            lambda: self.portal("change", "pro"),
            lambda: self.payments.advance(31),
            self.refund,
            self.end,
            lambda: self.subscribe("pro"),
            lambda: self.portal("change", "enterprise"),
            lambda: self.portal("cancel"),
            lambda: self.portal("renew"),
        ]


async def tell(payments: Payments, events: list[dict[str, Any]], at_once: int) -> None:
    """Tell these, so many at once, each again until it is taken, as Stripe does."""
    queue = events[::-1]

    async def work() -> None:
        while queue:
            event = queue.pop()

            async def taken(event: Any = event) -> bool:
                return (await payments.tell(event))[0] == 200

            await eventually(taken)

    await asyncio.gather(*(work() for _ in range(at_once)))


def state(payments: Payments) -> dict[str, Any]:
    """All rows, of what is used those that say something: that something was used, or what is left now."""
    found: dict[str, Any] = payments.state()
    found["usage"] = [row for row in found["usage"] if row["used_amount"] or row["reserved_amount"]]
    found["left"] = payments.db.execute(
        "select limits.* from public.stripe_customers as known, private.limits_of(known.user_id) as limits order by 1"
    ).fetchall()
    return found


async def lived(payments: Payments, rounds: tuple[Round, ...]) -> tuple[Any, Any]:
    """What is kept of a life told by these rounds and then in whole; and of the same one told in order afterwards."""
    await payments.reset()
    payments.forget()
    payments.db.execute("delete from public.stripe_customers")
    person = Person(payments, await payments.customer(await payments.account()))
    payments.use()
    telling: asyncio.Task[None] | None = None
    for number, step in enumerate(person.steps()):
        await step()
        if telling is not None:
            await telling
            telling = None
        asked = rounds[number] if number < len(rounds) else Round()
        if asked.picks:
            known = await payments.events()
            telling = asyncio.create_task(
                tell(payments, [known[pick % len(known)] for pick in asked.picks], asked.at_once)
            )
            if not asked.into_the_next:
                await telling
                telling = None
    if telling is not None:
        await telling
    events = await payments.events()
    # Stripe tells again what was not taken; what was, a second time.
    await tell(payments, events[::-1], 8)
    payments.settle("held")
    among = state(payments)

    payments.forget()
    payments.use()
    await tell(payments, events, 1)
    payments.settle("held")
    return among, state(payments)


# More than any step brings about.
LAST = tuple(range(-10, 0))
AMONG_THE_NEXT = Round(LAST * 2, 8, into_the_next=True)


def tells_much(rounds: tuple[Round, ...]) -> bool:
    """The simplest example tells nothing meanwhile, and would be the only one where one is tried."""
    return sum(len(each.picks) for each in rounds) >= 20


async def test_told_while_it_goes_on(payments: Payments) -> None:
    loop = asyncio.get_running_loop()
    of_one = st.builds(
        Round,
        picks=st.lists(st.integers(-10, 40), max_size=8).map(tuple),
        at_once=st.sampled_from([1, 8]),
        into_the_next=st.booleans(),
    )

    @settings(
        max_examples=examples(1),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(rounds=st.lists(of_one, min_size=10, max_size=14).map(tuple).filter(tells_much))
    # Each step heard as it happens, or twice and eight at a time while the next is done, and by turns; the end of
    # the first subscription is heard when the second is there.
    @example(rounds=(Round(LAST), AMONG_THE_NEXT) * 4 + (Round(LAST), Round(), Round(), AMONG_THE_NEXT, Round(LAST)))
    def property_(rounds: tuple[Round, ...]) -> None:
        among, afterwards = asyncio.run_coroutine_threadsafe(lived(payments, rounds), loop).result(600)
        assert among == afterwards
        (ended, pays) = sorted(among["subscriptions"], key=lambda row: str(row["status"]), reverse=True)
        assert (ended["status"], ended["plan_key"]) == ("canceled", "pro")
        assert (pays["status"], pays["plan_key"], pays["cancel_at_period_end"]) == ("active", "enterprise", False)
        invoices = [row["stripe_invoice_id"] for row in among["invoices"]]
        assert len(invoices) == len(set(invoices)) == 6
        assert {row["status"] for row in among["invoices"]} == {"paid"}
        assert sum(row["amount_refunded"] for row in among["invoices"]) == Decimal(1)
        assert sum(row["used_amount"] for row in among["usage"]) == Decimal("0.5")

    await asyncio.to_thread(property_)
