"""All faked services as one: their paths, what they share, and what stands between them and who asks them."""

from __future__ import annotations

import asyncio
import contextlib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from aiohttp import web

from tripgate.local.providers import connections
from tripgate.local.providers.clock import Clock
from tripgate.local.providers.deliveries import Deliveries
from tripgate.local.providers.failures import Failure, Failures
from tripgate.local.providers.ledger import Ledger
from tripgate.local.providers.provider import Lent, Provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from aiohttp.typedefs import Handler, Middleware

    from tripgate.local.providers.ledger import Entry

PREFIX = "/providers"
# Paths of the house itself.
RESERVED = frozenset(("control", "entries", "clock", "ledger", "failures", "deliveries"))
_NAME = re.compile(r"[a-z]+")
GARBAGE = b'{"id": "\xff\xfe", "data": [{]<!doctype html>'


class House:
    """The providers of one project.

    Args:
        api_url: Of the project.
        providers: Their names must differ.
    """

    def __init__(
        self,
        api_url: str,
        providers: Sequence[Provider],
        settings: Mapping[str, str] = MappingProxyType({}),
        functions: frozenset[str] = frozenset(),
    ) -> None:
        for provider in providers:
            if not _NAME.fullmatch(provider.name) or provider.name in RESERVED:
                raise ValueError(f"{provider.name!r} cannot be a provider's path")
        self.providers = {provider.name: provider for provider in providers}
        if len(self.providers) != len(providers):
            raise ValueError("Two providers have one name")
        self.clock = Clock()
        self.ledger = Ledger()
        self.failures = Failures()
        self.deliveries = Deliveries(self.clock, self.ledger)
        self._lent = {
            name: Lent(
                f"{api_url}{PREFIX}/{name}",
                api_url,
                self.clock,
                self.deliveries,
                settings=settings,
                functions=functions,
            )
            for name in self.providers
        }

    def add_to(self, app: web.Application) -> None:
        """Serve every provider."""
        app.cleanup_ctx.append(self._running)
        for name, provider in self.providers.items():
            inner = provider.create(self._lent[name])
            inner.middlewares.insert(0, self._between(provider))
            app.add_subapp(f"{PREFIX}/{name}", inner)

    def add_controls_to(self, app: web.Application) -> None:
        """Serve what the providers have for tests alone, `/<name>/…`. After `add_to`; `app` lets nobody else in."""
        for name, lent in self._lent.items():
            app.add_subapp(f"/{name}", lent.control)

    def variables(self) -> dict[str, str]:
        """What functions find in their environment."""
        return {
            variable: value.replace("{base_url}", self._lent[name].base_url)
            for name, provider in self.providers.items()
            for variable, value in provider.variables.items()
        }

    async def reset(self) -> None:
        """Be as at the start: no time advanced, nothing known, asked, told or scripted."""
        self.clock.reset()
        self.failures.empty()
        await self.deliveries.reset()
        for lent in self._lent.values():
            for forget in lent.on_reset:
                forget()
        self.ledger.empty()

    async def _running(self, _: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self.clock.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await self.deliveries.close()

    def _between(self, provider: Provider) -> Middleware:
        base = f"{PREFIX}/{provider.name}"

        @web.middleware
        async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Write the request down, and let a script have its way with it."""
            target = request.raw_path.removeprefix(base) or "/"
            if provider.page and (request.path + "/").startswith(f"{base}{provider.page}/"):
                return await _handled(provider, request, handler)
            request = request.clone(client_max_size=provider.max_body)
            try:
                body, too_long = await request.read(), False
            except web.HTTPRequestEntityTooLarge:
                body, too_long = b"", True
            entry = self.ledger.begin(
                provider.name, "asked", request.method, target, request.headers.items(), body, self.clock.now()
            )
            failure = self.failures.take(provider.name, request.method, request.path.removeprefix(base) or "/")
            try:
                response = await self._answer(provider, request, handler, failure, entry, too_long=too_long)
            except asyncio.CancelledError:
                self.ledger.end(entry, "dropped", note="the client went away")
                raise
            except ConnectionError:
                self.ledger.end(entry, "dropped", note="the client went away")
                raise
            except Exception:
                self.ledger.end(entry, "failed", 500, note="the fake itself failed: see front_door.log")
                raise
            if entry.outcome == "open":
                self.ledger.end(entry, "answered", response.status)
            return response

        return noted

    async def _answer(
        self,
        provider: Provider,
        request: web.Request,
        handler: Handler,
        failure: Failure | None,
        entry: Entry,
        *,
        too_long: bool,
    ) -> web.StreamResponse:
        if too_long:
            return provider.error(413)
        if failure is None:
            return await _handled(provider, request, handler)
        entry.note = f"by script: {failure.kind}{', after it was done' if failure.after else ''}"
        if not failure.after:
            await asyncio.sleep(failure.delay_seconds)
        done = await _handled(provider, request, handler) if failure.after or failure.kind == "delay" else None
        if failure.after:
            await asyncio.sleep(failure.delay_seconds)
        if done is not None and failure.kind == "delay":
            return done
        if failure.kind == "drop" or (done is not None and done.prepared):
            connections.reset(request)
            self.ledger.end(entry, "dropped")
            return done if done is not None and done.prepared else web.Response()
        if failure.kind == "truncate":
            return await self._truncated(request, entry)
        if failure.kind == "garbage":
            return web.Response(body=GARBAGE, content_type="application/json", headers=failure.headers)
        if failure.body is None:
            response = provider.error(failure.status)
            response.headers.update(failure.headers)
            return response
        headers = {"Content-Type": "application/json", **failure.headers}
        return web.Response(status=failure.status, body=failure.body.encode(), headers=headers)

    async def _truncated(self, request: web.Request, entry: Entry) -> web.StreamResponse:
        """A 200 whose body ends before its length."""
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "4096"})
        await response.prepare(request)
        await response.write(b'{"id": "half an answ')
        self.ledger.end(entry, "dropped", 200)
        if request.transport is not None:
            request.transport.close()
        return response


async def _handled(provider: Provider, request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            headers = {name: value for name, value in error.headers.items() if name.lower() != "content-length"}
            return web.Response(status=error.status, text=error.text, headers=headers)
        # Of a path or method that the fake does not have; what it refuses itself it answers.
        return provider.error(error.status)
