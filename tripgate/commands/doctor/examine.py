"""The whole look, section by section, in the order in which things depend on each other."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp
import httpx

import tripgate.gateway.schema  # noqa: F401 - declares every mapped type
from tripgate.commands.doctor import account, database, forms, live, mails, pool, project
from tripgate.commands.doctor.asking import Asker, UnreachedError
from tripgate.commands.doctor.data import Data
from tripgate.commands.doctor.report import Finding, fatal, note, wrong
from tripgate.gateway.settings import Settings


class Reporter(Protocol):
    """Who is told, as soon as something is known."""

    def section(self, name: str) -> None:
        """The next findings are about this."""

    def found(self, finding: Finding) -> None:
        """One more finding."""


@dataclass(frozen=True, slots=True)
class Look:
    """What to look with beside the settings.

    Attributes:
        account: E-mail address and password of an account to sign in as.
        database_url: A connection string, for the deep look.
        deadline: Seconds that each check may take.
        folder: Where the project's files may lie.
    """

    account: tuple[str, str] | None = None
    database_url: str | None = None
    deadline: float = 10.0
    folder: Path = Path()


async def examine(settings: Settings, look: Look, reporter: Reporter) -> None:
    """Look at everything and tell the reporter. A check that fails or hangs is a finding, never an exception."""
    connector = aiohttp.TCPConnector(limit=16)
    async with (
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
        httpx.AsyncClient(timeout=look.deadline) as http,
    ):
        asker = Asker(session, settings.supabase_publishable_key.get_secret_value(), deadline=look.deadline)
        await _Examination(settings, look, reporter, asker, http).run()


class _Examination:
    def __init__(
        self, settings: Settings, look: Look, reporter: Reporter, asker: Asker, http: httpx.AsyncClient
    ) -> None:
        self._settings = settings
        self._look = look
        self._reporter = reporter
        self._asker = asker
        self._http = http

    async def run(self) -> None:
        asker, settings = self._asker, self._settings
        self._reporter.section("Project")
        if await self._check(project.address(asker, settings)):
            await self._check(project.key(asker, settings))
            await self._check(project.signing(asker, settings))
            await self._check(mails.templates(self._look.folder))
            await self._behind_the_front_door()
        else:
            self._reporter.found(note("Nothing behind SUPABASE_URL was looked at.", "Mend that first."))
        self._reporter.section("Database")
        if self._look.database_url is None:
            self._reporter.found(
                note(
                    "The catalog was not looked at.", "Give --database-url to check policies, grants and triggers too."
                )
            )
        else:
            deadline = self._look.deadline
            # A thread, since psycopg waits; its own timeouts end it.
            await self._check(
                asyncio.to_thread(
                    database.look, self._look.database_url, deadline=deadline, pool=self._settings.upstream_pool
                ),
                deadline=3 * deadline,
            )

    async def _behind_the_front_door(self) -> None:
        asker, settings = self._asker, self._settings
        anonymous = Data(asker, settings)
        self._reporter.section("Data API, without an account")
        data_api = await self._check(anonymous.version())
        if data_api:
            if await self._check(anonymous.tables()):
                await self._check(forms.forms(anonymous))
            await self._check(anonymous.anonymous())
            await self._check(anonymous.aggregates())
            if self._look.database_url is None:
                for finding in pool.from_outside(self._settings.upstream_pool):
                    self._reporter.found(finding)
        self._reporter.section("Signed in")
        signed_in = await self._sign_in()
        try:
            if signed_in is not None:
                await self._check(account.token(asker, settings, signed_in))
                data = Data(asker, settings, signed_in.token)
                if data_api and await self._check(data.tables()):
                    await self._check(forms.forms(data))
                    await self._check(account.rows(data, signed_in))
            self._reporter.section("Realtime and functions")
            await self._check(live.realtime(asker, settings, signed_in))
            await self._check(live.functions(asker, settings, signed_in))
        finally:
            if signed_in is not None:
                await account.sign_out(self._http, settings, signed_in)

    async def _sign_in(self) -> account.SignedIn | None:
        if self._look.account is None:
            self._reporter.found(
                note(
                    "Nobody was signed in.",
                    "Give --email and a password to check tokens and what a person sees.",
                )
            )
            return None
        found = await account.sign_in(self._http, self._settings, *self._look.account)
        if isinstance(found, Finding):
            self._reporter.found(found)
            return None
        return found

    async def _check(self, check: Awaitable[list[Finding]], *, deadline: float | None = None) -> bool:
        """Run one check within its deadline and tell what it found; false when something is wrong."""
        # Each request has the deadline to itself; a check that asks often gets a little more.
        seconds = deadline if deadline is not None else 2 * self._look.deadline
        try:
            async with asyncio.timeout(seconds):
                findings = await check
        except UnreachedError as error:
            findings = [error.finding]
        except TimeoutError:
            findings = [wrong(f"This was not done after {seconds:g} s.", "Is the project overloaded? Try again.")]
        for finding in findings:
            self._reporter.found(finding)
        return not fatal(findings)
