"""`tripgate doctor` over a PostgREST of another version: what it is told, and what it finds out by asking.

The real one, in front of which somebody changes what other versions answer otherwise, as their sources and changelogs
have it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import unquote

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from gql.catalog import catalog
from gql.table import Table
from tests.support import Person, listening
from tests.upstream.function_columns import asked, hidden, mistakes, parsed
from tripgate.commands.doctor.data import Data
from tripgate.commands.doctor.probe import Probe
from tripgate.commands.doctor.report import Level
from tripgate.commands.doctor.request_forms import call, forms
from tripgate.gateway.settings import Settings
from tripgate.local.stack import StackInfo

Change = Callable[[web.Request], web.Response | None]
READ = "Tripgate is tried with 12.0.2 and has read the sources up to 16; what differs is asked for below."


@asynccontextmanager
async def other_version(
    stack: StackInfo,
    http: aiohttp.ClientSession,
    change: Change,
    *,
    server: str | None = None,
    token: str | None = None,
) -> AsyncIterator[Data]:
    """Somebody who looks at the stack's PostgREST behind such a front; `server` is the header that is shown."""

    async def passed_on(request: web.Request) -> web.Response:
        found = change(request)
        if found is None:
            headers = {name: value for name, value in request.headers.items() if name != "Host"}
            async with http.get(URL(stack.rest_url + request.raw_path, encoded=True), headers=headers) as response:
                found = web.Response(body=await response.read(), status=response.status)
        found.headers["Server"] = server or "gateway"
        return found

    app = web.Application()
    app.router.add_get("/{path:.*}", passed_on)
    given = {"SUPABASE_URL": stack.api_url, "SUPABASE_PUBLISHABLE_KEY": stack.publishable_key}
    async with listening(app) as url:
        settings = Settings.model_validate({**given, "rest_url": url})
        yield Data(Probe(http, stack.publishable_key, deadline=5), settings, token)


def unchanged(_: web.Request) -> None:
    return None


def refused(code: str, status: int = 400) -> web.Response:
    return web.json_response(
        {"code": code, "message": "as that version says", "details": None, "hint": None}, status=status
    )


@pytest.mark.parametrize(
    ("server", "level", "line"),
    [
        ("postgrest/12.0.2", Level.OK, "PostgREST 12.0.2 answers, the version that Tripgate is tried with."),
        ("postgrest/13.0.4", Level.NOTE, f"PostgREST 13.0.4 answers. {READ}"),
        ("postgrest/16.2", Level.NOTE, f"PostgREST 16.2 answers. {READ}"),
        ("postgrest/18.0", Level.WARNING, f"PostgREST 18.0 is newer than any that Tripgate knows. {READ}"),
        (
            "postgrest/11.2.2",
            Level.ERROR,
            "PostgREST 11.2.2 is not supported. Tripgate asks for what 12 and newer know.",
        ),
        # Where the header is kept back, its description of itself tells.
        (None, Level.OK, "PostgREST 12.0.2 answers, the version that Tripgate is tried with."),
    ],
)
async def test_the_version_that_it_tells(
    http: aiohttp.ClientSession, seeded: StackInfo, server: str | None, level: Level, line: str
) -> None:
    async with other_version(seeded, http, unchanged, server=server) as data:
        (finding,) = await data.version()
    assert (finding.level, finding.line) == (level, line)


@pytest.mark.parametrize(
    ("unknown", "offset", "age"),
    [("42P01", "42501", "12 or older"), ("PGRST205", "PGRST122", "13 or 14"), ("PGRST205", "42501", "16 or newer")],
)
async def test_the_version_that_it_behaves_as(
    http: aiohttp.ClientSession, seeded: StackInfo, unknown: str, offset: str, age: str
) -> None:
    def behave(request: web.Request) -> web.Response | None:
        if request.path == "/":
            return refused("PGRST000", 404)
        if request.path == "/tripgate_doctor_asks":
            return refused(unknown, 404)
        return refused(offset) if "timezone" in request.headers.get("Prefer", "") else None

    async with other_version(seeded, http, behave) as data:
        (finding,) = await data.version()
    assert finding.line == f"PostgREST answers; it hides its version and behaves as {age}. {READ}"


def nullslast_beside_limit(request: web.Request) -> web.Response | None:
    return refused("42601") if "nullslast" in request.raw_path and "limit=" in request.raw_path else None


def names_of_filters(request: web.Request) -> web.Response | None:
    """As 16 does where no row embeds itself."""
    hides = request.path.startswith("/rpc/") and "_by_ids" in request.path
    return refused("42703") if hides and "places" in request.path else None


def no_empty_embed_in_another(request: web.Request) -> web.Response | None:
    return web.json_response([]) if "f0:trip_items!trip_id(f0:" in unquote(request.raw_path) else None


def views_without_relations(request: web.Request) -> web.Response | None:
    return refused("PGRST200") if request.path == "/trips_by_created_at_desc" else None


def views_with_less(request: web.Request) -> web.Response | None:
    return web.json_response([]) if request.path == "/trips_by_created_at_desc" else None


def cut_short(request: web.Request) -> web.Response | None:
    return web.Response(body=b'{"', status=416) if "offset=1000000" in request.raw_path else None


@pytest.mark.parametrize(
    ("change", "signed_in", "level", "sentence"),
    [
        (
            nullslast_beside_limit,
            False,
            Level.ERROR,
            "Orders that say where nulls go fail (42601: as that version says)",
        ),
        (nullslast_beside_limit, True, Level.ERROR, "13.0.0 and 13.0.1 do not know them beside a limit"),
        (names_of_filters, False, Level.ERROR, "beside filters by related rows fail for places, saved_places"),
        (no_empty_embed_in_another, True, Level.ERROR, "they find other rows than they should"),
        (views_without_relations, False, Level.ERROR, "the views in order do not embed what their tables do (PGRST200"),
        (views_with_less, True, Level.ERROR, "they find other rows than they should"),
        (cut_short, True, Level.WARNING, "Refusals of pages past the end are cut short"),
    ],
)
async def test_what_another_version_does_not_answer(
    http: aiohttp.ClientSession,
    seeded: StackInfo,
    ada: Person,
    change: Change,
    signed_in: bool,
    level: Level,
    sentence: str,
) -> None:
    async with other_version(seeded, http, change, token=ada.token if signed_in else None) as data:
        (finding,) = await forms(data)
    assert finding.level is level
    assert sentence in finding.line


@pytest.mark.parametrize("signed_in", [False, True])
async def test_what_this_one_answers(
    http: aiohttp.ClientSession, seeded: StackInfo, ada: Person, *, signed_in: bool
) -> None:
    seen = []

    def noted(request: web.Request) -> None:
        seen.append(request.raw_path)

    async with other_version(seeded, http, noted, token=ada.token if signed_in else None) as data:
        (finding,) = await forms(data)
    assert finding.level is Level.OK, finding
    # The product's own forms, one of each table that is related to others, and what only whoever has rows can compare.
    related = [table for table in catalog if not table.hidden_columns and table.relations]
    assert len(seen) == 3 + len(related) + (3 if signed_in else 0)


@pytest.mark.parametrize("table", [table for table in catalog if not table.hidden_columns], ids=lambda each: each.name)
def test_a_call_is_what_the_gateway_sends(table: Table) -> None:
    path = call(table).removesuffix("&ids=%7B%7D")
    assert hidden(path)
    assert asked(parsed(path), 16) == {"*"}
    assert mistakes(path, 16) == set()
