"""What `tripgate import` takes and does not, what it says of itself, and what it never says."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from tests.importing.conftest import ADA, Harbour
from tests.importing.toy import command
from tripgate.importing import session
from tripgate.local.stack import StackInfo

BOAT = ("id,name", "1,Ebba")


def test_the_database_url_comes_from_the_environment_or_a_file(harbour: Harbour, tmp_path: Path) -> None:
    harbour.write("boats.csv", *BOAT)
    url = harbour.environment["TRIPGATE_IMPORT_DATABASE_URL"]
    harbour.environment["TRIPGATE_IMPORT_DATABASE_URL"] = ""
    assert "Set TRIPGATE_IMPORT_DATABASE_URL, or name a --database-url-file." in harbour.failed(code=2)
    kept = tmp_path / "url"
    kept.write_text(f"{url}\n")
    kept.chmod(0o600)
    done = harbour.run("--owner", ADA, "--database-url-file", str(kept))
    assert (done.exit_code, done.stderr) == (0, "")
    kept.chmod(0o644)
    assert f"Warning: others can read {kept}." in harbour.run("--owner", ADA, "--database-url-file", str(kept)).stderr
    assert "No such option '--database-url'" in harbour.failed("--database-url", url, code=2)


@pytest.mark.parametrize(
    ("url", "told", "code"),
    [
        ("postgresql://me:s3cret@localhost:x/db", "cannot be reached", 1),
        ("me:s3cret at localhost", "The database's address is no connection string.", 2),
        ("postgresql://me:s3cret@127.0.0.1:1/db", "The database cannot be reached: ", 1),
    ],
)
def test_no_database_is_told_without_its_password(harbour: Harbour, url: str, told: str, code: int) -> None:
    harbour.write("boats.csv", *BOAT)
    harbour.environment["TRIPGATE_IMPORT_DATABASE_URL"] = url
    said = harbour.failed("--owner", ADA, code=code)
    assert told in said
    assert "s3cret" not in said


def test_a_login_that_row_level_security_holds_is_refused(harbour: Harbour) -> None:
    harbour.write("boats.csv", *BOAT)
    with psycopg.connect(harbour.stack.admin_db_url, autocommit=True) as db:
        db.execute("create role held login password 'held'")
        try:
            harbour.environment["TRIPGATE_IMPORT_DATABASE_URL"] = harbour.stack.db_url.replace(
                harbour.stack.db_url.split("://")[1].split("@")[0], "held:held"
            )
            assert "This login is held by row level security" in harbour.failed("--owner", ADA, code=2)
        finally:
            db.execute("drop role held")


def test_a_database_without_the_tables_is_told_so(harbour: Harbour) -> None:
    harbour.write("boats.csv", *BOAT)
    harbour.db.execute("alter table toy.boats rename column crew to hands")
    try:
        assert "The database lacks columns crew of table toy.boats." in harbour.failed("--owner", ADA, code=2)
    finally:
        harbour.db.execute("alter table toy.boats rename column hands to crew")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--zone", "Rome"), "Rome is no time zone"),
        (("--encoding", "klingon"), "klingon is no encoding"),
        (("--encoding", "rot13"), "rot13 is no encoding"),
        (("--owner", "nobody@harbour.example"), "Nobody here has the address nobody@harbour.example."),
    ],
)
def test_options_that_cannot_be_meant(harbour: Harbour, options: tuple[str, ...], told: str) -> None:
    harbour.write("boats.csv", *BOAT)
    assert told in harbour.failed(*options, code=2)


def test_an_encoding_that_wants_a_mark_which_the_file_has_not(harbour: Harbour) -> None:
    harbour.write("boats.csv", *BOAT)
    told = "boats.csv is not written in utf-16: UTF-16 stream does not start with BOM."
    assert told in harbour.failed("--encoding", "utf-16", code=1)


def test_records_of_nobody_are_told(harbour: Harbour) -> None:
    harbour.write("boats.csv", *BOAT)
    harbour.failed()
    assert harbour.told() == [("2", "owner", "", "names nobody")]


def test_a_system_that_there_is_not(stack: StackInfo) -> None:
    done = CliRunner().invoke(command, ["boats", "."])
    assert (done.exit_code, "'boats' is not 'toy'" in done.stderr) == (2, True)


def test_a_bar_is_drawn_on_a_terminal_and_nowhere_else(harbour: Harbour) -> None:
    harbour.write("boats.csv", *BOAT)
    environment = {name: value for name, value in {**os.environ, **harbour.environment}.items() if value}
    ours, theirs = pty.openpty()
    program = [sys.executable, "-m", "tests.importing.toy", *harbour.arguments("--owner", ADA)]
    done = subprocess.run(program, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True, check=True)
    os.close(theirs)
    drawn = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "Checking boats" in drawn
    assert "Writing boats" in drawn
    assert "100%" in drawn
    assert "1 read: 1 new" in done.stdout
    assert harbour.run("--owner", ADA).stderr == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_as_it_ends_it_is_imported_and_says_so(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    harbour.write("boats.csv", *BOAT)
    commit = psycopg.Connection.commit

    def interrupted(self: psycopg.Connection) -> None:
        signal.raise_signal(number)
        commit(self)

    monkeypatch.setattr(psycopg.Connection, "commit", interrupted)
    assert harbour.counts("--owner", ADA) == {"boats": (1, 0, 0, 0)}
    assert harbour.value("select name from toy.boats") == "Ebba"


def test_a_database_that_goes_away_as_the_import_ends_is_asked_how_it_ended(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    harbour.write("boats.csv", *BOAT)
    commit = psycopg.Connection.commit

    def after_it(self: psycopg.Connection) -> None:
        commit(self)
        raise psycopg.OperationalError("the connection is lost")

    def instead_of_it(self: psycopg.Connection) -> None:
        self.close()
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(psycopg.Connection, "commit", instead_of_it)
    assert "The database went away, so nothing is imported: the connection is lost." in harbour.failed("--owner", ADA)
    monkeypatch.setattr(psycopg.Connection, "commit", after_it)
    assert harbour.counts("--owner", ADA) == {"boats": (1, 0, 0, 0)}
    # And where nobody can be asked any more.
    monkeypatch.setattr(session, "_end_of", lambda *_: None)
    assert "cannot be asked whether it is there. Run it again" in harbour.failed("--owner", ADA)
