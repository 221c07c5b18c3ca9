"""Invitations that are closed or over are kept for 90 days, and then removed some at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest

if TYPE_CHECKING:
    import uuid

    from tests.database.callers import World

TRIPS: LiteralString = """
insert into public.invitations (trip_id, invited_by, email, token_hash, status, accepted_at, expires_at, updated_at)
select %(trip)s, %(owner)s, 'guest@example.com', encode(sha256(gen_random_uuid()::text::bytea), 'hex'),
    %(status)s, case when %(status)s::text = 'accepted' then now() end,
    now() - %(over)s * interval '1 day', now() - %(closed)s * interval '1 day'
returning id"""
OTHERS: LiteralString = """
insert into public.membership_invitations
    (scope, scope_id, role, invited_by, email, token_hash, status, accepted_at, expires_at, updated_at)
select 'collection', %(collection)s, 'viewer', %(owner)s, 'guest@example.com',
    encode(sha256(gen_random_uuid()::text::bytea), 'hex'),
    %(status)s, case when %(status)s::text = 'accepted' then now() end,
    now() - %(over)s * interval '1 day', now() - %(closed)s * interval '1 day'
returning id"""
LEFT: LiteralString = """
select count(*) from (
    select id from public.invitations union all select id from public.membership_invitations
) as kept where id = any (%s)"""


@pytest.fixture(autouse=True)
def unchecked(world: World) -> None:
    """Rows of long ago, which nobody could write today."""
    world.db.execute("alter table public.invitations disable trigger user")
    world.db.execute("alter table public.membership_invitations disable trigger user")


def kept(world: World, kind: LiteralString, status: str, *, over: int, closed: int) -> uuid.UUID:
    """An invitation whose time was over, and which last changed, so many days ago."""
    values = {
        "trip": world.owner.trips,
        "collection": world.owner.collections,
        "owner": world.owner.profiles,
        "status": status,
        "over": over,
        "closed": closed,
    }
    (key,) = world.db.execute(kind, values).fetchone() or (None,)
    assert key is not None
    return key  # type: ignore[no-any-return]


def left(world: World, *keys: uuid.UUID) -> int:
    (count,) = world.db.execute(LEFT, (list(keys),)).fetchone() or (0,)
    return int(count)


@pytest.mark.parametrize("kind", [TRIPS, OTHERS])
@pytest.mark.parametrize(
    ("status", "over", "closed", "stays"),
    [
        ("pending", -7, 0, True),
        ("pending", 89, 96, True),
        ("pending", 91, 98, False),
        ("accepted", 84, 89, True),
        ("accepted", 84, 91, False),
        ("revoked", 84, 91, False),
        ("expired", 91, 91, False),
    ],
)
def test_closed_or_over_for_more_than_90_days(
    world: World, kind: LiteralString, status: str, over: int, closed: int, *, stays: bool
) -> None:
    key = kept(world, kind, status, over=over, closed=closed)
    assert world.db.execute("select private.prune_invitations()").fetchone() == (int(not stays),)
    assert left(world, key) == int(stays)


def test_some_at_a_time(world: World) -> None:
    old = [kept(world, kind, "revoked", over=100, closed=100) for kind in (TRIPS, OTHERS) for _ in range(3)]
    assert world.db.execute("select private.prune_invitations(2)").fetchone() == (4,)
    assert left(world, *old) == 2
    assert world.db.execute("select private.prune_invitations(2)").fetchone() == (2,)
    assert left(world, *old) == 0


def test_counts_of_whoever_invites_nobody_any_more_go_too(world: World) -> None:
    person = world.owner.profiles
    world.db.execute("delete from private.announced_invitations")
    for minutes in (59, 61):
        world.db.execute(
            "insert into private.announced_invitations (user_id, scope, scope_id, email_hash, announced_at)"
            " values (%s, 'trip', %s, '', now() - %s * interval '1 minute')",
            (person, world.owner.trips, minutes),
        )
    world.db.execute("select private.prune_invitations()")
    assert world.db.execute(
        "select (now() - announced_at)::text from private.announced_invitations where user_id = %s", (person,)
    ).fetchall() == [("00:59:00",)]
