"""Whose the records become: people by their confirmed address alone, and accounts that are made and removed again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import bcrypt
import httpx
import psycopg
import pytest

from tests.importing.conftest import ADA, BEN, Harbour
from tripgate.importing import session
from tripgate.importing.accounts import MARK
from tripgate.importing.ids import id_of

NEW = [f"new{number}@harbour.example" for number in range(3)]


def sailors(harbour: Harbour, *lines: str) -> None:
    harbour.write("sailors.csv", "id,email,name,confirmed", *lines)


def newcomers(harbour: Harbour) -> None:
    """Three who have no account, each with a boat, one of which has sailed."""
    sailors(harbour, *(f"{place},{email},New {place},true" for place, email in enumerate(NEW)))
    harbour.write("boats.csv", "id,owner,name", *(f"{place},{place},Boat {place}" for place in range(3)))
    harbour.write("voyages.csv", "id,boat,number", "1,1,1")


def marks(harbour: Harbour) -> int:
    return int(harbour.value("select count(*) from auth.users where raw_app_meta_data ? %s", MARK))


def test_somebody_whose_account_has_not_confirmed_the_address_is_nobody(harbour: Harbour) -> None:
    harbour.db.execute("update auth.users set email_confirmed_at = null where email = %s", (BEN,))
    try:
        sailors(harbour, f"a,{ADA},Ada,true", f"b,{BEN},Ben,true")
        harbour.write("boats.csv", "id,owner,name", "1,a,Ebba", "2,b,Freja")
        harbour.failed()
        assert harbour.told() == [
            ("3", "email", BEN, "has an address that its account here has not confirmed"),
            (
                "3",
                "owner",
                "b",
                "is not imported: line 3 of sailors.csv has an address that its account here has not confirmed",
            ),
        ]
        assert harbour.counts("--skip-rejects") == {"boats": (1, 0, 0, 1)}
        assert "has not confirmed it" in harbour.failed("--owner", BEN, code=2)
    finally:
        harbour.db.execute("update auth.users set email_confirmed_at = now() where email = %s", (BEN,))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"b,{BEN},Ben,false", "has not confirmed the address in the old system"),
        (f"b,{BEN},Ben,", "has not confirmed the address in the old system"),
        ("b,,Ben,true", "has no address"),
        ("b,ben at sea,Ben,true", "has an address that is none"),
        ("b,nobody@harbour.example,Ben,true", "has an address that nobody has here"),
        (f"a,{BEN},Ben,true", "is what line 2 has already"),
    ],
)
def test_who_is_not_found(harbour: Harbour, line: str, why: str) -> None:
    sailors(harbour, f"a,{ADA},Ada,true", line)
    harbour.failed()
    assert [row[3] for row in harbour.told()] == [why]


def test_an_address_that_becomes_somebodys_in_small_letters_is_nobodys(harbour: Harbour) -> None:
    like = "\N{KELVIN SIGN}im@harbour.example"
    assert like.lower() == "kim@harbour.example"
    harbour.db.execute("update auth.users set email = 'kim@harbour.example' where email = %s", (BEN,))
    try:
        sailors(harbour, f"a,{ADA},Ada,true", f"b,{like},Kim,true")
        harbour.failed()
        assert [row[3] for row in harbour.told()] == ["has an address that nobody has here"]
        assert "Nobody here has" in harbour.failed("--owner", like, code=2)
    finally:
        harbour.db.execute("update auth.users set email = %s where email = 'kim@harbour.example'", (BEN,))


def test_two_old_people_of_one_address_are_both_left_out(harbour: Harbour) -> None:
    sailors(harbour, f"a,{ADA},Ada,true", f"b,{BEN},Ben,true", f"c, {BEN.title()},Benny,true")
    harbour.failed()
    assert harbour.told() == [
        (line, "email", BEN, "has the address of another person of the file") for line in ("3", "4")
    ]


def test_an_address_of_several_accounts_is_nobodys(harbour: Harbour) -> None:
    harbour.db.execute("update auth.users set is_sso_user = true, email = %s where email = %s", (ADA, BEN))
    try:
        sailors(harbour, f"a,{ADA},Ada,true")
        harbour.failed()
        assert [row[3] for row in harbour.told()] == ["has an address that several accounts have here"]
        assert "is several accounts" in harbour.failed("--owner", ADA, code=2)
    finally:
        harbour.db.execute("update auth.users set is_sso_user = false, email = %s where is_sso_user", (BEN,))


def test_accounts_are_made_with_their_address_confirmed_and_found_again(with_accounts: Harbour) -> None:
    newcomers(with_accounts)
    summary = with_accounts.imported("--make-accounts")
    assert summary["people"] == {"read": 3, "found": 0, "made": 3, "rejected": 0}
    first = with_accounts.rows(
        "select id, email_confirmed_at is not null as confirmed, raw_app_meta_data, last_sign_in_at, display_name"
        " from auth.users join public.profiles using (id) where email = %s",
        NEW[1],
    )
    assert first == [
        {
            "id": id_of("toy", "auth.users", None, "1"),
            "confirmed": True,
            "raw_app_meta_data": {"provider": "email", "providers": ["email"]},
            "last_sign_in_at": None,
            "display_name": "New 1",
        }
    ]
    assert with_accounts.imported("--make-accounts")["people"]["made"] == 0
    # Whoever has another address by now is the same person, and not whoever has the old one.
    with_accounts.db.execute("update auth.users set email = 'moved@harbour.example' where email = %s", (NEW[1],))
    assert with_accounts.imported("--make-accounts")["people"] == {"read": 3, "found": 3, "made": 0, "rejected": 0}


def test_a_password_of_old_goes_on(with_accounts: Harbour) -> None:
    hashed = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
    with_accounts.write("sailors.csv", "id,email,name,confirmed,hash", f"1,{NEW[0]},New,true,{hashed}")
    with_accounts.imported("--make-accounts")
    answer = httpx.post(
        f"{with_accounts.stack.api_url}/auth/v1/token?grant_type=password",
        headers={"apikey": with_accounts.stack.publishable_key},
        json={"email": NEW[0], "password": "open sesame"},
    )
    assert answer.status_code == 200, answer.text


def test_no_account_is_made_while_a_record_does_not_fit(with_accounts: Harbour) -> None:
    newcomers(with_accounts)
    with_accounts.write("boats.csv", "id,owner,name,crew", "1,1,Ebba,many")
    before = with_accounts.accounts()
    with_accounts.failed("--make-accounts")
    assert with_accounts.accounts() == before


def test_accounts_go_when_postgres_refuses_a_row(with_accounts: Harbour) -> None:
    newcomers(with_accounts)
    with_accounts.write("boats.csv", "id,owner,name", "1,1, ")
    before = with_accounts.accounts()
    assert "2 records do not fit" in with_accounts.failed("--make-accounts")
    assert with_accounts.accounts() == before


def test_accounts_take_a_secret_key_and_the_projects_own_address(with_accounts: Harbour) -> None:
    newcomers(with_accounts)
    environment = with_accounts.environment
    before = with_accounts.accounts()
    for changes, told, code in [
        ({"TRIPGATE_IMPORT_SECRET_KEY": ""}, "Accounts are made by Auth: set SUPABASE_URL", 2),
        ({"TRIPGATE_IMPORT_SECRET_KEY": "sb_publishable_x"}, "is a publishable key", 2),
        ({"TRIPGATE_IMPORT_SECRET_KEY": "sb_secret_wrong"}, "Auth could not make the account of new0@", 1),
        ({"SUPABASE_URL": "http://example.com"}, "SUPABASE_URL must begin with https://", 2),
    ]:
        with_accounts.environment = {**environment, **changes}
        said = with_accounts.failed("--make-accounts", code=code)
        assert told in said
        assert with_accounts.stack.secret_key not in said
    assert with_accounts.accounts() == before


@contextmanager
def standing_still(harbour: Harbour) -> Iterator["subprocess.Popen[str]"]:
    """An import that has made its accounts and has written boats and waits for the table of voyages."""
    environment = {**os.environ, **harbour.environment}
    environment = {name: value for name, value in environment.items() if value}
    with psycopg.connect(harbour.stack.db_url) as holder:
        holder.execute("lock table toy.voyages in exclusive mode")
        command = [sys.executable, "-m", "tests.importing.toy", *harbour.arguments("--make-accounts", "--json")]
        with subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as importing:
            _wait(lambda: _waits(harbour) or importing.poll() is not None)
            assert importing.poll() is None, importing.communicate()
            assert marks(harbour) == 3
            try:
                yield importing
            finally:
                importing.kill()


def _waits(harbour: Harbour) -> bool:
    return bool(
        harbour.rows(
            "select from pg_stat_activity where application_name = 'tripgate import' and wait_event_type = 'Lock'"
        )
    )


def _wait(for_: Callable[[], Any]) -> None:
    for _ in range(1200):
        if for_():
            return
        time.sleep(0.05)
    raise AssertionError("It never came about")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_midway_nothing_stays(with_accounts: Harbour, number: signal.Signals, code: int) -> None:
    newcomers(with_accounts)
    before = with_accounts.accounts()
    with standing_still(with_accounts) as importing:
        importing.send_signal(number)
        said, _ = importing.communicate(timeout=30)
    assert importing.returncode == code
    assert json.loads(said) == {"imported": False, "error": "Interrupted: nothing is imported."}
    assert with_accounts.accounts() == before
    assert with_accounts.value("select count(*) from toy.boats") == 0


def test_the_database_goes_away_midway(with_accounts: Harbour) -> None:
    newcomers(with_accounts)
    before = with_accounts.accounts()
    with standing_still(with_accounts) as importing:
        with_accounts.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tripgate import'"
        )
        said, _ = importing.communicate(timeout=30)
    assert importing.returncode == 1
    assert json.loads(said)["error"].startswith("The database went away, so nothing is imported: ")
    assert with_accounts.accounts() == before


def test_killed_midway_the_next_run_removes_what_is_left(with_accounts: Harbour) -> None:
    newcomers(with_accounts)
    with standing_still(with_accounts) as importing:
        importing.send_signal(signal.SIGKILL)
        importing.wait()
    _wait(lambda: not _waits(with_accounts))
    assert marks(with_accounts) == 3
    # Somebody has found their new account meanwhile.
    with_accounts.db.execute("update auth.users set last_sign_in_at = now() where email = %s", (NEW[2],))
    environment = with_accounts.environment
    with_accounts.environment = {**environment, "TRIPGATE_IMPORT_SECRET_KEY": ""}
    told = with_accounts.failed(code=2)
    assert "A run that was cut off has left 2 accounts without their rows." in told
    with_accounts.environment = environment
    summary = with_accounts.imported("--make-accounts")
    assert (summary["accountsRemoved"], summary["people"]) == (2, {"read": 3, "found": 1, "made": 2, "rejected": 0})
    assert marks(with_accounts) == 0
    assert with_accounts.value("select count(*) from toy.boats") == 3


def test_two_imports_do_not_run_at_a_time(with_accounts: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_WAIT", "100ms")
    newcomers(with_accounts)
    with standing_still(with_accounts):
        assert "Another import is running on this database." in with_accounts.failed("--make-accounts")
