"""One stack for the tests of Storage, with people, and the unmodified Python client as their judge."""

from __future__ import annotations

import asyncio
import base64
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import jwt
import orjson
import psycopg
import pytest
from storage3 import SyncStorageClient

from tests.local.conftest import WEB, open_directory
from tests.support import stack_options
from tripgate.local import keys
from tripgate.local.stack import Stack, StackInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from multidict import CIMultiDictProxy

    from tripgate.local.keys import Signer

PROJECT = Path(__file__).with_name("project")


@pytest.fixture(scope="package")
def storage_data_dir() -> Iterator[Path]:
    """The data directory of this folder's stack."""
    with open_directory() as directory:
        yield directory / "data"


@pytest.fixture(scope="package")
def info(storage_data_dir: Path) -> Iterator[StackInfo]:
    """A stack with three buckets."""
    with Stack(stack_options(PROJECT, storage_data_dir)) as stack:
        assert stack.info is not None
        yield stack.info


@pytest.fixture(scope="package")
def signer(info: StackInfo, storage_data_dir: Path) -> Signer:
    """Signs tokens as Auth does."""
    assert info
    secrets = keys.load_or_create(storage_data_dir / "keys.json")
    return keys.Signer(algorithm="ES256", private_jwk=secrets.private_jwk, jwt_secret=secrets.jwt_secret)


@dataclass(frozen=True)
class Person:
    """Somebody with a folder of their own in bucket `pictures`."""

    id: str
    token: str
    url: str
    http: aiohttp.ClientSession

    def path(self, name: str) -> str:
        """A path in their folder, behind the bucket."""
        return f"pictures/{self.id}/{name}"

    def metadata(self, name: str, *, bucket: str = "pictures", folder: str | None = None, **more: str) -> str:
        """What a resumable upload of theirs says of itself."""
        folder = f"{self.id}/" if folder is None else folder
        said = {"bucketName": bucket, "objectName": f"{folder}{name}", "contentType": "text/plain", **more}
        return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        """What Storage answers to them."""
        headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **options.pop("headers", {})}
        async with self.http.request(method, f"{self.url}{path}", headers=headers, **options) as answer:
            return Answer(answer.status, answer.headers, await answer.read())


@dataclass(frozen=True)
class Answer:
    """What Storage said."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return orjson.loads(self.body)

    @property
    def refusal(self) -> tuple[int, str, str, str]:
        """The answer's status, and what the body says: status, code and message."""
        body = self.json
        return self.status, body["statusCode"], body["code"], body["message"]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that knows no key."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def somebody(info: StackInfo, signer: Signer, http: aiohttp.ClientSession) -> Callable[[], Person]:
    """Makes people."""

    def one() -> Person:
        person = str(uuid.uuid4())
        claims = {"sub": person, "role": "authenticated", "aud": "authenticated", "exp": 4_000_000_000}
        return Person(person, signer.sign(claims), f"{info.api_url}/storage/v1", http)

    return one


@pytest.fixture
def ada(somebody: Callable[[], Person]) -> Person:
    """A person."""
    return somebody()


@pytest.fixture
def ben(somebody: Callable[[], Person]) -> Person:
    """Another person."""
    return somebody()


@pytest.fixture
def service(info: StackInfo, signer: Signer, http: aiohttp.ClientSession) -> Person:
    """Whom no policy judges."""
    return Person("", signer.role_token("service_role"), f"{info.api_url}/storage/v1", http)


@pytest.fixture
def client(info: StackInfo) -> Callable[[str], SyncStorageClient]:
    """The unmodified Python client, with somebody's token."""

    def one(token: str) -> SyncStorageClient:
        headers = {"apikey": info.publishable_key, "Authorization": f"Bearer {token}"}
        return SyncStorageClient(f"{info.api_url}/storage/v1/", headers, http_client=WEB)

    return one


def versions(info: StackInfo) -> set[str]:
    """Those that rows name."""
    with psycopg.connect(info.admin_db_url) as db:
        return {row[0] for row in db.execute("select version from storage.objects")}


def kept(directory: Path) -> set[str]:
    """Those that there are bytes of."""
    return {path.name for path in (directory / "storage" / "objects").glob("*/*")}


async def eventually(found: Callable[[], Any], wanted: Any, *, seconds: float = 30.0) -> None:
    """Wait until it is so."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while (now := await asyncio.to_thread(found)) != wanted:
        assert loop.time() < deadline, now
        await asyncio.sleep(0.05)


def claims_of(url: str) -> dict[str, Any]:
    """What a signed address says."""
    found: dict[str, Any] = jwt.decode(
        url.partition("token=")[2].partition("&")[0], options={"verify_signature": False}
    )
    return found
