"""`tripgate jobs`: what an operator sees of the tasks, has done now, and tries again."""

from __future__ import annotations

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from tripgate.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tripgate.local.stack import StackInfo

VARIABLE = "TRIPGATE_JOBS_DATABASE_URL"
KIND = "operated"


@pytest.fixture
def db(stack: StackInfo) -> Iterator[psycopg.Connection]:
    """Tasks of one kind, which are gone afterwards: others use the stack too."""
    with psycopg.connect(stack.admin_db_url, autocommit=True) as connection:
        yield connection
        connection.execute("delete from private.tasks where kind like %s", (f"{KIND}%",))
        connection.execute("delete from private.task_kinds where kind like %s", (f"{KIND}%",))


def jobs(stack: StackInfo, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["jobs", *arguments], env={VARIABLE: stack.db_url})


def told(result: Result) -> Any:
    """What it prints as JSON."""
    return json.loads(result.stdout)


def made(db: psycopg.Connection, subject: str = "user:1", *, kind: str = KIND, later: bool = False) -> str:
    found = db.execute(
        "select private.enqueue(%s, %s, '{\"secret\": \"of hers\"}', now() + %s * interval '1 day')",
        (kind, subject, int(later)),
    ).fetchone()
    assert found is not None
    return str(found[0])


def failed(db: psycopg.Connection, why: str = "No.", *, final: bool = True) -> str:
    made(db)
    (task, token) = db.execute("select id, token from private.claim(%s, 1, '1 minute')", ([KIND],)).fetchone() or (0, 0)
    db.execute("select private.fail(%s, %s, %s, null, %s)", (task, token, why, final))
    return str(task)


def state(db: psycopg.Connection, task: str) -> tuple[str, int]:
    found = db.execute("select status, attempts from private.tasks where id = %s", (task,)).fetchone()
    assert found is not None
    return found


class TestList:
    def test_what_failed_comes_first_and_nothing_of_what_it_is_about(
        self, stack: StackInfo, db: psycopg.Connection
    ) -> None:
        gone = failed(db, "The provider says no.\nAnd more.")
        waiting = made(db)
        result = jobs(stack, "list", "--kind", KIND)
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        assert lines[0].split() == ["KIND", "WAITING", "RUNNING", "FAILED"]
        assert lines[1].split() == [KIND, "1", "0", "1"]
        assert [line.split()[:5] for line in lines[4:]] == [
            [gone, "failed", KIND, "user:1", "1"],
            [waiting, "waiting", KIND, "user:1", "0"],
        ]
        assert lines[4].endswith("The provider says no. And more.")
        assert "of hers" not in result.stdout
        assert result.stderr == f"Nobody does {KIND}: private.task_kinds names no Edge Function for it.\n"

    def test_as_json(self, stack: StackInfo, db: psycopg.Connection) -> None:
        gone = failed(db)
        result = told(jobs(stack, "list", "--kind", KIND, "--json"))
        assert result["counts"] == {KIND: {"failed": 1}}
        assert result["without_function"] == []
        (job,) = result["jobs"]
        assert (job["id"], job["status"], job["attempts"], job["last_error"]) == (gone, "failed", 1, "No.")
        assert "payload" not in job

    def test_as_json_which_kinds_nobody_does(self, stack: StackInfo, db: psycopg.Connection) -> None:
        waiting = made(db)
        assert told(jobs(stack, "list", "--kind", KIND, "--json"))["without_function"] == [KIND]
        assert state(db, waiting) == ("waiting", 0)

    def test_by_state_and_up_to_a_number(self, stack: StackInfo, db: psycopg.Connection) -> None:
        for _ in range(3):
            made(db)
        failed(db)
        assert told(jobs(stack, "list", "--kind", KIND, "--status", "failed", "--json"))["counts"] == {
            KIND: {"failed": 1}
        }
        result = jobs(stack, "list", "--kind", KIND, "--status", "waiting", "--limit", "2")
        assert result.stdout.count("user:1") == 2
        assert result.stdout.endswith("\n1 more are not shown: raise --limit, or ask for a --kind or --status.\n")

    def test_where_there_are_none(self, stack: StackInfo) -> None:
        result = jobs(stack, "list", "--kind", "never")
        assert (result.exit_code, result.stdout, result.stderr) == (0, "There are none.\n", "")

    def test_a_terminal_obeys_nothing_of_it(self, stack: StackInfo, db: psycopg.Connection) -> None:
        failed(db, "\x1b[2JGone\u202e")
        assert "\x1b" not in jobs(stack, "list", "--kind", KIND).stdout
        assert "\u202e" not in jobs(stack, "list", "--kind", KIND).stdout


class TestRetry:
    def test_those_that_are_named_begin_anew(self, stack: StackInfo, db: psycopg.Connection) -> None:
        gone, other, again = failed(db), failed(db), failed(db, final=False)
        result = jobs(stack, "retry", gone, again)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "2 jobs tried again.\n", "")
        assert (state(db, gone), state(db, other), state(db, again)) == (("waiting", 0), ("failed", 1), ("waiting", 0))

    def test_what_runs_is_done_or_is_not_there_is_told(self, stack: StackInfo, db: psycopg.Connection) -> None:
        running, nowhere = made(db), str(uuid.uuid4())
        db.execute("select private.claim(%s, 1, '1 minute')", ([KIND],))
        gone = failed(db)
        result = jobs(stack, "retry", running, nowhere, gone)
        assert (result.exit_code, result.stdout) == (1, "1 job tried again.\n")
        assert result.stderr.splitlines() == [f"{running} is running.", f"{nowhere} does not exist."]
        as_json = jobs(stack, "retry", running, nowhere, "--json")
        assert as_json.exit_code == 1
        assert told(as_json) == {"retried": [], "left": {running: "running", nowhere: "missing"}}

    def test_all_that_failed_of_a_kind(self, stack: StackInfo, db: psycopg.Connection) -> None:
        gone, later = failed(db), made(db, later=True)
        assert jobs(stack, "retry", "--kind", KIND).stdout == "1 job tried again.\n"
        assert state(db, gone) == ("waiting", 0)
        # What was never tried is not due any earlier.
        (due,) = db.execute("select run_at <= now() from private.tasks where id = %s", (later,)).fetchone() or (None,)
        assert due is False

    @pytest.mark.parametrize("arguments", [[], ["--all", "--kind", KIND], [str(uuid.UUID(int=1)), "--all"], ["no-id"]])
    def test_what_makes_no_sense_changes_nothing(
        self, stack: StackInfo, db: psycopg.Connection, arguments: list[str]
    ) -> None:
        gone = failed(db)
        assert jobs(stack, "retry", *arguments).exit_code == 2
        assert state(db, gone) == ("failed", 1)


class TestRun:
    @pytest.fixture
    def worker(self, stack: StackInfo) -> Iterator[threading.Event]:
        """Somebody who does the tasks, from when the event is set."""
        begin, end = threading.Event(), threading.Event()

        def work() -> None:
            begin.wait()
            with psycopg.connect(stack.admin_db_url, autocommit=True) as db:
                while not end.wait(0.05):
                    for task, token, subject in db.execute(
                        "select id, token, subject from private.claim(%s, 3, '1 minute')", ([KIND],)
                    ).fetchall():
                        if subject == "bad":
                            db.execute("select private.fail(%s, %s, 'No.', null, true)", (task, token))
                        else:
                            db.execute("select private.finish(%s, %s)", (task, token))

        thread = threading.Thread(target=work)
        thread.start()
        yield begin
        end.set()
        begin.set()
        thread.join()

    @pytest.fixture
    def known(self, db: psycopg.Connection) -> Iterator[list[int]]:
        """A function that does the tasks, where the API is said to be; it answers with the status in the list."""
        answers = [202]

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(answers[0] if self.path == "/functions/v1/counting" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        def move(url: str) -> None:
            db.execute(
                "select vault.update_secret(id, new_secret => %s) from vault.secrets where name = 'project_url'", (url,)
            )

        (before,) = db.execute(
            "select decrypted_secret from vault.decrypted_secrets where name = 'project_url'"
        ).fetchone() or ("",)
        db.execute("insert into private.task_kinds (kind, function) values (%s, 'counting')", (KIND,))
        with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            move(f"http://127.0.0.1:{server.server_port}")
            yield answers
            move(before)
            server.shutdown()
            thread.join()

    def test_what_is_due_is_done(
        self, stack: StackInfo, db: psycopg.Connection, worker: threading.Event, known: list[int]
    ) -> None:
        assert known == [202]
        for _ in range(8):
            made(db)
        made(db, later=True)
        worker.set()
        result = jobs(stack, "run", "--kind", KIND, "--json")
        said = told(result)
        assert (said["done"], said["failed"], said["left"], said["without_function"]) == (8, 0, 0, [])
        assert said["called"].keys() == {"counting"}

    def test_what_failed_is_told(
        self, stack: StackInfo, db: psycopg.Connection, worker: threading.Event, known: list[int]
    ) -> None:
        assert known == [202]
        made(db)
        made(db, "bad")
        worker.set()
        result = jobs(stack, "run", "--kind", KIND)
        assert result.exit_code == 1
        assert "1 done, 1 failed, 0 left.\n" in result.stdout

    def test_a_function_that_refuses_is_told_and_not_waited_for(
        self, stack: StackInfo, db: psycopg.Connection, known: list[int]
    ) -> None:
        known[0] = 401
        made(db)
        result = jobs(stack, "run", "--kind", KIND, "--wait", "600")
        assert (result.exit_code, result.stdout) == (
            1,
            "Called counting, which answered 401.\n0 done, 0 failed, 1 left.\n",
        )

    def test_what_nobody_does_is_told(self, stack: StackInfo, db: psycopg.Connection) -> None:
        made(db)
        result = jobs(stack, "run", "--kind", KIND)
        assert (result.exit_code, result.stdout) == (1, "0 done, 0 failed, 1 left.\n")
        assert result.stderr == f"Nobody does {KIND}: private.task_kinds names no Edge Function for it.\n"

    def test_where_nothing_is_due(self, stack: StackInfo, db: psycopg.Connection, known: list[int]) -> None:
        assert known == [202]
        made(db, later=True)
        result = jobs(stack, "run", "--kind", KIND)
        assert (result.exit_code, result.stdout) == (0, "Nothing is due.\n")

    def test_without_waiting_it_only_calls(self, stack: StackInfo, db: psycopg.Connection, known: list[int]) -> None:
        assert known == [202]
        made(db)
        result = jobs(stack, "run", "--kind", KIND, "--wait", "0", "--json")
        assert told(result)["left"] == 1
        assert told(result)["called"].keys() == {"counting"}

    @pytest.mark.parametrize("wait", ["nan", "NaN", "-nan", "inf", "-1", "soon"])
    def test_it_waits_for_a_number_of_seconds(self, wait: str) -> None:
        result = CliRunner().invoke(main, ["jobs", "run", "--wait", wait], env={VARIABLE: None})
        assert result.exit_code == 2
        assert "Invalid value for '--wait'" in result.stderr


class TestConnecting:
    def test_without_a_database(self) -> None:
        result = CliRunner().invoke(main, ["jobs", "list"], env={VARIABLE: None})
        assert result.exit_code == 2
        assert f"Set {VARIABLE}, or name a --database-url-file" in result.stderr

    def test_the_url_may_stand_in_a_file(self, stack: StackInfo, tmp_path: Path) -> None:
        file = tmp_path / "url"
        file.write_text(f"{stack.db_url}\n")
        result = CliRunner().invoke(main, ["jobs", "list", "--kind", "never", "--database-url-file", str(file)])
        assert (result.exit_code, result.stdout) == (0, "There are none.\n")

    def test_a_file_that_holds_no_text(self, tmp_path: Path) -> None:
        file = tmp_path / "url"
        file.write_bytes(b"\xff\xfe")
        result = CliRunner().invoke(main, ["jobs", "list", "--database-url-file", str(file)])
        assert result.exit_code == 2
        assert f"{file} cannot be read." in result.stderr

    @pytest.mark.parametrize("command", [["list"], ["run"], ["retry", "--all"]])
    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("hunter2 is my password", "The database URL is not a connection string."),
            ("postgresql://postgres:hunter2@127.0.0.1:1/postgres", "The database refuses: connection failed"),
        ],
    )
    def test_a_database_that_cannot_be_had(self, command: list[str], url: str, said: str) -> None:
        result = CliRunner().invoke(main, ["jobs", *command], env={VARIABLE: url})
        assert result.exit_code == 1
        assert said in result.stderr
        assert "hunter2" not in result.output

    def test_a_database_without_jobs(self, stack: StackInfo) -> None:
        url = stack.admin_db_url.replace("/postgres?", "/template1?")
        assert url != stack.admin_db_url
        result = CliRunner().invoke(main, ["jobs", "list"], env={VARIABLE: url})
        assert result.exit_code == 1
        assert result.stderr == "Error: This database has no jobs. Push the migrations of supabase/migrations.\n"

    def test_somebody_who_may_not(self, stack: StackInfo) -> None:
        with psycopg.connect(stack.admin_db_url, autocommit=True) as admin:
            admin.execute("create role onlooker login password 'onlooker'")
            try:
                host = stack.db_url.rpartition("@")[2]
                result = CliRunner().invoke(
                    main, ["jobs", "list"], env={VARIABLE: f"postgresql://onlooker:onlooker@{host}"}
                )
            finally:
                admin.execute("drop role onlooker")
        assert result.exit_code == 1
        assert "permission denied for schema private. Connect as role postgres." in result.stderr
