"""Webhooks: what the faked services tell the project's own functions, signed, and as unreliably as a script asks.

Takes a body and how it is signed; sends it, again by the provider's schedule until it is taken, or holds it until a
test sends it in an order of its own. Nothing is sent but to this machine. Each attempt is signed anew, with this
machine's time and not the providers': by that a receiver judges how old it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import itertools
import logging
import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import aiohttp
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from yarl import URL

from tripgate.local.providers.clock import machine_time

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from tripgate.local.providers.clock import Clock
    from tripgate.local.providers.ledger import Ledger

MAX_KEPT = 2000
MAX_BYTES = 16_000_000
MAX_SENT_AT_ONCE = 5000
_SECONDS = 30.0

log = logging.getLogger(__name__)

State = Literal["waiting", "held", "dropped", "delivered", "refused"]


class Plan(BaseModel):
    """What becomes of the webhooks of a provider from now on. `copies` of each are sent, after `delay_seconds` of this
    machine's time; the next `drop` are not sent at all, nor tried again; with `hold` none is, until it is released.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=to_camel)

    hold: bool = False
    copies: int = Field(1, ge=1, le=10)
    drop: int = Field(0, ge=0, le=100_000)
    delay_seconds: float = Field(0.0, ge=0, le=300)


@dataclass
class Delivery:
    """One webhook. `statuses` are what its attempts were answered, None where there was no answer; `tried` is set once
    the first is over, or will not be made.
    """

    number: int
    provider: str
    label: str
    url: URL
    body: bytes
    sign: Callable[[bytes, datetime.datetime], Mapping[str, str]]
    retries: tuple[float, ...]
    made_at: datetime.datetime
    state: State = "waiting"
    statuses: list[int | None] = field(default_factory=list)
    tried: asyncio.Event = field(default_factory=asyncio.Event)

    def as_json(self) -> dict[str, Any]:
        """As tests read it."""
        return {
            "number": self.number,
            "provider": self.provider,
            "label": self.label,
            "url": str(self.url),
            "body": self.body.decode(errors="replace"),
            "madeAt": self.made_at.isoformat(),
            "state": self.state,
            "statuses": list(self.statuses),
        }


class Deliveries:
    """The webhooks of all providers, the newest 2000 of them."""

    def __init__(self, clock: Clock, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger
        self._kept: deque[Delivery] = deque()
        self._bytes = 0
        self._plans: dict[str, Plan] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def send(
        self,
        provider: str,
        url: str,
        body: bytes,
        sign: Callable[[bytes, datetime.datetime], Mapping[str, str]],
        *,
        label: str = "",
        retries: Sequence[float] = (),
    ) -> Delivery:
        """Tell the project something, soon.

        Args:
            sign: Gives the headers of an attempt, content type included, by its body and the time of the machine.
            label: What it tells, for people.
            retries: Seconds of the providers' clock until each further attempt, while no answer is a 2xx.

        Raises:
            ValueError: The address is not of this machine.
        """
        address = local_address(url)
        delivery = Delivery(
            next(self._numbers), provider, label, address, body, sign, tuple(retries), self._clock.now()
        )
        self._kept.append(delivery)
        self._bytes += len(body)
        while len(self._kept) > MAX_KEPT or (self._bytes > MAX_BYTES and len(self._kept) > 1):
            self._bytes -= len(self._kept.popleft().body)
        plan = self.plan(provider)
        if plan.hold:
            delivery.state = "held"
            delivery.tried.set()
        elif plan.drop:
            delivery.state = "dropped"
            delivery.tried.set()
            self._plans[provider] = plan.model_copy(update={"drop": plan.drop - 1})
        else:
            for copy in range(plan.copies):
                retrying = delivery.retries if copy == 0 else ()
                self._soon(self._send_later(delivery, plan.delay_seconds, retrying))
        return delivery

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what leads to webhooks: `settled` waits for it too, and `close` gives it up."""
        self._soon(work)

    async def send_now(self, numbers: Sequence[int], concurrency: int = 1) -> list[tuple[int, int | None]]:
        """Send these, in this order, as often as they are listed, whatever became of them before.

        Returns:
            Number and status of each, in that order.

        Raises:
            LookupError: One of them is not known, or not any more; then none is sent.
            ValueError: They are too many.
        """
        if len(numbers) > MAX_SENT_AT_ONCE:
            raise ValueError(f"At most {MAX_SENT_AT_ONCE} are sent at once")
        known = {delivery.number: delivery for delivery in self._kept}
        unknown = [number for number in numbers if number not in known]
        if unknown:
            raise LookupError(f"There is no delivery {unknown[0]}")
        queue = list(enumerate(known[number] for number in numbers))[::-1]
        answers: list[tuple[int, int | None]] = [(number, None) for number in numbers]

        async def work() -> None:
            while queue:
                place, delivery = queue.pop()
                answers[place] = (delivery.number, await self._attempt(delivery))

        await asyncio.gather(*(work() for _ in range(concurrency)))
        return answers

    def held(self, provider: str, *, shuffle: int | None = None, copies: int = 1, drop: int = 0) -> list[int]:
        """The numbers of what is held, in the order in which to send it.

        Args:
            shuffle: The seed of another order than that in which they were made.
            copies: How often each is to be sent.
            drop: How many of them, by that seed, are not to be sent: they are dropped.
        """
        held = [each for each in self._kept if each.provider == provider and each.state == "held"]
        chance = random.Random(shuffle)  # noqa: S311 - an order that a test can repeat
        for each in chance.sample(held, min(drop, len(held))):
            each.state = "dropped"
        numbers = [each.number for each in held if each.state == "held"] * copies
        if shuffle is not None:
            chance.shuffle(numbers)
        return numbers

    def plan(self, provider: str) -> Plan:
        """What becomes of its webhooks."""
        return self._plans.get(provider, Plan())

    def set_plan(self, provider: str, plan: Plan) -> None:
        """Decide that. What is held stays so."""
        self._plans[provider] = plan

    def listed(self, provider: str | None = None) -> list[Delivery]:
        """All that are known, the oldest first."""
        return [each for each in self._kept if provider is None or each.provider == provider]

    async def settled(self) -> None:
        """Wait until nothing is on its way. What waits for the clock is not."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def reset(self) -> None:
        """Forget everything; what is on its way is given up."""
        await self.close()
        self._kept.clear()
        self._bytes = 0
        self._plans.clear()

    async def close(self) -> None:
        """Send nothing more."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_later(self, delivery: Delivery, seconds: float, retries: tuple[float, ...]) -> None:
        await asyncio.sleep(seconds)
        await self._try(delivery, retries)

    async def _try(self, delivery: Delivery, retries: tuple[float, ...]) -> None:
        status = await self._attempt(delivery)
        if not taken(status) and retries:
            moment = self._clock.now() + datetime.timedelta(seconds=retries[0])
            self._clock.at(moment, lambda: self._try(delivery, retries[1:]))

    async def _attempt(self, delivery: Delivery) -> int | None:
        headers = {"User-Agent": f"tripgate-{delivery.provider}", **delivery.sign(delivery.body, machine_time())}
        entry = self._ledger.begin(
            delivery.provider,
            "told",
            "POST",
            str(delivery.url),
            headers.items(),
            delivery.body,
            self._clock.now(),
        )
        status: int | None = None
        try:
            async with self._client().post(
                delivery.url, data=delivery.body, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
                await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            self._ledger.end(entry, "failed", status, note=f"no answer: {type(error).__name__}")
        except asyncio.CancelledError:
            self._ledger.end(entry, "dropped", status)
            raise
        else:
            self._ledger.end(entry, "answered", status)
        delivery.statuses.append(status)
        # Taken once is taken: a repetition that is refused changes nothing.
        if delivery.state != "delivered":
            delivery.state = "delivered" if taken(status) else "refused"
        delivery.tried.set()
        return status

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_SECONDS), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def taken(status: int | None) -> bool:
    """Whether the receiver has taken a webhook."""
    return status is not None and 200 <= status < 300


def local_address(url: str) -> URL:
    """The address, of this machine. Raises ValueError for any other: nothing that is faked leaves it."""
    try:
        address = URL(url)
    except ValueError:
        address = URL()
    host, here = address.host or "", False
    with contextlib.suppress(ValueError):
        here = ipaddress.ip_address(host).is_loopback
    if address.scheme not in {"http", "https"} or not (here or host == "localhost"):
        raise ValueError(f"{url} is no http address of this machine, and webhooks go nowhere else")
    return address
