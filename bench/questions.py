"""Questions over much data, each asked many times, one at a time, over PostgREST and over SQL."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import aiohttp

from bench.contenders import TRIPGATE, TRIPGATE_SQL
from bench.data import Caller
from bench.load import WrongAnswerError
from bench.report import GATEWAY, MOST_MS, Target
from bench.site import Site
from bench.workloads import POINT

ASKED = 300


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        holds: What every right answer has in its text.
    """

    name: str
    document: str
    holds: str


def measure(
    site: Site, caller: Caller, part: str, of: str, questions: Sequence[Question], given: Mapping[str, Sequence[str]]
) -> tuple[list[tuple[str, ...]], Target]:
    """A table, and the target of the slowest.

    Args:
        part: Of the benchmark, which has servers of its own.
        of: How much data there is, in words.
        given: What variables are taken from in turn, by their names.

    Raises:
        WrongAnswerError: An answer is not what it should be.
    """
    rows = [(part, "over", "p50 ms", "p99 ms", "most ms")]
    worst = 0.0
    for contender in (TRIPGATE, TRIPGATE_SQL):
        _, url = site.server(contender, replace(POINT, settings={}), part)
        for question in questions:
            times = asyncio.run(_ask(url, caller, part, question, given))
            p50, p99, most = times[len(times) // 2], times[len(times) * 99 // 100], times[-1]
            worst = max(worst, p99)
            rows.append((question.name, contender.title, f"{p50:.1f}", f"{p99:.1f}", f"{most:.1f}"))
    title = f"the slowest query of {part}, of {of}, p99"
    return rows, Target(GATEWAY, title, f"at most {MOST_MS:g} ms", f"{worst:.1f} ms", worst <= MOST_MS)


async def _ask(
    url: str, caller: Caller, part: str, question: Question, given: Mapping[str, Sequence[str]]
) -> list[float]:
    """In how many milliseconds each was answered, sorted."""
    used = [name for name in given if f"${name}:" in question.document]
    variables: Iterator[dict[str, str]] = (
        dict(zip(used, values, strict=True))
        for values in (
            zip(*(itertools.cycle(given[name]) for name in used), strict=False) if used else itertools.repeat(())
        )
    )
    headers = {"Authorization": f"Bearer {caller.token}"}
    times = []
    async with aiohttp.ClientSession(headers=headers) as session:
        # The first ones make connections and read pages.
        for number in range(-20, ASKED):
            body = {"query": question.document, "variables": next(variables)}
            began = time.perf_counter()
            async with session.post(url, json=body) as answer:
                text = await answer.text()
            if answer.status != 200 or '"errors"' in text or question.holds not in text:
                raise WrongAnswerError(f"{part}: {question.name}: {answer.status} {text[:300]}")
            if number >= 0:
                times.append((time.perf_counter() - began) * 1000)
    return sorted(times)
