"""Counts what clients ask, and refuses what is more than their quotas: HTTP 429, RATE_LIMITED."""

import time
from collections import Counter
from typing import Any, NamedTuple

from aiohttp import web

from gql.errors import ErrorCode
from tripgate.gateway.edge.http_error import HttpError
from tripgate.gateway.operation import Operation, RequestError
from tripgate.gateway.rates.addresses import Addresses
from tripgate.gateway.rates.attempts import Attempt, account, attempts, may_attempt
from tripgate.gateway.rates.guesses import Guesses
from tripgate.gateway.rates.shared import Shared
from tripgate.gateway.settings import Settings
from tripgate.upstream.arrivals import welcoming
from tripgate.upstream.caller import Caller
from tripgate.upstream.resilience.payer import Payer, paying
from tripgate.upstream.resilience.policy import FREE_SECONDS
from tripgate.upstream.shared.quotas import Quota, Quotas, Taken
from tripgate.upstream.shared.visitors import OwnVisitors, Visitors

_LATE = 1000
_EXHAUSTED_SECONDS = 1.0
_MOST_EXHAUSTED = 10_000


class RateLimitedError(HttpError):
    """The refusal of what is more than a quota.

    Args:
        what: What there was too much of, as the beginning of a sentence.
        taken: What came of taking it.
    """

    def __init__(self, what: str, quota: Quota, taken: Taken) -> None:
        seconds = taken.seconds
        super().__init__(
            429,
            f"{what}: at most {quota.limit:,} a minute. Try again in {seconds} second{'s' * (seconds != 1)}.",
            ErrorCode.RATE_LIMITED,
            {**rate_headers(quota, taken), "Retry-After": str(seconds)},
        )
        self.extensions["retryAfter"] = seconds


def rate_headers(quota: Quota, taken: Taken) -> dict[str, str]:
    """What the client may read of its quota, as the IETF's draft on RateLimit header fields has it."""
    return {
        "RateLimit-Policy": f'"{quota.name}";q={quota.limit};w={quota.seconds}',
        "RateLimit": f'"{quota.name}";r={taken.remaining};t={taken.seconds}',
    }


class _Exhausted(NamedTuple):
    """Somebody with nothing left, until when that need not be looked up."""

    until: float
    quota: Quota
    taken: Taken


class Rates:
    """The quotas, each for a minute; one of 0 does not count.

    Args:
        quotas: Where it is counted.
        per_person: Operations of somebody signed in.
        per_address: Requests and operations of an address, whoever is signed in there.
        attempts_per_address: Attempts to sign in.
        attempts_per_account: Attempts to sign in to one account from one address; see `guesses`.
        visitors: Where people have signed in before.
        cost: What one person's operations may cost together; of nobody signed in, an address's.
        hide_suggestions: Whether errors of variables keep the schema's other names to themselves.
    """

    def __init__(
        self,
        quotas: Quotas,
        addresses: Addresses,
        *,
        per_person: int = 0,
        per_address: int = 0,
        attempts_per_address: int = 0,
        attempts_per_account: int = 0,
        visitors: Visitors | None = None,
        cost: int = 0,
        hide_suggestions: bool = True,
    ) -> None:
        self.quotas = quotas
        self.person = Quota("person", per_person) if per_person else None
        self.address = Quota("address", per_address) if per_address else None
        self.attempts = Quota("sign-in-address", attempts_per_address) if attempts_per_address else None
        self.visitors = OwnVisitors() if visitors is None else visitors
        self.guesses = Guesses(quotas, self.visitors, attempts_per_account) if attempts_per_account else None
        self.cost = Quota("cost", cost) if cost else None
        self.hide_suggestions = hide_suggestions
        self.refused: Counter[str] = Counter()
        self._addresses = addresses
        self.exhausted: dict[str, _Exhausted] = {}

    def exhaust(self, key: str, quota: Quota, taken: Taken) -> None:
        """Remember for a moment that nothing is left of the quota for this key."""
        if len(self.exhausted) >= _MOST_EXHAUSTED:
            self.exhausted.clear()
        self.exhausted[key] = _Exhausted(time.monotonic() + min(_EXHAUSTED_SECONDS, taken.seconds), quota, taken)

    def refusal(self, what: str, quota: Quota, taken: Taken) -> RateLimitedError:
        """The refusal, counted by the quota's name in `refused`."""
        self.refused[quota.name] += 1
        return RateLimitedError(what, quota, taken)

    async def visit(self, request: web.Request) -> "Visit":
        """Count a request or a connection before anything of it is read.

        Raises:
            RateLimitedError: Too many come from its address.
        """
        visit = Visit(self, self._addresses.of(request))
        await visit.again()
        return visit


class Visit(Payer):
    """A client that its address's quota has let in: one request, or a connection with many. It pays for what it asks.

    What a request takes of Supabase beyond its first tenth of a second costs 1 a millisecond, and 1,000 more where it
    is not answered in time. That is known only afterwards, so it counts against what is asked next.
    """

    __slots__ = ("_address", "_rates", "_taken")

    def __init__(self, rates: Rates, address: str) -> None:
        super().__init__(address)
        self._rates = rates
        self._address = address
        self._taken: Taken | None = None

    async def again(self) -> None:
        """Count one more of the address.

        Raises:
            RateLimitedError: Too many come from there.
        """
        quota = self._rates.address
        if quota is not None:
            taken = self._taken = await self._rates.quotas.take(quota, self._address)
            if not taken.allowed:
                raise self._rates.refusal("Too many requests from this address", quota, taken)

    async def by(self, caller: Caller) -> dict[str, str]:
        """Count one of the caller's, once it is known who that is; the headers for the answer.

        Raises:
            RateLimitedError: This person asks too often.
        """
        quota, person = self._rates.person, caller.user_id
        self.key = person or self._address
        paying.set(self)
        if quota is None or person is None:
            return rate_headers(self._rates.address, self._taken) if self._rates.address and self._taken else {}
        taken = await self._rates.quotas.take(quota, person)
        if not taken.allowed:
            raise self._rates.refusal("Too many requests of this account", quota, taken)
        return rate_headers(quota, taken)

    def spent(self, seconds: float, *, late: bool) -> None:
        """A request to Supabase is over: its time is charged to the person, or the address."""
        quota = self._rates.cost
        if quota is not None and self.key is not None:
            points = max(0, int(1000 * (seconds - FREE_SECONDS))) + _LATE * late
            self._rates.quotas.charge(quota, self.key, points)

    async def runs(self, operation: Operation, variables: dict[str, Any], caller: Caller) -> None:
        """Count what an operation may cost and whom it tries to sign in as, before it runs.

        Raises:
            RateLimitedError: Together with what came in the last minute it is too much.
        """
        if self._rates.exhausted:
            self._refuse_at_once(operation, caller)
        tries = may_attempt(operation)
        if self._rates.cost is None and not tries:
            return
        hide = self._rates.hide_suggestions
        try:
            if caller.token is None:
                closed = operation.closed_to(caller, variables, hide_suggestions=hide)
                if closed is not None:
                    await self._costs(len(closed), caller)
                    return
            prepared = operation.prepared(variables, hide_suggestions=hide)
        except RequestError:
            # It will not run, and says why by itself; but its variables had to be read for that.
            await self._costs(operation.cost_of_reading(variables), caller)
            return
        if tries:
            await self._tries(attempts(prepared.roots, prepared.values, caller))
            welcoming.set(self._welcome)
        await self._costs(prepared.cost, caller)

    async def _tries(self, tries: list[Attempt]) -> None:
        from_address, guesses = self._rates.attempts, self._rates.guesses
        if from_address is not None and tries:
            taken = await self._rates.quotas.take(from_address, self._address, len(tries))
            if not taken.allowed:
                raise self._rates.refusal("Too many attempts to sign in from this address", from_address, taken)
        if guesses is not None:
            for (kind, account), times in Counter(tries).items():
                if account is not None:
                    refused = await guesses.take(kind, account, self._address, times)
                    if refused is not None:
                        raise self._rates.refusal(refused.what, refused.quota, refused.taken)

    async def _welcome(self, email: str) -> None:
        """Somebody has signed in from here."""
        await self._rates.visitors.welcome(account(email), self._address)

    async def _costs(self, cost: int, caller: Caller) -> None:
        quota = self._rates.cost
        if quota is not None and cost:
            taken = await self._rates.quotas.take(quota, caller.user_id or self._address, cost)
            if not taken.allowed:
                if not taken.remaining:
                    self._rates.exhaust(caller.user_id or self._address, quota, taken)
                what = f"What you asked lately with the time it took, and this for {cost:,}, cost too much"
                raise self._rates.refusal(what, quota, taken)

    def _refuse_at_once(self, operation: Operation, caller: Caller) -> None:
        """Refuse what costs anything of whoever has nothing left, before its variables are looked at: that takes time.

        Raises:
            RateLimitedError: There was nothing left a moment ago.
        """
        found = self._rates.exhausted.get(caller.user_id or self._address)
        if found is not None and time.monotonic() < found.until and not operation.needs_nobody:
            raise self._rates.refusal("What you asked lately, with the time it took, cost too much", *found[1:])


def rates_of(settings: Settings, shared: Shared, addresses: Addresses) -> Rates | None:
    """The quotas that the settings ask for; none in development unless it asks for them."""
    limited = not settings.development if settings.rate_limits is None else settings.rate_limits
    if not limited:
        return None
    return Rates(
        shared.quotas,
        addresses,
        per_person=settings.requests_per_person,
        per_address=settings.requests_per_address,
        attempts_per_address=settings.sign_in_attempts_per_address,
        attempts_per_account=settings.sign_in_attempts_per_account,
        visitors=shared.visitors,
        cost=settings.cost_per_person,
        hide_suggestions=not settings.development,
    )
