"""`tripgate doctor` against servers with one thing broken: it names the trouble."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest

from tests.cli.doctoring import BEN, doctor, mistakes, wait_for
from tests.support import stack_options
from tripgate.commands.doctor import scheduling
from tripgate.commands.doctor.report import ok
from tripgate.local.direct_login import make_direct_login
from tripgate.local.stack import Stack, StackInfo

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """A seeded stack of these tests' own, signing with the legacy secret."""
    data = tmp_path_factory.mktemp("doctor") / "data"
    with Stack(stack_options(ROOT, data, jwt_algorithm="HS256")) as stack:
        assert stack.info is not None
        yield stack.info


@contextmanager
def broken(stack: StackInfo, breaking: LiteralString, mending: LiteralString, until: tuple[str, str]) -> Iterator[None]:
    """The stack with something changed, once PostgREST answers the path with the code."""
    with psycopg.connect(stack.admin_db_url, autocommit=True) as connection:
        connection.execute(breaking)
        try:
            wait_for(stack, *until)
            yield
        finally:
            connection.execute(mending)


def test_the_login_that_reads_straight_from_postgres(breakable: StackInfo) -> None:
    url = make_direct_login(breakable.db_url)
    assert "The login of TRIPGATE_DATABASE_URL can do nothing but become a caller" in (
        doctor(breakable, TRIPGATE_DATABASE_URL=url).output
    )
    said = mistakes(doctor(breakable, TRIPGATE_DATABASE_URL=url.replace("tripgate_gateway:", "nobody:")))
    assert "There is no such login, or the password is not its own." in said
    said = mistakes(doctor(breakable, TRIPGATE_DATABASE_URL="postgresql://nobody@127.0.0.1:1/postgres"))
    assert "The database of TRIPGATE_DATABASE_URL cannot be connected to (OperationalError)." in said
    with psycopg.connect(breakable.admin_db_url, autocommit=True) as connection:
        connection.execute("alter role tripgate_gateway bypassrls inherit")
        try:
            said = mistakes(doctor(breakable, TRIPGATE_DATABASE_URL=url))
        finally:
            connection.execute("alter role tripgate_gateway nobypassrls noinherit")
    assert 'Run: alter role "tripgate_gateway" nobypassrls;' in said
    assert "inherits what other roles may do" in said
    assert url.rpartition("@")[0].rpartition(":")[2] not in said


def test_the_legacy_secret(breakable: StackInfo) -> None:
    assert "A token verifies: HS256" in doctor(breakable, *BEN).output
    said = mistakes(doctor(breakable, *BEN, SUPABASE_JWT_SECRET="not-the-secret-of-this-project-but-as-long"))
    assert "The token's signature does not verify" in said
    others = breakable.__class__(**{**vars(breakable), "jwt_secret": None})
    said = mistakes(doctor(others, *BEN))
    assert "it signs with the legacy secret, which is not set here" in said
    assert "Tokens are signed with HS256, and SUPABASE_JWT_SECRET is not set." in said


def test_missing_columns_and_relations(breakable: StackInfo) -> None:
    with broken(
        breakable,
        """alter table public.trips rename column destination to was_destination;
           alter table public.trips rename column budget to was_budget;
           alter table public.trip_items drop constraint fk_trip_items_place_id""",
        """alter table public.trips rename column was_destination to destination;
           alter table public.trips rename column was_budget to budget;
           alter table public.trip_items add constraint fk_trip_items_place_id
               foreign key (place_id) references public.places (id) on delete set null""",
        until=("trip_items?select=place:places!place_id(id)", "PGRST200"),
    ):
        said = mistakes(doctor(breakable))
        assert "Type Trip needs what is not there: column trips.destination and column trips.budget." in said
        assert "Type TripItem needs what is not there: the foreign key trip_items.place_id to places." in said
        assert "Push the migrations" in said
    wait_for(breakable, "trip_items?select=place:places!place_id(id)", "42501")


def test_a_missing_table_and_function(breakable: StackInfo) -> None:
    with broken(
        breakable,
        "alter table public.tags rename to was_tags; alter function public.delete_my_account() rename to was_delete",
        "alter table public.was_tags rename to tags; alter function public.was_delete() rename to delete_my_account",
        until=("rpc/delete_my_account", "PGRST202"),
    ):
        said = mistakes(doctor(breakable, "--database-url", breakable.db_url))
        assert "There is no table tags, which type Tag needs." in said
        assert said.count("There is no function delete_my_account.") == 2
    wait_for(breakable, "rpc/delete_my_account", "42501")
    wait_for(breakable, "tags", "42501")


def in_the_database(stack: StackInfo, change: str, *, whole: bool) -> str:
    """What the doctor says of the database with something changed, on one line: all of it, or of what calls functions.

    Only who asks for all of it has others see the change.
    """
    with psycopg.connect(stack.admin_db_url) as connection:
        connection.execute(change.encode())
        if whole:
            connection.commit()
            return " ".join(doctor(stack, "--database-url", stack.db_url).output.split())
        connection.execute("set local role postgres")
        found = scheduling.findings(connection, stack.api_url)
        connection.rollback()
    return " ".join(f"{finding.level} {finding.line}" for finding in found)


WELL = "Jobs run and call Edge Functions: extensions and secrets are there."


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "project_url",
            None,
            "error Vault has no secret project_url, without which the database calls no Edge Function.",
        ),
        (
            "cron_secret",
            None,
            "error Vault has no secret cron_secret, without which the database calls no Edge Function.",
        ),
        (
            "project_url",
            " \n",
            "error The secret project_url in Vault is empty. Run: select vault.update_secret(id, '…')",
        ),
        ("cron_secret", "", "error The secret cron_secret in Vault is empty. Run: select vault.update_secret(id, '…')"),
        ("project_url", "api.example", "error The secret project_url is no address of an API"),
        ("project_url", "https://api.example/rest/v1", "error The secret project_url is no address of an API"),
        ("project_url", "http://[", "error The secret project_url is no address of an API"),
        ("project_url", "http://kong:8000/", f"ok {WELL}"),
        ("cron_secret", "open sesame", "warning The secret cron_secret has 11 characters: whoever guesses it"),
        ("cron_secret", 40 * "x", f"ok {WELL}"),
    ],
)
def test_secrets_of_the_database(breakable: StackInfo, name: str, value: str | None, sentence: str) -> None:
    with psycopg.connect(breakable.admin_db_url) as connection:
        query = "select id, decrypted_secret from vault.decrypted_secrets where name = %s"
        ((secret, kept),) = connection.execute(query, (name,)).fetchall()
    change = f"delete from vault.secrets where name = '{name}'"
    if value is not None:
        change = f"select vault.update_secret('{secret}', E'{value}')"
    said = in_the_database(breakable, change, whole=False)
    assert sentence in said
    assert kept not in said or name == "project_url"


def test_secrets_of_the_database_are_looked_at_by_the_command(breakable: StackInfo) -> None:
    with psycopg.connect(breakable.admin_db_url) as connection:
        ((kept,),) = connection.execute(
            "select decrypted_secret from vault.decrypted_secrets where name = 'cron_secret'"
        ).fetchall()
    change = "delete from vault.secrets where name = 'cron_secret'"
    try:
        said = in_the_database(breakable, change, whole=True)
    finally:
        with psycopg.connect(breakable.admin_db_url) as connection:
            connection.execute(f"{change}; select vault.create_secret('{kept}', 'cron_secret')".encode())
    assert "error Vault has no secret cron_secret, without which the database calls no Edge Function." in said
    assert kept not in said


@pytest.mark.parametrize(
    ("url", "api_url", "sentence"),
    [
        ("https://abc.supabase.co", "https://abc.supabase.co", None),
        ("https://ABC.supabase.co/", "https://abc.supabase.co", None),
        ("http://abc.supabase.co", "https://abc.supabase.co", "is not https"),
        ("https://other.supabase.co", "https://abc.supabase.co", "leads to other.supabase.co, and SUPABASE_URL to abc"),
    ],
)
def test_where_the_database_finds_a_hosted_project(
    breakable: StackInfo, url: str, api_url: str, sentence: str | None
) -> None:
    with psycopg.connect(breakable.admin_db_url) as connection:
        query = "select vault.update_secret(id, %s) from vault.secrets where name = 'project_url'"
        connection.execute(query, (url,))
        found = scheduling.findings(connection, api_url)
        connection.rollback()
    assert (sentence is None) == (found == [ok(WELL)])
    assert sentence is None or sentence in found[0].text


def test_extensions_jobs_and_answers_of_the_database(breakable: StackInfo) -> None:
    with psycopg.connect(breakable.admin_db_url) as connection:
        connection.execute("set local role postgres")
        connection.execute("select cron.schedule('clean', '0 3 * * *', 'select 1 / 0')")
        connection.execute("reset role")
        connection.execute(
            "insert into cron.job_run_details (jobid, username, status, return_message)"
            " select jobid, username, status, message from cron.job, (values ('succeeded', '1 row'),"
            " ('failed', E'ERROR:  division by zero\n'), ('running', null)) as run (status, message)"
            " where jobname = 'clean'"
        )
        connection.execute("insert into net._http_response (id, status_code) values (-1, 401), (-2, 200)")
        assert [finding.line for finding in scheduling.findings(connection, breakable.api_url)] == [
            "Job clean failed when it ran last: ERROR: division by zero See cron.job_run_details.",
            "1 of the database's requests of the last quarter of an hour were answered 401. Is the functions' "
            "CRON_SECRET the cron_secret of Vault, and verify_jwt false for functions of services?",
        ]
        for name, sentence in {
            "pg_net": "Extension pg_net is not there, so the database calls no Edge Function.",
            "pg_cron": "Extension pg_cron is not there, so no job runs.",
            "supabase_vault": "Extension supabase_vault is not there, so jobs find no secret.",
        }.items():
            connection.execute(f"drop extension {name} cascade".encode())
            found = scheduling.findings(connection, breakable.api_url)
            assert sentence in [finding.text for finding in found]
            assert any(f"Run: create extension {name} with schema" in finding.advice for finding in found)
        connection.rollback()
        # Without the right to look, and where nothing calls functions.
        connection.execute("set local role authenticated")
        assert [finding.text for finding in scheduling.findings(connection, breakable.api_url)] == [
            f"What {name} keeps was not looked at." for name in ("supabase_vault", "pg_cron", "pg_net")
        ]
        connection.rollback()
        connection.execute("drop function private.invoke_function cascade")
        assert scheduling.findings(connection, breakable.api_url) == []
        connection.rollback()


def test_a_row_that_does_not_embed_itself(breakable: StackInfo) -> None:
    with broken(
        breakable,
        """alter function public.whole_trips(public.trips) rename to was_whole;
           alter role authenticator set pgrst.jwt_cache_max_lifetime = '3600'""",
        """alter function public.was_whole(public.trips) rename to whole_trips;
           alter role authenticator reset pgrst.jwt_cache_max_lifetime""",
        until=("trips?select=w:whole_trips()", "PGRST200"),
    ):
        result = doctor(breakable, *BEN, "--database-url", breakable.db_url)
        assert mistakes(result).count("There is no function whole_trips.") == 2
        assert "Type Trip needs what is not there: function whole_trips." in mistakes(result)
        assert "jwt_cache_max_lifetime, which it knows up to version 13" in result.output
    wait_for(breakable, "trips?select=w:whole_trips()", "42501")


def test_row_level_security_switched_off(breakable: StackInfo) -> None:
    with broken(
        breakable,
        """alter table public.trips disable row level security; alter table public.profiles disable row level security;
           alter table public.trips disable trigger broadcast_trips_changes""",
        """alter table public.trips enable row level security; alter table public.profiles enable row level security;
           alter table public.trips enable trigger broadcast_trips_changes""",
        until=("trips", "42501"),
    ):
        said = mistakes(doctor(breakable, *BEN, "--database-url", breakable.db_url))
        assert "This account sees rows of strangers in trips" in said
        assert "Row level security is off on trips: whoever is granted it sees and changes every row." in said
        assert "alter table public.trips enable row level security" in said
        assert "Trigger broadcast_trips_changes is switched off." in said


def test_rights_for_everybody(breakable: StackInfo) -> None:
    with broken(
        breakable,
        """grant select on public.votes, public.places to anon; alter table public.places disable row level security;
           grant execute on function public.delete_my_account() to anon""",
        """revoke all on public.votes, public.places from anon; alter table public.places enable row level security;
           revoke execute on function public.delete_my_account() from anon""",
        until=("votes", "200"),
    ):
        said = mistakes(doctor(breakable, "--database-url", breakable.db_url))
        assert "Anybody without an account may read votes, though no row is shown." in said
        assert "Anybody without an account may read places, and sees rows of it." in said
        assert "Anybody without an account may call delete_my_account." in said
        assert "Role anon is granted rights on votes." in said
        assert "Role anon may call delete_my_account." in said


def test_a_table_that_is_not_granted(breakable: StackInfo) -> None:
    with broken(
        breakable,
        "revoke select on public.tags from authenticated; alter role anon reset statement_timeout;"
        " alter role authenticator reset pgrst.db_pre_request",
        "grant select on public.tags to authenticated; alter role anon set statement_timeout = '3s';"
        " alter role authenticator set pgrst.db_pre_request = 'requests.begin_request'",
        until=("tags", "42501"),
    ):
        result = doctor(breakable, *BEN, "--database-url", breakable.db_url)
        assert "Signed-in people may not read tags: permission denied for table tags." in mistakes(result)
        assert "No statement_timeout for anon" in result.output
        assert "PostgREST does not call requests.begin_request" in result.output


def test_a_stopped_postgrest(breakable: StackInfo) -> None:
    """Last of all: the stack does not come back from this."""
    port = int(breakable.rest_url.rpartition(":")[2])
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a child of another test's that has just ended
            if process.name() == "postgrest" and any(each.laddr.port == port for each in process.net_connections()):
                found.append(process)
    (postgrest,) = found
    postgrest.kill()
    postgrest.wait(10)
    assert "PostgREST does not answer behind the front door (HTTP status 502)" in mistakes(doctor(breakable))
