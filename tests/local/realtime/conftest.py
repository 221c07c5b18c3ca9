"""One stack for the tests of Realtime, people with tokens, and the unmodified Python client as their judge."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from aiohttp import web
from realtime import AsyncRealtimeChannel, AsyncRealtimeClient

from tests.local.conftest import open_directory
from tests.support import stack_options
from tripgate.local import keys, ports
from tripgate.local.realtime.app import create
from tripgate.local.realtime.config import RealtimeConfig, RealtimeSettings
from tripgate.local.stack import Stack, StackInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tripgate.local.keys import Signer

PROJECT = Path(__file__).with_name("project")


@pytest.fixture(scope="package")
def realtime_data_dir() -> Iterator[Path]:
    """The data directory of this folder's stack."""
    with open_directory() as directory:
        yield directory / "data"


@pytest.fixture(scope="package")
def stack(realtime_data_dir: Path) -> Iterator[Stack]:
    """A stack with rooms and members."""
    with Stack(stack_options(PROJECT, realtime_data_dir)) as stack:
        yield stack


@pytest.fixture(scope="package")
def info(stack: Stack) -> StackInfo:
    """Where everything is."""
    assert stack.info is not None
    return stack.info


@pytest.fixture(scope="package")
def signer(info: StackInfo, realtime_data_dir: Path) -> Signer:
    """Signs tokens as Auth does."""
    secrets = keys.load_or_create(realtime_data_dir / "keys.json")
    return keys.Signer(algorithm="ES256", private_jwk=secrets.private_jwk, jwt_secret=secrets.jwt_secret)


@pytest.fixture(scope="package")
def db(info: StackInfo) -> Iterator[psycopg.Connection]:
    """The database, in autocommit."""
    with psycopg.connect(info.admin_db_url, autocommit=True) as connection:
        yield connection


class Person:
    """Somebody with an account."""

    def __init__(self, signer: Signer, db: psycopg.Connection) -> None:
        self.id = str(uuid4())
        self._signer = signer
        self._db = db

    def token(self, seconds: float = 3600) -> str:
        """A token that is good for so long."""
        return self._signer.sign({"sub": self.id, "role": "authenticated", "exp": int(time.time() + seconds)})

    def enter(self, room: str) -> None:
        """Become a member of a room."""
        self._db.execute("insert into members values (%s, %s)", [room, self.id])

    def exit(self, room: str) -> None:
        """Be a member no longer."""
        self._db.execute("delete from members where room = %s and user_id = %s", [room, self.id])


@pytest.fixture
def person(signer: Signer, db: psycopg.Connection) -> Callable[..., Person]:
    """Makes people, who are members of these rooms."""

    def one(*rooms: str) -> Person:
        made = Person(signer, db)
        for room in rooms:
            made.enter(room)
        return made

    return one


@pytest.fixture
def room() -> str:
    """A room that no other test uses."""
    return f"quiet-{uuid4()}"


@pytest.fixture
async def connect(info: StackInfo) -> AsyncIterator[Callable[..., Any]]:
    """Makes stock clients, closed at the end."""
    clients: list[AsyncRealtimeClient] = []

    async def one(token: str | None = None, *, url: str = "", key: str = "") -> AsyncRealtimeClient:
        client = AsyncRealtimeClient(
            url or f"{info.api_url}/realtime/v1", key or info.publishable_key, initial_backoff=0.2, max_retries=8
        )
        if token is not None:
            await client.set_auth(token)
        clients.append(client)
        return client

    yield one
    for client in clients:
        await client.close()


async def subscribed(channel: AsyncRealtimeChannel, states: list[str], errors: list[str]) -> None:
    """Join, wait for what becomes of it, and keep its states and errors from then on."""

    def changed(state: Any, error: Exception | None) -> None:
        states.append(state.value)
        if error is not None:
            errors.append(str(error))

    await channel.subscribe(changed)


class Heard:
    """What a channel of the stock client tells."""

    def __init__(self, channel: AsyncRealtimeChannel) -> None:
        self.channel = channel
        self.states: list[str] = []
        self.errors: list[str] = []
        self.messages: list[dict[str, Any]] = []
        channel.on_broadcast("*", lambda message: self.messages.append(dict(message)))

    async def subscribe(self) -> Heard:
        """Join, and wait for what becomes of it."""
        await subscribed(self.channel, self.states, self.errors)
        return self

    @property
    def numbers(self) -> list[int]:
        """Field `n` of each message."""
        return [message["payload"]["n"] for message in self.messages]

    async def until(self, condition: Callable[[Heard], bool], seconds: float = 60) -> None:
        """Wait until that holds of what was heard."""
        try:
            await until(lambda: condition(self), seconds)
        except TimeoutError:
            pytest.fail(f"heard {self.states} {self.errors} {self.messages[:30]}")


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until that holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (conditions of the stock client, which tells nobody)
            await asyncio.sleep(0.005)


async def join(client: AsyncRealtimeClient, topic: str, *, private: bool = True, **config: Any) -> Heard:
    """Join a topic, by the stock client."""
    channel = client.channel(topic, {"config": {"private": private, "broadcast": {}, "presence": None, **config}})
    return await Heard(channel).subscribe()


@pytest.fixture
async def strict(info: StackInfo, realtime_data_dir: Path, signer: Signer) -> AsyncIterator[Callable[..., Any]]:
    """Runs further Realtime servers on the same database, with limits of their own; gives their addresses."""
    async with contextlib.AsyncExitStack() as running:

        async def one(**limits: Any) -> str:
            secrets = keys.load_or_create(realtime_data_dir / "keys.json")
            password = secrets.passwords["supabase_realtime_admin"]
            address = info.db_url.rpartition("@")[2]
            config = RealtimeConfig(
                port=ports.free_port(),
                database_url=f"postgresql://supabase_realtime_admin:{password}@{address}",
                signer=signer,
                settings=RealtimeSettings.model_validate(limits),
            )
            runner = web.AppRunner(create(config), shutdown_timeout=1)
            await runner.setup()
            running.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, ports.HOST, config.port).start()
            return f"http://{ports.HOST}:{config.port}"

        yield one
