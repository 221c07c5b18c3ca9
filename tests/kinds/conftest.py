"""A gateway over the tables of `project`, in a program of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator

import aiohttp
import psycopg
import pytest

from tests.support import Person, backend, project_stack, reading
from tripgate.local.postgrest import POOL
from tripgate.local.stack import StackInfo


@pytest.fixture(scope="package")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """An embedded Supabase with the tables of `project`."""
    with project_stack("tests.kinds", tmp_path_factory.mktemp("kinds")) as found:
        yield found


@pytest.fixture(scope="package")
def sampler(samples: StackInfo) -> Iterator[str]:
    """The address of the gateway."""
    settings = {
        "SUPABASE_URL": samples.api_url,
        "SUPABASE_PUBLISHABLE_KEY": samples.publishable_key,
        "rest_url": samples.rest_url,
        "upstream_pool": POOL,
        "rate_limits": False,
        "development": True,
        **reading(samples, backend()),
    }
    command = [sys.executable, "-m", "tests.kinds.served", "tests.kinds.declared"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(settings) + "\n")
        process.stdin.flush()
        yield process.stdout.readline().strip()
        process.stdin.close()


@pytest.fixture(scope="package")
async def person(http: aiohttp.ClientSession, sampler: str) -> Person:
    """Whose rows they are."""
    return await Person(http, sampler).sign_up()


@pytest.fixture(scope="package")
def database(samples: StackInfo) -> Iterator[psycopg.Connection]:
    """The database itself, past all policies."""
    with psycopg.connect(samples.admin_db_url, autocommit=True) as connection:
        yield connection
