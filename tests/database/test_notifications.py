"""The bell: what `private.notify` tells, once, to whom it may, in words that fit."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.database.callers import NOT_GRANTED, Actor, World

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTIFY = "select private.notify(%s, 'trips', 'greeting', %s, %s, %s, %s)"


def notify(
    world: World,
    person: uuid.UUID,
    title: str = "Hello",
    body: str | None = None,
    link: str | None = None,
    key: str | None = None,
) -> uuid.UUID | None:
    row = world.db.execute(NOTIFY, (person, title, body, link, key)).fetchone()
    assert row is not None
    told: uuid.UUID | None = row[0]
    return told


def bell(world: World, person: uuid.UUID, columns: str = "title") -> Sequence[tuple[Any, ...]]:
    """What is in somebody's bell beside what the world puts there, the newest first."""
    return world.db.execute(
        f"select {columns} from public.notifications where user_id = %s and id <> %s order by created_at desc",  # type: ignore[arg-type]
        (person, world.owner.notifications),
    ).fetchall()


def test_the_person_is_told_and_nobody_else(world: World) -> None:
    key = notify(world, world.viewer.profiles, "Hello", "How are you?", "/trips/1")
    shown = "id, system, kind, title, body, link, read_at, dedupe_key, created_at = updated_at"
    assert bell(world, world.viewer.profiles, shown) == [
        (key, "trips", "greeting", "Hello", "How are you?", "/trips/1", None, None, True)
    ]
    see = "select from public.notifications where id = %s"
    assert {actor: world.attempt(actor, see, key) for actor in ("viewer", "owner", "editor", "stranger")} == {
        "viewer": 1,
        "owner": 0,
        "editor": 0,
        "stranger": 0,
    }


def test_what_has_a_key_is_told_once_a_person(world: World) -> None:
    viewer, editor = world.viewer.profiles, world.editor.profiles
    assert notify(world, viewer, "First", key="greeting:1") is not None
    assert notify(world, viewer, "Second", key="greeting:1") is None
    assert notify(world, editor, "For the editor", key="greeting:1") is not None
    assert notify(world, viewer, "Another", key="greeting:2") is not None
    assert bell(world, viewer) == [("Another",), ("First",)]
    assert bell(world, editor) == [("For the editor",)]


def test_what_has_none_is_told_each_time(world: World) -> None:
    for _ in range(2):
        notify(world, world.viewer.profiles)
    assert bell(world, world.viewer.profiles) == [("Hello",), ("Hello",)]


def test_what_is_taken_back_is_gone_for_all_or_for_one(world: World) -> None:
    viewer, editor = world.viewer.profiles, world.editor.profiles
    for person in (viewer, editor):
        for key in ("a", "b"):
            notify(world, person, key, key=key)
    world.db.execute("select private.take_back_notifications('a')")
    world.db.execute("select private.take_back_notifications('b', %s)", (viewer,))
    assert bell(world, viewer) == []
    assert bell(world, editor) == [("b",)]


def test_who_is_there_no_longer_is_told_nothing(world: World) -> None:
    assert notify(world, uuid.uuid4()) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
        ("x" * 198 + " and more", "x" * 198 + "…"),
        ("  two\r\nlines\tand\x07 a bell ", "two lines and a bell"),
        ("a \u202egnorw\u202c name", "a gnorw name"),
        ("\u2067right\u2069 to left", "right to left"),
    ],
)
def test_a_title_is_one_line_that_fits(world: World, given: str, told: str) -> None:
    notify(world, world.viewer.profiles, given)
    assert bell(world, world.viewer.profiles) == [(told,)]


def test_a_text_keeps_its_lines_and_is_cut_where_it_is_too_long(world: World) -> None:
    notify(world, world.viewer.profiles, body="one\ntwo")
    notify(world, world.viewer.profiles, body="é" * 2001)
    assert bell(world, world.viewer.profiles, "body") == [("é" * 1999 + "…",), ("one\ntwo",)]


def test_the_newest_five_hundred_are_kept_and_none_of_more_than_ninety_days(world: World) -> None:
    viewer = world.viewer.profiles
    world.db.execute(
        "insert into public.notifications (user_id, system, kind, title, created_at)"
        " select %s, 'trips', 'greeting', n::text, now() - n * interval '1 hour' from generate_series(1, 600) as n",
        (viewer,),
    )
    world.db.execute(
        "insert into public.notifications (user_id, system, kind, title, created_at)"
        " values (%(viewer)s, 'trips', 'greeting', 'old', now() - interval '91 days'),"
        " (%(editor)s, 'trips', 'greeting', 'old', now() - interval '91 days'),"
        " (%(editor)s, 'trips', 'greeting', 'not so old', now() - interval '89 days')",
        {"viewer": viewer, "editor": world.editor.profiles},
    )
    notify(world, viewer)
    kept = [title for (title,) in bell(world, viewer)]
    assert kept == ["Hello", *map(str, range(1, 500))]
    assert bell(world, world.editor.profiles) == [("not so old",), ("old",)]
    notify(world, world.editor.profiles)
    assert bell(world, world.editor.profiles) == [("Hello",), ("not so old",)]


@pytest.mark.parametrize("actor", ["owner", "stranger", "anonymous", "service"])
def test_nobody_outside_of_the_database_tells_people_anything(world: World, actor: Actor) -> None:
    for call in (
        "select private.notify(%s, 'trips', 'greeting', 'Hello', null, null)",
        "select private.take_back_notifications('a', %s)",
    ):
        assert world.attempt(actor, call, world.owner.profiles) == NOT_GRANTED  # type: ignore[arg-type]


class TestReading:
    READ = "update public.notifications set read_at = %s where id = %s"

    def test_the_database_says_when_and_the_first_time_counts(self, world: World) -> None:
        key = notify(world, world.owner.profiles)
        long_ago = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
        assert world.attempt("owner", self.READ, long_ago, key) == 1
        ((first,),) = bell(world, world.owner.profiles, "read_at")
        assert first > dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
        assert world.attempt("owner", self.READ, long_ago, key) == 1
        assert bell(world, world.owner.profiles, "read_at") == [(first,)]

    def test_what_was_read_can_be_new_again(self, world: World) -> None:
        key = notify(world, world.owner.profiles)
        assert world.attempt("owner", self.READ, "now", key) == 1
        assert world.attempt("owner", self.READ, None, key) == 1
        assert bell(world, world.owner.profiles, "read_at") == [(None,)]

    @pytest.mark.parametrize("column", ["user_id", "title", "link", "dedupe_key", "created_at", "kind"])
    def test_nothing_else_of_it_changes(self, world: World, column: str) -> None:
        key = notify(world, world.owner.profiles)
        statement = f"update public.notifications set {column} = {column} where id = %s"
        assert world.attempt("owner", statement, key) == NOT_GRANTED  # type: ignore[arg-type]

    def test_each_counts_their_own_that_are_not_read(self, world: World) -> None:
        count = "select public.unread_notifications()"
        for _ in range(2):
            notify(world, world.viewer.profiles)
        world.attempt("viewer", self.READ, "now", notify(world, world.viewer.profiles))
        unread = {}
        for actor in ("viewer", "editor"):
            with world.acting_as(actor) as db:  # type: ignore[arg-type]
                unread[actor] = db.execute(count).fetchone()
        assert unread == {"viewer": (2,), "editor": (0,)}
        assert world.attempt("anonymous", count) == NOT_GRANTED

    def test_counting_reads_what_is_not_read_and_nothing_else(self, world: World) -> None:
        for person in (world.owner.profiles, world.stranger.profiles):
            world.db.execute(
                "insert into public.notifications (user_id, system, kind, title, read_at)"
                " select %s, 'trips', 'greeting', 'Hello', now() from generate_series(1, 2000)",
                (person,),
            )
        world.db.execute("analyze public.notifications")
        count = "select count(*) from public.notifications where user_id = (select auth.uid()) and read_at is null"
        with world.acting_as("owner") as db:
            rows = db.execute(f"explain {count}").fetchall()  # type: ignore[arg-type]
        plan = "\n".join(line for (line,) in rows)
        assert "idx_notifications_user_id_unread" in plan
