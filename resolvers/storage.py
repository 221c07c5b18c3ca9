"""Uploading and deleting pictures: who may is asked first, so that refusals say why; then Storage, which asks again."""

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry

from gql.errors import ApiError, ErrorCode, bad_input
from gql.nullability import semantic_non_null
from gql.types.storage import UploadInput, UploadTicket
from resolvers.context import Context, Info
from resolvers.declared import changes
from resolvers.declared.crud import domain
from resolvers.declared.outside import source
from tripgate.planner.outside import Outside
from tripgate.planner.plan import FunctionCall
from tripgate.upstream.storage import StorageClient, Transform

_PUBLIC = "user-avatars"
_TICKET = "It is good for two hours. NOT_FOUND, FORBIDDEN and USAGE_LIMIT_EXCEEDED say why there is none."


@strawberry.type
class StorageMutation:
    """Pictures."""

    @strawberry.field(description=f"A ticket for a picture of a trip that the caller may change. {_TICKET}")
    async def create_trip_image_upload(
        self,
        info: Info,
        trip_id: UUID,
        input: UploadInput,  # noqa: A002 - the argument's name
    ) -> UploadTicket | None:
        """A place in the trip's folder."""
        return await _ticket(info.context, "trip-images", str(trip_id), input)

    @strawberry.field(description=f"A ticket for a picture of a place that the caller saved. {_TICKET}")
    async def create_place_photo_upload(
        self,
        info: Info,
        saved_place_id: UUID,
        input: UploadInput,  # noqa: A002 - the argument's name
    ) -> UploadTicket | None:
        """A place in the saved place's folder."""
        return await _ticket(info.context, "place-photos", str(saved_place_id), input)

    @strawberry.field(
        description="A ticket for a picture of the caller; what is uploaded becomes theirs by "
        f"`updateMyProfile(patch: {{ avatarPath: … }})` with the ticket's `path`. {_TICKET}"
    )
    async def create_avatar_upload(
        self,
        info: Info,
        input: UploadInput,  # noqa: A002 - the argument's name
    ) -> UploadTicket | None:
        """A place in the caller's folder."""
        return await _ticket(info.context, "user-avatars", str(info.context.signed_in().user_id), input)

    @strawberry.field(
        directives=semantic_non_null(),
        description="Delete pictures, for good: all of them or, where one is not there or not the caller's to delete, "
        "none. Whoever uploaded one deletes it while they see it, and the owner of a trip all of its pictures. "
        "The answer is their ids.",
    )
    async def delete_stored_files(self, info: Info, ids: list[UUID]) -> list[UUID] | None:
        """The rows are asked for in one request; then one goes to Storage for each bucket."""
        context = info.context
        caller = context.signed_in()
        if len(ids) > context.max_page_size:
            raise bad_input(f"ids has {len(ids)} entries; at most {context.max_page_size} go at once.", field="ids")
        if not ids:
            return []
        wanted = list(dict.fromkeys(ids))
        asked = await _asked(context, "files_to_delete", (("ids", ",".join(map(str, wanted))),))
        buckets: dict[str, dict[str, str]] = {}
        for file in asked["files"]:
            buckets.setdefault(file["bucket"], {})[file["path"]] = file["id"]
        gone: set[str] = set()
        for bucket, paths in buckets.items():
            removed = await _storage(context).remove(bucket, list(paths), caller)
            gone.update(paths[path] for path in removed if path in paths)
        if not gone:
            raise ApiError(
                ErrorCode.CONFLICT, "These pictures have changed meanwhile. Look again.", reason="CHANGED_MEANWHILE"
            )
        return [each for each in wanted if str(each) in gone]


async def _ticket(context: Context, bucket: str, folder: str, wanted: UploadInput) -> UploadTicket:
    caller = context.signed_in()
    offered = await _asked(
        context,
        "offer_upload",
        (("bucket", bucket), ("folder", folder), ("content_type", wanted.content_type), ("size", str(wanted.size))),
    )
    signed = await _storage(context).sign_upload(bucket, offered["path"], caller)
    return UploadTicket(
        path=offered["path"],
        upload_url=signed.url,
        token=signed.token,
        resumable_url=signed.resumable_url,
        expires_at=dt.datetime.fromtimestamp(signed.expires_at, dt.UTC),
    )


async def _asked(context: Context, function: str, arguments: tuple[tuple[str, str], ...]) -> Any:
    """The one value that a function of the database answers the caller."""
    prepared = context.backend.prepare(FunctionCall(function, arguments))
    (answer,) = (await context.backend.fetch(prepared, context.signed_in(), None)).rows
    return answer


def _storage(context: Context) -> StorageClient:
    assert context.storage is not None  # noqa: S101 - the gateway that serves mutations has one
    return context.storage


@source("signed_address")
async def signed_addresses(context: Context, wanted: Sequence[Outside]) -> Sequence[str | ApiError]:
    """One request for each bucket and length of time; those of other sizes one by one."""
    storage, caller = _storage(context), context.caller
    together: dict[tuple[str, int], list[str]] = {}
    alone: dict[tuple[str, str, int, Transform], str | ApiError] = {}
    asked = [(*each.values, *_asked_for(each)) for each in wanted]
    for bucket, path, seconds, transform in asked:
        if bucket == _PUBLIC:
            continue
        if transform:
            alone[bucket, path, seconds, transform] = ""
        else:
            together.setdefault((bucket, seconds), []).append(path)

    async def signed(bucket: str, seconds: int, paths: list[str]) -> Mapping[str, str] | ApiError:
        try:
            return await storage.sign(bucket, paths, seconds, caller)
        except ApiError as error:
            return error

    async def transformed(bucket: str, path: str, seconds: int, transform: Transform) -> None:
        try:
            made: str | ApiError = await storage.sign_transformed(bucket, path, seconds, transform, caller)
        except ApiError as error:
            made = error
        alone[bucket, path, seconds, transform] = made

    found, _ = await asyncio.gather(
        asyncio.gather(*(signed(bucket, seconds, paths) for (bucket, seconds), paths in together.items())),
        asyncio.gather(*(transformed(*each) for each in list(alone))),
    )
    by_bucket = dict(zip(together, found, strict=True))

    def answer(bucket: str, path: str, seconds: int, transform: Transform) -> str | ApiError:
        if bucket == _PUBLIC:
            return storage.public(bucket, path, transform)
        if transform:
            return alone[bucket, path, seconds, transform]
        urls = by_bucket[bucket, seconds]
        if isinstance(urls, ApiError):
            return urls
        return urls.get(path) or ApiError(ErrorCode.NOT_FOUND, "There is no such picture any more.")

    return [answer(*each) for each in asked]


@source("public_address")
async def public_addresses(context: Context, wanted: Sequence[Outside]) -> Sequence[str | None]:
    """Nobody need be asked for these."""
    storage = _storage(context)
    return [
        None if (path := each.values[0]) is None else storage.public(_PUBLIC, path, _asked_for(each)[1])
        for each in wanted
    ]


def _asked_for(wanted: Outside) -> tuple[int, Transform]:
    """For how long, and as what, in Storage's words."""
    arguments = dict(wanted.arguments)
    transform = tuple(
        (name, value.value if isinstance(value, Enum) else value)
        for name, value in arguments.get("transform") or ()
        if value is not None
    )
    return arguments.get("expiresIn", 3600), transform


@strawberry.type
class StorageSubscription:
    """Pictures, as they come and go."""

    trip_image_changes = changes("StoredFile", description="Pictures of the trip, as they come, change and go.")


DOMAIN = domain(StorageMutation, StorageSubscription, position=92)
