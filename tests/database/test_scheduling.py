"""Jobs, requests and calls of Edge Functions as SQL sees them; what runs and sends them is tried in tests/local."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.database.callers import role

if TYPE_CHECKING:
    from collections.abc import Iterator

TAKEN = [
    "* * * * *",
    "5 4 * * *",
    "*/15 8-18/2 1,15 * 1-5",
    "0 0 $ * *",
    "0 0 * JAN-mar,dec sun",
    "59 23 31 12 7",
    "  0 12 * * 0  ",
    "1 second",
    "59 seconds",
    "@hourly",
    "@reboot",
]
REFUSED = [
    "",
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * 32 * *",
    "* * * 13 *",
    "* * * * 8",
    "1/20 * * * *",
    "*/0 * * * *",
    "*/60 * * * *",
    "5-64/30 * * * *",
    "5-1 * * * *",
    "1,,2 * * * *",
    "1, * * * *",
    "-1 * * * *",
    "jan * * * *",
    "* * * monday *",
    "0 seconds",
    "60 seconds",
    "90 seconds",
    "1 minute",
    "@sometimes",
]


@pytest.fixture
def owner(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The role that owns the project's tables."""
    with role(db, "postgres"):
        yield db


def one(db: psycopg.Connection, query: str, *arguments: object) -> Any:
    row = db.execute(query.encode(), arguments).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


class TestJobs:
    @pytest.mark.parametrize("schedule", TAKEN)
    def test_a_schedule_that_is_taken(self, owner: psycopg.Connection, schedule: str) -> None:
        job = one(owner, "select cron.schedule(%s, 'select 1')", schedule)
        assert one(
            owner, "select schedule, command, database, username, active, jobname from cron.job where jobid = %s", job
        ) == (schedule, "select 1", "postgres", "postgres", True, None)

    @pytest.mark.parametrize("schedule", REFUSED)
    def test_a_schedule_that_is_refused(self, owner: psycopg.Connection, schedule: str) -> None:
        job = one(owner, "select cron.schedule('clean', '* * * * *', 'select 1')")
        for statement in (
            "select cron.schedule(%s, 'select 1')",
            "select cron.schedule('clean', %s, 'select 1')",
            f"select cron.alter_job({job}, schedule => %s)",
        ):
            with pytest.raises(psycopg.errors.InvalidParameterValue, match="invalid schedule"), owner.transaction():
                owner.execute(statement.encode(), (schedule,))

    def test_a_name_is_scheduled_once_and_again_changes_it(self, owner: psycopg.Connection) -> None:
        first = one(owner, "select cron.schedule('clean', '0 3 * * *', 'select 1')")
        assert one(owner, "select cron.schedule('clean', '0 4 * * *', 'select 2')") == first
        query = "select schedule, command, active from cron.job where jobname = 'clean'"
        assert one(owner, query) == ("0 4 * * *", "select 2", True)
        owner.execute("select cron.alter_job(%s, active => false)", (first,))
        assert one(owner, query) == ("0 4 * * *", "select 2", False)
        owner.execute("select cron.alter_job(%s, '5 seconds', command => 'select 3', active => true)", (first,))
        assert one(owner, query) == ("5 seconds", "select 3", True)
        assert one(owner, "select cron.unschedule('clean')") is True
        assert owner.execute(query.encode()).fetchone() is None

    def test_what_is_not_there_cannot_be_changed(self, owner: psycopg.Connection) -> None:
        for statement, message in {
            "select cron.unschedule('never')": "could not find valid entry for job 'never'",
            "select cron.unschedule(0)": "could not find valid entry for job 0",
            "select cron.alter_job(0, active => false)": "Job 0 does not exist or you don't own it",
            "select cron.alter_job(1)": "no updates specified",
            "select cron.alter_job(1, username => 'supabase_admin')": "must be superuser to alter username",
            "select cron.schedule_in_database('x', '* * * * *', 'select 1', 'other')": "jobs of another database",
            "select cron.schedule_in_database('x', '* * * * *', '', 'postgres', 'anon')": "must be superuser",
            "select cron.schedule(null, '* * * * *', 'select 1')": "can not be NULL",
        }.items():
            with pytest.raises(psycopg.errors.RaiseException, match=message), owner.transaction():
                owner.execute(statement.encode())

    def test_each_role_has_its_own_jobs(self, db: psycopg.Connection) -> None:
        with role(db, "postgres"):
            job = one(db, "select cron.schedule('clean', '* * * * *', 'select 1')")
            db.execute("grant usage on schema cron to service_role")
        with role(db, "service_role"):
            other = one(db, "select cron.schedule('clean', '* * * * *', 'select 2')")
            of_both = one(db, "select array_agg(username order by username) from cron.job where jobname = 'clean'")
            assert of_both == ["postgres", "service_role"]  # it bypasses
            for statement in (f"select cron.unschedule({job})", "select cron.unschedule('never')"):
                with pytest.raises(psycopg.errors.RaiseException, match="could not find"), db.transaction():
                    db.execute(statement.encode())
            with pytest.raises(psycopg.errors.WithCheckOptionViolation), db.transaction():
                db.execute(
                    "insert into cron.my_jobs (schedule, command, username) values ('* * * * *', '', 'postgres')"
                )
        with role(db, "postgres"), pytest.raises(psycopg.errors.RaiseException), db.transaction():
            db.execute("select cron.unschedule(%s::bigint)", (other,))

    @pytest.mark.parametrize("name", ["anon", "authenticated", "authenticator", "service_role"])
    def test_nobody_else_schedules(self, db: psycopg.Connection, name: str) -> None:
        for statement in ("select cron.schedule('* * * * *', 'select 1')", "select from cron.job"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, name):
                db.execute(statement.encode())

    def test_the_owner_writes_through_functions_alone(self, db: psycopg.Connection) -> None:
        for statement in (
            "insert into cron.job (schedule, command, username) values ('* * * * *', 'select 1', 'supabase_admin')",
            "update cron.job set username = 'supabase_admin'",
            "delete from cron.job",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, "postgres"):
                db.execute(statement.encode())


class TestRequests:
    def test_wait_in_a_queue_in_turn(self, owner: psycopg.Connection) -> None:
        ids = [
            one(owner, 'select net.http_get(\'http://a.example/x\', \'{"q": "é &/"}\', \'{"Accept": "text/html"}\')'),
            one(owner, "select net.http_post('https://a.example?x=1#y', '{\"a\": [1, null]}', '{\"q\": 1}')"),
            one(owner, "select net.http_post('https://a.example', headers => '{\"X-Key\": \"k\"}')"),
            one(owner, "select net.http_delete('https://a.example', timeout_milliseconds => 100)"),
        ]
        assert ids == sorted(set(ids))
        rows = owner.execute(
            "select method, url, headers, convert_from(body, 'UTF8'), timeout_milliseconds"
            " from net.http_request_queue where id = any (%s) order by id",
            (ids,),
        ).fetchall()
        json_type = {"Content-Type": "application/json"}
        assert rows == [
            ("GET", "http://a.example/x?q=%C3%A9%20%26%2F", {"Accept": "text/html"}, None, 5000),
            ("POST", "https://a.example?x=1&q=1", json_type, '{"a": [1, null]}', 5000),
            ("POST", "https://a.example", {**json_type, "X-Key": "k"}, "{}", 5000),
            ("DELETE", "https://a.example", {}, None, 100),
        ]

    @pytest.mark.parametrize("url", ["", "a.example", "ftp://a.example", "http://", "http:///x", "http://a.example/ x"])
    def test_refuse_what_is_no_address(self, owner: psycopg.Connection, url: str) -> None:
        with pytest.raises(psycopg.errors.RaiseException, match="URL"), owner.transaction():
            owner.execute("select net.http_get(%s)", (url,))

    def test_post_json_alone(self, owner: psycopg.Connection) -> None:
        with pytest.raises(psycopg.errors.RaiseException, match="Content-Type"), owner.transaction():
            owner.execute("select net.http_post('https://a.example', headers => '{\"content-type\": \"text/plain\"}')")

    def test_of_which_nothing_is_known(self, owner: psycopg.Connection) -> None:
        assert one(owner, "select net.http_collect_response(0)") == '(ERROR,"request matching request_id not found",)'

    @pytest.mark.parametrize("name", ["anon", "authenticated", "authenticator"])
    def test_are_sent_for_nobody_else(self, db: psycopg.Connection, name: str) -> None:
        for statement in ("select net.http_get('http://a.example')", "select from net._http_response"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, name):
                db.execute(statement.encode())


class TestCallsOfFunctions:
    @pytest.fixture
    def secrets(self, db: psycopg.Connection) -> None:
        """Those of this test, in place of the running stack's."""
        db.execute("delete from vault.secrets where name in ('project_url', 'cron_secret')")
        db.execute(
            "select vault.create_secret(E'https://api.example/ \\n', 'project_url'),"
            " vault.create_secret('open sesame', 'cron_secret')"
        )

    def test_carry_the_secret_and_a_body(self, secrets: None, owner: psycopg.Connection) -> None:
        request = one(owner, "select private.invoke_function('run-tasks', '{\"kind\": \"mail\"}')")
        assert one(
            owner,
            "select method, url, headers, convert_from(body, 'UTF8') from net.http_request_queue where id = %s",
            request,
        ) == (
            "POST",
            "https://api.example/functions/v1/run-tasks",
            {"Content-Type": "application/json", "x-cron-secret": "open sesame"},
            json.dumps({"kind": "mail"}),
        )

    @pytest.mark.parametrize("absent", [["project_url"], ["cron_secret"], ["project_url", "cron_secret"]])
    @pytest.mark.parametrize(
        "how", ["delete from vault.secrets where id = '{}'", "select vault.update_secret('{}', ' ')"]
    )
    def test_say_which_secret_is_missing(
        self, secrets: None, owner: psycopg.Connection, absent: list[str], how: str
    ) -> None:
        for (secret,) in owner.execute("select id from vault.secrets where name = any (%s)", (absent,)).fetchall():
            owner.execute(how.format(secret).encode())
        message = f"^Vault lacks {' and '.join(absent)}, without which no Edge Function can be called"
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match=message), owner.transaction():
            owner.execute("select private.invoke_function('run-tasks')")

    @pytest.mark.parametrize("name", ["", "../rest", "a/b", "a?b", "a b", "1st", None])
    def test_are_of_functions_alone(self, secrets: None, owner: psycopg.Connection, name: str | None) -> None:
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="name of an Edge Function"), owner.transaction():
            owner.execute("select private.invoke_function(%s)", (name,))

    @pytest.mark.parametrize("name", ["anon", "authenticated", "service_role", "authenticator"])
    def test_are_made_by_nobody_else(self, db: psycopg.Connection, name: str) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), role(db, name):
            db.execute("select private.invoke_function('run-tasks')")
