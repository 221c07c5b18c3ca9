"""Somebody to whom Auth gives no account is a reject of their line, with what is theirs; all others are imported."""

from collections.abc import Iterator

import bcrypt
import psycopg
import pytest

from tests.importing.conftest import Harbour
from tests.importing.test_accounts import marks

HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
FINE, NO_ADDRESS, NO_ACCOUNT, NO_HASH = (
    "fine@harbour.example", "nowhere@-harbour-.example", "barred@harbour.example", "odd@harbour.example",
)  # fmt: skip
OTHER_HASH = "5f4dcc3b5aa765d61d8327deb882cf99"


@pytest.fixture
def refusing(with_accounts: Harbour) -> Iterator[Harbour]:
    """Auth fails over accounts that a trigger of the project's refuses."""
    with_accounts.db.execute(
        """
        create function toy.bar() returns trigger language plpgsql as
            $$ begin raise exception 'Barred from all harbours'; end $$;
        grant usage on schema toy to supabase_auth_admin;
        create trigger bar before insert on auth.users
            for each row when (new.email like 'barred%') execute function toy.bar();
        """
    )
    yield with_accounts
    with psycopg.connect(with_accounts.stack.admin_db_url) as owner:
        owner.execute("drop trigger bar on auth.users; drop function toy.bar")


def files(harbour: Harbour, *people: tuple[str, str]) -> None:
    """Newcomers of these addresses and hashes, each with a boat."""
    lines = (f"{place},{email},New {place},true,{hash_}" for place, (email, hash_) in enumerate(people))
    harbour.write("sailors.csv", "id,email,name,confirmed,hash", *lines)
    harbour.write("boats.csv", "id,owner,name", *(f"{place},{place},Boat {place}" for place in range(len(people))))


def of_people(harbour: Harbour) -> list[tuple[str, ...]]:
    return [row for row in harbour.told() if row[1] == "email"]


def test_an_address_an_account_and_a_hash(refusing: Harbour) -> None:
    files(refusing, (FINE, HASH), (NO_ADDRESS, HASH), (NO_ACCOUNT, HASH), (NO_HASH, OTHER_HASH))
    before = refusing.accounts()
    told = [
        ("5", "email", NO_HASH, "has a password hash that Auth cannot read"),
        (
            "3",
            "email",
            NO_ADDRESS,
            "gets no account, as Auth says: Unable to validate email address: invalid format",
        ),
        ("4", "email", NO_ACCOUNT, "gets no account, as Auth says: Database error saving new user"),
    ]
    # A hash is looked at before anything is made, so these are told first.
    said = refusing.failed("--make-accounts")
    assert of_people(refusing) == told[:1]
    assert OTHER_HASH not in said + refusing.rejects.read_text()
    assert refusing.accounts() == before

    summary = refusing.imported("--make-accounts", "--skip-rejects")
    assert of_people(refusing) == told
    assert [row[3] for row in refusing.told() if row[1] == "owner"] == [
        f"is not imported: line {line} of sailors.csv {why}" for line, _, _, why in sorted(told)
    ]
    assert summary["people"] == {"read": 4, "found": 0, "made": 1, "rejected": 3}
    assert refusing.accounts() - before == {FINE}
    assert marks(refusing) == 0


def test_all_of_them_are_told_and_nobody_stays_where_rejects_are_not_left_out(refusing: Harbour) -> None:
    files(refusing, (NO_ADDRESS, HASH), (FINE, HASH), (NO_ACCOUNT, HASH))
    before = refusing.accounts()
    assert "2 records do not fit, so nothing is imported" in refusing.failed("--make-accounts")
    assert [row[0] for row in of_people(refusing)] == ["2", "4"]
    assert refusing.accounts() == before


def test_a_dry_run_tells_whom_the_database_refuses(refusing: Harbour) -> None:
    files(refusing, (FINE, HASH), (NO_ACCOUNT, HASH))
    done = refusing.run("--make-accounts", "--dry-run")
    assert done.exit_code == 1
    assert of_people(refusing) == [
        ("3", "email", NO_ACCOUNT, "gets no account, as the database says: Barred from all harbours")
    ]


def test_auth_that_makes_none_at_all_ends_the_run(refusing: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tripgate.importing.accounts._IN_A_ROW", 2)
    files(refusing, *((f"barred{number}@harbour.example", HASH) for number in range(3)))
    before = refusing.accounts()
    assert "Auth could not make the account of barred1@" in refusing.failed("--make-accounts", "--skip-rejects")
    assert refusing.accounts() == before


def test_many_are_made_some_at_a_time_and_removed_again(with_accounts: Harbour) -> None:
    files(with_accounts, *((f"crew{number}@harbour.example", HASH) for number in range(30)))
    with_accounts.write("boats.csv", "id,owner,name", "1,1, ")
    before = with_accounts.accounts()
    assert "1 records do not fit" in with_accounts.failed("--make-accounts")
    assert with_accounts.accounts() == before
    with_accounts.write("boats.csv", "id,owner,name", "1,1,Ebba")
    assert with_accounts.imported("--make-accounts")["people"]["made"] == 30
    assert marks(with_accounts) == 0
