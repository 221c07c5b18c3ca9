"""Who keeps a gateway busy: readers, writers, counters, and followers of changes and queries that come and go."""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import Any

import aiohttp
import psycopg

from tests.live.clients import live
from tests.soak.ledger import Ledger
from tests.support import Person
from tripgate.local.stack import StackInfo

READS = (
    "query ($trip: UUID!) { trip(id: $trip) { title items(first: 20) { totalCount nodes { title notes } } } }",
    "{ trips(first: 10) { nodes { id title items(first: 5) { nodes { title } } } pageInfo { hasNextPage } } }",
    "query ($trip: UUID!) { tripItems(filter: { tripId: { eq: $trip } }, last: 5) { edges { cursor node { id } } } }",
    "query ($trip: UUID!) { trip(id: $trip) { collaborators { nodes { role user { displayName } } } } viewer { id } }",
)
CREATE = "mutation ($trip: UUID!, $title: String!) { createTripItem(input: { tripId: $trip, title: $title }) { id } }"
COUNT = "mutation ($id: UUID!, $notes: String!) { updateTripItem(id: $id, patch: { notes: $notes }) { notes } }"
FOLLOW = "subscription ($trip: UUID!) { tripItemChanges(tripId: $trip) { operation tripItem { title notes } } }"
WATCH = """subscription ($trip: UUID!) {
  trip(id: $trip) { title items(first: 100, orderBy: [{ createdAt: ASC }]) { nodes { title notes } } }
}"""


class Crowd:
    """People with a trip each, which two of them share."""

    def __init__(self, http: aiohttp.ClientSession, url: str, ledger: Ledger) -> None:
        self._http = http
        self._url = url
        self._ledger = ledger
        self._numbers = itertools.count(1)
        self._people: list[tuple[Person, str]] = []
        self.stopping = asyncio.Event()

    async def gather(self, info: StackInfo, count: int) -> None:
        """Sign people up; each makes a trip and shares it with the next."""
        anonymous = Person(self._http, self._url)
        people = [await anonymous.sign_up() for _ in range(count)]
        self._people = [(person, await person.trip(title="Soaked")) for person in people]
        with psycopg.connect(info.admin_db_url) as connection:
            for number, (_, trip) in enumerate(self._people):
                guest = people[(number + 1) % count].id
                connection.execute(
                    "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')", (trip, guest)
                )

    def busy(self) -> list[asyncio.Task[None]]:
        """Everybody at work until `stopping` is set."""
        jobs = []
        for number, (person, trip) in enumerate(self._people):
            guest = self._people[(number + 1) % len(self._people)][0]
            jobs += [self._read(person, trip), self._read(guest, trip), self._write(guest, trip)]
            jobs += [self._count(person, trip), self._watch(guest, trip)]
            jobs += [self._follow(person, trip), self._follow(guest, trip)]
        return [asyncio.create_task(job) for job in jobs]

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(random.uniform(0, 2 * seconds))

    async def _ask(self, what: str, person: Person, query: str, **variables: Any) -> tuple[Any, str | None]:
        """Data, or the code of the first error; `lost` where the connection ended."""
        try:
            _, body = await person.post(query, **variables)
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            self._ledger.mistake(f"{what}: the gateway hung up ({type(error).__name__})")
            return None, "lost"
        if errors := body.get("errors"):
            code = str(errors[0]["extensions"]["code"])
            self._ledger.excuse(what, code)
            return None, code
        self._ledger.counts[what] += 1
        return body["data"], None

    async def _read(self, person: Person, trip: str) -> None:
        while not self.stopping.is_set():
            data, _ = await self._ask("read", person, random.choice(READS), trip=trip)
            if data is not None and data.get("trip", "") is None:
                self._ledger.mistake("a trip that is there was not found")
            await self._pause(0.02)

    async def _write(self, person: Person, trip: str) -> None:
        while not self.stopping.is_set():
            title = f"Item {next(self._numbers)}"
            data, code = await self._ask("write", person, CREATE, trip=trip, title=title)
            if data is not None:
                self._ledger.kept.add(title)
            elif code == "OVERLOADED":
                self._ledger.refused.add(title)  # it says that nothing was sent
            else:
                self._ledger.open.add(title)
            await self._pause(0.05)

    async def _count(self, person: Person, trip: str) -> None:
        """Count up in one item's notes; what was acknowledged can never be less again."""
        title = f"Counter {next(self._numbers)}"
        item = None
        while item is None and not self.stopping.is_set():
            data, _ = await self._ask("write", person, CREATE, trip=trip, title=title)
            if data is not None:
                item = data["createTripItem"]["id"]
            else:
                title = f"Counter {next(self._numbers)}"
        for number in itertools.count(1):
            if self.stopping.is_set():
                return
            data, _ = await self._ask("count", person, COUNT, id=item, notes=str(number))
            if data is not None:
                self._ledger.counters[title] = number
            await self._pause(0.1)

    async def _follow(self, person: Person, trip: str) -> None:
        """Follow changes for a while, leave, come back."""
        while not self.stopping.is_set():
            heard: deque[str] = deque(maxlen=200)
            await self._followed(person, trip, FOLLOW, lambda data, heard=heard: self._hear(heard, data))

    async def _watch(self, person: Person, trip: str) -> None:
        """Follow a query for a while, leave, come back; what has been counted can never be less in a later answer."""
        while not self.stopping.is_set():
            counted: dict[str, int] = {}
            await self._followed(person, trip, WATCH, lambda data, counted=counted: self._see(counted, data))

    async def _followed(
        self, person: Person, trip: str, document: str, heard: Callable[[dict[str, Any]], None]
    ) -> None:
        ends = asyncio.get_running_loop().time() + random.uniform(2, 20)
        try:
            async with live(person) as connection:
                id_ = await connection.subscribe(document, trip=trip)
                while asyncio.get_running_loop().time() < ends and not self.stopping.is_set():
                    message = await connection._next(id_, 1)
                    if message["type"] == "error":
                        self._ledger.excuse("subscription", message["payload"][0]["extensions"]["code"])
                    if message["type"] != "next":
                        await self._pause(0.5)
                        return
                    heard(message["payload"]["data"])
        except TimeoutError:
            return
        except (aiohttp.ClientError, ConnectionError, TypeError) as error:
            self._ledger.counts[f"subscription lost: {type(error).__name__}"] += 1

    def _see(self, counted: dict[str, int], data: dict[str, Any]) -> None:
        self._ledger.counts["answers seen"] += 1
        if data["trip"] is None:
            self._ledger.mistake("a trip that is there was not found by who follows it")
            return
        for item in data["trip"]["items"]["nodes"]:
            number = int(item["notes"] or 0)
            if number < counted.get(item["title"], 0):
                self._ledger.mistake(f"{item['title']} went back from {counted[item['title']]} to {number}")
            counted[item["title"]] = number

    def _hear(self, heard: deque[str], data: dict[str, Any]) -> None:
        change = data["tripItemChanges"]
        if change["operation"] == "RESYNC":
            self._ledger.counts["resyncs"] += 1
            heard.clear()
            return
        self._ledger.counts["changes heard"] += 1
        if change["operation"] == "INSERT":
            title = change["tripItem"]["title"] if change["tripItem"] else ""
            if title and title in heard:
                self._ledger.mistake(f"{title} was told twice")
            heard.append(title)
