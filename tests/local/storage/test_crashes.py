"""The Storage process is killed in the middle of what it does: rows and bytes agree all the same once it runs again.

A trigger keeps what writes a row waiting for the test; policies' questions pass it by.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest

from tests.local.storage.conftest import Person, eventually, kept, versions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from tripgate.local.stack import StackInfo

GATE = 4242


@pytest.fixture
def gate(info: StackInfo) -> Iterator[None]:
    """What writes rows passes a gate, which `closed` closes."""
    with psycopg.connect(info.admin_db_url) as db:
        db.execute(
            "create function public.gate() returns trigger language plpgsql as $$ begin"
            f" if current_user = 'service_role' or tg_op = 'DELETE' then perform pg_advisory_xact_lock_shared({GATE});"
            " end if; return null; end $$"
        )
        db.execute(
            "create trigger gate after insert or update or delete on storage.objects"
            " for each row execute function public.gate()"
        )
    yield
    with psycopg.connect(info.admin_db_url) as db:
        db.execute("drop trigger gate on storage.objects")
        db.execute("drop function public.gate()")


@contextlib.asynccontextmanager
async def closed(info: StackInfo) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """The gate is closed; gives what waits until somebody stands before it."""
    async with await psycopg.AsyncConnection.connect(info.admin_db_url, autocommit=True) as db:
        await db.execute("select pg_advisory_lock(%s)", (GATE,))

        def waiting() -> bool:
            with psycopg.connect(info.admin_db_url) as other:
                row = other.execute(
                    "select exists (select from pg_locks where locktype = 'advisory' and objid = %s and not granted)",
                    (GATE,),
                ).fetchone()
                return row == (True,)

        yield lambda: eventually(waiting, True)


def kill(directory: Path) -> None:
    """End the Storage process as a crash would."""
    config = str(directory / "config" / "storage.json")
    found = []
    for process in psutil.process_iter(["cmdline", "ppid"]):
        command = process.info["cmdline"] or []
        if "tripgate.local.storage" in command and config in command and "guard" not in " ".join(command):
            found.append(process)
    assert len(found) == 1, found
    found[0].kill()
    found[0].wait(30)


async def agree(ada: Person, info: StackInfo, directory: Path) -> None:
    """It runs again, and every row has its bytes, and all bytes have a row."""

    async def runs() -> None:
        while (await ada.ask("GET", "/status")).status != 200:  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(0.05)

    await asyncio.wait_for(runs(), 60)
    assert kept(directory) == versions(info)


async def broken(going: asyncio.Future[Any]) -> None:
    """The request came to nothing."""
    assert (await going).status >= 500


async def test_an_upload_before_its_row(ada: Person, info: StackInfo, storage_data_dir: Path, gate: None) -> None:
    path = f"/object/{ada.path('lake.txt')}"
    async with closed(info) as somebody_waits:
        going = asyncio.ensure_future(ada.ask("POST", path, data=b"blue"))
        await somebody_waits()
        assert len(kept(storage_data_dir) - versions(info)) == 1
        kill(storage_data_dir)
        await broken(going)
    await agree(ada, info, storage_data_dir)
    assert (await ada.ask("GET", path)).refusal[2] == "NoSuchKey"
    assert (await ada.ask("POST", path, data=b"green")).status == 200


async def test_an_upload_over_another(ada: Person, info: StackInfo, storage_data_dir: Path, gate: None) -> None:
    path = f"/object/{ada.path('lake.txt')}"
    assert (await ada.ask("POST", path, data=b"blue")).status == 200
    async with closed(info) as somebody_waits:
        going = asyncio.ensure_future(ada.ask("PUT", path, data=b"green"))
        await somebody_waits()
        kill(storage_data_dir)
        await broken(going)
    await agree(ada, info, storage_data_dir)
    assert (await ada.ask("GET", path)).body == b"blue"


async def test_an_upload_half_way(ada: Person, info: StackInfo, storage_data_dir: Path) -> None:
    path = f"/object/{ada.path('half.txt')}"
    half = asyncio.Event()
    rest = asyncio.Event()

    async def body() -> Any:
        yield b"x" * 100_000
        half.set()
        await rest.wait()
        yield b"y" * 100_000

    going = asyncio.ensure_future(ada.ask("POST", path, data=body()))
    await half.wait()
    await eventually(lambda: len(kept(storage_data_dir) - versions(info)), 1)
    kill(storage_data_dir)
    rest.set()
    await broken(going)
    await agree(ada, info, storage_data_dir)
    assert (await ada.ask("GET", path)).refusal[2] == "NoSuchKey"


@pytest.mark.parametrize("verb", ["move", "copy"])
async def test_a_move_and_a_copy(ada: Person, info: StackInfo, storage_data_dir: Path, gate: None, verb: str) -> None:
    assert (await ada.ask("POST", f"/object/{ada.path('lake.txt')}", data=b"blue")).status == 200
    body = {"bucketId": "pictures", "sourceKey": f"{ada.id}/lake.txt", "destinationKey": f"{ada.id}/sea.txt"}
    async with closed(info) as somebody_waits:
        going = asyncio.ensure_future(ada.ask("POST", f"/object/{verb}", json=body))
        await somebody_waits()
        kill(storage_data_dir)
        await broken(going)
    await agree(ada, info, storage_data_dir)
    assert (await ada.ask("GET", f"/object/{ada.path('lake.txt')}")).body == b"blue"
    assert (await ada.ask("GET", f"/object/{ada.path('sea.txt')}")).refusal[2] == "NoSuchKey"
    assert (await ada.ask("POST", f"/object/{verb}", json=body)).status == 200
    assert (await ada.ask("GET", f"/object/{ada.path('sea.txt')}")).body == b"blue"


async def test_a_deletion(ada: Person, info: StackInfo, storage_data_dir: Path, gate: None) -> None:
    path = f"/object/{ada.path('lake.txt')}"
    assert (await ada.ask("POST", path, data=b"blue")).status == 200
    async with closed(info) as somebody_waits:
        going = asyncio.ensure_future(ada.ask("DELETE", path))
        await somebody_waits()
        kill(storage_data_dir)
        await broken(going)
    await agree(ada, info, storage_data_dir)
    assert (await ada.ask("GET", path)).body == b"blue"


async def test_a_deletion_whose_bytes_stayed(ada: Person, info: StackInfo, storage_data_dir: Path) -> None:
    assert (await ada.ask("POST", f"/object/{ada.path('lake.txt')}", data=b"blue")).status == 200
    with psycopg.connect(info.admin_db_url) as db:
        db.execute("set local storage.allow_delete_query = 'true'")
        db.execute("delete from storage.objects where name = %s", (f"{ada.id}/lake.txt",))
    assert len(kept(storage_data_dir) - versions(info)) == 1
    kill(storage_data_dir)
    await agree(ada, info, storage_data_dir)


async def test_a_resumable_upload_goes_on(ada: Person, info: StackInfo, storage_data_dir: Path) -> None:
    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    metadata = ada.metadata("lake.txt")
    made = await ada.ask(
        "POST", "/upload/resumable", headers={**tus, "Upload-Length": "8", "Upload-Metadata": metadata}, data=b"blue"
    )
    path = made.headers["Location"].removeprefix(ada.url)
    kill(storage_data_dir)
    await agree(ada, info, storage_data_dir)
    assert (await ada.ask("HEAD", path, headers=tus)).headers["Upload-Offset"] == "4"
    assert (await ada.ask("PATCH", path, headers={**tus, "Upload-Offset": "4"}, data=b"gray")).status == 204
    assert (await ada.ask("GET", f"/object/{ada.path('lake.txt')}")).body == b"bluegray"


async def test_a_resumable_upload_before_its_row(
    ada: Person, info: StackInfo, storage_data_dir: Path, gate: None
) -> None:
    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    headers = {**tus, "Upload-Length": "8", "Upload-Metadata": ada.metadata("lake.txt")}
    made = await ada.ask("POST", "/upload/resumable", headers=headers, data=b"blue")
    path = made.headers["Location"].removeprefix(ada.url)
    async with closed(info) as somebody_waits:
        going = asyncio.ensure_future(ada.ask("PATCH", path, headers={**tus, "Upload-Offset": "4"}, data=b"gray"))
        await somebody_waits()
        kill(storage_data_dir)
        await broken(going)
    await agree(ada, info, storage_data_dir)
    # It begins anew: nothing may take it for complete.
    assert (await ada.ask("HEAD", path, headers=tus)).status == 404
    again = await ada.ask("POST", "/upload/resumable", headers=headers, data=b"bluegray")
    assert again.headers["Tus-Complete"] == "1"
    assert (await ada.ask("GET", f"/object/{ada.path('lake.txt')}")).body == b"bluegray"
