"""docs/import.md: what it shows of trips from a spreadsheet is what happens."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from gql import pg_catalog
from tests.conftest import ROOT
from tripgate.cli import main
from tripgate.importing import declaring
from tripgate.importing.conversions import Habits
from tripgate.importing.declaring import Import
from tripgate.local.stack import StackInfo
from tripgate.systems.trips.importing import IMPORT

PAGE = (ROOT / "docs/import.md").read_text()
SHEETS = dict(re.findall(r"^```csv\n# (\S+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
(COMMANDS,) = re.findall(r"^```console\n(\$ tripgate import.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
(ANSWER,) = re.findall(r"^```\n(places .*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
TABLES = ("trip_items", "trips", "places")


@pytest.fixture
def before(seeded: StackInfo) -> Iterator[psycopg.Connection]:
    """What is imported is removed again: other tests read the same people's trips."""
    with psycopg.connect(seeded.db_url, autocommit=True) as db:
        ids = {table: [row[0] for row in db.execute(f"select id from public.{table}")] for table in TABLES}
        yield db
        for table in TABLES:
            db.execute(f"delete from public.{table} where id <> all(%s)", (ids[table],))


def test_the_sheets_are_imported_as_they_are_shown(
    seeded: StackInfo, before: psycopg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "sheets").mkdir()
    for name, text in SHEETS.items():
        (tmp_path / "sheets" / name).write_text(text)
    look, do = (line.removeprefix("$ ") for line in COMMANDS.splitlines())
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TRIPGATE_", "SUPABASE_"))}
    environment["TRIPGATE_IMPORT_DATABASE_URL"] = seeded.db_url
    environment["PATH"] = f"{ROOT}/.venv/bin:{environment['PATH']}"

    def pasted(command: str) -> str:
        shell = ["/bin/sh", "-c", command]
        done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""  # no bar, where nobody looks
        return done.stdout

    assert pasted(look) == ANSWER.replace("Imported.", "Nothing is written: this was a dry run.")
    assert pasted(do) == ANSWER
    assert "0 new, 0 changed, 1 unchanged" in pasted(do)
    query = (
        "select i.title, t.title, p.name, i.starts_at at time zone 'UTC', u.email from public.trip_items i"
        " join public.trips t on t.id = i.trip_id join public.places p on p.id = i.place_id"
        " join auth.users u on u.id = t.user_id where t.labels = '{city,autumn}' order by i.day_number, i.order_index"
    )
    found = [(item, trip, place, f"{at:%H:%M}", whose) for item, trip, place, at, whose in before.execute(query)]
    assert found == [
        ("The Colosseum before the crowd", "Three days in Rome", "Colosseo", "06:30", "ada@tripgate.example"),
        ("Lunch at the market", "Three days in Rome", "Mercato Testaccio", "11:00", "ada@tripgate.example"),
    ]


def test_people_bring_what_is_theirs_and_share_their_old_ids_with_nobody(
    seeded: StackInfo, before: psycopg.Connection, tmp_path: Path
) -> None:
    sheets = {
        "people.csv": "id,email\n7,ADA@tripgate.example\n8,ben@tripgate.example\n",
        "trips.csv": "id;owner;Title;Start date;budget\nt1;7;Import: hers;2026-10-02;1.000,5\nt2;8;Import: his;;\n",
        "trip_items.jsonl": '{"id": 1, "trip": "t1", "title": "A", "details": {"seat": 1.10}}\n'
        '{"id": 2, "trip": "t2", "title": "B", "place": ""}\n',
    }
    for name, text in sheets.items():
        (tmp_path / name).write_text(text)
    arguments = ["import", "trips", str(tmp_path), "--decimal-comma", "--rejects", str(tmp_path / "rejects.csv")]
    done = CliRunner().invoke(main, arguments, env={"TRIPGATE_IMPORT_DATABASE_URL": seeded.db_url})
    assert done.exit_code == 0, done.output
    query = (
        "select t.title, u.email, t.start_date::text, t.budget::text, t.status, i.title, i.details::text"
        " from public.trips t join auth.users u on u.id = t.user_id join public.trip_items i on i.trip_id = t.id"
        " where t.title like 'Import: %' order by t.title"
    )
    assert before.execute(query).fetchall() == [
        ("Import: hers", "ada@tripgate.example", "2026-10-02", "1000.50", "planning", "A", '{"seat": 1.10}'),
        ("Import: his", "ben@tripgate.example", None, None, "planning", "B", "{}"),
    ]


def test_items_without_a_position_come_last_and_stay_there(
    seeded: StackInfo, before: psycopg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "trips.csv").write_text("id,title\n1,Import: a day\n")
    (tmp_path / "trip_items.csv").write_text("id,trip,title,order_index\n1,1,A,5\n2,1,B,\n3,1,C,\n4,1,D,\n")
    arguments = ["import", "trips", str(tmp_path), "--owner", "ada@tripgate.example", "--json"]
    query = (
        "select i.title, i.order_index from public.trip_items i join public.trips t on t.id = i.trip_id"
        " where t.title = 'Import: a day' order by i.order_index"
    )
    seen = []
    for counts in ((4, 0, 0), (0, 0, 4)):
        done = CliRunner().invoke(
            main,
            [*arguments, "--rejects", str(tmp_path / "rejects.csv")],
            env={"TRIPGATE_IMPORT_DATABASE_URL": seeded.db_url},
        )
        assert done.exit_code == 0, done.output
        items = json.loads(done.stdout)["sources"][1]
        assert (items["new"], items["changed"], items["unchanged"]) == counts
        seen.append(before.execute(query).fetchall())
    assert seen == [[("A", 5), ("B", 6), ("C", 7), ("D", 8)]] * 2


def test_the_words_that_may_stand_there_are_those_of_the_tables() -> None:
    for source in IMPORT.sources:
        table = pg_catalog.loaded().table(source.table.removeprefix("public."))
        assert table is not None
        for name, column in source.columns.items():
            for word in table.choices(name) or ():
                assert column.convert(word, Habits()) == word


def test_what_is_shown_of_declaring_is_a_declaration() -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    names: dict[str, object] = {}
    exec(block, names)
    declared = names["IMPORT"]
    assert isinstance(declared, Import)
    assert declared.stems == ("users", "orders")
    listed = set(re.findall(r"`(\w+)`", PAGE[PAGE.index("There are\n") : PAGE.index("For anything else")]))
    conversions = {
        name for name, each in vars(declaring).items() if getattr(each, "__annotations__", {}).get("return") == "Column"
    }
    assert listed == conversions


def test_every_column_is_documented() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (`id`.*) \|$", PAGE, re.MULTILINE))
    for source in IMPORT.sources:
        told = set(re.findall(r"`(\w+)`", rows[source.name]))
        assert told == {*source.key, *map(source.field_of, source.columns)}
