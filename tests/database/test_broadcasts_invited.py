"""Invitations reach the people whose confirmed address they name, and nobody else."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.database.callers import World, address_of

INVITE = """
    insert into public.invitations (id, trip_id, email, token_hash, invited_by, status)
    values (%s, %s, %s, encode(sha256(%s::text::bytea), 'hex'), %s, %s)
"""


@pytest.fixture(autouse=True)
def silence(world: World) -> None:
    """Let the service invite, and forget what was sent while the world was made."""
    world.db.execute("alter table public.invitations disable trigger limit_invitations")
    world.db.execute("delete from realtime.messages")


def invited(world: World, email: str, status: str = "pending") -> str:
    """The id of a new invitation to the owner's trip."""
    key = uuid.uuid4()
    world.db.execute(INVITE, (key, world.owner.trips, email, key, world.owner.profiles, status))
    return str(key)


def told(world: World, person: Any) -> list[tuple[str, str]]:
    """Operations and invitations that a person was told of since the last look, in no certain order."""
    rows = world.db.execute(
        "select event, coalesce(payload -> 'record' ->> 'id', payload -> 'old_record' ->> 'id') from realtime.messages"
        " where topic = %s and payload ->> 'table' = 'invitations'",
        (f"user:{person}",),
    ).fetchall()
    world.db.execute("delete from realtime.messages")
    return sorted((event, key) for event, key in rows)


def test_whoever_is_invited_is_told_of_each_change(world: World) -> None:
    stranger = world.stranger.profiles
    key = invited(world, address_of(stranger))
    assert told(world, stranger) == [("INSERT", key)]
    world.db.execute("update public.invitations set status = 'revoked' where id = %s", (key,))
    assert told(world, stranger) == [("UPDATE", key)]
    world.db.execute("delete from public.invitations where id = %s", (key,))
    assert told(world, stranger) == [("DELETE", key)]


def test_a_trips_owner_is_told_and_one_of_before_is_not(world: World) -> None:
    owner, editor = world.owner.profiles, world.editor.profiles
    key = invited(world, "new@tripgate.example")
    assert told(world, owner) == [("INSERT", key)]
    world.db.execute("update public.trips set user_id = %s where id = %s", (editor, world.owner.trips))
    world.db.execute("delete from realtime.messages")
    world.db.execute("update public.invitations set status = 'revoked' where id = %s", (key,))
    topics = world.db.execute("select topic from realtime.messages").fetchall()
    assert topics == [(f"user:{editor}",)]


def test_all_accounts_of_one_address_are_told(world: World) -> None:
    """As where a company signs its people in."""
    stranger, viewer = world.stranger.profiles, world.viewer.profiles
    shared = address_of(stranger)
    world.db.execute(
        "update auth.users set email = upper(%s), is_sso_user = true,"
        " instance_id = '00000000-0000-0000-0000-000000000000' where id = %s",
        (shared, viewer),
    )
    world.db.execute("delete from realtime.messages")
    key = invited(world, shared)
    topics = world.db.execute("select topic from realtime.messages where payload ->> 'table' = 'invitations'")
    assert {topic for (topic,) in topics} == {f"user:{each}" for each in (stranger, viewer, world.owner.profiles)}
    assert told(world, stranger) == [("INSERT", key)]


def test_an_invitation_goes_from_one_address_to_another(world: World) -> None:
    stranger, viewer = world.stranger.profiles, world.viewer.profiles
    key = invited(world, address_of(stranger))
    move = "update public.invitations set email = %s where id = %s"
    world.db.execute("delete from realtime.messages")
    world.db.execute(move, (address_of(viewer), key))
    assert told(world, stranger) == [("DELETE", key)]
    world.db.execute(move, (address_of(stranger), key))
    assert told(world, stranger) == [("INSERT", key)]


def test_an_address_that_is_not_confirmed_hears_nothing_until_it_is(world: World) -> None:
    stranger = world.stranger.profiles
    world.db.execute("update auth.users set email_confirmed_at = null where id = %s", (stranger,))
    key = invited(world, address_of(stranger))
    assert told(world, stranger) == []
    world.db.execute("update auth.users set email_confirmed_at = now() where id = %s", (stranger,))
    assert told(world, stranger) == [("INSERT", key)]
    world.db.execute(
        "update auth.users set email_confirmed_at = now(), last_sign_in_at = now() where id = %s", (stranger,)
    )
    assert told(world, stranger) == []


def test_whoever_changes_their_address_is_told_what_is_theirs_now_and_no_longer(world: World) -> None:
    stranger = world.stranger.profiles
    before, after = invited(world, address_of(stranger)), invited(world, "new@tripgate.example")
    world.db.execute("delete from realtime.messages")
    world.db.execute("update auth.users set email = 'new@tripgate.example' where id = %s", (stranger,))
    assert told(world, stranger) == [("DELETE", before), ("INSERT", after)]


def test_of_a_hundred_invitations_at_most_those_that_are_open_first(world: World) -> None:
    stranger = world.stranger.profiles
    open_one = invited(world, "new@tripgate.example")
    for _ in range(100):
        invited(world, "new@tripgate.example", "revoked")
    world.db.execute("delete from realtime.messages")
    world.db.execute("update auth.users set email = 'new@tripgate.example' where id = %s", (stranger,))
    heard = told(world, stranger)
    assert len(heard) == 100
    assert ("INSERT", open_one) in heard


def test_the_hash_of_the_token_is_in_no_message(world: World) -> None:
    stranger = world.stranger.profiles
    invited(world, address_of(stranger))
    world.db.execute("update auth.users set email = 'new@tripgate.example' where id = %s", (stranger,))
    world.db.execute("update auth.users set email = %s where id = %s", (address_of(stranger), stranger))
    world.db.execute("update public.invitations set status = 'revoked'")
    (found,) = world.db.execute(
        "select count(*), count(*) filter (where payload::text like '%token_hash%') from realtime.messages"
    )
    assert found[0] >= 5
    assert found[1] == 0
