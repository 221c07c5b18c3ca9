"""The project's functions of WhatsApp over HTTP, on a stack of their own, and a phone that holds what they send."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.functions.whatsapp.phone import SENDER, TOKEN, Phone, phone_at
from tests.support import PASSWORD, stack_options
from tripgate.local import ports
from tripgate.local.stack import Stack, StackInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROOT = Path(__file__).parents[3]
APP_SECRET = "app_secret_of_tests_0123"
VERIFY_TOKEN = "verify_of_tests_0123"


@pytest.fixture(scope="package")
def port() -> int:
    """Where functions look for Meta, and each test has its phone."""
    return ports.free_port()


@pytest.fixture(scope="package")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stack has its project and its data."""
    return tmp_path_factory.mktemp("whatsapp")


@pytest.fixture(scope="package")
def running(root: Path, port: int) -> Iterator[Stack]:
    """Our schemas and functions, with secrets that tests can sign by."""
    supabase = root / "project" / "supabase"
    shutil.copytree(
        ROOT / "supabase", supabase, ignore=shutil.ignore_patterns("migrations", "*.test.ts", ".temp", ".env")
    )
    env_file = root / "settings.env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in settings(port).items()))
    with Stack(stack_options(root / "project", root / "data", seed=False, env_file=env_file)) as stack:
        yield stack


@pytest.fixture(scope="package")
def stack(running: Stack) -> StackInfo:
    assert running.info is not None
    return running.info


def settings(port: int) -> dict[str, str]:
    """Those of the functions of WhatsApp."""
    return {
        "WHATSAPP_API_BASE": f"http://127.0.0.1:{port}",
        "WHATSAPP_ACCESS_TOKEN": TOKEN,
        "WHATSAPP_APP_SECRET": APP_SECRET,
        "WHATSAPP_PHONE_NUMBER_ID": SENDER,
        "WHATSAPP_VERIFY_TOKEN": VERIFY_TOKEN,
    }


@dataclass
class Account:
    """Somebody who is signed in."""

    id: str
    token: str


@dataclass
class Messaging:
    """The functions of WhatsApp, the database that they write, and Meta, whom the test plays."""

    info: StackInfo
    functions: Path
    http: aiohttp.ClientSession
    db: psycopg.Connection[dict[str, Any]]
    phone: Phone

    async def account(self) -> Account:
        """A new person."""
        url = f"{self.info.api_url}/auth/v1/signup"
        body = {"email": f"writer-{uuid.uuid4()}@example.com", "password": PASSWORD}
        async with self.http.post(url, json=body, headers={"apikey": self.info.publishable_key}) as answer:
            session = await answer.json()
        return Account(session["user"]["id"], session["access_token"])

    def people(self, count: int, *, written: bool = True) -> list[str]:
        """Ids of new people with numbers that they have verified, who want messages, and have just written to us."""
        made = [str(uuid.uuid4()) for _ in range(count)]
        for number, id_ in enumerate(made, self.one("select count(*) from public.whatsapp_contacts")):
            self.db.execute("insert into auth.users (id, email) values (%s, %s)", (id_, f"reader-{id_}@example.com"))
            self.reach(id_, f"+3933300{number:05}", written=written)
        return made

    def reach(self, person: str, phone: str, *, written: bool = True) -> None:
        """Somebody has a number that they have verified, wants messages, and has just written to us."""
        self.db.execute(
            "insert into public.whatsapp_contacts (user_id, phone, verified_at, opted_in_at, last_inbound_at)"
            " values (%s, %s, now(), now(), case when %s then now() end)",
            (person, phone, written),
        )

    def queue(self, recipient: str, text: str, key: str | None = None, **more: Any) -> None:
        """Have a text sent to somebody, with nobody behind it, as soon as somebody does what is due."""
        message = {
            "dedupe_key": key or f"test:{uuid.uuid4()}",
            "recipient": recipient,
            "topic": "reminder",
            "text": text,
        }
        self.db.execute("select private.send_whatsapp(%s)", (json.dumps({**message, **more}),))

    def stop(self, person: str) -> dict[str, Any]:
        """What Meta tells where somebody writes STOP."""
        return inbound(self.number(person), "STOP")

    def number(self, person: str) -> str:
        """Somebody's, without its `+`."""
        return str(self.one("select phone from public.whatsapp_contacts where user_id = %s", person)).lstrip("+")

    async def call(self, name: str, body: Any, account: Account | str | None = None) -> tuple[int, Any]:
        """Status and body of a function's answer, to a person, to a token, or else to this project itself."""
        headers = {"apikey": self.info.secret_key}
        if account is not None:
            token = account.token if isinstance(account, Account) else account
            headers = {"apikey": self.info.publishable_key, "Authorization": f"Bearer {token}"}
        async with self.http.post(f"{self.info.api_url}/functions/v1/{name}", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def tell(self, *values: dict[str, Any], header: str | None = None) -> tuple[int, Any]:
        """Status and body of what the webhook answers to these changes of our number, signed as Meta signs."""
        metadata = {"display_phone_number": "15550001111", "phone_number_id": SENDER}
        changes = [{"field": "messages", "value": {"metadata": metadata, **value}} for value in values]
        return await self.tell_bytes(
            json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}).encode(),
            header,
        )

    async def tell_bytes(self, body: bytes, header: str | None = None) -> tuple[int, Any]:
        """The same, of a body."""
        headers = {"X-Hub-Signature-256": signature(body) if header is None else header}
        url = f"{self.info.api_url}/functions/v1/handle-whatsapp-webhook"
        async with self.http.post(url, data=body, headers=headers) as answer:
            return answer.status, await answer.json()

    def one(self, query: str, *values: Any) -> Any:
        """The first column of the only row."""
        (row,) = self.db.execute(query, values).fetchall()
        (value,) = row.values()
        return value


def signature(body: bytes, secret: str = APP_SECRET) -> str:
    """Header `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def status(wamid: str, word: str, at: float | None = None, **more: Any) -> dict[str, Any]:
    """How a message stands, in Meta's form."""
    return {"id": wamid, "status": word, "timestamp": str(int(at or time.time())), **more}


def inbound(number: str, text: str, at: float | None = None, **more: Any) -> dict[str, Any]:
    """What somebody writes, in Meta's form; `number` is without its `+`."""
    moment = str(int(at or time.time()))
    message = {"from": number, "id": f"wamid.{uuid.uuid4()}", "timestamp": moment, "type": "text"}
    return {
        "contacts": [{"profile": {"name": "Anna"}, "wa_id": number}],
        "messages": [{**message, "text": {"body": text}, **more}],
    }


@pytest.fixture
async def messaging(stack: StackInfo, root: Path, port: int, http: aiohttp.ClientSession) -> AsyncIterator[Messaging]:
    """With nobody and nothing in it."""
    with psycopg.connect(stack.admin_db_url, autocommit=True, row_factory=dict_row) as db:
        db.execute("delete from auth.users")
        db.execute("delete from private.tasks")
        db.execute("delete from public.delivery_events")
        async with phone_at(port) as phone:
            yield Messaging(stack, root / "project" / "supabase" / "functions", http, db, phone)
