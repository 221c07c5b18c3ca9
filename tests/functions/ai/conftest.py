"""The project's functions of agents over HTTP, and the fake provider that they ask, on a stack of their own."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import psutil
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.functions.processes import ended, of_function
from tests.support import PASSWORD, Person, serving, stack_options
from tripgate.local.stack import Stack, StackInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROOT = Path(__file__).parents[3]
FUNCTION = "run-ai-agent"
# Every end of a run, so that none ends twice unseen.
ENDS = """
create table if not exists private.test_ends (run_id uuid, status text);
create or replace function private.note_test_end() returns trigger language plpgsql security definer as $$
begin
    insert into private.test_ends values (new.id, new.status);
    return null;
end $$;
create or replace trigger note_test_end after update of status on public.ai_runs for each row
when (old.status is distinct from new.status and new.status not in ('queued', 'running'))
execute function private.note_test_end();
"""


@pytest.fixture(scope="package")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stack has its project and its data."""
    return tmp_path_factory.mktemp("ai")


@pytest.fixture(scope="package")
def stack(root: Path) -> Iterator[StackInfo]:
    """Our schemas and functions."""
    supabase = root / "project" / "supabase"
    shutil.copytree(
        ROOT / "supabase", supabase, ignore=shutil.ignore_patterns("migrations", "*.test.ts", ".temp", ".env")
    )
    with Stack(stack_options(root / "project", root / "data", seed=False)) as stack:
        assert stack.info is not None
        with psycopg.connect(stack.info.admin_db_url, autocommit=True) as db:
            db.execute(ENDS)
        yield stack.info


@dataclass
class Ai:
    """The fake provider, the functions that ask it, and the database that they write.

    Attributes:
        functions: The folder of the functions.
        gateway: Where GraphQL is answered.
    """

    info: StackInfo
    functions: Path
    http: aiohttp.ClientSession
    db: psycopg.Connection[dict[str, Any]]
    gateway: str

    # The provider.

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """What tests do to the faked services."""
        url = f"{self.info.api_url}/providers/control/{path}"
        async with self.http.request(method, url, json=body, headers={"apikey": self.info.secret_key}) as answer:
            text = await answer.text()
            assert answer.status < 300, text
            return json.loads(text) if text else None

    async def scripted(self, *scripts: dict[str, Any]) -> None:
        """What the next calls get."""
        await self.control("POST", "ai/scripts", list(scripts))

    async def hold(self, *, hold: bool = True) -> None:
        """Whether calls wait at the provider."""
        await self.control("POST", "ai/hold", {"hold": hold})

    async def calls(self, run: str | None = None) -> list[dict[str, Any]]:
        """The provider's books."""
        return list((await self.control("GET", f"ai/calls{'' if run is None else f'?run={run}'}"))["calls"])

    # People and what they ask.

    async def account(self) -> Person:
        """Somebody new, as a client of the gateway."""
        email = f"asker-{uuid.uuid4()}@example.com"
        url = f"{self.info.api_url}/auth/v1/signup"
        body = {"email": email, "password": PASSWORD}
        async with self.http.post(url, json=body, headers={"apikey": self.info.publishable_key}) as answer:
            session = await answer.json()
        return Person(self.http, self.gateway, session["access_token"], id=session["user"]["id"], email=email)

    async def call(self, person: Person, name: str, body: Any) -> tuple[int, Any]:
        """Status and body of a function's answer."""
        headers = {"apikey": self.info.publishable_key, "Authorization": f"Bearer {person.token}"}
        url = f"{self.info.api_url}/functions/v1/{name}"
        async with self.http.post(url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def run(self, person: Person, prompt: str = "What is there to see?", **more: Any) -> str:
        """The id of a run of the assistant that was just begun."""
        status, answer = await self.call(person, FUNCTION, {"agent_key": "assistant", "prompt": prompt, **more})
        assert status == 202, answer
        return str(answer["run"]["id"])

    async def cancel(self, person: Person, run: str) -> str:
        """What cancelling answers the run's status to be."""
        query = "mutation ($id: UUID!) { cancelAiRun(id: $id) { status } }"
        return str((await person.ask(query, id=run))["cancelAiRun"]["status"])

    # The database.

    def rows(self, query: str, *given: object) -> list[dict[str, Any]]:
        return self.db.execute(query, given).fetchall()  # type: ignore[call-overload, no-any-return]

    def row(self, run: str) -> dict[str, Any]:
        """A run as it is."""
        (found,) = self.rows("select * from public.ai_runs where id = %s", run)
        return found

    def messages(self, run: str) -> list[dict[str, Any]]:
        """What was said, in order."""
        return self.rows("select * from public.ai_messages where run_id = %s order by sequence", run)

    def usage(self, run: str) -> list[dict[str, Any]]:
        """What was counted of it, in order."""
        return self.rows("select * from public.ai_usage where run_id = %s order by call_index", run)

    def ends(self, run: str) -> list[str]:
        """Each end of it that there was."""
        return [row["status"] for row in self.rows("select status from private.test_ends where run_id = %s", run)]

    async def ended(self, run: str, seconds: float = 60) -> dict[str, Any]:
        """The run once it has ended and all of it is counted."""
        return await eventually(lambda: self._ended(run), seconds)

    def _ended(self, run: str) -> dict[str, Any] | None:
        row = self.row(run)
        is_open = row["lease_until"] is not None or any(each["status"] == "open" for each in self.usage(run))
        return None if row["status"] in {"queued", "running"} or is_open else row

    async def said(self, run: str, characters: int) -> str:
        """What the newest message holds once that is so much."""

        def found() -> str | None:
            content = "".join(each["content"] for each in self.messages(run)[-1:])
            return content if len(content) >= characters else None

        return await eventually(found)

    async def lost(self, run: str) -> dict[str, Any]:
        """The run once the end of its lease has ended it; at once, as if that time had passed."""

        def ended() -> dict[str, Any] | None:
            # Unseen by the database's own job until it is done. What somebody is at is left to the next time.
            with self.db.transaction():
                self.db.execute(
                    "update public.ai_runs set lease_until = now() - interval '1 second' "
                    "where id = %s and lease_until is not null",
                    (run,),
                )
                self.db.execute("select private.end_lost_ai_runs()")
            return self._ended(run)

        return await eventually(ended)

    def limit(self, amount: Decimal) -> None:
        """How much of AI everybody may use from now on who has used nothing yet."""
        self.db.execute(
            "update private.plan_limits set amount = %s where plan_key = 'free' and metric = 'ai_cost'", (amount,)
        )

    def held_and_used(self, person: Person) -> tuple[Decimal, Decimal]:
        """What is reserved of a person's, and used, in all months that there are."""
        (found,) = self.rows(
            "select sum(reserved_amount) as reserved_amount, sum(used_amount) as used_amount "
            "from public.usage_limits where user_id = %s and metric = 'ai_cost'",
            person.id,
        )
        return found["reserved_amount"], found["used_amount"]

    def assert_settled(self, person: Person) -> None:
        """Nothing is reserved, nothing open, and what is used is what the calls cost."""
        cost = self.rows("select coalesce(sum(cost), 0) as sum from public.ai_usage where user_id = %s", person.id)
        assert self.held_and_used(person) == (0, cost[0]["sum"])
        assert self.rows("select from public.ai_usage where user_id = %s and status = 'open'", person.id) == []
        assert (
            self.rows("select from private.usage_reservations where user_id = %s and status = 'open'", person.id) == []
        )

    # Processes.

    async def kill(self, name: str = FUNCTION) -> None:
        """kill -9 of a function's runtime; returns once it is gone."""
        found = self.processes(name)
        assert found
        for process in found:
            process.send_signal(signal.SIGKILL)
        await eventually(lambda: all(map(ended, found)))

    def processes(self, name: str = FUNCTION) -> list[psutil.Process]:
        """Those of a function of this stack."""
        return of_function(self.functions / name)


@pytest.fixture
async def ai(stack: StackInfo, root: Path, http: aiohttp.ClientSession) -> AsyncIterator[Ai]:
    """With nothing in it but what the program has."""
    async with serving(stack) as gateway:
        with psycopg.connect(stack.admin_db_url, autocommit=True, row_factory=dict_row) as db:
            ai = Ai(stack, root / "project" / "supabase" / "functions", http, db, gateway)
            await ai.control("POST", "reset")
            ai.limit(Decimal("0.50"))
            db.execute("delete from auth.users")
            yield ai


async def eventually(found: Any, seconds: float = 60) -> Any:
    """What it gives once that is something."""
    for _ in range(int(seconds * 20)):
        if value := found():
            return value
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come")
