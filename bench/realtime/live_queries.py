"""Live queries: everybody follows their trip with its items, and what the same costs whoever asks every second.

The poller asks as Hasura's does, each query anew every second, whether anything has changed or not, and sends what
differs; here each person's query is one request, since row level security makes it another for each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench.realtime import subscribers
from bench.realtime.subscribers import Judgement
from bench.report import Target, aligned

if TYPE_CHECKING:
    from bench.realtime.run import Written

RATE, SECONDS = 20.0, 15.0
_FIELDS = "trip(id: $trip) { id title items(first: 20) { nodes { id title notes } } }"
FOLLOWED = f"subscription ($trip: UUID!) {{ {_FIELDS} }}"
ASKED = f"query ($trip: UUID!) {{ {_FIELDS} }}"


@dataclass(frozen=True)
class Answers:
    """How changes came to people as answers.

    Attributes:
        reads: Requests to PostgREST for each change.
        cpu_ms: CPU milliseconds of the gateway for each change.
    """

    name: str
    judged: Judgement
    reads: float
    cpu_ms: float


def measure(
    run: Callable[..., object],
    meanwhile: Callable[..., "Written"],
    write: Callable[..., "Written"],
    spent: Callable[[], tuple[int, float]],
    trips: Sequence[str],
) -> list[Answers]:
    """Follow and then poll, each while the same number of changes is written.

    Args:
        run: Calls a function where the subscribers are.
        meanwhile: The same while it writes.
        write: Writes so many changes at a rate.
        spent: Requests to PostgREST, and CPU seconds of the gateway, so far.
    """
    changes = int(RATE * SECONDS)
    found = []
    run(subscribers.follow, FOLLOWED, trips)
    run(subscribers.collect, float("inf"), 3.0)
    for name, listen in (
        ("live queries", partial(subscribers.collect, float("inf"), 3.0)),
        ("poller, 1 s", partial(subscribers.poll, ASKED, trips, SECONDS + 4)),
    ):
        run(subscribers.forget)
        reads, cpu = spent()
        written = meanwhile(listen, partial(write, changes, rate=RATE))
        reads, cpu = spent()[0] - reads, spent()[1] - cpu
        judged = run(subscribers.judge_answers, *written)
        assert isinstance(judged, Judgement)
        found.append(Answers(name, judged, reads / changes, cpu * 1000 / changes))
    return found


def report(people: int, found: Sequence[Answers]) -> str:
    """A table of both."""
    rows = [
        (
            each.name,
            *(f"{value:,.0f}" for value in (each.judged.p50_ms, each.judged.p99_ms, each.judged.max_ms)),
            f"{each.reads:.1f}",
            f"{each.cpu_ms:.1f}",
        )
        for each in found
    ]
    head = ("", "p50 ms", "p99 ms", "max ms", "reads a change", "gateway ms a change")
    said = f"live queries: {people:,} of {people:,} people, {RATE:g} changes/s, from the commit to the answer"
    return "\n".join([said, *aligned([head, *rows])])


def targets(people_on_a_trip: int, found: Sequence[Answers]) -> list[Target]:
    """What was promised, each with what was measured."""
    judged, reads = found[0].judged, found[0].reads
    return [
        Target("live queries: p50 at 20 changes/s", "at most 150 ms", f"{judged.p50_ms:,.0f} ms", judged.p50_ms <= 150),
        Target("live queries: p99 at 20 changes/s", "at most 500 ms", f"{judged.p99_ms:,.0f} ms", judged.p99_ms <= 500),
        Target(
            "live queries: reads a change",
            f"at most {people_on_a_trip}, the people concerned",
            f"{reads:.1f}",
            reads <= people_on_a_trip,
        ),
        Target(
            "live queries: answers lost or older than one before",
            "none",
            f"{judged.lost + judged.out_of_order}",
            judged.lost + judged.out_of_order == 0,
        ),
    ]
