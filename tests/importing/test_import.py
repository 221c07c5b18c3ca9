"""`tripgate import` of a toy system: once, twice, changed and again; what does not fit; whose it is."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from tests.importing.conftest import ADA, BEN, Harbour
from tripgate.importing.ids import NAMESPACE, id_of, key_of

SAILORS = ("id,email,name,confirmed,phone", f"a,{ADA.upper()},Ada,true,1", f"b, {BEN} ,Ben,1,2")
BOATS = (
    "id,owner,name,length,crew,sails,launched,last seen,tags,extra,state",
    '1,a,Ebba,12.5,4,yes,1998-05-31,2026-05-31 18:30:00+02,"fast; red","{""n"": 0.10}",afloat',
    "2,b,Freja,,,,,,,,UNDER",
)
VOYAGES = (
    {"id": "v1", "boat": 1, "number": 1, "miles": 1234.567, "logs": [{"line": "calm"}, {"line": "storm"}]},
    {"id": "v2", "boat": 2, "number": 1, "miles": None},
)


def fill(harbour: Harbour) -> None:
    harbour.write("sailors.csv", *SAILORS)
    harbour.write("boats.csv", *BOATS)
    harbour.write("voyages.json", json.dumps(VOYAGES))


def test_what_is_imported_is_what_was_written(harbour: Harbour) -> None:
    fill(harbour)
    summary = harbour.imported()
    assert summary["people"] == {"read": 2, "found": 2, "made": 0, "rejected": 0}
    assert {each["name"]: (each["read"], each["new"]) for each in summary["sources"]} == {
        "boats": (2, 2),
        "voyages": (2, 2),
        "logs": (2, 2),
    }
    ada, ben = (harbour.value("select id from auth.users where email = %s", email) for email in (ADA, BEN))
    first, second = harbour.rows("select * from toy.boats order by name")
    updated = first.pop("updated_at")
    assert first == {
        "id": id_of("toy", "toy.boats", ada, "1"),
        "user_id": ada,
        "name": "Ebba",
        "length": Decimal("12.50"),
        "crew": 4,
        "sails": True,
        "launched": date(1998, 5, 31),
        "seen_at": datetime(2026, 5, 31, 16, 30, tzinfo=UTC),
        "tags": ["fast", "red"],
        "extra": {"n": 0.1},
        "state": "afloat",
        "origin": "old harbour",
    }
    assert (datetime.now(UTC) - updated).total_seconds() < 600
    # What the file leaves empty is null, or the column's own default.
    assert (second["user_id"], second["crew"], second["tags"], second["extra"], second["length"]) == (
        ben,
        1,
        [],
        {},
        None,
    )
    assert second["state"] == "sunk"
    logs = harbour.rows("select line, voyage_id from toy.logs order by line")
    assert logs == [{"line": line, "voyage_id": id_of("toy", "toy.voyages", ada, "v1")} for line in ("calm", "storm")]


def test_counts_and_sums_are_compared_to_the_last_digit(harbour: Harbour) -> None:
    fill(harbour)
    boats, voyages, _ = harbour.imported()["sources"]
    assert boats["sums"] == {
        "crew": {"file": "5", "database": "5"},
        "length": {"file": "12.5", "database": "12.50"},
    }
    assert voyages["sums"]["miles"] == {"file": "1234.567", "database": "1234.567"}


def test_twice_changes_nothing_and_a_change_is_followed(harbour: Harbour) -> None:
    fill(harbour)
    assert harbour.counts() == {"boats": (2, 0, 0, 0), "voyages": (2, 0, 0, 0), "logs": (2, 0, 0, 0)}
    before = harbour.rows("select * from toy.boats order by id")
    assert harbour.counts() == {"boats": (0, 0, 2, 0), "voyages": (0, 0, 2, 0), "logs": (0, 0, 2, 0)}
    assert harbour.rows("select * from toy.boats order by id") == before
    harbour.write("boats.csv", *BOATS, "3,a,Third,,,,,,,,")
    harbour.write("voyages.json", json.dumps([{**VOYAGES[0], "miles": 99}, VOYAGES[1]]))
    assert harbour.counts() == {"boats": (1, 0, 2, 0), "voyages": (0, 1, 1, 0), "logs": (0, 0, 2, 0)}
    assert harbour.counts() == {"boats": (0, 0, 3, 0), "voyages": (0, 0, 2, 0), "logs": (0, 0, 2, 0)}


def test_what_changed_when_is_the_old_systems_word_at_first_and_this_ones_later(harbour: Harbour) -> None:
    old = "2020-01-01 00:00:00Z"
    harbour.write("boats.csv", "id,name,updated_at", f"1,Ebba,{old}")
    harbour.imported("--owner", ADA)
    assert harbour.value("select updated_at from toy.boats") == datetime(2020, 1, 1, tzinfo=UTC)
    harbour.write("boats.csv", "id,name,updated_at", f"1,Eba,{old}")
    assert harbour.counts("--owner", ADA) == {"boats": (0, 1, 0, 0)}
    assert harbour.value("select updated_at from toy.boats").year > 2020
    assert harbour.counts("--owner", ADA) == {"boats": (0, 0, 1, 0)}


def test_a_column_that_the_file_lacks_is_left_as_it_is(harbour: Harbour) -> None:
    fill(harbour)
    harbour.imported()
    harbour.write("boats.csv", "id,owner,name", "1,a,Ebba II")
    (harbour.folder / "files" / "voyages.json").unlink()
    assert harbour.counts() == {"boats": (0, 1, 0, 0)}
    boat = harbour.rows("select * from toy.boats where name = 'Ebba II'")[0]
    assert (boat["length"], boat["tags"]) == (Decimal("12.50"), ["fast", "red"])


def test_a_dry_run_does_it_all_and_keeps_nothing(with_accounts: Harbour) -> None:
    fill(with_accounts)
    with_accounts.write("sailors.csv", *SAILORS, "c,new@harbour.example,Cat,true,")
    with_accounts.write("boats.csv", *BOATS, "3,c,Third,,,,,,,,")
    before = with_accounts.accounts()
    done = with_accounts.run("--dry-run", "--json", "--make-accounts")
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert (summary["imported"], summary["people"]["made"], summary["sources"][0]["new"]) == (False, 1, 3)
    assert with_accounts.value("select count(*) from toy.boats") == 0
    assert with_accounts.accounts() == before
    assert "Nothing is written: this was a dry run." in with_accounts.run("--dry-run", "--make-accounts").stdout


def test_all_that_does_not_fit_is_told_by_its_place_and_nothing_is_imported(harbour: Harbour) -> None:
    harbour.write("sailors.csv", *SAILORS)
    harbour.write(
        "boats.csv",
        "id,owner,name,length,crew,launched,extra",
        "1,a,Ebba,12.345,many,31/05/1998,{",
        "2,z,,,,,",
        ",a,Nameless,,,,",
        '4,a,"=HYPERLINK(""http://x"")",,99999,,',
        "4,a,Fourth,,,,",
        "6,a",
        "7,a,Good,,,,",
        "7,a,Again,,,,",
    )
    harbour.write("voyages.jsonl", '{"id": 1, "boat": 1, "number": 1}', "{", '{"id": 2, "boat": 77, "number": 1.5}')
    told = harbour.failed()
    assert harbour.told() == [
        ("2", "length", "12.345", "has more than 2 digits behind the point"),
        ("2", "crew", "many", "is no number"),
        ("2", "launched", "31/05/1998", "is no date"),
        ("2", "extra", "{", "is no JSON"),
        ("3", "owner", "z", "is nobody of sailors.csv"),
        ("3", "name", "", "has no value"),
        ("4", "id", "", "has no value"),
        ("5", "crew", "99999", "is too large"),
        ("6", "id", "4", "is the same as line 5"),
        ("7", "", "", "has 2 values where the header has 7"),
        ("9", "id", "7", "is the same as line 8"),
        ("1", "boat", "1", "is not imported itself: see line 2 of boats.csv"),
        ("2", "", "", "is no JSON"),
        ("3", "boat", "77", "is no key of boats.csv"),
        ("3", "number", "1.5", "is no whole number"),
        ("2", "", "", "is no JSON"),
    ]
    assert "records do not fit, so nothing is imported:\n  boats.csv, line 2: length: has more than 2" in told
    assert str(harbour.rejects) in told
    assert harbour.rejects.stat().st_mode & 0o777 == 0o600
    assert harbour.value("select count(*) from toy.boats") == 0


def test_what_postgres_refuses_is_told_by_its_line_and_in_the_words_of_the_constraint(harbour: Harbour) -> None:
    harbour.write("boats.csv", "id,name", *(f"{number},{' ' if number == 700 else 'B'}" for number in range(1, 1500)))
    harbour.write("voyages.csv", "id,boat,number,miles", "1,1,1,5", "2,1,1,6", "3,700,1,6", "4,2,1,-1")
    told = harbour.failed("--owner", ADA)
    assert harbour.told() == [
        ("701", "name", " ", "A boat has a name"),
        ("4", "boat", "700", "is not imported itself: see line 701 of boats.csv"),
        ("3", "boat", "", "is what another row has already (boat_id, number)"),
        ("5", "miles", "-1", "breaks the rule voyages_miles_check"),
    ]
    assert "4 records do not fit" in told
    assert harbour.value("select count(*) from toy.boats") == 0
    assert harbour.counts("--owner", ADA, "--skip-rejects") == {
        "boats": (1498, 0, 0, 1),
        "voyages": (1, 0, 0, 3),
        "logs": (0, 0, 0, 0),
    }
    assert len(harbour.told()) == 4


def test_rejects_can_be_left_out_and_the_list_goes_with_them(harbour: Harbour) -> None:
    harbour.write("boats.csv", "id,name,crew", "1,Ebba,x", "2,=1+1,5", "3,Ida,")
    harbour.write("voyages.csv", "id,boat,number", "1,1,1", "2,3,1")
    assert harbour.counts("--owner", ADA, "--skip-rejects")["boats"] == (2, 0, 0, 1)
    assert len(harbour.told()) == 2
    harbour.write("boats.csv", "id,name,crew", "1,Ebba,1", "2,=1+1,5", "3,Ida,")
    assert harbour.counts("--owner", ADA)["boats"] == (1, 0, 2, 0)
    assert not harbour.rejects.exists()


def test_a_spreadsheet_that_opens_the_rejects_runs_nothing(harbour: Harbour) -> None:
    harbour.write("boats.csv", "id,name,crew", "=1+1,Ebba,=cmd", "2,Ida,-x", "3,Siv,\uff1dcmd")
    harbour.failed("--owner", ADA)
    assert [row[2] for row in harbour.told()] == ["'=cmd", "'-x", "'\uff1dcmd"]


def test_a_list_of_rejects_replaces_no_other_file(harbour: Harbour) -> None:
    harbour.write("boats.csv", "id,name", "1, ")
    harbour.rejects.write_text("my notes\n")
    assert "is there and holds something else" in harbour.failed("--owner", ADA, code=2)
    assert harbour.rejects.read_text() == "my notes\n"


def test_a_list_of_rejects_beside_the_files_is_none_of_them(harbour: Harbour) -> None:
    harbour.write("boats.csv", "id,name", "1, ")
    beside = str(harbour.folder / "files" / "toy-rejects.csv")
    for _ in range(2):
        assert "1 records do not fit" in harbour.failed("--owner", ADA, "--rejects", beside)


def test_what_nobody_asks_for_is_told(harbour: Harbour) -> None:
    harbour.write("boats.csv", "id,name,Weight,price", "1,Ebba,5,6")
    (boats,) = harbour.imported("--owner", ADA)["sources"]
    assert boats["leftBehind"] == ["price", "weight"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("id,title", "1,x"), "boats.csv has no column name, only id, title. Add it, or give it that name."),
        (("name", "x"), "boats.csv has no column id, only name."),
    ],
)
def test_a_file_without_a_column_that_it_needs_is_refused_at_once(
    harbour: Harbour, lines: tuple[str, ...], told: str
) -> None:
    harbour.write("boats.csv", *lines)
    assert told in harbour.failed("--owner", ADA, code=2)


def test_a_file_that_others_refer_to_has_to_be_there(harbour: Harbour) -> None:
    harbour.write("voyages.csv", "id,boat,number", "1,1,1")
    assert "voyages.csv refers by boat to boats" in harbour.failed("--owner", ADA, code=2)


def test_rows_without_a_key_of_their_own_are_found_by_their_person(harbour: Harbour) -> None:
    harbour.write("sailors.csv", *SAILORS)
    harbour.write("settings.csv", "person,colour", "a,red", "b,blue")
    assert harbour.counts() == {"settings": (2, 0, 0, 0)}
    ids = harbour.rows("select id from toy.settings order by id")
    harbour.write("settings.csv", "person,colour", "a,green", "b,blue")
    assert harbour.counts() == {"settings": (0, 1, 1, 0)}
    assert harbour.rows("select id from toy.settings order by id") == ids


def test_two_records_never_make_one_row(harbour: Harbour) -> None:
    harbour.write("sailors.csv", *SAILORS)
    harbour.write("settings.json", json.dumps([{"person": "a", "colour": "red"}, {"person": " a ", "colour": "blue"}]))
    harbour.failed()
    assert harbour.told() == [("2", "person", "a", "is the same as line 1")]


def test_records_of_two_people_may_have_one_key(harbour: Harbour) -> None:
    harbour.write("boats.csv", "id,name", "1,Ebba")
    assert harbour.counts("--owner", ADA) == {"boats": (1, 0, 0, 0)}
    assert harbour.counts("--owner", BEN) == {"boats": (1, 0, 0, 0)}
    assert harbour.value("select count(distinct user_id) from toy.boats") == 2


def test_a_sum_that_a_trigger_changes_fails_the_import(harbour: Harbour) -> None:
    harbour.db.execute(
        "create function toy.double() returns trigger language plpgsql as"
        " $$ begin new.length := new.length * 2; return new; end $$"
    )
    harbour.db.execute("create trigger double before insert on toy.boats for each row execute function toy.double()")
    try:
        harbour.write("boats.csv", "id,name,length", "1,Ebba,5.5")
        told = harbour.failed("--owner", ADA)
        assert "The sum of boats.length is 5.5 in the file and 11.00 here, so nothing is imported." in told
    finally:
        harbour.db.execute("drop function toy.double() cascade")
    assert harbour.value("select count(*) from toy.boats") == 0


def test_ids_are_made_of_system_table_owner_and_old_key() -> None:
    owner = UUID(int=7)
    made = id_of("toy", "toy.boats", owner, "1")
    assert made.version == 5
    assert made == uuid5(NAMESPACE, f'["toy", "toy.boats", "{owner}", "1"]')
    others = {
        id_of("toys", "toy.boats", owner, "1"),
        id_of("toy", "toy.voyages", owner, "1"),
        id_of("toy", "toy.boats", None, "1"),
        id_of("toy", "toy.boats", owner, "2"),
        uuid5(NAMESPACE_URL, "1"),
    }
    assert made not in others
    assert len(others) == 5
    assert key_of(["a"]) == "a"
    assert key_of(['a", "b', "c"]) != key_of(["a", 'b", "c'])
