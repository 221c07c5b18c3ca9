"""How long it takes to reserve of what plans include: by the Data API, as Edge Functions do, of one person or many."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import aiohttp
import psycopg

from bench.load import WrongAnswerError
from bench.report import Outcome, aligned
from bench.site import Site

CALLERS = 8
EACH = 150
PEOPLE = 100


def measure(site: Site) -> Outcome:
    """Reserve with a key of its own each time, so that nothing is answered from before.

    Raises:
        WrongAnswerError: A reservation is refused.
    """
    people = customers(site.info.admin_db_url)
    rows = [("reserve_usage", "requests/s", "p50 ms", "p99 ms")]
    for title, who in ((f"{PEOPLE} people", people), ("one person", people[:1])):
        site.progress(f"usage: {title}, {CALLERS} callers")
        seconds, times = asyncio.run(_reserve(site.info.api_url, site.info.secret_key, who))
        rows.append(
            (
                f"{title}, {CALLERS} callers",
                f"{len(times) / seconds:.0f}",
                f"{times[len(times) // 2]:.1f}",
                f"{times[len(times) * 99 // 100]:.1f}",
            )
        )
    return Outcome("\n".join(aligned(rows)), [])


def customers(url: str) -> list[str]:
    """People of the data who pay for the largest plan."""
    with psycopg.connect(url) as connection:
        found = connection.execute("select id from public.profiles order by id limit %s", (PEOPLE,)).fetchall()
    people = [str(person) for (person,) in found]
    subscribe(url, people)
    return people


def subscribe(url: str, people: Sequence[str]) -> None:
    """Let them pay for the largest plan."""
    now = datetime.now(UTC)
    with psycopg.connect(url, autocommit=True) as connection:
        for person in people:
            connection.execute(
                "insert into public.subscriptions"
                " (user_id, stripe_subscription_id, plan_key, status, current_period_start, current_period_end)"
                " values (%s, %s, 'enterprise', 'active', %s, %s)",
                (person, f"sub_{uuid.uuid4().hex}", now, now + timedelta(days=30)),
            )


async def _reserve(api_url: str, secret_key: str, people: list[str]) -> tuple[float, list[float]]:
    """For how many seconds all callers reserved, and in how many milliseconds each reservation was answered, sorted."""
    headers = {"apikey": secret_key, "Authorization": f"Bearer {secret_key}"}
    times: list[float] = []

    async def caller(session: aiohttp.ClientSession, number: int) -> None:
        for place in range(EACH):
            asked = {
                "person": people[(number * EACH + place) % len(people)],
                "metric": "AI_COST",
                "amount": 0.0001,
                "key": uuid.uuid4().hex,
            }
            began = time.perf_counter()
            async with session.post(f"{api_url}/rest/v1/rpc/reserve_usage", json=asked) as answer:
                text = await answer.text()
            times.append((time.perf_counter() - began) * 1000)
            if answer.status != 200:
                raise WrongAnswerError(f"reserve_usage: {answer.status} {text[:300]}")

    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        began = time.perf_counter()
        await asyncio.gather(*(caller(session, number) for number in range(CALLERS)))
        return time.perf_counter() - began, sorted(times)
