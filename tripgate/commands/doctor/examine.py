"""The whole examination, section by section, in the order in which things depend on each other."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp
import httpx

import tripgate.gateway.schema  # noqa: F401 - declares every mapped type
from gql.catalog import catalog
from tripgate import systems
from tripgate.commands.doctor import (
    account,
    database,
    jobs,
    live,
    mails,
    outside,
    pool,
    project,
    request_forms,
    storage,
)
from tripgate.commands.doctor.data import Data
from tripgate.commands.doctor.login import login
from tripgate.commands.doctor.probe import Probe, UnreachedError
from tripgate.commands.doctor.report import Finding, any_error, failure, note
from tripgate.gateway.settings import Settings


class Reporter(Protocol):
    """Who is told, as soon as something is known."""

    def section(self, name: str) -> None:
        """The next findings are about this."""

    def found(self, finding: Finding) -> None:
        """One more finding."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What to examine, and with what, beyond the settings.

    Attributes:
        account: E-mail address and password of an account to sign in as.
        database_url: A connection string, for looking into the database itself.
        deadline: Seconds that each check may take.
        folder: Where the project's files may lie.
    """

    account: tuple[str, str] | None = None
    database_url: str | None = None
    deadline: float = 10.0
    folder: Path = Path()


async def examine(settings: Settings, scope: Scope, reporter: Reporter) -> None:
    """Examine everything and tell the reporter. A check that fails or hangs is a finding, never an exception."""
    connector = aiohttp.TCPConnector(limit=16)
    async with (
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
        httpx.AsyncClient(timeout=scope.deadline) as http,
    ):
        probe = Probe(session, settings.supabase_publishable_key.get_secret_value(), deadline=scope.deadline)
        await _Examination(settings, scope, reporter, probe, http).run()


class _Examination:
    def __init__(
        self, settings: Settings, scope: Scope, reporter: Reporter, probe: Probe, http: httpx.AsyncClient
    ) -> None:
        self._settings = settings
        self._scope = scope
        self._reporter = reporter
        self._probe = probe
        self._http = http

    async def run(self) -> None:
        probe, settings = self._probe, self._settings
        self._reporter.section("Project")
        if await self._check(project.address(probe, settings)):
            await self._check(project.key(probe, settings))
            await self._check(project.signing(probe, settings))
            await self._check(mails.templates(self._scope.folder))
            await self._behind_the_front_door()
        else:
            self._reporter.found(note("Nothing behind SUPABASE_URL was looked at.", "Mend that first."))
        self._reporter.section("Database")
        await self._check(login(settings), deadline=3 * self._scope.deadline)
        if self._scope.database_url is None:
            self._reporter.found(
                note(
                    "The catalog was not looked at.", "Give --database-url to check policies, grants and triggers too."
                )
            )
        else:
            deadline = self._scope.deadline
            # A thread, since psycopg waits; its own timeouts end it.
            await self._check(
                asyncio.to_thread(
                    database.inspect,
                    self._scope.database_url,
                    deadline=deadline,
                    pool=self._settings.upstream_pool,
                    api_url=str(self._settings.supabase_url),
                ),
                deadline=3 * deadline,
            )

        self._reporter.section("Services outside")
        for check in [check for system in systems.found() for check in system.checks]:
            await self._check(outside.told(check, self._http))

    async def _behind_the_front_door(self) -> None:
        probe, settings = self._probe, self._settings
        anonymous = Data(probe, settings)
        self._reporter.section("Data API, without an account")
        data_api = await self._check(anonymous.version())
        if data_api:
            if await self._check(anonymous.tables()):
                await self._check(request_forms.forms(anonymous))
            await self._check(anonymous.anonymous())
            await self._check(anonymous.aggregates())
            await self._check(jobs.numbers(probe, settings))
            if self._scope.database_url is None:
                for finding in pool.from_outside(self._settings.upstream_pool):
                    self._reporter.found(finding)
        self._reporter.section("Signed in")
        signed_in = await self._sign_in()
        try:
            if signed_in is not None:
                await self._check(account.token(probe, settings, signed_in))
                data = Data(probe, settings, signed_in.token)
                if data_api and await self._check(data.tables()):
                    await self._check(request_forms.forms(data))
                    await self._check(account.rows(data, signed_in))
            self._reporter.section("Realtime, functions and Storage")
            await self._check(live.realtime(probe, settings, signed_in))
            for finding in live.coverage(catalog):
                self._reporter.found(finding)
            await self._check(live.functions(probe, settings, signed_in))
            await self._check(storage.sizes(probe, settings))
        finally:
            if signed_in is not None:
                await account.sign_out(self._http, settings, signed_in)

    async def _sign_in(self) -> account.SignedIn | None:
        if self._scope.account is None:
            self._reporter.found(
                note(
                    "Nobody was signed in.",
                    "Give --email and a password to check tokens and what a person sees.",
                )
            )
            return None
        found = await account.sign_in(self._http, self._settings, *self._scope.account)
        if isinstance(found, Finding):
            self._reporter.found(found)
            return None
        return found

    async def _check(self, check: Awaitable[list[Finding]], *, deadline: float | None = None) -> bool:
        """Run one check within its deadline and tell what it found; false when there is an error."""
        # Each request has the deadline to itself; a check that asks often gets a little more.
        seconds = deadline if deadline is not None else 2 * self._scope.deadline
        try:
            async with asyncio.timeout(seconds):
                findings = await check
        except UnreachedError as error:
            findings = [error.finding]
        except TimeoutError:
            findings = [failure(f"This was not done after {seconds:g} s.", "Is the project overloaded? Try again.")]
        for finding in findings:
            self._reporter.found(finding)
        return not any_error(findings)
