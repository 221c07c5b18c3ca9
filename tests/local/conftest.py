"""One embedded Supabase for the tests of this folder, and small helpers around it."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
import supabase_auth
from aiohttp import web
from supabase_auth import SyncGoTrueClient, SyncMemoryStorage

from tests.local.auth_service import WITH_CODES, Service
from tests.support import stack_options
from tripgate.local.auth import app as auth_app
from tripgate.local.auth.settings import AuthSettings
from tripgate.local.front_door_config import FrontDoorConfig
from tripgate.local.inbox import Inbox
from tripgate.local.ports import listen
from tripgate.local.stack import Stack, StackInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from tripgate.local.inbox import Mail


class LentClient(httpx.Client):
    """Outlives those who borrow it: each new client would read all certificates of the machine, a tenth of a second."""

    def close(self) -> None:
        """What its borrowers call."""

    def end(self) -> None:
        """Close it after all."""
        super().close()


WEB = LentClient()
PROJECT = Path(__file__).with_name("project")


@pytest.fixture(scope="session")
def project() -> Path:
    """A project with one private table, one public table and a seed."""
    return PROJECT


@pytest.fixture(scope="session", autouse=True)
def connections() -> Iterator[None]:
    """Closed at the end."""
    yield
    WEB.end()


@contextlib.contextmanager
def open_directory() -> Iterator[Path]:
    """A new directory that everybody may enter, as a project's usually is; pytest's own are private."""
    directory = Path(tempfile.mkdtemp(prefix="tripgate-test-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory that does not exist yet."""
    with open_directory() as directory:
        yield directory / "data"


@pytest.fixture(scope="session")
def running_data_dir() -> Iterator[Path]:
    """The data directory of the shared stack."""
    with open_directory() as directory:
        yield directory / "data"


@pytest.fixture(scope="session")
def running(running_data_dir: Path) -> Iterator[StackInfo]:
    """The shared stack: ES256, seeded."""
    with Stack(stack_options(PROJECT, running_data_dir)) as stack:
        assert stack.info is not None
        yield stack.info


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client that knows no key."""
    async with aiohttp.ClientSession(max_line_size=70_000, max_field_size=70_000) as session:
        yield session


def auth_client(info: StackInfo) -> SyncGoTrueClient:
    """The stock Auth client of the Python package, as a browser would hold it."""
    return SyncGoTrueClient(
        url=f"{info.api_url}/auth/v1",
        headers={"apikey": info.publishable_key, "Authorization": f"Bearer {info.publishable_key}"},
        storage=SyncMemoryStorage(),
        auto_refresh_token=False,
        http_client=WEB,
    )


@pytest.fixture
def client(running: StackInfo) -> Iterator[SyncGoTrueClient]:
    """A stock Auth client that nobody has signed in with."""
    with auth_client(running) as stock:
        yield stock


@contextlib.asynccontextmanager
async def served_auth(
    config: FrontDoorConfig, settings: AuthSettings, send: Callable[[Mail], None] = lambda _: None
) -> AsyncIterator[str]:
    """Auth over the shared stack's database with settings of its own; its address."""
    app = web.Application()
    # The links in mails lead back here, so the address has to be known first.
    runner = web.AppRunner(app)
    sock = listen(0)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}/auth/v1"
    app.add_subapp(
        "/auth/v1",
        auth_app.create(
            database_url=config.auth_database_url, signer=config.signer, issuer=url, settings=settings, send=send
        ),
    )
    await runner.setup()
    await web.SockSite(runner, sock).start()
    try:
        yield url
    finally:
        await runner.cleanup()


_numbers = itertools.count()


@pytest.fixture
def credentials() -> Callable[[], Any]:
    """E-mail and password of somebody who is not signed up yet."""
    return lambda: {"email": f"person{next(_numbers)}@example.com", "password": "correct horse"}


@pytest.fixture
def session(client: SyncGoTrueClient, credentials: Callable[[], Any]) -> supabase_auth.Session:
    """The session of somebody who has just signed up."""
    signed_up = client.sign_up(credentials()).session
    assert signed_up is not None
    return signed_up


@pytest.fixture
async def serve(running: StackInfo, running_data_dir: Path) -> AsyncIterator[Callable[..., Awaitable[Service]]]:
    """Starts Auth with the settings that are given."""
    config = FrontDoorConfig.model_validate_json((running_data_dir / "config" / "front_door.json").read_text())
    async with contextlib.AsyncExitStack() as stack, httpx.AsyncClient() as http:

        async def start(**settings: Any) -> Service:
            inbox = Inbox()
            url = await stack.enter_async_context(
                served_auth(config, AuthSettings(**{"templates": WITH_CODES, **settings}), inbox.deliver)
            )
            return Service(url, inbox, http, config.signer.role_token("service_role"))

        yield start
