"""When people may be told: local times as Python's `zoneinfo` has them, quiet hours, and what a preference says."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.database.callers import NOT_GRANTED, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.database.conftest import Database

# An hour in spring and in autumn; the same with borders at another hour; half an hour, south of the equator.
ZONES = ("Europe/Rome", "America/New_York", "Australia/Lord_Howe")
SLOWLY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HOUR = dt.timedelta(hours=1)
FIRST = dt.datetime(1995, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def clocks(stack: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stack.admin_db_url, autocommit=True) as connection:
        # Of no importance for what is asked, and far from what most think of.
        connection.execute("set time zone 'Pacific/Chatham'")
        yield connection


def clock_changes(zone: str) -> list[dt.datetime]:
    """The moments of some years at which a zone's clocks move, found as `zoneinfo` has them."""
    rules = ZoneInfo(zone)
    found = []
    hour = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    while hour.year < 2031:
        if hour.astimezone(rules).utcoffset() != (hour + HOUR).astimezone(rules).utcoffset():
            found.append(hour + HOUR)
        hour += HOUR
    return found


CHANGES = {zone: clock_changes(zone) for zone in ZONES}


@st.composite
def zones_and_moments(draw: st.DrawFn) -> tuple[str, dt.datetime]:
    """A zone, and a moment in UTC: any of some decades, or one within hours of a change of its clocks."""
    zone = draw(st.sampled_from(ZONES))
    near = st.builds(
        lambda change, minutes: change + dt.timedelta(minutes=minutes),
        st.sampled_from(CHANGES[zone]),
        st.integers(-36 * 60, 36 * 60),
    )
    ever = st.integers(0, 100 * 366 * 24 * 60).map(lambda minutes: FIRST + dt.timedelta(minutes=minutes))
    return zone, draw(st.one_of(near, near, ever))


def test_the_zones_change_their_clocks_twice_a_year() -> None:
    assert {zone: len(found) for zone, found in CHANGES.items()} == dict.fromkeys(ZONES, 14)


@SLOWLY
@given(zones_and_moments())
@example(("Europe/Rome", dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC)))
@example(("Europe/Rome", dt.datetime(2026, 10, 25, 1, 30, tzinfo=dt.UTC)))
def test_a_local_time_is_the_moment_that_zoneinfo_has(
    clocks: psycopg.Connection, drawn: tuple[str, dt.datetime]
) -> None:
    """What is drawn is taken as the face of a clock: some come twice, and some never."""
    zone, moment = drawn
    for shown in (moment.replace(tzinfo=None), moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)):
        (told,) = clocks.execute("select private.local_instant(%s::timestamp, %s)", (shown, zone)).fetchone() or ()
        # Python takes moments of two zones for different while clocks of one go back.
        assert told.astimezone(dt.UTC) == shown.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(dt.UTC)


TIMES = st.times().map(lambda time: time.replace(second=0, microsecond=0))


def in_quiet_hours(moment: dt.datetime, zone: str, begin: dt.time, end: dt.time) -> bool:
    shown = moment.astimezone(ZoneInfo(zone)).time()
    return begin <= shown < end if begin < end else shown >= begin or shown < end


@SLOWLY
@given(zones_and_moments(), TIMES, TIMES)
@example(("Europe/Rome", dt.datetime(2026, 3, 29, 0, 59, tzinfo=dt.UTC)), dt.time(22), dt.time(2, 30))
@example(("Europe/Rome", dt.datetime(2026, 10, 25, 1, 10, tzinfo=dt.UTC)), dt.time(22), dt.time(2, 30))
@example(("Europe/Rome", dt.datetime(2026, 3, 28, 12, 0, tzinfo=dt.UTC)), dt.time(3), dt.time(2, 30))
def test_what_comes_in_quiet_hours_waits_for_their_end(
    clocks: psycopg.Connection, drawn: tuple[str, dt.datetime], begin: dt.time, end: dt.time
) -> None:
    """It waits only then, until a moment that is not quiet, and no longer than clocks take to show the end."""
    zone, moment = drawn
    (until,) = clocks.execute(
        "select private.quiet_hours_end(%s, %s, %s::time, %s::time)", (moment, zone, begin, end)
    ).fetchone() or (None,)
    if begin == end or not in_quiet_hours(moment, zone, begin, end):
        assert until is None or begin == end
        return
    until = until.astimezone(dt.UTC)
    assert until > moment
    assert not in_quiet_hours(until, zone, begin, end)
    between = [moment + n * dt.timedelta(minutes=5) for n in range(int((until - moment) / dt.timedelta(minutes=5)))]
    loud = [each for each in between if not in_quiet_hours(each, zone, begin, end)]
    # The end itself never comes where clocks go forward over it: by then it may be loud for as long as they skip.
    assert loud == [] or until - loud[0] <= HOUR


def verdict(world: World, topic: str, channel: str, at: str = "2026-05-01 12:00Z") -> tuple[bool, str | None]:
    (told,) = world.db.execute(
        "select private.may_notify(%s, %s, %s, %s)", (world.stranger.profiles, topic, channel, at)
    ).fetchone() or ({},)
    return told["allowed"], told["defer_until"]


@pytest.fixture
def person(world: World) -> World:
    """The stranger, who has said nothing so far."""
    world.db.execute("delete from public.notification_preferences where user_id = %s", (world.stranger.profiles,))
    return world


def prefer(world: World, topic: str, channel: str, **said: object) -> None:
    named = ", ".join(said)
    world.db.execute(
        f"insert into public.notification_preferences (user_id, topic, channel{', ' + named if said else ''})"  # type: ignore[arg-type]
        f" values (%s, %s, %s{', %s' * len(said)})",
        (world.stranger.profiles, topic, channel, *said.values()),
    )


def test_who_says_nothing_is_told_of_all_but_marketing(person: World) -> None:
    assert verdict(person, "reminder", "whatsapp") == (True, None)
    assert verdict(person, "message", "bell") == (True, None)
    assert verdict(person, "marketing", "whatsapp") == (False, None)


def test_nobody_is_told_nothing(person: World) -> None:
    told = person.db.execute("select private.may_notify(gen_random_uuid(), 'reminder', 'bell')").fetchone()
    assert told == ({"allowed": False, "defer_until": None},)


def test_a_preference_of_all_topics_is_for_those_without_their_own(person: World) -> None:
    prefer(person, "all", "whatsapp", is_enabled=False)
    prefer(person, "reminder", "whatsapp")
    assert verdict(person, "reminder", "whatsapp") == (True, None)
    assert verdict(person, "message", "whatsapp") == (False, None)
    assert verdict(person, "message", "bell") == (True, None)


def test_marketing_takes_a_preference_of_its_own(person: World) -> None:
    prefer(person, "all", "whatsapp")
    assert verdict(person, "marketing", "whatsapp") == (False, None)
    prefer(person, "marketing", "whatsapp")
    assert verdict(person, "marketing", "whatsapp") == (True, None)
    person.db.execute("select private.stop_marketing(%s, 'whatsapp')", (person.stranger.profiles,))
    person.db.execute("select private.stop_marketing(%s, 'email')", (person.stranger.profiles,))
    assert verdict(person, "marketing", "whatsapp") == (False, None)
    assert verdict(person, "marketing", "email") == (False, None)


@pytest.mark.parametrize(("channel", "switch"), [("email", "email_notifications"), ("push", "push_notifications")])
def test_mail_and_push_have_a_master_switch(person: World, channel: str, switch: str) -> None:
    prefer(person, "reminder", channel)
    for on in (False, True):
        person.db.execute(
            f"update public.user_preferences set {switch} = %s where user_id = %s",  # type: ignore[arg-type]
            (on, person.stranger.profiles),
        )
        assert verdict(person, "reminder", channel) == (on, None)
        assert verdict(person, "reminder", "whatsapp") == (True, None)


def test_quiet_hours_over_midnight_are_those_of_the_persons_zone(person: World) -> None:
    prefer(person, "reminder", "whatsapp", quiet_from="22:00", quiet_until="07:00")
    in_utc = ("2026-07-01 22:30Z", (True, "2026-07-02T07:00:00+00:00"))
    in_rome = ("2026-07-01 20:30Z", (True, "2026-07-02T05:00:00+00:00"))
    person.db.execute("set local time zone 'UTC'")
    for zone, (at, expected) in (("UTC", in_utc), ("Europe/Rome", in_rome)):
        person.db.execute(
            "update public.user_preferences set timezone = %s where user_id = %s", (zone, person.stranger.profiles)
        )
        assert verdict(person, "reminder", "whatsapp", at) == expected
    assert verdict(person, "reminder", "whatsapp", "2026-07-01 19:59Z") == (True, None)
    assert verdict(person, "reminder", "whatsapp", "2026-07-02 05:00Z") == (True, None)


def test_nobody_asks_what_somebody_wants_to_be_told(world: World) -> None:
    for call in (
        "select private.may_notify(null, 'reminder', 'bell')",
        "select private.stop_marketing(null, 'bell')",
        "select private.quiet_hours_end(now(), 'UTC', '22:00', '07:00')",
    ):
        assert world.attempt("owner", call) == NOT_GRANTED  # type: ignore[arg-type]
