"""Pictures in parts of an answer: they belong to a row by a function, and their addresses are signed for each part."""

import asyncio
import uuid

import psycopg
import pytest

from tests.incremental.parts import parts, put_together
from tests.support import Person
from tripgate.local.stack import StackInfo


@pytest.mark.parametrize(
    "query",
    [
        "{ trips { nodes { title images { nodes @stream(initialCount: 1) { path url } } } } }",
        "{ trips { nodes { title images(first: 2) { nodes @stream { path url } } } } }",
        "{ trips { nodes { title ... @defer { images { nodes { path url } } } } } }",
    ],
)
async def test_in_parts_they_are_the_same_as_at_once(seeded: StackInfo, newcomer: Person, query: str) -> None:
    trips = [await newcomer.trip(title=title) for title in "AB"]

    def add() -> None:
        with psycopg.connect(seeded.admin_db_url, autocommit=True) as db:
            for trip in trips:
                for _ in range(3):
                    db.execute(
                        "insert into storage.objects (bucket_id, name, owner_id) values ('trip-images', %s, %s)",
                        (f"{trip}/{uuid.uuid4()}.png", newcomer.id),
                    )

    await asyncio.to_thread(add)
    whole = await newcomer.ask(query)
    assert all(file["url"] for trip in whole["trips"]["nodes"] for file in trip["images"]["nodes"])
    found = await parts(newcomer, query)
    assert len(found) > 1
    assert put_together(found) == whole
