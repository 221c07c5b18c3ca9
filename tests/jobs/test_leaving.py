"""Deleting an account through the API leaves a task for what lies elsewhere, and one to nobody else."""

import asyncio

import psycopg

from tests.support import PASSWORD, Person
from tripgate.local.stack import StackInfo


async def test_what_a_person_has_in_storage_becomes_a_task(seeded: StackInfo, newcomer: Person, ada: Person) -> None:
    def upload() -> None:
        with psycopg.connect(seeded.admin_db_url) as db:
            db.execute("insert into storage.buckets (id, name) values ('left', 'left')")
            for person in (newcomer, ada):
                db.execute(
                    "insert into storage.objects (bucket_id, name, owner_id) values ('left', %s, %s)",
                    (f"{person.id}/me.png", person.id),
                )

    def left() -> list[tuple[str, object]]:
        with psycopg.connect(seeded.admin_db_url) as db:
            found = db.execute(
                "select kind, payload -> 'rows' from private.tasks where subject = any (%s)",
                ([f"user:{newcomer.id}", f"user:{ada.id}"],),
            ).fetchall()
            db.execute("delete from private.tasks where subject = %s", (f"user:{newcomer.id}",))
            db.execute("delete from storage.objects where bucket_id = 'left'")
            db.execute("delete from storage.buckets where id = 'left'")
        return found

    await asyncio.to_thread(upload)
    await newcomer.ask(f'mutation {{ deleteAccount(password: "{PASSWORD}") }}')
    assert await asyncio.to_thread(left) == [
        ("remove_objects", [{"name": f"{newcomer.id}/me.png", "bucket_id": "left"}])
    ]
