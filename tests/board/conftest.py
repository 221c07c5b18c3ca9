"""What `tripgate dev` starts, of a project where addresses must be confirmed, and one browser for everybody."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.board.people import Place, open_as
from tests.browser.chromium import chromium
from tests.browser.page import Browser, Page, browser
from tests.cli.test_dev import Dev
from tests.support import Person

ROOT = Path(__file__).parents[2]
ITEMS = [("Train in from Fiumicino", "TRANSPORT", 1), ("Pantheon", "ACTIVITY", 1), ("Colosseum", "ACTIVITY", 2)]


@pytest.fixture(scope="package")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """What `tripgate dev` prints once it is ready."""
    project = tmp_path_factory.mktemp("board") / "project"
    shutil.copytree(ROOT / "supabase", project / "supabase")
    (project / "examples").symlink_to(ROOT / "examples")
    config = project / "supabase" / "config.toml"
    config.write_text(config.read_text().replace("enable_confirmations = false", "enable_confirmations = true"))
    dev = Dev(project.parent / "run" / "data", "--quiet", "--project-dir", str(project))
    try:
        yield dev.ready()
        dev.process.terminate()
        assert dev.process.wait(60) == 0
    finally:
        dev.kill()


@pytest.fixture(scope="package")
def place(printed: list[str], http: aiohttp.ClientSession) -> Place:
    """The addresses in what is printed."""
    found = dict(line.strip().split(": ", 1) for line in printed[:-1])
    names = ("Board", "Tripgate ready", "Supabase API", "Inbox", "Secret key")
    return Place(*(found[name].strip() for name in names), http)


@pytest.fixture(scope="package")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser."""
    async with browser(chromium(), tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
async def ada(place: Place) -> Person:
    """Who plans trips; another in each file, as a person can send 30 invitations an hour."""
    return await place.person("Ada Lindqvist")


@pytest.fixture(scope="module")
async def ben(place: Place) -> Person:
    """Whom she invites."""
    return await place.person("Ben Okafor")


@pytest.fixture
async def page(place: Place, running: Browser) -> AsyncIterator[Page]:
    """An empty page of somebody's; whatever a test does there, nothing foreign is asked and nothing fails."""
    async with _watched(place, running) as page:
        yield page


@pytest.fixture
async def other(place: Place, running: Browser) -> AsyncIterator[Page]:
    """Somebody else's."""
    async with _watched(place, running) as page:
        yield page


@asynccontextmanager
async def _watched(place: Place, running: Browser) -> AsyncIterator[Page]:
    async with running.page() as page:
        await page.size(1100, 800)
        yield page
        assert {URL(each).origin() for each in page.requests} <= {
            URL(own).origin() for own in (place.board, place.supabase, place.inbox)
        }
        assert page.complaints == []


@dataclass(frozen=True)
class Two:
    """Two people who have one trip open."""

    ada: Page
    ben: Page
    trip: str


@pytest.fixture
async def trip(place: Place, ada: Person, ben: Person) -> str:
    """A trip of Ada's on which Ben plans, too."""
    items = [
        {"title": title, "kind": kind, "dayNumber": day, "orderIndex": index}
        for index, (title, kind, day) in enumerate(ITEMS)
    ]
    trip = await ada.trip(title="Rome", startDate="2027-04-09", endDate="2027-04-11", items=items)
    await place.join(ada, trip, ben)
    return trip


@pytest.fixture
async def two(place: Place, ada: Person, ben: Person, trip: str, page: Page, other: Page) -> Two:
    """Both of them have it open."""
    await open_as(page, place, ada, f"trips/{trip}")
    await open_as(other, place, ben, f"trips/{trip}")
    for each in (page, other):
        await each.until("document.querySelectorAll('.presence li').length === 2 && document.querySelector('.card')")
    return Two(page, other, trip)
