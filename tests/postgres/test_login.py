"""Which logins the gateway takes: those that can do nothing but become `anon` or `authenticated`."""

from collections.abc import Iterator

import pytest
from aiohttp import web

from tests.gateway.test_faults import instead_of_postgrest
from tests.postgres.conftest import Own
from tests.support import serving
from tripgate.gateway.settings import SettingsError
from tripgate.local.direct_login import make_direct_login

NAME = "tried_login"


@pytest.fixture
def login(own: Own) -> Iterator[str]:
    """The address of a login as it should be, for a test to spoil."""
    yield make_direct_login(own.info.db_url, NAME)
    own.run(f"drop owned by {NAME}", f"drop role {NAME}")


async def refusal(own: Own, url: str) -> str:
    """What a start with this login says."""
    with pytest.raises(SettingsError) as refused:
        async with serving(own.info, database_url=url):
            pass
    return str(refused.value)


async def test_one_that_can_only_become_a_caller_is_taken(own: Own, login: str) -> None:
    async with serving(own.info, database_url=login) as url:
        assert url


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (
            f"alter role {NAME} superuser",
            f"The login {NAME} is a superuser. Make one of its own, as docs/deploy.md says.",
        ),
        (
            f"alter role {NAME} bypassrls",
            f'The login {NAME} passes by row level security. Run: alter role "{NAME}" nobypassrls;',
        ),
        (
            f"alter role {NAME} createrole",
            f"The login {NAME} may make roles or databases, or replicate. "
            f'Run: alter role "{NAME}" nocreaterole nocreatedb noreplication;',
        ),
        (
            f"grant service_role to {NAME} with inherit false",
            f'The login {NAME} may become service_role. Run: revoke service_role from "{NAME}";',
        ),
        (
            f"revoke anon from {NAME} granted by postgres",
            f'The login {NAME} cannot become anon. Run: grant anon to "{NAME}";',
        ),
        (
            f"grant anon to {NAME} with set false granted by postgres",
            f'The login {NAME} cannot become anon. Run: grant anon to "{NAME}";',
        ),
        (
            f"grant authenticated to {NAME} with admin option",
            f"The login {NAME} may make others members of authenticated. "
            f'Run: revoke admin option for authenticated from "{NAME}";',
        ),
        (
            f"alter role {NAME} inherit",
            f'The login {NAME} inherits what other roles may do. Run: alter role "{NAME}" noinherit; and, from '
            f'Postgres 16 on, grant anon, authenticated to "{NAME}" with inherit false;',
        ),
        (
            f"grant authenticated to {NAME} with inherit true",
            f'The login {NAME} inherits what other roles may do. Run: alter role "{NAME}" noinherit; and, from '
            f'Postgres 16 on, grant anon, authenticated to "{NAME}" with inherit false;',
        ),
        (
            f"create schema of_the_login authorization {NAME}",
            f"The login {NAME} owns something, or was granted rights of its own. Make one that has none, as "
            "docs/deploy.md says.",
        ),
        (
            f"grant select on public.trips to {NAME}",
            f"The login {NAME} owns something, or was granted rights of its own. Make one that has none, as "
            "docs/deploy.md says.",
        ),
        (
            f"grant create on database postgres to {NAME}",
            f"The login {NAME} owns something, or was granted rights of its own. Make one that has none, as "
            "docs/deploy.md says.",
        ),
        (
            f"alter role {NAME} reset default_transaction_read_only",
            f"The login {NAME} begins transactions that may write. "
            f'Run: alter role "{NAME}" set default_transaction_read_only = on;',
        ),
        (
            f"alter role {NAME} reset default_transaction_isolation",
            f"The login {NAME} would see several states of the database in one request. "
            f"Run: alter role \"{NAME}\" set default_transaction_isolation = 'repeatable read';",
        ),
    ],
)
async def test_any_other_is_refused_at_the_start(own: Own, login: str, spoilt: str, said: str) -> None:
    own.run(spoilt)
    assert await refusal(own, login) == f"TRIPGATE_DATABASE_URL: {said}"


async def test_all_that_is_wrong_is_told_at_once(own: Own, login: str) -> None:
    own.run(f"alter role {NAME} bypassrls", f"grant service_role to {NAME} with inherit false")
    assert len((await refusal(own, login)).splitlines()) == 2


async def test_a_role_that_leads_to_another_is_seen_through(own: Own, login: str) -> None:
    own.run(
        "create role way_out noinherit", "grant service_role to way_out", f"grant way_out to {NAME} with inherit false"
    )
    try:
        assert "may become service_role, way_out" in await refusal(own, login)
    finally:
        own.run("drop role way_out")


async def test_the_login_of_postgrest_is_none(own: Own) -> None:
    url = own.info.admin_db_url.replace("supabase_admin@", "authenticator@")
    assert "The login authenticator may become service_role." in await refusal(own, url)


async def test_without_keys_nothing_starts(own: Own, login: str) -> None:
    """The gateway is then the only one that verifies tokens."""

    async def no_keys(_: web.Request) -> web.Response:
        return web.json_response({"keys": []})

    async with instead_of_postgrest(no_keys) as auth:
        with pytest.raises(SettingsError) as refused:
            async with serving(own.info, database_url=login, SUPABASE_URL=auth):
                pass
    assert str(refused.value) == (
        "TRIPGATE_DATABASE_URL makes the gateway the only one that verifies tokens, and the project's keys are none: "
        "set SUPABASE_JWT_SECRET, or leave TRIPGATE_DATABASE_URL out"
    )


async def test_a_database_that_is_away_does_not_keep_it_from_starting(own: Own) -> None:
    async with serving(own.info, database_url="postgresql://nobody@127.0.0.1:1/postgres") as url:
        assert url
