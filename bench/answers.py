"""What an answer of an agent takes of the processor in its function: of 4,000 tokens in as many pieces, at three rates.

The slower they come, the more often one wakes for them. The platform allows 2 s for all that a request does.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any

import aiohttp
import psutil
import psycopg

from bench import streams
from bench.cpu import Tree
from bench.load import WrongAnswerError
from bench.report import LIVE, ROOT, Target
from bench.site import Site
from bench.usage import customers

RATES, TOKENS = (60, 100, 400), 4000
MOST_SECONDS = 1.0
FUNCTION = "run-ai-agent"
ENTRYPOINT = ROOT / "supabase" / "functions" / FUNCTION / "index.ts"
# Four characters are a token of the fake's.
_ANSWER = "Wort " * (TOKENS * 4 // 5)


def measure(site: Site) -> tuple[list[tuple[str, ...]], Target]:
    """A table and its target: of the function's process, from the request to the end of its run.

    Raises:
        WrongAnswerError: A run does not end well.
    """
    person = customers(site.info.admin_db_url)[0]
    rows: list[tuple[str, ...]] = [("an answer of 4,000 tokens", "CPU s", "wall s")]
    worst = 0.0
    # What is loaded once.
    asyncio.run(_answered(site, person, {"text": "ok"}))
    for rate in RATES:
        site.progress(f"agents: an answer of {TOKENS:,} tokens, {rate} a second")
        function = _function()
        before, began = function.seconds(), time.monotonic()
        asyncio.run(_answered(site, person, {"text": _ANSWER, "chunksPerSecond": rate}))
        taken = function.seconds() - before
        worst = max(worst, taken)
        rows.append((f"{rate} pieces a second", f"{taken:.2f}", f"{time.monotonic() - began:.0f}"))
    title = f"agents: CPU of an answer of {TOKENS:,} tokens, at the worst of three rates"
    return rows, Target(LIVE, title, f"under {MOST_SECONDS:g} s", f"{worst:.2f} s", worst < MOST_SECONDS)


def _function() -> Tree:
    """The newest process of the function: an older one only ends what it has begun. Raises WrongAnswerError."""
    found = []
    for each in psutil.Process().children(recursive=True):
        # Others end while they are looked at.
        with suppress(psutil.NoSuchProcess):
            if each.status() != psutil.STATUS_ZOMBIE and each.cmdline()[-1:] == [str(ENTRYPOINT)]:
                found.append(each)
    if not found:
        raise WrongAnswerError(f"answers: there is no process of {FUNCTION}")
    return Tree(max(found, key=lambda each: each.create_time()).pid, alone=True)


async def _answered(site: Site, person: str, script: dict[str, Any]) -> None:
    """One run to its end."""
    async with aiohttp.ClientSession() as session:
        await streams.control(session, site, "POST", "ai/scripts", [script])
        run = await streams.begin(session, site, site.tokens.of(person), "Count.")
    async with await psycopg.AsyncConnection.connect(site.info.admin_db_url, autocommit=True) as connection:
        async with asyncio.timeout(150):
            while True:
                found = await connection.execute(
                    "select status, lease_until is null from public.ai_runs where id = %s", [run]
                )
                status, is_over = await found.fetchone() or ("gone", True)
                if is_over and status not in {"queued", "running"}:
                    break
                await asyncio.sleep(0.2)
    if status != "succeeded":
        raise WrongAnswerError(f"answers: a run {status}")
