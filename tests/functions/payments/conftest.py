"""The project's functions of payments over HTTP, and the fake of Stripe that they ask, on a stack of their own."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import shutil
import signal
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import psutil
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.functions.processes import of_function
from tests.support import PASSWORD, stack_options
from tripgate.local.stack import Stack, StackInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROOT = Path(__file__).parents[3]
SECRET = "whsec_of_tests_0123456789"
OLD_SECRET = "whsec_before_it_0123456789"
DAY = 86_400
SITE = "http://127.0.0.1:3000"


@pytest.fixture(scope="package")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stack has its project and its data."""
    return tmp_path_factory.mktemp("payments")


@pytest.fixture(scope="package")
def stack(root: Path) -> Iterator[StackInfo]:
    """Our schemas and functions, with secrets that tests can sign by."""
    supabase = root / "project" / "supabase"
    shutil.copytree(
        ROOT / "supabase", supabase, ignore=shutil.ignore_patterns("migrations", "*.test.ts", ".temp", ".env")
    )
    env_file = root / "settings.env"
    env_file.write_text(f"STRIPE_WEBHOOK_SECRET={SECRET}\nSTRIPE_WEBHOOK_SECRET_OLD={OLD_SECRET}\nSITE_URL={SITE}\n")
    with Stack(stack_options(root / "project", root / "data", seed=False, env_file=env_file)) as stack:
        assert stack.info is not None
        yield stack.info


@dataclass
class Account:
    """Somebody who is signed in."""

    id: str
    email: str
    token: str


@dataclass
class Payments:
    """Stripe as it is faked, the functions that hear of it, and the database that they write."""

    info: StackInfo
    functions: Path
    http: aiohttp.ClientSession
    db: psycopg.Connection[dict[str, Any]]

    async def stripe(self, method: str, path: str, data: Any = None) -> Any:
        """What the fake's API answers."""
        headers = {"Authorization": "Bearer sk_test_of_the_tests"}
        url = f"{self.info.api_url}/providers/stripe/v1/{path}"
        async with self.http.request(method, url, data=data, headers=headers) as answer:
            thing = await answer.json()
            assert answer.status == 200, thing
            return thing

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """What tests do to the faked services."""
        url = f"{self.info.api_url}/providers/control/{path}"
        async with self.http.request(method, url, json=body, headers={"apikey": self.info.secret_key}) as answer:
            text = await answer.text()
            assert answer.status < 300, text
            return json.loads(text) if text else None

    async def advance(self, days: float) -> None:
        await self.control("POST", "clock", {"advanceSeconds": days * DAY})

    async def press(self, page: str, button: str, **fields: str) -> tuple[int, str]:
        """What a page of the fake answers: its status, and where it leads or what it says."""
        async with self.http.post(page, data={"do": button, **fields}, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def events(self, **filters: str) -> list[dict[str, Any]]:
        """All that Stripe has to tell, the oldest first."""
        found: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            query = "&".join(f"{name}={value}" for name, value in {"limit": "100", **filters, **more}.items())
            page = await self.stripe("GET", f"events?{query}")
            found += page["data"]
            if not page["has_more"]:
                return found[::-1]
            more = {"starting_after": page["data"][-1]["id"]}

    async def tell(
        self, event: Any, *, secret: str = SECRET, at: float | None = None, header: str | None = None
    ) -> tuple[int, Any]:
        """Status and body of what the webhook answers to an event, signed as Stripe signs."""
        body = event if isinstance(event, bytes) else json.dumps(event, indent=2).encode()
        headers = {"Stripe-Signature": signature(body, secret, at) if header is None else header}
        url = f"{self.info.api_url}/functions/v1/handle-stripe-webhook"
        async with self.http.post(url, data=io.BytesIO(body), headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text

    async def call(self, name: str, body: Any, account: Account | None = None) -> tuple[int, Any]:
        """Status and body of a function's answer, to a person or else to this project itself."""
        headers = {"apikey": self.info.secret_key}
        if account is not None:
            headers = {"apikey": self.info.publishable_key, "Authorization": f"Bearer {account.token}"}
        url = f"{self.info.api_url}/functions/v1/{name}"
        async with self.http.post(url, json=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text

    async def account(self) -> Account:
        """A new person."""
        email = f"payer-{uuid.uuid4()}@example.com"
        url = f"{self.info.api_url}/auth/v1/signup"
        body = {"email": email, "password": PASSWORD}
        async with self.http.post(url, json=body, headers={"apikey": self.info.publishable_key}) as answer:
            session = await answer.json()
        return Account(session["user"]["id"], email, session["access_token"])

    async def reset(self) -> None:
        """Stripe knows nobody, and tells nothing by itself."""
        await self.control("POST", "reset")
        await self.control("POST", "deliveries/plan", {"provider": "stripe", "hold": True})

    async def price(self, plan: str = "pro") -> str:
        """The id of the price by which Stripe sells a plan; made where it sells none."""
        key = f"tripgate_{plan}"
        if found := (await self.stripe("GET", f"prices?lookup_keys[0]={key}"))["data"]:
            return str(found[0]["id"])
        product = await self.stripe("POST", "products", {"name": plan})
        given = {"product": product["id"], "currency": "eur", "unit_amount": "100", "recurring[interval]": "month"}
        return str((await self.stripe("POST", "prices", {**given, "lookup_key": key}))["id"])

    async def customer(self, account: Account | None) -> str:
        """The id of a customer, who is this person here."""
        made = await self.stripe("POST", "customers", {"email": account.email if account else "x@example.com"})
        if account is not None:
            self.db.execute(
                "insert into public.stripe_customers (user_id, stripe_customer_id) values (%s, %s)",
                (account.id, made["id"]),
            )
        return str(made["id"])

    async def subscribe(self, customer: str, price: str, how: str = "pay", **more: str) -> Any:
        """The session in which a customer just chose to pay."""
        session = await self.stripe(
            "POST",
            "checkout/sessions",
            {"mode": "subscription", "customer": customer, "line_items[0][price]": price, "success_url": SITE, **more},
        )
        assert (await self.press(session["url"], how))[0] == 303
        return await self.stripe("GET", f"checkout/sessions/{session['id']}")

    def rows(self, table: str, order: str) -> list[dict[str, Any]]:
        """What is kept of payments in a table, without what differs from time to time."""
        chance = {"id", "created_at", "updated_at", "attempts", "past_due_at", "payload"}
        found = self.db.execute(f"select * from public.{table} order by {order}")  # type: ignore[arg-type]
        return [{name: value for name, value in row.items() if name not in chance} for row in found]

    def state(self) -> dict[str, list[dict[str, Any]]]:
        """All that Stripe's events write."""
        return {
            "subscriptions": self.rows("subscriptions", "stripe_subscription_id"),
            "invoices": self.rows("invoices", "stripe_invoice_id"),
            "events": self.rows("billing_events", "stripe_event_id"),
            "held": self.db.execute("select user_id, plan_key, until from private.held_plans order by 1, 2").fetchall(),
            "usage": self.rows("usage_limits", "user_id, metric, period_start"),
        }

    def use(self) -> None:
        """Each customer has used some of what is included, and reserved as much again."""
        for key in ("used", "held"):
            self.db.execute(
                "select public.reserve_usage(user_id, 'AI_COST', 0.25, %s || user_id) from public.stripe_customers",
                (key,),
            )
        self.settle("used")

    def settle(self, key: str) -> None:
        """What was reserved under the key is used."""
        self.db.execute("select public.settle_usage(%s || user_id, 0.25) from public.stripe_customers", (key,))

    def count(self, table: str) -> int:
        row = self.db.execute(f"select count(*) as number from public.{table}").fetchone()  # type: ignore[arg-type]
        assert row is not None
        return int(row["number"])

    def kill(self, name: str) -> None:
        """kill -9 of a function's process."""
        for process in self.processes(name):
            process.send_signal(signal.SIGKILL)

    def processes(self, name: str) -> list[psutil.Process]:
        """Those of a function of this stack."""
        return of_function(self.functions / name)

    def forget(self) -> None:
        """Nothing was told yet, and nobody pays."""
        self.db.execute("delete from public.subscriptions")
        self.db.execute("delete from public.invoices")
        self.db.execute("delete from public.billing_events")
        self.db.execute("delete from private.held_plans")
        self.db.execute("delete from public.usage_limits")


def signature(body: bytes, secret: str = SECRET, at: float | None = None) -> str:
    """Header `Stripe-Signature`."""
    moment = int(time.time() if at is None else at)
    return f"t={moment},v1={hmac.new(secret.encode(), f'{moment}.'.encode() + body, hashlib.sha256).hexdigest()}"


@pytest.fixture
async def payments(stack: StackInfo, root: Path, http: aiohttp.ClientSession) -> AsyncIterator[Payments]:
    """With nothing in it."""
    with psycopg.connect(stack.admin_db_url, autocommit=True, row_factory=dict_row) as db:
        payments = Payments(stack, root / "project" / "supabase" / "functions", http, db)
        await payments.reset()
        payments.forget()
        db.execute("delete from auth.users")
        db.execute("delete from private.billing_leases")
        db.execute("delete from private.tasks")
        yield payments


async def eventually(work: Any, seconds: float = 40) -> Any:
    """What it gives once that is something."""
    end = time.monotonic() + seconds
    while not (found := await work()):
        assert time.monotonic() < end, "it did not come"
        await asyncio.sleep(0.1)
    return found
