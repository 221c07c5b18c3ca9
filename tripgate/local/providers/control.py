"""`/providers/control/…`: what tests do to the faked services, with the project's secret key and from this machine.

    GET, DELETE        ledger       ?provider= ?after=   what was asked and told
    GET, POST          clock        {"advanceSeconds"}
    GET, POST, DELETE  failures     a `Failure`
    GET                deliveries   ?provider=
    POST               deliveries/plan      a `Plan` and "provider"
    POST               deliveries/release   what is held, in an order of its own
    POST               deliveries/send      {"numbers", "concurrency"}
    POST               deliveries/settle    waits until nothing is on its way
    POST               reset        everything as at the start
    *                  <provider>/…         what the provider has for tests

All JSON; 400 and a sentence for what makes no sense.
"""

# Evaluated annotations: pydantic reads them at run time.
import datetime
import ipaddress
from hmac import compare_digest
from typing import TypeVar

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from tripgate.local.providers.clock import TooManyCallsError
from tripgate.local.providers.deliveries import Plan
from tripgate.local.providers.failures import Failure
from tripgate.local.providers.house import House

_Model = TypeVar("_Model", bound=BaseModel)


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=to_camel)


class Advance(_Asked):
    """How far to advance the clock."""

    advance_seconds: float = Field(ge=0)


class ProviderPlan(Plan):
    """A provider's plan."""

    provider: str


class Release(_Asked):
    """How to send what is held: see `Deliveries.held`."""

    provider: str
    shuffle: int | None = None
    copies: int = Field(1, ge=1, le=10)
    drop: int = Field(0, ge=0)
    concurrency: int = Field(1, ge=1, le=64)


class Send(_Asked):
    """Which to send, and how many at a time."""

    numbers: list[int] = Field(min_length=1)
    concurrency: int = Field(1, ge=1, le=64)


class _RefusedError(Exception):
    """What was asked makes no sense; the message says why."""


def create(house: House, secret_key: str) -> web.Application:
    """The application behind `/providers/control`."""
    app = web.Application(middlewares=[only_with(secret_key), _told])
    control = _Control(house)
    app.router.add_get("/ledger", control.ledger)
    app.router.add_delete("/ledger", control.empty_ledger)
    app.router.add_get("/clock", control.clock)
    app.router.add_post("/clock", control.advance)
    app.router.add_get("/failures", control.failures)
    app.router.add_post("/failures", control.fail)
    app.router.add_delete("/failures", control.fail_no_more)
    app.router.add_get("/deliveries", control.deliveries)
    app.router.add_post("/deliveries/plan", control.plan)
    app.router.add_post("/deliveries/release", control.release)
    app.router.add_post("/deliveries/send", control.send)
    app.router.add_post("/deliveries/settle", control.settle)
    app.router.add_post("/reset", control.reset)
    house.add_controls_to(app)
    return app


def only_with(secret_key: str) -> Middleware:
    """Refuse who is not of this machine, or has another key, or none."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _of_this_machine(request.remote):
            return _refusal(403, "The faked services are controlled from this machine alone.")
        given = request.headers.get("apikey", "")
        if not compare_digest(given.encode(errors="replace"), secret_key.encode()):
            return _refusal(403, "The faked services are controlled with the secret key, in header apikey.")
        return await handler(request)

    return check


@web.middleware
async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ValidationError as error:
        return _refusal(400, _first_mistake(error))
    except (_RefusedError, ValueError, LookupError, TooManyCallsError) as error:
        return _refusal(400, str(error))


class _Control:
    def __init__(self, house: House) -> None:
        self._house = house

    async def ledger(self, request: web.Request) -> web.Response:
        after = request.query.get("after", "0")
        if not after.isdecimal():
            raise _RefusedError("after must be the number of an entry")
        entries = self._house.ledger.entries(self._provider(request), after=int(after))
        return web.json_response({"entries": [entry.as_json() for entry in entries]})

    async def empty_ledger(self, _: web.Request) -> web.Response:
        self._house.ledger.empty()
        return web.Response(status=204)

    async def clock(self, _: web.Request) -> web.Response:
        clock = self._house.clock
        return web.json_response({"now": clock.now().isoformat(), "aheadSeconds": clock.ahead.total_seconds()})

    async def advance(self, request: web.Request) -> web.Response:
        asked = await _body(request, Advance)
        clock = self._house.clock
        try:
            by = datetime.timedelta(seconds=asked.advance_seconds)
        except OverflowError:
            by = datetime.timedelta.max
        calls = await clock.advance(by)
        await self._house.deliveries.settled()
        return web.json_response(
            {"now": clock.now().isoformat(), "aheadSeconds": clock.ahead.total_seconds(), "calls": calls}
        )

    async def failures(self, _: web.Request) -> web.Response:
        return web.json_response({"failures": self._house.failures.as_json()})

    async def fail(self, request: web.Request) -> web.Response:
        failure = await _body(request, Failure)
        self._known(failure.provider)
        return web.json_response({"number": self._house.failures.add(failure)}, status=201)

    async def fail_no_more(self, _: web.Request) -> web.Response:
        self._house.failures.empty()
        return web.Response(status=204)

    async def deliveries(self, request: web.Request) -> web.Response:
        listed = self._house.deliveries.listed(self._provider(request))
        return web.json_response({"deliveries": [each.as_json() for each in listed]})

    async def plan(self, request: web.Request) -> web.Response:
        plan = await _body(request, ProviderPlan)
        only_plan = Plan.model_validate(plan.model_dump(exclude={"provider"}, by_alias=True))
        self._house.deliveries.set_plan(self._known(plan.provider), only_plan)
        return web.Response(status=204)

    async def release(self, request: web.Request) -> web.Response:
        asked = await _body(request, Release)
        deliveries = self._house.deliveries
        numbers = deliveries.held(
            self._known(asked.provider), shuffle=asked.shuffle, copies=asked.copies, drop=asked.drop
        )
        return await self._sent(numbers, asked.concurrency)

    async def send(self, request: web.Request) -> web.Response:
        asked = await _body(request, Send)
        return await self._sent(asked.numbers, asked.concurrency)

    async def settle(self, _: web.Request) -> web.Response:
        await self._house.deliveries.settled()
        return web.Response(status=204)

    async def reset(self, _: web.Request) -> web.Response:
        await self._house.reset()
        return web.Response(status=204)

    async def _sent(self, numbers: list[int], concurrency: int) -> web.Response:
        answers = await self._house.deliveries.send_now(numbers, concurrency)
        return web.json_response({"sent": [{"number": number, "status": status} for number, status in answers]})

    def _provider(self, request: web.Request) -> str | None:
        name = request.query.get("provider")
        return None if name is None else self._known(name)

    def _known(self, name: str) -> str:
        if name not in self._house.providers:
            known = ", ".join(self._house.providers) or "none"
            raise _RefusedError(f"There is no provider {name!r}; there are: {known}")
        return name


async def _body(request: web.Request, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        raise _RefusedError(_first_mistake(error)) from error


def _first_mistake(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "body"
    return f"{where}: {first['msg']}"


def _of_this_machine(remote: str | None) -> bool:
    try:
        return ipaddress.ip_address(remote or "").is_loopback
    except ValueError:
        return False


def _refusal(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status, headers={hdrs.CACHE_CONTROL: "no-store"})
