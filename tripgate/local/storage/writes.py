"""Objects come, change their names, are copied and go. Bytes first, then the row; a row first, then its bytes.

Whether somebody may is asked by doing it under their role and claims in a transaction that is rolled back; what then
happens, no policy judges any more.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import TYPE_CHECKING, Any

import psycopg

from tripgate.local.storage import errors, files, names, objects
from tripgate.local.storage.database import SERVICE
from tripgate.local.storage.objects import NewObject, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tripgate.local.storage.caller import Caller
    from tripgate.local.storage.context import Services
    from tripgate.local.storage.database import Act
    from tripgate.local.storage.incoming import Incoming
    from tripgate.local.storage.objects import Row

# Of a transaction that ends with one of these nobody knows whether it was committed.
_UNSURE = ("08", "57P")


async def may_upload(services: Services, caller: Caller, act: Act, new: NewObject, *, upsert: bool) -> None:
    """Raises StorageError unless this caller may make the object, or give it new bytes where that is wanted."""
    try:
        await services.database.turn(caller, act, objects.making(new, upsert=upsert), only_asking=True)
    except psycopg.errors.UniqueViolation:
        raise errors.already_exists() from None


async def accept(
    services: Services, caller: Caller, act: Act, new: NewObject, fit: Callable[[Row], Incoming], *, upsert: bool
) -> Incoming:
    """What `fit` says of the bucket's row, and whether this caller may upload to it, in one turn. Raises StorageError
    where there is no bucket, what `fit` raises, and what `may_upload` does, whichever comes first in this order."""
    asking = objects.making(new, upsert=upsert)
    before = [objects.finding_bucket(new.bucket)]
    try:
        found, _ = await services.database.turn(caller, act, asking, before=before, only_asking=True)
    except psycopg.Error as error:
        if error.sqlstate is not None and not error.sqlstate.startswith(_UNSURE):
            async with services.database.reading() as connection:
                fit(await objects.find_bucket(connection, new.bucket))
        if isinstance(error, psycopg.errors.UniqueViolation):
            raise errors.already_exists() from None
        raise
    if not found:
        raise errors.no_such_bucket()
    return fit(found[0])


async def keep(services: Services, incoming: Incoming, version: str) -> dict[str, Any]:
    """Write an upload's bytes; what the row says of them."""
    with services.files.writing(version) as writer:
        if incoming.written is not None and await incoming.written(version, incoming.limit):
            writer.measure()
            if writer.size > incoming.limit:
                raise errors.too_large()
        else:
            async for chunk in incoming.chunks:
                writer.write(chunk)
    said = about(files.etag_of(version), writer.size, incoming.content_type, incoming.cache_control)
    return said if incoming.robots is None else {**said, "xRobotsTag": incoming.robots}


def about(etag: str, size: int, content_type: str, cache_control: str) -> dict[str, Any]:
    """What a row says of its bytes."""
    return {
        "eTag": etag,
        "size": size,
        "mimetype": content_type,
        "cacheControl": cache_control,
        "lastModified": moment(dt.datetime.now(dt.UTC)),
        "contentLength": size,
        "httpStatusCode": 200,
    }


async def finish(services: Services, act: Act, new: NewObject) -> Row:
    """Give the bytes that were written their row, and remove those that it had."""
    with _kept_if_named(services, new.version):
        _, before, after = await services.database.turn(SERVICE, act, *objects.replacing(new), writes=True)
    services.files.remove(row["version"] for row in before if row["version"] != new.version)
    return after[0]


async def move(services: Services, caller: Caller, act: Act, bucket: str, name: str, to: tuple[str, str]) -> Row:
    """Give an object another name, or another bucket; its row."""
    to_bucket, to_name = names.check_bucket(to[0]), names.check_key(to[1])
    version = files.new_version()
    async with services.database.acting_as(caller, act, only_asking=True) as connection:
        await objects.find(connection, bucket, name)
        asked = NewObject(to_bucket, to_name, version, caller.owner)
        await objects.move(connection, bucket, name, asked)
    if (bucket, name) == (to_bucket, to_name):
        async with services.database.service(act) as connection:
            return await objects.find(connection, bucket, name)
    made: list[str] = []
    with _kept_if_named(services, made):
        async with services.database.service(act) as connection:
            for locked in sorted([(bucket, name), (to_bucket, to_name)]):
                await objects.wait_for(connection, *locked)
            source = await objects.find(connection, bucket, name, lock=True)
            made.append(_same(services, source))
            moved = NewObject(to_bucket, to_name, made[0], caller.owner)
            row = await objects.move(connection, bucket, name, moved)
    services.files.remove([source["version"]])
    return row


async def copy(services: Services, caller: Caller, act: Act, source: Row, new: NewObject, *, upsert: bool) -> Row:
    """Make another object of the same bytes; its row. `new` has no version yet.

    Whether there is one of this name already is asked beforehand alone, as the platform does: of copies at once to a
    new name all succeed, and the last stays.
    """
    await may_upload(services, caller, act, new, upsert=upsert)
    made: list[str] = []
    with _kept_if_named(services, made):
        async with services.database.service(act) as connection:
            old = await objects.wait_for(connection, new.bucket, new.name)
            made.append(_same(services, source))
            metadata = {**(new.metadata or {}), "lastModified": moment(dt.datetime.now(dt.UTC))}
            copied = NewObject(new.bucket, new.name, made[0], new.owner, metadata, new.user_metadata)
            row = await objects.upsert(connection, copied)
    services.files.remove([old])
    return row


async def delete_one(services: Services, caller: Caller, act: Act, bucket: str, name: str) -> None:
    """Delete an object. Raises StorageError where there is none, and where the caller may not."""
    async with services.database.reading() as connection:
        await objects.find(connection, bucket, name)
    async with services.database.acting_as(caller, act) as connection:
        rows = await objects.delete(connection, bucket, [name])
    if not rows:
        raise errors.denied()
    services.files.remove(row["version"] for row in rows)


async def delete_many(services: Services, caller: Caller, act: Act, bucket: str, wanted: list[str]) -> list[Row]:
    """Delete those of some objects that the caller may delete; their rows."""
    async with services.database.acting_as(caller, act) as connection:
        rows = await objects.delete(connection, bucket, wanted)
    services.files.remove(row["version"] for row in rows)
    return rows


def _same(services: Services, source: Row) -> str:
    version = source["version"]
    if not files.is_version(version):
        raise errors.no_such_key()
    try:
        return services.files.same(version)
    except FileNotFoundError:
        raise errors.no_such_key() from None


@contextlib.contextmanager
def _kept_if_named(services: Services, versions: str | list[str]) -> Iterator[None]:
    """New bytes go again where it is sure that no row names them; the next start removes the others."""
    try:
        yield
    except (errors.StorageError, psycopg.Error) as error:
        state = getattr(error, "sqlstate", "") if isinstance(error, psycopg.Error) else "refused"
        if state and not state.startswith(_UNSURE):
            services.files.remove([versions] if isinstance(versions, str) else versions)
        raise
