"""How soon people see what somebody writes by WhatsApp: from the phone, by webhook and function, to the subscriber."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import aiohttp

from bench.contenders import TRIPGATE
from bench.load import WrongAnswerError, percentile
from bench.report import LIVE, Target
from bench.site import Site
from bench.streams import control
from bench.workloads import POINT

PEOPLE, EACH, PER_SECOND = 20, 15, 10
WARM = "Nobody waits for this one."
MOST_MS = 1000.0
HEARD = "subscription { whatsappMessageChanges { operation whatsappMessage { direction body } } }"


def measure(site: Site, people: Sequence[tuple[str, str]]) -> tuple[list[tuple[str, ...]], Target]:
    """A table and its target.

    Args:
        people: Id and number of people who have linked theirs.

    Raises:
        WrongAnswerError: Somebody did not hear each reply of their own once, or another's.
    """
    site.progress(f"whatsapp: {PEOPLE * EACH} replies, {PER_SECOND} a second")
    _, url = site.server(TRIPGATE, replace(POINT, settings={}), "replies")
    delays = sorted(asyncio.run(_replies(site, url, people[:PEOPLE])))
    p50, p99 = (percentile(delays, share) for share in (0.5, 0.99))
    rows: list[tuple[str, ...]] = [
        ("phone to subscriber", "replies", "p50 ms", "p99 ms", "most ms"),
        (f"{PEOPLE} people, {PER_SECOND} a second", f"{len(delays)}", f"{p50:.0f}", f"{p99:.0f}", f"{delays[-1]:.0f}"),
    ]
    title = "WhatsApp: phone to subscriber, p99"
    return rows, Target(LIVE, title, f"under {MOST_MS:g} ms", f"{p99:.0f} ms", p99 < MOST_MS)


async def _replies(site: Site, url: str, people: Sequence[tuple[str, str]]) -> list[float]:
    sent: dict[str, float] = {}
    listening = [asyncio.Event() for _ in people]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def write(number: str, text: str) -> None:
            sent[text] = time.perf_counter()
            await control(session, site, "POST", "meta/inbound", {"from": number, "text": text})

        followers = [
            asyncio.create_task(_heard(session, url, site.tokens.of(person), said, number))
            for (person, number), said in zip(people, listening, strict=True)
        ]

        async def begin(number: str, heard: asyncio.Event) -> None:
            while not heard.is_set():
                await write(number, WARM)
                with suppress(TimeoutError):
                    await asyncio.wait_for(heard.wait(), 2)

        # The first of all starts the function; and who follows hears nothing before they are let in.
        await asyncio.gather(*map(begin, (number for _, number in people), listening))
        writing = []
        for place in range(EACH):
            for _, number in people:
                writing.append(asyncio.create_task(write(number, f"{number} {place}")))
                await asyncio.sleep(1 / PER_SECOND)
        await asyncio.gather(*writing)
        heard = [one for each in await asyncio.gather(*followers) for one in each]
    return [(at - sent[text]) * 1000 for text, at in heard]


async def _heard(
    session: aiohttp.ClientSession, url: str, token: str, listening: asyncio.Event, number: str
) -> list[tuple[str, float]]:
    """What one person wrote, and when it was here; all of it."""
    heard: list[tuple[str, float]] = []
    async with (
        asyncio.timeout(PEOPLE * EACH / PER_SECOND + 90),
        session.ws_connect(url.replace("http", "ws", 1), protocols=("graphql-transport-ws",)) as socket,
    ):
        await socket.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        await socket.receive_json()
        await socket.send_json({"type": "subscribe", "id": "1", "payload": {"query": HEARD}})
        while len(heard) < EACH:
            message: dict[str, Any] = await socket.receive_json()
            if message["type"] == "ping":
                await socket.send_json({"type": "pong"})
            elif message["type"] != "next" or message["payload"].get("errors"):
                raise WrongAnswerError(f"replies: {str(message)[:300]}")
            else:
                change = message["payload"]["data"]["whatsappMessageChanges"]
                text = (change["whatsappMessage"] or {}).get("body") or ""
                if text == WARM:
                    listening.set()
                elif change["operation"] == "INSERT" and text.startswith(f"{number} "):
                    heard.append((text, time.perf_counter()))
                else:
                    raise WrongAnswerError(f"replies: {number} hears {str(change)[:300]}")
    if sorted(text for text, _ in heard) != sorted(f"{number} {place}" for place in range(EACH)):
        raise WrongAnswerError(f"replies: {number} hears {[text for text, _ in heard]}")
    return heard
