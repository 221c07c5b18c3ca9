"""The servers that tests share: an embedded Supabase without data, one with the seed, and a gateway over the latter."""

import gc
import inspect
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, settings

from tests import fork_server, in_memory
from tests.groups import GroupScheduling, group_of, places
from tests.redis_server import Server, redis_server
from tests.seeded_rows import SeededRows
from tests.support import Person, Wire, backend, reading, serving, stack_options
from tripgate.local.stack import Stack, StackInfo

ROOT = Path(__file__).parent.parent

_watched: list[SeededRows] = []

# Tests start many Python processes; without this, where it is set, each would compile every module anew, and pytest
# would rewrite every test.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The Supabase CLI runs for seconds: what its JavaScript engine compiles a second time is not used then.
os.environ.setdefault("BUN_JSC_useDFGJIT", "0")

# What collecting tests makes, the schema among it, stays until the end: looking it through for garbage again and again
# takes a sixth of the time.
gc.disable()

# Random examples may take as long as they need: on a busy machine each of them would fail now and then.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# A shell that runs the tests in the background has them ignore Ctrl-C, and every process would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _stack(data: Path, *, seed: bool) -> Iterator[StackInfo]:
    with Stack(stack_options(ROOT, data, seed=seed)) as stack:
        assert stack.info is not None
        yield stack.info


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """An embedded Supabase with the project's schema and no data."""
    yield from _stack(tmp_path_factory.mktemp("empty") / "data", seed=False)


@pytest.fixture(scope="session")
def seeded_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stack with the demo accounts keeps its data and keys."""
    return tmp_path_factory.mktemp("seeded") / "data"


@pytest.fixture(scope="session")
def seeded(seeded_data_dir: Path) -> Iterator[StackInfo]:
    """An embedded Supabase with the project's schema and the demo accounts, whose rows no test may change."""
    for info in _stack(seeded_data_dir, seed=True):
        _watched.append(SeededRows(info.admin_db_url))
        yield info
        _watched.clear()


@pytest.fixture(scope="module", autouse=True)
def _seeded_people_stay_as_they_are() -> Iterator[None]:
    """Fails the file whose tests leave something in the data of Ada, Ben or Cleo: other files read it."""
    yield
    for rows in _watched:
        assert rows.changes() == [], "a test of this file has changed what the seeded people have"


@pytest.fixture(scope="session")
def redis() -> Iterator[Server]:
    """A Redis server, for what gateways share; tests keep to a prefix or a database of their own."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(scope="session")
async def wire(seeded: StackInfo) -> AsyncIterator[Wire]:
    """What the gateway says to PostgREST, and how often."""
    wire = Wire(seeded.rest_url)
    async with wire:
        yield wire


@pytest.fixture(scope="session")
async def gateway(seeded: StackInfo, wire: Wire) -> AsyncIterator[str]:
    """The address of a gateway over the seeded stack, every upstream request passing over the wire."""
    async with serving(seeded, rest_url=wire.url, introspection=True, **reading(seeded, backend())) as url:
        yield url


@pytest.fixture(scope="session")
async def direct(seeded: StackInfo) -> AsyncIterator[str]:
    """The address of a gateway over the same stack that reads straight from Postgres."""
    async with serving(seeded, introspection=True, **reading(seeded, "postgres")) as url:
        yield url


@pytest.fixture(scope="session")
async def anonymous(http: aiohttp.ClientSession, gateway: str) -> Person:
    """Nobody signed in."""
    return Person(http, gateway)


async def _demo(http: aiohttp.ClientSession, gateway: str, name: str) -> Person:
    return await Person(http, gateway).sign_in(f"{name}@tripgate.example", "tripgate-demo")


@pytest.fixture(scope="session")
async def ada(http: aiohttp.ClientSession, gateway: str) -> Person:
    """Who owns the trips of the seed that the tests read; no test changes them."""
    return await _demo(http, gateway, "ada")


@pytest.fixture(scope="session")
async def ben(http: aiohttp.ClientSession, gateway: str) -> Person:
    """Somebody else."""
    return await _demo(http, gateway, "ben")


@pytest.fixture
async def newcomer(anonymous: Person) -> Person:
    """Somebody who has just signed up and owns nothing yet."""
    return await anonymous.sign_up()


@pytest.fixture
async def stranger(anonymous: Person) -> Person:
    """Somebody else who has just signed up, for what Ben must not be left with."""
    return await anonymous.sign_up()


# What starts servers.
SERVERS = {"stack", "seeded", "redis", "own", "samples", "shared", "breakable_stack", "printed"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two workers more than processors: a third of the time that tests take, they wait."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """One worker runs all of a group."""
    return GroupScheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Tell the processes that tests start over which backend their gateways read, and where temporary files lie."""
    if not hasattr(config, "workerinput") and (folder := in_memory.choose()) is not None:
        config.add_cleanup(lambda: in_memory.remove(folder))
    in_memory.follow()
    config.add_cleanup(fork_server.install())
    os.environ["TEST_BACKEND"] = str(config.getoption("--backend"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was asked to be left out, and put the slow groups first."""
    if config.getoption("--backend") == "postgres":
        _leave_out_postgrest(config, items)
    if config.getoption("--without-servers"):
        config.hook.pytest_deselected(items=[item for item in items if _needs_servers(item)])
        items[:] = [item for item in items if not _needs_servers(item)]
    groups = {item: group_of(item.nodeid) for item in items}
    row = places(list(dict.fromkeys(groups.values())))
    items.sort(key=lambda item: row[groups[item]])


def pytest_collection_finish() -> None:
    """Look for garbage from now on, in what tests make: what there is by now takes half a second to look through."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


def _needs_servers(item: pytest.Item) -> bool:
    return not SERVERS.isdisjoint(getattr(item, "fixturenames", ()))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Switches: for what is stored and compared, for what is read over, and for a run that takes seconds."""
    parser.addoption("--without-servers", action="store_true", help="Only tests that need no Postgres and no Redis.")
    parser.addoption(
        "--backend",
        choices=("postgrest", "postgres"),
        default="postgrest",
        help="What gateways read over. Tests of what PostgREST is asked are left out of the other one's.",
    )
    parser.addoption(
        "--rewrite-cases", action="store_true", help="Write tests/planner/cases anew instead of comparing."
    )
    parser.addoption(
        "--rewrite-budget", action="store_true", help="Write tests/performance/budget.json anew instead of comparing."
    )


def _leave_out_postgrest(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that look at the wire to PostgREST, or say of themselves that they are about PostgREST."""

    def about_postgrest(item: pytest.Item) -> bool:
        asked = inspect.signature(item.function).parameters if isinstance(item, pytest.Function) else ()
        return "wire" in asked or item.get_closest_marker("postgrest") is not None

    left_out = [item for item in items if about_postgrest(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture
def rewrite_cases(request: pytest.FixtureRequest) -> bool:
    """Whether stored answers are written anew instead of compared."""
    return bool(request.config.getoption("--rewrite-cases"))


@pytest.fixture
def rewrite_budget(request: pytest.FixtureRequest) -> bool:
    """Whether what requests take becomes their budget."""
    return bool(request.config.getoption("--rewrite-budget"))
