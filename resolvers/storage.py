"""Uploading and deleting pictures: who may is asked first, so that refusals say why; then Storage, which asks again."""

import datetime as dt
from typing import Any
from uuid import UUID

import strawberry

from gql.errors import ApiError, ErrorCode, bad_input
from gql.nullability import semantic_non_null
from gql.types.storage import UploadInput, UploadTicket
from resolvers.context import Context, Info
from resolvers.declared import changes
from resolvers.declared.crud import domain
from tripgate.planner.plan import FunctionCall
from tripgate.upstream.storage import StorageClient

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


@strawberry.type
class StorageSubscription:
    """Pictures, as they come and go."""

    trip_image_changes = changes("StoredFile", description="Pictures of the trip, as they come, change and go.")


DOMAIN = domain(StorageMutation, StorageSubscription, position=92)
