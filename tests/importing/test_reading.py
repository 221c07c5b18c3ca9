"""Files as people and programs write them: separators, encodings, quotes, lists in lists; and broken ones."""

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from tripgate.importing.reading.files import DataFile, find
from tripgate.importing.reading.records import LONGEST, Record, Unreadable, elements
from tripgate.importing.unfit import ImportFailedError

KNOWN = ("id", "title", "startDate")


def read(tmp_path: Path, name: str, content: str | bytes, at: str = "", encoding: str = "utf-8") -> list[object]:
    """The values of each record with its line, or its line and why it is unreadable."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (file,) = find([path], [path.name.partition(".")[0]], encoding).values()
    return [
        (each.line, each.why.why) if isinstance(each, Unreadable) else (each.line, dict(each.values))
        for each in file.records(KNOWN, at)
    ]


def broken(tmp_path: Path, name: str, content: str | bytes, encoding: str = "utf-8") -> str:
    with pytest.raises(ImportFailedError) as failure:
        read(tmp_path, name, content, encoding=encoding)
    return str(failure.value)


A_ROW = [(2, {"id": "1", "title": "Ré, Oléron"})]


@pytest.mark.parametrize(
    "content",
    [
        'id,title\n1,"Ré, Oléron"\n',
        'id,title\r\n1,"Ré, Oléron"\r\n',
        'id;title\n1;"Ré, Oléron"\n',
        "id\ttitle\n1\tRé, Oléron\n",
        'ID , Title\n1,"Ré, Oléron"\n',
        '\ufeffid,title\n1,"Ré, Oléron"\n',
        'id,title\n1,"Ré, Oléron"\n\n,\n',
    ],
)
def test_csv(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, "a.csv", content) == A_ROW


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    text = f'{mark}id,title\n1,"Ré, Oléron"\n'
    assert read(tmp_path, "a.csv", text.encode(encoding)) == A_ROW
    assert read(tmp_path, "a.json", f'{mark}[{{"id": "1"}}]'.encode(encoding)) == [(1, {"id": "1"})]


def test_an_encoding_that_is_named(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", 'id,title\n1,"Ré, Oléron"\n'.encode("cp1252"), encoding="cp1252") == A_ROW


def test_excels_own_first_line_names_the_separator(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "sep=;\nid;title\n1;x\n") == [(3, {"id": "1", "title": "x"})]


def test_a_value_may_go_over_several_lines_and_hold_quotes(tmp_path: Path) -> None:
    found = read(tmp_path, "a.csv", 'id,title\n1,"two\nlines"\n2,"a ""b"" c"\n')
    assert found == [(2, {"id": "1", "title": "two\nlines"}), (4, {"id": "2", "title": 'a "b" c'})]


def test_a_line_with_too_many_or_too_few_values_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    found = read(tmp_path, "a.csv", "id,title\n1,a,b\n2\n3,c\n")
    assert found == [
        (2, "has 3 values where the header has 2"),
        (3, "has 1 values where the header has 2"),
        (4, {"id": "3", "title": "c"}),
    ]


def test_json_in_its_shapes(tmp_path: Path) -> None:
    assert read(tmp_path, "a.json", ' [{"id": 1.10}, {"id": 2}, 3]') == [
        (1, {"id": Decimal("1.10")}),
        (2, {"id": 2}),
        (3, "is no JSON object"),
    ]
    assert read(tmp_path, "a.json", '{"id": "1", "startDate": null}') == [(1, {"id": "1", "startdate": None})]
    # As `wrangler d1 execute --json` prints it.
    d1 = '[{"results": [{"id": 1}, {"id": 2}], "success": true}]'
    assert read(tmp_path, "a.json", d1, at="item.results.item") == [(1, {"id": 1}), (2, {"id": 2})]
    assert read(tmp_path, "a.json", "[]") == []


def test_json_lines(tmp_path: Path) -> None:
    found = read(tmp_path, "a.jsonl", '{"id": 1.10}\n\n{"id": \n[1]\n{"id": NaN}\n{"id": 6}')
    assert found == [
        (1, {"id": Decimal("1.10")}),
        (3, "is no JSON"),
        (4, "is no JSON object"),
        (5, "is no JSON"),
        (6, {"id": 6}),
    ]


def test_compressed_files(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv.gz", gzip.compress('id,title\n1,"Ré, Oléron"\n'.encode())) == A_ROW
    assert read(tmp_path, "a.json.gz", gzip.compress(b'[{"id": 1}]')) == [(1, {"id": 1})]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "", "a.csv, line 1 has no header. "),
        ("a.csv", "id,ID\n1,2\n", "a.csv, line 1 has two columns ID. "),
        ("a.csv", 'id,title\n1,ok\n2,"never ends\n3,x\n', "a.csv, line 3 is no CSV: "),
        ("a.csv", b"id,title\n1,ok\n2,R\xe9\n", "a.csv, line 3 is not written in utf-8. "),
        ("a.jsonl", b'{"id": 1}\n{"id": "\xff"}\n', "a.jsonl, line 2 is not written in utf-8. "),
        ("a.json", '[{"id": 1}, {"id": 2', "a.json, line 2 is no JSON after record 1. "),
        ("a.json", "[{]", "a.json, line 1 is no JSON. "),
        ("a.json", "", "a.json, line 1 is no JSON. "),
        ("a.json", '[{"id": 1}] x', "a.json, line 2 is no JSON after record 1. "),
        ("a.csv.gz", b"no gzip", "a.csv.gz cannot be read: "),
        ("a.csv.gz", gzip.compress(b"id,title\n" + b"1,x\n" * 10_000, mtime=0)[:-30], "a.csv.gz cannot be read: "),
    ],
)
def test_a_file_that_cannot_be_read_on_is_told_with_its_place(
    tmp_path: Path, name: str, content: str | bytes, told: str
) -> None:
    assert broken(tmp_path, name, content).startswith(told)


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    long = '{"id": "' + "x" * (LONGEST + 10)
    assert broken(tmp_path, "a.jsonl", long).startswith(f"a.jsonl, line 1 has more than {LONGEST} characters. ")
    long = "x" * (LONGEST + 10)
    assert broken(tmp_path, "a.csv", f"id,title\n1,{long}").startswith("a.csv, line 2 is no CSV: a line has more than ")
    lines = "x\n" * (LONGEST // 2 + 10)
    assert "field larger than field limit" in broken(tmp_path, "a.csv", f'id,title\n1,"{lines}"')


def test_values_are_found_by_paths_whatever_the_case_of_names() -> None:
    record = Record(1, {"startdate": "x", "address": {"City Name": "Rome", "lines": []}, "empty": ""})
    assert record.value("start_date") == "x"
    assert record.value("address.cityName") == "Rome"
    assert [record.value(field) for field in ("address.street", "empty", "nothing", "startDate.day", "^.id")] == [
        None
    ] * 5


def test_lists_in_records_are_records_that_know_the_one_around() -> None:
    record = Record(4, {"id": 7, "cards": [{"id": "a"}, {"id": "b"}], "bills": json.dumps([{"id": 1}]), "x": 5})
    found = list(elements(record, "cards"))
    assert [(each.line, each.value("id"), each.value("^.id")) for each in found if isinstance(each, Record)] == [
        (4, "a", 7),
        (4, "b", 7),
    ]
    assert [each.value("id") for each in elements(record, "bills") if isinstance(each, Record)] == [1]
    assert list(elements(record, "none")) == []
    for odd in ("x", "id"):
        (unreadable,) = elements(record, odd)
        assert isinstance(unreadable, Unreadable)
        assert unreadable.why.why == f"has no list in {odd}"


def test_files_are_found_by_their_names(tmp_path: Path) -> None:
    for name in ("Trip Items.csv", "trips.JSON", "notes.txt"):
        (tmp_path / name).touch()
    found = find([tmp_path], ["trips", "trip_items", "places"], "utf-8")
    assert {stem: (file.name, file.form) for stem, file in found.items()} == {
        "trip_items": ("Trip Items.csv", "csv"),
        "trips": ("trips.JSON", "json"),
    }


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], "There is no file to import. There may be trips, places."),
        (["trip.csv"], "trip.csv is none of the files that there may be: trips, places."),
        (["trips.csv", "trips.json"], "are both trips. Name one of them."),
    ],
)
def test_no_file_is_passed_over_in_silence(tmp_path: Path, names: list[str], told: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(ImportFailedError) as failure:
        find([tmp_path], ["trips", "places"], "utf-8")
    assert str(failure.value).endswith(told)
    assert failure.value.usage


def test_a_file_of_another_kind_or_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trips.xlsx").touch()
    with pytest.raises(ImportFailedError, match=r"ends with none of \.csv, "):
        find([tmp_path / "trips.xlsx"], ["trips"], "utf-8")
    with pytest.raises(ImportFailedError, match="cannot be read: No such file"):
        list(DataFile(tmp_path / "trips.csv", "csv").records(KNOWN))
