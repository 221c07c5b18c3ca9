"""The parts that requests to Supabase pass: a breaker, a bulkhead with a queue, and retries."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gql.errors import ApiError, ErrorCode
from tripgate.upstream.http_connection import Answer
from tripgate.upstream.resilience.breaker import Breaker
from tripgate.upstream.resilience.bulkhead import Bulkhead
from tripgate.upstream.resilience.deadline import DeadlineScope, deadline
from tripgate.upstream.resilience.failures import retry_after, timed_out, unavailable
from tripgate.upstream.resilience.policy import Fault, Policy, PolicyLimits
from tripgate.upstream.resilience.retry import retry


class Clock:
    """A clock that stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    """One that three failures open, for ten seconds."""
    return Breaker(failures=3, seconds=10, clock=clock)


def open_(breaker: Breaker) -> None:
    for _ in range(3):
        breaker.failed(is_probe=breaker.enter())


class TestBreaker:
    def test_failures_in_a_row_open_it(self, breaker: Breaker) -> None:
        for _ in range(2):
            breaker.failed(is_probe=breaker.enter())
        breaker.succeeded(is_probe=breaker.enter())
        for _ in range(2):
            breaker.failed(is_probe=breaker.enter())
        assert (breaker.state, breaker.refuses()) == ("closed", 0)
        breaker.failed(is_probe=breaker.enter())
        assert (breaker.state, breaker.refuses()) == ("open", 10)

    def test_it_says_for_how_long(self, breaker: Breaker, clock: Clock) -> None:
        open_(breaker)
        clock.now += 4
        assert breaker.refuses() == 6

    def test_then_one_tries_for_all(self, breaker: Breaker, clock: Clock) -> None:
        open_(breaker)
        clock.now += 10
        assert (breaker.state, breaker.refuses()) == ("half_open", 0)
        assert breaker.enter()
        assert breaker.refuses() == 10
        breaker.succeeded(is_probe=True)
        assert (breaker.state, breaker.refuses()) == ("closed", 0)

    def test_and_opens_it_anew_when_that_fails(self, breaker: Breaker, clock: Clock) -> None:
        open_(breaker)
        clock.now += 10
        breaker.failed(is_probe=breaker.enter())
        assert (breaker.state, breaker.refuses()) == ("open", 10)

    def test_one_that_goes_away_lets_another_try(self, breaker: Breaker, clock: Clock) -> None:
        open_(breaker)
        clock.now += 10
        breaker.abandoned(is_probe=breaker.enter())
        assert breaker.refuses() == 0

    def test_what_left_before_it_opened_does_not_keep_it_open(self, breaker: Breaker, clock: Clock) -> None:
        early = [breaker.enter() for _ in range(5)]
        open_(breaker)
        clock.now += 9
        for is_probe in early:
            breaker.failed(is_probe=is_probe)
        assert breaker.refuses() == 1

    def test_but_an_answer_closes_it(self, breaker: Breaker) -> None:
        early = breaker.enter()
        open_(breaker)
        breaker.succeeded(is_probe=early)
        assert breaker.state == "closed"

    def test_what_is_late_for_one_person_counts_once_in_a_row(self, breaker: Breaker) -> None:
        for _ in range(9):
            breaker.late("a", is_probe=breaker.enter())
        breaker.late("b", is_probe=breaker.enter())
        assert breaker.state == "closed"
        breaker.succeeded(is_probe=False)
        for person in "aabb":
            breaker.late(person, is_probe=breaker.enter())
        assert breaker.state == "closed"
        breaker.late("c", is_probe=breaker.enter())
        assert breaker.state == "open"

    def test_but_a_late_trial_keeps_it_open(self, breaker: Breaker, clock: Clock) -> None:
        breaker.late("a", is_probe=False)
        open_(breaker)
        clock.now += 10
        breaker.late("a", is_probe=breaker.enter())
        assert breaker.refuses() == 10


class Crowd:
    """People at a bulkhead, and the order in which they get in."""

    def __init__(self, *, width: int, queue: int, share: int | None = None) -> None:
        self.bulkhead = Bulkhead(width=width, queue=queue, share=share)
        self.entered: list[str] = []
        self.refused: list[str] = []

    async def come(self, *people: str, seconds: float = 5) -> list[asyncio.Task[None]]:
        """They come one after the other, and wait where they must."""
        tasks = [asyncio.create_task(self._enter(person, seconds)) for person in people]
        await asyncio.sleep(0.001)
        return tasks

    async def go(self, *people: str) -> None:
        """They leave, one after the other."""
        for person in people:
            self.bulkhead.leave(person[0])
            await asyncio.sleep(0.001)

    async def _enter(self, person: str, seconds: float) -> None:
        try:
            await self.bulkhead.enter(person[0], seconds)
            self.entered.append(person)
        except ApiError as error:
            self.refused.append(person if error.code is ErrorCode.OVERLOADED else str(error.code))


class TestGate:
    async def test_so_many_are_inside_and_so_many_wait(self) -> None:
        crowd = Crowd(width=2, queue=2)
        await crowd.come("a1", "a2", "a3", "a4", "a5")
        assert (crowd.entered, crowd.refused) == (["a1", "a2"], ["a5"])
        assert (crowd.bulkhead.inside, crowd.bulkhead.waiting) == (2, 2)
        await crowd.go(*"aaaa")
        assert crowd.entered == ["a1", "a2", "a3", "a4"]
        assert (crowd.bulkhead.inside, crowd.bulkhead.waiting) == (0, 0)

    async def test_people_take_turns(self) -> None:
        crowd = Crowd(width=1, queue=10)
        await crowd.come("a1", "a2", "a3", "a4", "b1", "b2", "c1")
        await crowd.go(*"aabcaba")
        assert crowd.entered == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]

    async def test_who_fills_the_queue_makes_room_for_others(self) -> None:
        crowd = Crowd(width=1, queue=4)
        await crowd.come("a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3")
        assert sorted(crowd.refused) == ["a4", "a5", "b3"]
        await crowd.go(*"aabab")
        assert crowd.entered == ["a1", "a2", "b1", "a3", "b2"]

    async def test_nobody_waits_for_longer_than_there_is_time(self) -> None:
        crowd = Crowd(width=1, queue=10)
        await crowd.come("a1")
        (late,) = await crowd.come("b1", seconds=0.01)
        await late
        assert (crowd.refused, crowd.bulkhead.waiting) == (["b1"], 0)

    async def test_who_goes_away_takes_no_place_along(self) -> None:
        crowd = Crowd(width=1, queue=10)
        await crowd.come("a1")
        gone, also_gone, stays = await crowd.come("b1", "c1", "d1")
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        crowd.bulkhead.leave("a")  # c1 is let in, and goes away in that moment
        also_gone.cancel()
        await asyncio.gather(also_gone, stays, return_exceptions=True)
        assert crowd.entered == ["a1", "d1"]
        await crowd.go("d")
        assert (crowd.bulkhead.inside, crowd.bulkhead.waiting) == (0, 0)

    async def test_nobody_has_more_inside_than_a_share_however_much_room_there_is(self) -> None:
        crowd = Crowd(width=5, queue=10, share=2)
        await crowd.come("a1", "a2", "a3", "a4", "b1", "c1")
        assert (crowd.entered, crowd.bulkhead.inside, crowd.bulkhead.waiting) == (["a1", "a2", "b1", "c1"], 4, 2)
        await crowd.go("b1", "c1")
        assert crowd.bulkhead.inside == 2, "what others leave is not for who has a share already"
        await crowd.go("a1")
        assert crowd.entered[4:] == ["a3"]
        await crowd.go(*"aaa")
        assert (crowd.entered[5:], crowd.bulkhead.inside, crowd.bulkhead.waiting) == (["a4"], 0, 0)

    async def test_who_has_a_share_is_passed_over_until_one_of_theirs_leaves(self) -> None:
        crowd = Crowd(width=3, queue=10, share=2)
        await crowd.come("a1", "a2", "b1", "a3", "b2", "c1")
        assert crowd.entered == ["a1", "a2", "b1"]
        await crowd.go("b1")
        assert crowd.entered[3:] == ["b2"], "a3 came before, and has two inside"
        await crowd.go("a1")
        assert crowd.entered[4:] == ["a3"]
        await crowd.go("b2")
        assert crowd.entered[5:] == ["c1"]

    async def test_nobody_known_is_somebody_too(self) -> None:
        bulkhead = Bulkhead(width=3, queue=10, share=1)
        assert [bulkhead.try_enter(None), bulkhead.try_enter(None)] == [True, False]
        waiting = asyncio.create_task(bulkhead.enter(None, None))
        await asyncio.sleep(0)
        bulkhead.leave(None)
        await asyncio.wait_for(waiting, 60)
        assert (bulkhead.inside, bulkhead.waiting) == (1, 0)


OK = Answer(200, {}, b"[]")


def policy(*, connections: int = 1) -> Policy[Answer]:
    limits = PolicyLimits(timeout=0.5, connections=connections, queue=5, breaker_failures=3, breaker_seconds=0.2)
    return Policy("rest", limits, lambda answer: Fault(transient=False, opens_breaker=answer.status >= 500))


class TestPolicy:
    async def test_an_attempt_has_what_is_left_of_the_operation(self) -> None:
        given: list[float] = []

        async def attempt(seconds: float) -> Answer:
            given.append(seconds)
            return OK

        asked = policy()
        await asked.ask(attempt, None, repeatable=True)
        with DeadlineScope(0.2):
            await asked.ask(attempt, None, repeatable=True)
            await asyncio.sleep(0.1)
            await asked.ask(attempt, None, repeatable=True)
            with DeadlineScope(5):
                await asked.ask(attempt, None, repeatable=True)
        await asked.ask(attempt, None, repeatable=True)
        assert given == pytest.approx([0.5, 0.2, 0.1, 0.1, 0.5], abs=0.05)

    async def test_nothing_is_sent_once_the_time_is_over(self) -> None:
        async def never(_: float) -> Answer:
            raise AssertionError

        with DeadlineScope(0), pytest.raises(ApiError) as error:
            await policy().ask(never, None, repeatable=True)
        assert error.value.code is ErrorCode.TIMEOUT

    async def test_refusals_do_not_trip_the_breaker_and_failures_do(self) -> None:
        asked = policy()

        async def refuse(_: float) -> Answer:
            return Answer(429, {}, b"")

        async def fail(_: float) -> Answer:
            return Answer(503, {}, b"")

        for _ in range(10):
            await asked.ask(refuse, None, repeatable=True)
        assert asked.breaker.state == "closed"
        for _ in range(3):
            await asked.ask(fail, None, repeatable=True)
        with pytest.raises(ApiError) as error:
            await asked.ask(fail, None, repeatable=True)
        assert error.value.extensions == {"code": "UPSTREAM_UNAVAILABLE", "retryAfter": 1}

    async def test_who_waits_when_it_opens_is_refused_at_once(self) -> None:
        asked = policy()

        hung = 0

        async def hang(_: float) -> Answer:
            nonlocal hung
            hung += 1
            await asyncio.sleep(0.05)
            raise timed_out()

        found = await asyncio.gather(
            *(asked.ask(hang, None, repeatable=True) for _ in range(6)), return_exceptions=True
        )
        assert [error.code for error in found if isinstance(error, ApiError)] == [
            *[ErrorCode.TIMEOUT] * 3,
            *[ErrorCode.UPSTREAM_UNAVAILABLE] * 3,
        ]
        assert hung == 3, "the others were told without an attempt"
        assert asked.bulkhead.inside == asked.bulkhead.waiting == 0

    async def test_who_gives_up_frees_the_place_and_the_trial(self) -> None:
        asked = policy()

        async def fail(_: float) -> Answer:
            raise unavailable()

        async def hang(_: float) -> Answer:
            await asyncio.sleep(60)
            return OK

        async def answer(_: float) -> Answer:
            return OK

        for _ in range(3):
            with pytest.raises(ApiError):
                await asked.ask(fail, None, repeatable=False)
        await asyncio.sleep(0.2)
        trying = asyncio.create_task(asked.ask(hang, None, repeatable=True))
        await asyncio.sleep(0)
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        assert await asked.ask(answer, None, repeatable=True) is OK
        assert (asked.breaker.state, asked.bulkhead.inside) == ("closed", 0)


def test_nothing_bounds_what_has_no_deadline() -> None:
    assert deadline() == float("inf")
    with DeadlineScope(1):
        assert deadline() < time.monotonic() + 1.1
    assert deadline() == float("inf")


def test_when_to_come_back_is_a_number_or_a_date() -> None:
    assert retry_after(b"7") == 7
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert retry_after(in_a_minute) == pytest.approx(60, abs=1.5)
    assert retry_after(format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)) == 0
    assert [retry_after(text) for text in (None, b"", b"soon", b"-1", b"1.5", b"\xff")] == [None] * 6


class TestRetry:
    async def test_what_may_pass_is_asked_for_again(self) -> None:
        failures: list[ApiError] = [unavailable(), timed_out()]

        async def ask() -> str:
            if failures:
                raise failures.pop()
            return "at last"

        assert await retry(ask, 5) == "at last"

    async def test_what_will_not_pass_is_refused_at_once(self) -> None:
        async def ask() -> str:
            raise ApiError(ErrorCode.FORBIDDEN, "No.")

        with pytest.raises(ApiError, match=r"No\."):
            await retry(ask, 5)

    async def test_and_the_last_failure_when_the_time_is_over(self) -> None:
        async def ask() -> str:
            await asyncio.sleep(0)
            raise unavailable("Away.")

        began = time.monotonic()
        with pytest.raises(ApiError, match=r"Away\."):
            await retry(ask, 0.3)
        assert time.monotonic() - began > 0.25

    async def test_whoever_waits_for_a_turn_has_not_failed(self) -> None:
        async def ask() -> str:
            await asyncio.sleep(0.3)
            return "in turn"

        assert await retry(ask, 0.1) == "in turn"
