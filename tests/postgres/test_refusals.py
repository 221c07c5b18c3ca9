"""Addresses with which nothing is ever read stop the start and say what to do; what passes does not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psycopg
import pytest

from tests.pgbouncer import pgbouncer
from tests.postgres.conftest import Own
from tests.postgres.test_login import refusal
from tests.support import Person, serving
from tripgate.local.direct_login import make_direct_login
from tripgate.upstream.postgres.refusals import mistake_in

NAME = "mistaken_login"
FORM = (
    "Write it as postgresql://login:password@host:port/postgres, with %40 for @, %2F for /, %3A for : and %25 for % in "
    "the password."
)
NO_LOGIN = (
    "There is no such login, or the password is not its own. Correct the address, or set the password anew as role "
    "postgres: alter role … password '…'."
)
READ = "{ trips { totalCount } }"


@pytest.fixture(scope="module")
def login(own: Own) -> Iterator[str]:
    """The address of a login as it should be."""
    yield make_direct_login(own.info.db_url, NAME)
    own.run(f"drop owned by {NAME}", f"drop role {NAME}")


async def said(own: Own, url: str) -> str:
    """What a start at this address says, which is never the password."""
    text = await refusal(own, url)
    password = urlsplit(url).password
    assert not password or password not in text
    return text.removeprefix("TRIPGATE_DATABASE_URL: ")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("postgresql://login:se%cret@host/postgres", f"libpq cannot read it. {FORM}"),
        ("postgresql://login:p@ss@host/postgres", f"Its host or port is none. {FORM}"),
        ("postgresql://login:p/ss@host/postgres", f"Its host or port is none. {FORM}"),
        ("postgresql://login:secret@host:port/postgres", f"Its host or port is none. {FORM}"),
        ("postgresql://login:secret@host/postgres?pool=3", "libpq knows no setting pool. Correct it, or leave it out."),
        ("postgresql://login:secret@a:5432,b:5433/postgres?target_session_attrs=primary", None),
        ("postgresql://login@%2Fvar%2Frun/postgres", None),
        ("postgresql:///postgres", None),
    ],
)
def test_an_address_that_is_none(written: str, expected: str | None) -> None:
    assert mistake_in(written) == expected


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("sslmode=never", 'libpq takes it not: invalid sslmode value: "never". Correct it.'),
        (
            "target_session_attrs=read-write",
            "The login only reads, so with target_session_attrs=read-write no server is ever taken. Write primary.",
        ),
        (
            "sslmode=require",
            "The server speaks no TLS, and sslmode asks for it. Have it speak TLS, or correct sslmode or the port.",
        ),
    ],
)
async def test_a_setting_with_which_nobody_is_let_in(own: Own, login: str, setting: str, expected: str) -> None:
    assert await said(own, f"{login}?{setting}") == expected


async def test_another_password_or_no_such_login(own: Own, login: str) -> None:
    password = str(urlsplit(login).password)
    assert await said(own, login.replace(password, "guessed")) == NO_LOGIN
    assert await said(own, login.replace(f"{NAME}:", "nobody:")) == NO_LOGIN
    assert await said(own, login.replace(f":{password}@", "@")) == NO_LOGIN


async def test_no_such_database(own: Own, login: str) -> None:
    expected = "There is no database nowhere. Correct what stands behind the last /."
    assert await said(own, login.removesuffix("/postgres") + "/nowhere") == expected


async def test_a_login_that_may_not_come_in(own: Own, login: str) -> None:
    own.run(f"alter role {NAME} nologin")
    try:
        assert await said(own, login) == f"The role {NAME} may not log in. Run: alter role … login;."
    finally:
        own.run(f"alter role {NAME} login")
    own.run("create database closed", "revoke connect on database closed from public")
    try:
        assert await said(own, login.removesuffix("/postgres") + "/closed") == (
            "The login may not connect to the database closed. Run: grant connect on database … to …;."
        )
    finally:
        own.run("drop database closed")


@contextmanager
def access(own: Own, rules: str) -> Iterator[None]:
    """While Postgres lets in whom these rules say."""
    with psycopg.connect(own.info.admin_db_url) as connection:
        (found,) = connection.execute("show hba_file").fetchone() or ("",)
    path = Path(found)
    before = path.read_text()
    path.write_text(rules)
    try:
        own.run("select pg_reload_conf()")
        yield
    finally:
        path.write_text(before)
        own.run("select pg_reload_conf()")


@pytest.mark.parametrize("rules", ["local all all trust\n", "local all all trust\nhost all all all reject\n"])
async def test_a_server_that_lets_it_in_from_elsewhere_alone(own: Own, login: str, rules: str) -> None:
    with access(own, rules):
        assert (await said(own, login)).startswith("Postgres takes no connection of this login from here.")


async def test_a_pooler_that_does_not_know_it(own: Own, login: str) -> None:
    with pgbouncer(login, "session", size=1) as pooled:
        assert await said(own, pooled.replace(str(urlsplit(login).password), "guessed")) == NO_LOGIN
        assert await said(own, pooled.replace(f"{NAME}:", "nobody:")) == NO_LOGIN
        assert (await said(own, pooled.removesuffix("/postgres") + "/nowhere")).startswith("There is no database")


async def test_of_several_hosts_one_that_is_away_may_be_the_right_one(own: Own, login: str) -> None:
    url = urlsplit(login)
    here = f"@{url.hostname}:{url.port}/"
    wrong = login.replace(str(url.password), "guessed")
    assert await said(own, wrong.replace(here, f"{here[:-1]},{url.hostname}:{url.port}/")) == NO_LOGIN
    async with serving(own.info, database_url=wrong.replace(here, f"{here[:-1]},127.0.0.1:1/")) as address:
        assert address


async def test_a_server_without_room_is_none_and_says_when_to_come_back(
    own: Own, login: str, http: aiohttp.ClientSession
) -> None:
    own.run(f"alter role {NAME} connection limit 0")
    try:
        async with serving(own.info, database_url=login) as address:
            ada = await Person(http, address).sign_in("ada@tripgate.example", "tripgate-demo")
            told = await ada.refused(READ)
            assert (told["code"], told["retryAfter"]) == ("UPSTREAM_UNAVAILABLE", 1)
            own.run(f"alter role {NAME} connection limit -1")
            assert await ada.ask(READ)
    finally:
        own.run(f"alter role {NAME} connection limit -1")
