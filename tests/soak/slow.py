"""One account asks for the slowest that is permitted, on eighty connections at once; another must not notice."""

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from statistics import quantiles

import aiohttp
import psycopg

from tests.live.served import served
from tests.soak.ledger import Ledger
from tests.support import Person
from tripgate.local.stack import StackInfo

CONNECTIONS = 80
PLACES, LENGTH = 1500, 5000
ALTERNATIVES = 190  # below `TRIPGATE_MAX_CONDITIONS`
SLOWEST = "query ($filter: PlaceFilter) { places(filter: $filter) { totalCount } }"
QUICK = "{ trips(first: 5) { nodes { id title } } }"
PAUSE = 0.12  # below the quota of 600 requests a minute
MOST_SECONDS = 1.0
START_SECONDS = 2.0
# What the one who asks for it may be told.
ITS_OWN_FAULT = frozenset({"answered", "TIMEOUT", "OVERLOADED", "RATE_LIMITED"})
Say = Callable[[str], None]


async def slow(info: StackInfo, seconds: float, say: Say, direct: str) -> Ledger:
    """Half of the time without quotas, where shares alone must do, and half with them, as in production.

    Args:
        direct: The database to read from; empty where that is PostgREST's to do.
    """
    ledger = Ledger()
    reads = {"DATABASE_URL": direct} if direct else {}
    for quotas in (False, True):
        name = "with quotas" if quotas else "without quotas"
        await asyncio.to_thread(_quiet, info.admin_db_url)
        await _run(info, seconds / 2, name, ledger, say, RATE_LIMITS=str(quotas).lower(), **reads)
    return ledger


async def _run(info: StackInfo, seconds: float, name: str, ledger: Ledger, say: Say, **settings: str) -> None:
    async with (
        served(info, LOG_LEVEL="error", TRUSTED_PROXIES="127.0.0.1", **settings) as gateway,
        aiohttp.ClientSession(headers={"X-Forwarded-For": "198.51.100.2"}) as http,
    ):
        heavy = await Person(http, gateway.url).sign_up()
        light = await Person(http, gateway.url).sign_up()
        await light.trip(title="Not to be waited for")
        await asyncio.to_thread(_fill, info.admin_db_url, str(heavy.id))
        alone = await _asked(light, 5.0, ledger, f"{name}, alone")
        # In a process of its own, so that what it takes to ask for much delays nobody's clock.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as another:
            arguments = (gateway.url, str(heavy.token), seconds)
            asking = asyncio.get_running_loop().run_in_executor(another, ask_for_much, *arguments)
            await asyncio.sleep(START_SECONDS)
            beside = await _asked(light, seconds - START_SECONDS, ledger, f"{name}, beside")
            told = await asking
    for code, count in told.items():
        ledger.counts[f"{name}, slow: {code}"] += count
        if code not in ITS_OWN_FAULT:
            ledger.mistake(f"{name}: who asks for much is told {code}, {count} times")
    say(f"{name}: alone {_figures(alone)}; beside {CONNECTIONS} connections {_figures(beside)}")
    if _centile(beside, 99) > MOST_SECONDS:
        ledger.mistake(f"{name}: p99 beside another's load is {_centile(beside, 99):.2f} s, above {MOST_SECONDS:g} s")


def _quiet(url: str) -> None:
    """Return once no statement of a gateway before runs any more: Postgres goes on with what it was asked."""
    with psycopg.connect(url, autocommit=True) as connection:
        running = """
            select count(*) from pg_stat_activity
            where usename in ('authenticator', 'tripgate_gateway') and state = 'active'
        """
        while connection.execute(running).fetchone() != (0,):
            time.sleep(0.2)


def _fill(url: str, owner: str) -> None:
    """Places whose notes are as long as they may be, so that every search reads all of them."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into public.places (user_id, name, notes) "
            "select %s, 'Place ' || n, "
            "left((select string_agg(md5(n::text || m::text), ' ') from generate_series(1, 160) m), %s) "
            "from generate_series(1, %s) n",
            (owner, LENGTH, PLACES),
        )


def ask_for_much(url: str, token: str, seconds: float) -> dict[str, int]:
    """Ask for the slowest on all connections for so many seconds; how often what was answered."""
    return asyncio.run(_ask_for_much(url, token, seconds))


async def _ask_for_much(url: str, token: str, seconds: float) -> dict[str, int]:
    told: Counter[str] = Counter()
    ends = time.monotonic() + seconds

    async def ask(person: Person) -> None:
        while time.monotonic() < ends:
            words = [{"search": f"{number:x} {time.monotonic_ns():x}"} for number in range(ALTERNATIVES)]
            status, body = await person.post(SLOWEST, filter={"or": words})
            told[str(body["errors"][0]["extensions"]["code"]) if "errors" in body else "answered"] += 1
            if status == 429:
                await asyncio.sleep(1)

    headers = {"X-Forwarded-For": "198.51.100.1"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as http:
        await asyncio.gather(*(ask(Person(http, url, token)) for _ in range(CONNECTIONS)))
    return dict(told)


async def _asked(person: Person, seconds: float, ledger: Ledger, name: str) -> list[float]:
    """How long each quick request took, of those that came one after the other in so many seconds."""
    took = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.monotonic()
        status, body = await person.post(QUICK)
        took.append(time.monotonic() - began)
        if status != 200 or "errors" in body:
            ledger.mistake(f"{name}: another's request was answered {status} {body.get('errors')}")
        ledger.counts[f"{name}: quick"] += 1
        await asyncio.sleep(PAUSE)
    return took


def _centile(took: list[float], which: int) -> float:
    return quantiles(took, n=100, method="inclusive")[which - 1]


def _figures(took: list[float]) -> str:
    parts = (f"p{which} {1000 * _centile(took, which):.0f} ms" for which in (50, 99))
    return f"{', '.join(parts)}, most {1000 * max(took):.0f} ms of {len(took)}"
