"""Deleting an account through the API leaves a task for what lies elsewhere, and one to nobody else."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

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
            db.execute("select set_config('storage.allow_delete_query', 'true', false)")
            db.execute("delete from storage.objects where bucket_id = 'left'")
            db.execute("delete from storage.buckets where id = 'left'")
        return found

    await asyncio.to_thread(upload)
    await newcomer.ask(f'mutation {{ deleteAccount(password: "{PASSWORD}") }}')
    assert await asyncio.to_thread(left) == [
        ("remove_objects", [{"name": f"{newcomer.id}/me.png", "bucket_id": "left"}])
    ]


@pytest.fixture
def kept(seeded: StackInfo, newcomer: Person) -> Iterator[psycopg.Connection]:
    """A database in which the newcomer has a picture in Storage."""
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as db:
        db.execute("insert into storage.buckets (id, name) values ('kept', 'kept')")
        db.execute(
            "insert into storage.objects (bucket_id, name, owner_id) values ('kept', 'me.png', %s)", (newcomer.id,)
        )
        yield db
        db.execute("delete from private.tasks where subject = %s", (f"user:{newcomer.id}",))
        db.execute("select set_config('storage.allow_delete_query', 'true', false)")
        db.execute("delete from storage.objects where bucket_id = 'kept'")
        db.execute("delete from storage.buckets where id = 'kept'")


async def test_a_soft_deletion_ends_the_account_and_leaves_what_is_theirs_until_it_is_deleted_for_good(
    seeded: StackInfo, kept: psycopg.Connection, newcomer: Person, anonymous: Person
) -> None:
    friend = await anonymous.sign_up()

    def tasks() -> list[str]:
        found = kept.execute("select kind from private.tasks where subject = %s", (f"user:{newcomer.id}",))
        return [kind for (kind,) in found]

    async def delete(**body: bool) -> None:
        url = f"{seeded.api_url}/auth/v1/admin/users/{newcomer.id}"
        headers = {"apikey": seeded.secret_key, "Authorization": f"Bearer {seeded.secret_key}"}
        async with friend.http.delete(url, json=body, headers=headers) as response:
            assert response.status == 200, await response.text()

    def told() -> list[str]:
        found = kept.execute("select kind from public.notifications where user_id = %s", (newcomer.id,))
        return [kind for (kind,) in found]

    trip = await newcomer.trip(title="Kept")
    kept.execute("insert into public.collaborators (trip_id, user_id) values (%s, %s)", (trip, friend.id))
    theirs = await friend.trip()
    kept.execute(
        "insert into public.invitations (trip_id, email, token_hash, invited_by)"
        " values (%s, %s, encode(sha256(gen_random_uuid()::text::bytea), 'hex'), %s)",
        (theirs, newcomer.email, friend.id),
    )
    assert told() == ["trip_invitation"]

    await delete(should_soft_delete=True)
    code = await newcomer.code(
        "mutation ($token: String!) { refreshSession(refreshToken: $token) { session { accessToken } } }",
        token=newcomer.refresh_token,
    )
    assert code == "UNAUTHENTICATED"
    assert await newcomer.code('mutation { createTag(input: { name: "late" }) { id } }') == "UNAUTHENTICATED"
    assert told() == []
    # Whoever shared something with them goes on doing so, under the name that they had.
    shown = await friend.ask("query ($id: UUID!) { trip(id: $id) { title owner { id } } }", id=trip)
    assert shown == {"trip": {"title": "Kept", "owner": {"id": newcomer.id}}}
    assert tasks() == []

    await delete()
    assert await friend.ask("query ($id: UUID!) { trip(id: $id) { title } }", id=trip) == {"trip": None}
    assert tasks() == ["remove_objects"]
