"""Invitations ring: with whom they name by a confirmed address, as long as they are open, and with who invited."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.database.callers import World, address_of, role, sign_up

if TYPE_CHECKING:
    from collections.abc import Sequence

INVITE = """
    insert into public.invitations (id, trip_id, email, role, token_hash, invited_by, expires_at)
    values (%s, %s, %s, %s, %s, %s, now() + %s::interval)
"""


@pytest.fixture(autouse=True)
def limits(world: World) -> None:
    """Let the service invite."""
    world.db.execute("alter table public.invitations disable trigger limit_invitations")
    world.db.execute("update public.trips set title = 'Lofoten' where id = %s", (world.owner.trips,))


def invited(world: World, email: str, as_role: str = "viewer", lasts: str = "7 days") -> str:
    """The id of a new invitation to the owner's trip, which is also its secret."""
    key = str(uuid.uuid4())
    hashed = hashlib.sha256(key.encode()).hexdigest()
    world.db.execute(INVITE, (key, world.owner.trips, email, as_role, hashed, world.owner.profiles, lasts))
    return key


def accept(world: World, person: uuid.UUID, secret: str) -> None:
    with role(world.db, "authenticated", {"role": "authenticated", "sub": str(person)}):
        world.db.execute("select public.accept_invitation(%s)", (secret,))


def bell(world: World, person: uuid.UUID) -> Sequence[tuple[str, str | None]]:
    """Titles and links, the newest first, of what invitations have to do with."""
    return world.db.execute(
        "select title, link from public.notifications where user_id = %s and kind in ('trip_invitation', 'trip_joined')"
        " order by created_at desc",
        (person,),
    ).fetchall()


RINGS = [("Olga Owner invites you to plan “Lofoten” together", "/invitations")]


def test_whoever_is_invited_is_told_what_the_mail_says(world: World) -> None:
    key = invited(world, address_of(world.stranger.profiles), "editor")
    assert bell(world, world.stranger.profiles) == RINGS
    row = world.db.execute(
        "select body, system, dedupe_key, to_char(now() + interval '7 days', 'FMDD FMMonth YYYY')"
        " from public.notifications where kind = 'trip_invitation'"
    ).fetchone()
    assert row is not None
    body, *rest, until = row
    assert body == f"As an editor. The link to join was mailed to you, and works until {until}."
    assert rest == ["trips", f"invitation:{key}"]
    assert all(bell(world, each) == [] for each in (world.owner.profiles, world.editor.profiles))


def test_words_of_others_stay_words(world: World) -> None:
    world.db.execute("update public.trips set title = %s where id = %s", ("x" * 199 + "\u202e", world.owner.trips))
    world.db.execute(
        "update public.profiles set display_name = %s where id = %s", ("a\nb\u2066" + "y" * 70, world.owner.profiles)
    )
    invited(world, address_of(world.stranger.profiles))
    ((title, _),) = bell(world, world.stranger.profiles)
    assert title == f"a b{'y' * 70} invites you to plan “{'x' * 79}…” together"


def test_an_address_that_nobody_has_confirmed_rings_nowhere(world: World) -> None:
    world.db.execute("update auth.users set email_confirmed_at = null where id = %s", (world.stranger.profiles,))
    invited(world, address_of(world.stranger.profiles))
    invited(world, "new@people.example")
    assert world.db.execute("select from public.notifications where kind = 'trip_invitation'").rowcount == 0


def test_whoever_confirms_the_address_later_finds_those_that_are_open(world: World) -> None:
    stranger = world.stranger.profiles
    world.db.execute("update auth.users set email_confirmed_at = null where id = %s", (stranger,))
    invited(world, address_of(stranger))
    over = invited(world, address_of(stranger), lasts="-1 hour")
    revoked = invited(world, address_of(stranger))
    world.db.execute("update public.invitations set status = 'revoked' where id = %s", (revoked,))
    confirm = "update auth.users set email_confirmed_at = now() where id = %s"
    world.db.execute(confirm, (stranger,))
    assert bell(world, stranger) == RINGS
    world.db.execute("delete from public.notifications where user_id = %s", (stranger,))
    world.db.execute(confirm, (stranger,))
    assert bell(world, stranger) == []
    assert over != revoked


def test_a_new_account_finds_what_was_waiting_for_it(world: World) -> None:
    newcomer = uuid.uuid4()
    invited(world, address_of(newcomer))
    sign_up(world.db, newcomer)
    assert bell(world, newcomer) == RINGS


def test_with_another_address_go_those_to_the_one_before(world: World) -> None:
    stranger = world.stranger.profiles
    invited(world, address_of(stranger))
    world.db.execute("update public.trips set title = 'Bergen' where id = %s", (world.owner.trips,))
    invited(world, "new@people.example")
    world.db.execute("update auth.users set email = 'new@people.example' where id = %s", (stranger,))
    assert bell(world, stranger) == [("Olga Owner invites you to plan “Bergen” together", "/invitations")]


def test_of_a_hundred_invitations_at_most(world: World) -> None:
    for _ in range(101):
        invited(world, "new@people.example")
    world.db.execute("update auth.users set email = 'new@people.example' where id = %s", (world.stranger.profiles,))
    assert len(bell(world, world.stranger.profiles)) == 100


@pytest.mark.parametrize(
    "ended",
    [
        "update public.invitations set status = 'revoked' where id = %s",
        "update public.invitations set status = 'expired' where id = %s",
        "update public.invitations set status = 'accepted', accepted_at = now() where id = %s",
        "update public.invitations set email = 'somebody.else@people.example' where id = %s",
        "delete from public.invitations where id = %s",
        "delete from public.trips where id = (select trip_id from public.invitations where id = %s)",
    ],
)
def test_what_is_open_no_longer_is_taken_back(world: World, ended: Any) -> None:
    stays = invited(world, address_of(world.viewer.profiles))
    key = invited(world, address_of(world.stranger.profiles))
    world.db.execute(ended, (key,))
    assert bell(world, world.stranger.profiles) == []
    if "public.trips" not in ended:
        assert bell(world, world.viewer.profiles) == RINGS, stays


def test_a_new_invitation_takes_the_place_of_the_one_before(world: World) -> None:
    world.db.execute("alter table public.invitations enable trigger limit_invitations")
    address = address_of(world.stranger.profiles)
    invited(world, address)
    newer = invited(world, address, "editor")
    found = world.db.execute(
        "select dedupe_key from public.notifications where user_id = %s and kind = 'trip_invitation'",
        (world.stranger.profiles,),
    ).fetchall()
    assert found == [(f"invitation:{newer}",)]


def test_who_has_deleted_it_is_not_told_again_of_what_does_not_change(world: World) -> None:
    key = invited(world, address_of(world.stranger.profiles))
    world.db.execute("delete from public.notifications where user_id = %s", (world.stranger.profiles,))
    world.db.execute("update public.invitations set status = 'pending' where id = %s", (key,))
    assert bell(world, world.stranger.profiles) == []


def test_who_invited_hears_that_somebody_joined_once(world: World) -> None:
    stranger = world.stranger.profiles
    accept(world, stranger, invited(world, address_of(stranger)))
    assert bell(world, world.owner.profiles) == [("Stan Stranger joined “Lofoten”", f"/trips/{world.owner.trips}")]
    assert bell(world, stranger) == []
    accept(world, stranger, invited(world, address_of(stranger), "editor"))
    assert len(bell(world, world.owner.profiles)) == 1


@pytest.mark.parametrize(
    "leaves",
    [
        "delete from public.collaborators where user_id = %s",
        "delete from auth.users where id = %s",
    ],
)
def test_that_somebody_joined_is_taken_back_when_they_leave(world: World, leaves: Any) -> None:
    stranger = world.stranger.profiles
    accept(world, stranger, invited(world, address_of(stranger)))
    world.db.execute(leaves, (stranger,))
    assert bell(world, world.owner.profiles) == []


def test_an_account_that_leaves_takes_its_invitations_out_of_others_bells(world: World) -> None:
    invited(world, address_of(world.stranger.profiles))
    world.db.execute("delete from auth.users where id = %s", (world.owner.profiles,))
    assert bell(world, world.stranger.profiles) == []


def test_pruning_removes_what_is_old_and_invitations_whose_time_is_over(world: World) -> None:
    stranger = world.stranger.profiles
    key = invited(world, address_of(stranger))
    invited(world, address_of(world.viewer.profiles))
    world.db.execute("select private.notify(%s, 'trips', 'greeting', 'Old', null, null)", (stranger,))
    world.db.execute("update public.notifications set created_at = now() - interval '91 days' where title = 'Old'")
    assert world.db.execute("select private.prune_notifications()").fetchone() == (1,)
    world.db.execute("alter table public.invitations disable trigger user")
    world.db.execute("update public.invitations set expires_at = now() where id = %s", (key,))
    assert world.db.execute("select private.prune_notifications()").fetchone() == (1,)
    assert bell(world, stranger) == []
    assert bell(world, world.viewer.profiles) == RINGS
