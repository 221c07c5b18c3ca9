"""What `tripgate doctor` learns of Storage: whether it answers, shows other sizes, and has the buckets as declared."""

from collections.abc import Iterator
from typing import LiteralString

import aiohttp
import psycopg
import pytest
from aiohttp import web

from tests.support import listening
from tripgate.commands.doctor import storage
from tripgate.commands.doctor.probe import Probe
from tripgate.commands.doctor.report import Finding
from tripgate.gateway.settings import Settings
from tripgate.local.stack import StackInfo

NOT_ENABLED = {
    "statusCode": "403",
    "error": "FeatureNotEnabled",
    "message": "The feature is not enabled for this resource",
}
TYPES = "image/avif, image/jpeg, image/png and image/webp"
NO_BUCKET = {"statusCode": "404", "error": "Bucket not found", "message": "Bucket not found"}


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, NO_BUCKET, "ok Storage answers, and shows files in other sizes."),
        (404, NO_BUCKET, "ok Storage answers, and shows files in other sizes."),
        (403, NOT_ENABLED, "warning Storage shows files only as they are: `transform` answers NOT_ENABLED."),
        (
            403,
            {"statusCode": "403", "code": "FeatureNotEnabled", "error": "Forbidden", "message": "No."},
            "warning Storage shows files only as they are: `transform` answers NOT_ENABLED.",
        ),
        (404, None, "error Storage does not work: it is not there (HTTP status 404)."),
        (503, {"message": "no"}, "error Storage does not work: no."),
        (200, None, "error Storage does not work: HTTP status 200."),
    ],
)
async def test_what_storage_answers(http: aiohttp.ClientSession, status: int, body: object, told: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status) if body is None else web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/storage/v1/render/image/public/{rest:.*}", answer)
    async with listening(app) as url:
        settings = Settings.model_validate({"SUPABASE_URL": url, "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x"})
        (found,) = await storage.sizes(Probe(http, "sb_publishable_x", deadline=30), settings)
    assert f"{found.level.value} {found.text}" == told


@pytest.fixture
def db(seeded: StackInfo) -> Iterator[psycopg.Connection]:
    """What is changed in it is taken back."""
    with psycopg.connect(seeded.admin_db_url) as connection:
        connection.execute("select set_config('storage.allow_delete_query', 'true', true)")
        yield connection
        connection.rollback()


def lines(found: list[Finding]) -> list[str]:
    return [f"{each.level.value} {each.text}" for each in found]


@pytest.mark.parametrize(
    ("breaking", "told"),
    [
        ("delete from storage.buckets where id = 'trip-images'", ["error There is no bucket trip-images."]),
        (
            "update storage.buckets set public = not public",
            [
                "error Bucket trip-images is public: whoever has a path reads the file.",
                "error Bucket place-photos is public: whoever has a path reads the file.",
                "error Bucket user-avatars is private, and its files are shown by public addresses.",
            ],
        ),
        (
            "update storage.buckets set file_size_limit = null where id = 'user-avatars'",
            ["warning Bucket user-avatars takes files of any size, not up to 5242880 bytes."],
        ),
        (
            "update storage.buckets set file_size_limit = 1 where id = 'user-avatars'",
            ["warning Bucket user-avatars takes files of up to 1 bytes, not up to 5242880 bytes."],
        ),
        (
            "update storage.buckets set allowed_mime_types = null where id = 'place-photos'",
            [
                f"warning Bucket place-photos takes any type, not {TYPES}.",
            ],
        ),
        (
            "update storage.buckets set allowed_mime_types = '{image/svg+xml}' where id = 'place-photos'",
            [
                f"warning Bucket place-photos takes image/svg+xml, not {TYPES}.",
            ],
        ),
    ],
)
def test_buckets_that_are_not_as_declared(db: psycopg.Connection, breaking: LiteralString, told: list[str]) -> None:
    db.execute(breaking)
    assert lines(storage.buckets(db)) == told


def test_who_may_not_see_buckets_is_told_so(db: psycopg.Connection) -> None:
    db.execute("create role sees_nothing; grant usage on schema storage to sees_nothing; set local role sees_nothing")
    assert lines(storage.buckets(db)) == ["note Buckets were not looked at."]


def test_what_is_declared_is_what_the_program_makes(db: psycopg.Connection) -> None:
    made = db.execute("select id from storage.buckets order by id").fetchall()
    assert sorted(each.id for each in storage.declared()) == [id_ for (id_,) in made]
    assert lines(storage.buckets(db)) == [
        "ok The buckets trip-images, place-photos and user-avatars are there, with their limits."
    ]
