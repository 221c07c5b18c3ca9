"""Sliding windows: exact by the second, bounded in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripgate.upstream.shared.quotas import Quota, Taken
from tripgate.upstream.shared.sliding_window import SlidingWindow


class Clock:
    """Seconds that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_what_is_allowed_tells_what_is_left_and_when_the_window_ends(clock: Clock) -> None:
    window = SlidingWindow(Quota("person", 3), clock=clock)
    assert window.take("ada", 1) == Taken(True, 2, 60)
    clock.now += 20
    assert window.take("ada", 2) == Taken(True, 0, 40)
    assert window.take("ben", 1) == Taken(True, 2, 40)


def test_looking_at_what_is_left_takes_nothing(clock: Clock) -> None:
    window = SlidingWindow(Quota("person", 4), clock=clock)
    assert window.remaining("ada") == 4
    window.take("ada", 3)
    assert [window.remaining("ada"), window.remaining("ada"), window.remaining("ben")] == [1, 1, 4]
    window.charge("ada", 5)
    assert window.remaining("ada") == 0
    clock.now += 105
    # Three quarters into the next window the eight weigh two.
    assert window.remaining("ada") == 2


def test_what_is_refused_is_not_counted_and_tells_when_to_come_again(clock: Clock) -> None:
    window = SlidingWindow(Quota("person", 4), clock=clock)
    for _ in range(4):
        window.take("ada", 1)
    clock.now += 30
    # In 30 s the window ends; 15 s later, a quarter into the next one, these four weigh three.
    assert window.take("ada", 1) == Taken(False, 0, 45)
    assert window.take("ada", 1) == Taken(False, 0, 45)
    clock.now += 44
    assert not window.take("ada", 1).allowed
    clock.now += 1
    assert window.take("ada", 1).allowed
    assert not window.take("ada", 1).allowed


def test_the_edge_of_a_window_lets_nobody_in_twice(clock: Clock) -> None:
    window = SlidingWindow(Quota("person", 10), clock=clock)
    clock.now += 59
    assert sum(window.take("ada", 1).allowed for _ in range(20)) == 10
    clock.now += 2
    assert sum(window.take("ada", 1).allowed for _ in range(20)) == 0
    clock.now += 60
    assert sum(window.take("ada", 1).allowed for _ in range(20)) == 10


def test_what_is_more_than_the_quota_never_fits(clock: Clock) -> None:
    assert SlidingWindow(Quota("cost", 100), clock=clock).take("ada", 101) == Taken(False, 100, 60)


def test_after_long_everything_is_forgotten(clock: Clock) -> None:
    window = SlidingWindow(Quota("person", 1), clock=clock)
    window.take("ada", 1)
    clock.now += 120
    window.take("ben", 1)
    assert len(window) == 1
    assert window.take("ada", 1).allowed


def test_a_flood_of_addresses_takes_no_more_memory_and_hides_nobody(clock: Clock) -> None:
    window = SlidingWindow(Quota("address", 10), most_keys=1000, clock=clock)
    for _ in range(10):
        window.take("10.0.0.1", 1)
    for number in range(1500):
        window.take(f"flood {number}", 1)
    assert len(window) <= 2000
    assert not window.take("10.0.0.1", 1).allowed


@given(
    limit=st.integers(1, 20),
    steps=st.lists(st.tuples(st.floats(0, 90), st.integers(1, 5)), max_size=60),
)
def test_whoever_waits_so_long_is_let_in(limit: int, steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    window = SlidingWindow(Quota("person", limit), clock=clock)
    for pause, cost in steps:
        clock.now += pause
        taken = window.take("ada", cost)
        assert 0 <= taken.remaining <= limit
        assert 1 <= taken.seconds <= 120
        if not taken.allowed and cost <= limit:
            clock.now += taken.seconds
            assert window.take("ada", cost).allowed
