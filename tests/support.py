"""The few helpers of the gateway's tests: a person who sends GraphQL, and the wire between gateway and PostgREST."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote

import aiohttp
import strawberry
from aiohttp import web
from yarl import URL

from tripgate.gateway.app import application
from tripgate.gateway.observability.observability import Observability
from tripgate.gateway.settings import Settings
from tripgate.local.direct_login import make_direct_login
from tripgate.local.postgrest import POOL
from tripgate.local.stack import Stack, StackInfo, StackOptions

_numbers = itertools.count(1)
_direct: dict[str, str] = {}
_TIMES = int(os.environ.get("TEST_EXAMPLES", "1"))


PASSWORD = "correct horse"
"""That of everybody who signs up in tests."""


def examples(number: int) -> int:
    """How many random examples a test tries: so many, and at night so many times TEST_EXAMPLES."""
    return number * _TIMES


def reading(stack: StackInfo, backend: str) -> dict[str, str]:
    """The settings by which a gateway reads over this backend, `postgrest` or `postgres`."""
    if backend != "postgres" or not stack.db_url:
        return {}  # a stack of whose servers some are not there has none to read from
    if stack.db_url not in _direct:
        _direct[stack.db_url] = make_direct_login(stack.db_url)
    return {"database_url": _direct[stack.db_url]}


def backend() -> str:
    """What the tests run over, as `--backend` says."""
    return os.environ.get("TEST_BACKEND", "postgrest")


@contextmanager
def project_stack(module: str, root: Path) -> Iterator[StackInfo]:
    """An embedded Supabase of the project in a folder of tests, with what `generated` there writes beside its tables.

    Args:
        module: The folder, as in `tests.kinds`.
        root: Where it is kept.
    """
    project = shutil.copytree(Path(__file__).parents[1] / module.replace(".", "/") / "project", root / "project")
    subprocess.run([sys.executable, "-m", f"{module}.generated", project / "supabase" / "schemas"], check=True)
    with Stack(stack_options(project, root / "data")) as stack:
        assert stack.info is not None
        yield stack.info


def stack_options(project: Path, data: Path, **changes: Any) -> StackOptions:
    """A stack for tests: on any free port, with passwords whose hashes take no time, since accounts are many.

    Its functions have the settings that the stack gives them, and none of whoever develops here. The program's jobs do
    not run: they would do by themselves what tests look for.
    """
    return StackOptions(
        project, data, **{"api_port": 0, "password_cost": 4, "jobs": False, "env_file": Path(os.devnull), **changes}
    )


@asynccontextmanager
async def listening(app: web.Application, *, shutdown_timeout: float = 1) -> AsyncIterator[str]:
    """The application on a free port of this machine; its address."""
    runner = web.AppRunner(app, shutdown_timeout=shutdown_timeout)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serving(
    stack: StackInfo,
    see: Callable[[Settings], Observability] = Observability,
    schema: strawberry.Schema | None = None,
    **changes: Any,
) -> AsyncIterator[str]:
    """A gateway over the stack, of the program's schema or another; its address. `changes` are settings by name."""
    given = {
        "SUPABASE_URL": stack.api_url,
        "SUPABASE_PUBLISHABLE_KEY": stack.publishable_key,
        "rest_url": stack.rest_url,
        "shutdown_timeout": 1,
        "upstream_pool": POOL,
        # All tests ask from one address.
        "rate_limits": False,
        # Whoever changes the way to PostgREST is about that way, whatever else is read over.
        **({} if "rest_url" in changes else reading(stack, backend())),
        **changes,
    }
    settings = Settings.model_validate(given)
    async with listening(application(settings, see(settings), schema), shutdown_timeout=60) as url:
        yield f"{url}/graphql"


@dataclass
class Person:
    """A client of the gateway, signed in or not."""

    http: aiohttp.ClientSession
    url: str
    token: str | None = None
    refresh_token: str | None = None
    id: str | None = None
    email: str | None = None

    async def post(self, query: str, **variables: Any) -> tuple[int, dict[str, Any]]:
        """Status and body of a request."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.http.post(self.url, json={"query": query, "variables": variables}, headers=headers) as response:
            return response.status, await response.json()

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of a request that must succeed."""
        status, body = await self.post(query, **variables)
        assert status == 200, body
        assert "errors" not in body, body["errors"]
        return body["data"]

    async def refused(self, query: str, **variables: Any) -> dict[str, Any]:
        """The only error of a request that must fail: its extensions, and its message under `message`."""
        _, body = await self.post(query, **variables)
        assert "errors" in body, body
        (error,) = body["errors"]
        return {"message": error["message"], **error["extensions"]}

    async def code(self, query: str, **variables: Any) -> str:
        """The code of the only error of a request that must fail."""
        return str((await self.refused(query, **variables))["code"])

    async def sign_in(self, email: str, password: str) -> "Person":
        """The same client with that account's session."""
        data = await self.ask(
            """mutation ($input: SignInInput!) {
                 signIn(input: $input) { session { accessToken refreshToken } user { id email } } }""",
            input={"email": email, "password": password},
        )
        return self._with(data["signIn"])

    async def sign_up(self) -> "Person":
        """The same client with a new account's session."""
        number = next(_numbers)
        data = await self.ask(
            """mutation ($input: SignUpInput!) {
                 signUp(input: $input) { session { accessToken refreshToken } user { id email } } }""",
            input={"email": f"new{number}@example.com", "password": PASSWORD, "displayName": f"New {number}"},
        )
        return self._with(data["signUp"])

    async def trip(self, **fields: Any) -> str:
        """The id of a new trip."""
        data = await self.ask(
            "mutation ($input: CreateTripInput!) { createTrip(input: $input) { id } }",
            input={"title": "A trip", **fields},
        )
        return str(data["createTrip"]["id"])

    def _with(self, payload: dict[str, Any]) -> "Person":
        session, user = payload["session"], payload["user"]
        return Person(self.http, self.url, session["accessToken"], session["refreshToken"], user["id"], user["email"])


@dataclass
class Wire:
    """A proxy in front of PostgREST that keeps what passes through it.

    Attributes:
        requests: Method and address of each, and in `bodies` the body.
        answers: Each as it came, and the body of its answer.
    """

    rest_url: str
    requests: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: list[tuple[web.Request, bytes]] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> "Wire":
        # Request lines as long as PostgREST takes them; it repeats them in a header.
        self._session = aiohttp.ClientSession(auto_decompress=False, max_field_size=65_536)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, max_line_size=65_536, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        await self._session.close()

    def clear(self) -> None:
        """Forget what has passed."""
        for kept in (self.requests, self.bodies, self.answers):
            kept.clear()

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(f"{request.method} {unquote(request.raw_path)}")
        self.bodies.append(body)
        headers = {name: value for name, value in request.headers.items() if name not in {"Host", "Content-Length"}}
        async with self._session.request(
            request.method,
            URL(self.rest_url + request.raw_path, encoded=True),
            headers=headers,
            data=body,
        ) as response:
            kept = {
                name: response.headers[name] for name in ("Content-Type", "Content-Range") if name in response.headers
            }
            answer = await response.read()
            self.answers.append((request, answer))
            return web.Response(body=answer, status=response.status, headers=kept)
