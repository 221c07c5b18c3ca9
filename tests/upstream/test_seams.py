"""A read of several Postgres schemas, taken apart: what is asked first, and what is read further by its rows."""

import dataclasses
from typing import Any

import pytest

from gql.catalog import catalog
from gql.errors import ApiError
from gql.table import Column, Kind, Table, keys_view
from tests.upstream.rendered import parameters
from tripgate.planner.plan import ALWAYS, Aggregate, Compare, Embed, Function, Operator, Or, Pick, Read, Related
from tripgate.upstream.postgrest.render import keyed_request, read_request
from tripgate.upstream.postgrest.render.seams import MOST, Seam, split

NAME = (Pick("name"),)
KEY = Pick("id", "text")


def made(type_name: str, name: str, key: Kind = Kind.UUID) -> Table:
    columns = {"id": Column("id", "id", key, nullable=False), "name": Column("name", "name", Kind.TEXT, nullable=True)}
    return Table(type_name, name, type_name.lower(), f"{type_name.lower()}s", columns, {}, ())


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of two schemas, beside the program's."""
    for name in ("by_type", "_by_name", "_by_field"):
        monkeypatch.setattr(catalog, name, dict(getattr(catalog, name)))
    monkeypatch.setattr(catalog, "several_schemas", True)
    catalog.add(made("Couple", "household.couples", Kind.BIGINT))
    catalog.add(made("Note", "household.notes"))
    monkeypatch.setattr(catalog, "partly_hidden", {*catalog.partly_hidden, "household.secrets"})
    catalog.add(dataclasses.replace(made("Secret", "household.secrets"), hidden_columns=True))


COUPLE = Embed("r0", "couple_id", False, Read("household.couples", NAME))
NOTES = Embed("r1", "trip_id", True, Read("household.notes", NAME, limit=2))
COUNTED = Embed("r2", "trip_id", True, Read("household.notes", (), aggregates=(Aggregate("count", Function.COUNT),)))


HIDDEN = Embed("r0", "couple_id", False, Read("household.secrets", NAME))


def test_what_stays_in_one_schema_is_not_taken_apart() -> None:
    read = Read("trips", NAME, (Embed("r0", "trip_id", True, Read("trip_items", NAME)),))
    assert split(read) == (read, ())
    assert read_request(read).seams == ()


def test_what_rows_refer_to_is_read_by_its_key() -> None:
    first, seams = split(Read("trips", NAME, (COUPLE,), limit=3))
    assert first == Read("trips", (*NAME, Pick("couple_id")), limit=3)
    assert seams == (Seam((), "couple_id", "id", Read("household.couples", (*NAME, KEY)), "r0"),)


def test_what_refers_to_rows_is_embedded_in_a_view_of_their_keys() -> None:
    first, seams = split(Read("trips", NAME, (NOTES, COUNTED)))
    assert first == Read("trips", (*NAME, Pick("id")))
    further = Read("household.public_trips_keys", (Pick("id"),), (NOTES, COUNTED))
    assert seams == (Seam((), "id", "id", further, "", (NOTES, COUNTED)),)
    assert keys_view("trips", "household") == further.table
    assert keys_view("household.couples", "public") == "household_couples_keys"
    assert keys_view("household.couples", "together") == "together.household_couples_keys"


def test_rows_are_added_to_where_their_keys_are() -> None:
    below = Embed("r0", "trip_id", True, Read("trip_items", NAME, (COUPLE, NOTES, COUNTED)))
    _, seams = split(Read("trips", NAME, (below,)))
    rows: list[dict[str, Any]] = [
        {"r0": [{"id": "i", "couple_id": 1}, {"id": "j", "couple_id": None}]},
        {"r0": [{"id": "k", "couple_id": 1}]},
        {"r0": []},
    ]
    couple, keys = seams
    assert [read.where for read in couple.reads(rows)] == [Compare("id", Operator.IN, ("1",))]
    assert [read.where for read in keys.reads(rows)] == [Compare("id", Operator.IN, ("i", "j", "k"))]
    couple.add(rows, [{"id": "1", "name": "c"}])
    keys.add(
        rows, [{"id": "i", "r1": [{"name": "n"}], "r2": [{"count": 1}]}, {"id": "j", "r1": [], "r2": [{"count": 0}]}]
    )
    assert rows == [
        {
            "r0": [
                {
                    "id": "i",
                    "couple_id": 1,
                    "r0": {"id": "1", "name": "c"},
                    "r1": [{"name": "n"}],
                    "r2": [{"count": 1}],
                },
                {"id": "j", "couple_id": None, "r0": None, "r1": [], "r2": [{"count": 0}]},
            ]
        },
        # Gone meanwhile: the same as with nothing that refers to it.
        {"r0": [{"id": "k", "couple_id": 1, "r0": {"id": "1", "name": "c"}, "r1": [], "r2": [{"count": 0}]}]},
        {"r0": []},
    ]


@pytest.mark.parametrize(
    ("embed", "rows", "requests"),
    [
        (COUPLE, [{"couple_id": number} for number in range(MOST + 1)], [MOST, 1]),
        (NOTES, [{"id": str(number)} for number in range(250)], [100, 100, 50]),
        (NOTES, [{"id": "ü" * 1000 + str(number)} for number in range(3)], [1, 1, 1]),
        (COUPLE, [{"couple_id": "ü" * 1000 + str(number)} for number in range(3)], [1, 1, 1]),
        (COUPLE, [{"couple_id": "ü" * 1000 + str(number)} for number in range(101)], [101]),
        (HIDDEN, [{"couple_id": number} for number in range(150)], [100, 50]),
        (NOTES, [], []),
    ],
)
def test_more_keys_than_a_request_takes_are_several(
    embed: Embed, rows: list[dict[str, Any]], requests: list[int]
) -> None:
    (seam,) = split(Read("trips", NAME, (embed,)))[1]
    reads = list(seam.reads(rows))
    values = [read.where.value for read in reads if isinstance(read.where, Compare)]
    assert [len(each) for each in values] == requests
    asked = [read_request(read) for read in reads]
    assert {each.schema for each in asked} <= {"household"}
    assert all(len(each.path) < 8000 for each in asked)


def test_many_keys_travel_in_a_body() -> None:
    (seam,) = split(Read("trips", NAME, (COUPLE,)))[1]
    (read,) = seam.reads([{"couple_id": number} for number in range(150)])
    request = read_request(read)
    assert (request.method, parameters(request.path)) == ("POST", "rpc/couples_by_ids?select=name,id::text")


def test_a_row_by_its_key_is_asked_for_as_any_other() -> None:
    read = Read("trips", NAME, (COUPLE, NOTES))
    of_key = keyed_request(read, "id").with_key("a")
    plain = read_request(Read("trips", NAME, (COUPLE, NOTES), Compare("id", Operator.EQ, "a")))
    assert (of_key, of_key.plan, of_key.identity) == (plain, plain.plan, plain.identity)
    assert len(of_key.seams) == 2


def test_what_cannot_be_asked_further_is_refused_before_anything_is() -> None:
    least = Aggregate("m", Function.MIN, "name")
    where = Or((Related("household.notes", "note_id", False, ALWAYS), Compare("name", Operator.EQ, "a")))
    totals = Embed("r1", "trip_id", True, Read("household.notes", (), aggregates=(least,), where=where))
    for prepare in (read_request, lambda read: keyed_request(read, "id")):
        with pytest.raises(ApiError, match=r"^min of name cannot be computed"):
            prepare(Read("trips", NAME, (totals,)))


def test_reads_that_differ_in_what_is_read_further_share_no_answer() -> None:
    other = Embed("r0", "couple_id", False, Read("household.couples", (Pick("id"),)))
    one, another = (read_request(Read("trips", NAME, (embed,))) for embed in (COUPLE, other))
    assert one.path == another.path
    assert one.identity != another.identity
