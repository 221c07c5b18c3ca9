"""Lets requests in, by address, person, attempts to sign in and cost. Beyond a quota there is HTTP 429, RATE_LIMITED.

Each transport does the same: `arrive` before anything is read, `identify` once it is known who asks, and `admit` for
each operation, which answers with what may run.
"""

import time
from collections import Counter
from typing import NamedTuple

from graphql import OperationType

from gql.errors import ErrorCode
from tripgate.gateway.admission.attempts import Attempt, account, attempts, may_attempt
from tripgate.gateway.admission.headers import rate_headers
from tripgate.gateway.admission.shared import Shared
from tripgate.gateway.admission.sign_in_limiter import SignInLimiter
from tripgate.gateway.edge.http_error import HttpError
from tripgate.gateway.operation import Operation, PreparedOperation, RequestError
from tripgate.gateway.request import GraphQLRequest
from tripgate.gateway.settings import Settings
from tripgate.upstream.caller import Caller
from tripgate.upstream.resilience.payer import Payer, paying
from tripgate.upstream.resilience.policy import FREE_SECONDS
from tripgate.upstream.shared.known_addresses import KnownAddresses, LocalKnownAddresses
from tripgate.upstream.shared.quotas import Quota, Quotas, Taken
from tripgate.upstream.sign_ins import on_sign_in

_LATE = 1000
_EXHAUSTED_SECONDS = 1.0
_MOST_EXHAUSTED = 10_000


class RateLimitedError(HttpError):
    """The refusal of what is more than a quota.

    Args:
        what: What there was too much of, as the beginning of a sentence.
        taken: What came of taking it.
        wanted: How much the request takes by itself. More than the whole quota never fits, so nobody is told to wait.
    """

    def __init__(self, what: str, quota: Quota, taken: Taken, wanted: int = 1) -> None:
        seconds, headers = taken.seconds, rate_headers(quota, taken)
        most = f"{what}: at most {quota.limit:,} a minute"
        if wanted > quota.limit:
            message = f"{most}, and this alone asks for {wanted:,}. Split it into several requests."
        else:
            message = f"{most}. Try again in {seconds} second{'s' * (seconds != 1)}."
            headers["Retry-After"] = str(seconds)
        super().__init__(429, message, ErrorCode.RATE_LIMITED, headers)
        if wanted <= quota.limit:
            self.extensions["retryAfter"] = seconds


class _Exhausted(NamedTuple):
    """A quota that is used up for a key, and until when that is known without asking where it is counted."""

    until: float
    quota: Quota
    taken: Taken


class Admission:
    """The quotas that all clients are held to, each for a minute; one of 0 does not count.

    Args:
        quotas: Where it is counted.
        per_person: Operations of somebody signed in.
        per_address: Requests and operations of an address, whoever is signed in there.
        attempts_per_address: Attempts to sign in.
        attempts_per_account: Attempts to sign in to one account from one address; see `SignInLimiter`.
        known_addresses: Where people have signed in before.
        cost: What one person's operations may cost together; of nobody signed in, an address's.

    Attributes:
        limits: Whether there is any.
        refused: How many requests were refused, by the quota's name.
    """

    def __init__(
        self,
        quotas: Quotas,
        *,
        per_person: int = 0,
        per_address: int = 0,
        attempts_per_address: int = 0,
        attempts_per_account: int = 0,
        known_addresses: KnownAddresses | None = None,
        cost: int = 0,
    ) -> None:
        self.quotas = quotas
        self.person = Quota("person", per_person) if per_person else None
        self.address = Quota("address", per_address) if per_address else None
        self.attempts = Quota("sign-in-address", attempts_per_address) if attempts_per_address else None
        self.known_addresses = LocalKnownAddresses() if known_addresses is None else known_addresses
        self.sign_ins = (
            SignInLimiter(quotas, self.known_addresses, attempts_per_account) if attempts_per_account else None
        )
        self.cost = Quota("cost", cost) if cost else None
        self.limits = any((self.person, self.address, self.attempts, self.sign_ins, self.cost))
        self.refused: Counter[str] = Counter()
        self.exhausted: dict[str, _Exhausted] = {}

    def exhaust(self, key: str, quota: Quota, taken: Taken) -> None:
        """Remember for a moment that nothing is left of the quota for this key."""
        if len(self.exhausted) >= _MOST_EXHAUSTED:
            self.exhausted.clear()
        self.exhausted[key] = _Exhausted(time.monotonic() + min(_EXHAUSTED_SECONDS, taken.seconds), quota, taken)

    def refusal(self, what: str, quota: Quota, taken: Taken, wanted: int = 1) -> RateLimitedError:
        """The refusal, counted by the quota's name in `refused`."""
        self.refused[quota.name] += 1
        return RateLimitedError(what, quota, taken, wanted)

    async def arrive(self, address: str) -> "Client":
        """Count a request or a connection before anything of it is read.

        Args:
            address: As `Addresses` tells it.

        Raises:
            RateLimitedError: Too many come from there.
        """
        client = Client(self, address)
        await client.count_request()
        return client


class CostPayer(Payer):
    """Charges one operation's time at Supabase to its caller, or to the address of an anonymous one.

    What a request takes beyond its first tenth of a second costs 1 a millisecond, and 1,000 more where it is not
    answered in time. That is known only afterwards, so it counts against what is asked next. One for each operation,
    since the operations of a connection may be of different callers: its token may end while they run.
    """

    __slots__ = ("_admission",)

    def __init__(self, admission: Admission, key: str) -> None:
        self.key = key
        self._admission = admission

    def spent(self, seconds: float, *, late: bool) -> None:
        """A request to Supabase is over: its time is charged to the person, or the address."""
        quota = self._admission.cost
        if quota is not None and self.key is not None:
            points = max(0, int(1000 * (seconds - FREE_SECONDS))) + _LATE * late
            self._admission.quotas.charge(quota, self.key, points)


class Client:
    """A client that its address's quota has let in: one request, or a connection with many.

    Attributes:
        address: Where it asks from.
    """

    __slots__ = ("_admission", "_taken", "address")

    def __init__(self, admission: Admission, address: str) -> None:
        self.address = address
        self._admission = admission
        self._taken: Taken | None = None

    async def count_request(self) -> None:
        """Count one more of the address.

        Raises:
            RateLimitedError: Too many come from there.
        """
        quota = self._admission.address
        if quota is not None:
            taken = self._taken = await self._admission.quotas.take(quota, self.address)
            if not taken.allowed:
                raise self._admission.refusal("Too many requests from this address", quota, taken)

    async def identify(self, caller: Caller) -> dict[str, str]:
        """Count one of the caller's, once it is known who that is; the headers for the answer.

        What runs from here on is paid for by the person, or the address.

        Raises:
            RateLimitedError: This person asks too often.
        """
        quota, person = self._admission.person, caller.user_id
        paying.set(CostPayer(self._admission, person or self.address))
        if quota is None or person is None:
            address = self._admission.address
            return rate_headers(address, self._taken) if address is not None and self._taken is not None else {}
        taken = await self._admission.quotas.take(quota, person)
        if not taken.allowed:
            raise self._admission.refusal("Too many requests of this account", quota, taken)
        return rate_headers(quota, taken)

    async def admit(self, request: GraphQLRequest, operation: Operation, caller: Caller) -> PreparedOperation:
        """What may run, once it is counted what that may cost and whom it tries to sign in as.

        Raises:
            RateLimitedError: Together with what came in the last minute it is too much.
            ApiError: As `Operation.prepare`.
            RequestError: Likewise.
        """
        admission = self._admission
        if admission.exhausted:
            self._refuse_at_once(operation, caller)
        try:
            prepared = operation.prepare(request.variables, caller, anew=request.explanation is not None)
        except RequestError:
            # It does not run; but its variables had to be read for that.
            await self.charge(operation.cost_of_reading(request.variables), caller)
            raise
        if operation.kind is OperationType.MUTATION and not prepared.closed and may_attempt(operation):
            await self._count_attempts(attempts(prepared.roots, prepared.values, caller))
        if prepared.cost:
            await self.charge(prepared.cost, caller)
        return prepared

    async def _count_attempts(self, tries: list[Attempt]) -> None:
        admission = self._admission
        from_address, sign_ins = admission.attempts, admission.sign_ins
        if from_address is not None and tries:
            taken = await admission.quotas.take(from_address, self.address, len(tries))
            if not taken.allowed:
                what = "Too many attempts to sign in from this address"
                raise admission.refusal(what, from_address, taken, len(tries))
        if sign_ins is not None:
            for (kind, account), times in Counter(tries).items():
                if account is not None:
                    refused = await sign_ins.take(kind, account, self.address, times)
                    if refused is not None:
                        raise admission.refusal(refused.what, refused.quota, refused.taken, times)
            on_sign_in.set(self._remember_address)

    async def _remember_address(self, email: str) -> None:
        """Somebody has signed in from here."""
        await self._admission.known_addresses.remember(account(email), self.address)

    async def charge(self, cost: int, caller: Caller) -> None:
        """Count what an operation costs, or goes on to cost.

        Raises:
            RateLimitedError: Together with what came in the last minute it is too much.
        """
        quota = self._admission.cost
        if quota is not None:
            taken = await self._admission.quotas.take(quota, caller.user_id or self.address, cost)
            if not taken.allowed:
                raise self._cost_exceeded(cost, quota, taken, caller)

    def _cost_exceeded(self, cost: int, quota: Quota, taken: Taken, caller: Caller) -> RateLimitedError:
        if not taken.remaining:
            self._admission.exhaust(caller.user_id or self.address, quota, taken)
        what = f"What you asked lately with the time it took, and this for {cost:,}, cost too much"
        return self._admission.refusal(what, quota, taken, cost)

    def _refuse_at_once(self, operation: Operation, caller: Caller) -> None:
        """Refuse an operation whose caller has spent the whole quota, before its variables are read: that takes time.

        Raises:
            RateLimitedError: There was nothing left a moment ago.
        """
        found = self._admission.exhausted.get(caller.user_id or self.address)
        if found is not None and time.monotonic() < found.until and not operation.allows_anonymous:
            raise self._admission.refusal("What you asked lately, with the time it took, cost too much", *found[1:])


def admission_of(settings: Settings, shared: Shared) -> Admission:
    """The quotas that the settings ask for; none in development unless it asks for them."""
    if not settings.limits_rates:
        return Admission(shared.quotas)
    return Admission(
        shared.quotas,
        per_person=settings.requests_per_person,
        per_address=settings.requests_per_address,
        attempts_per_address=settings.sign_in_attempts_per_address,
        attempts_per_account=settings.sign_in_attempts_per_account,
        known_addresses=shared.known_addresses,
        cost=settings.cost_per_person,
    )
