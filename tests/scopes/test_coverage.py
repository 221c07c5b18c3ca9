"""Live queries hear of all that alters their answers, or say why not: found out at the start."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gql.caching import CacheControl, InvalidatedBy
from gql.catalog import Catalog, catalog
from gql.coverage import check_coverage, is_told, looks_into, polled
from gql.declare import POLLED, REFERENCE
from gql.scope import Through
from gql.table import Relation, Table
from resolvers.declared import value_of
from resolvers.declared.live import LiveRead
from tests.scopes.test_declarations import CLUB, CLUBS, MEMBERS, PEOPLE, PERSON, catalog_of, mapped
from tripgate.commands.doctor.live import coverage
from tripgate.gateway.schema import schema

ADVICE = (
    "Say @table(…, scope=….via(column)), with the column of the person or the shared row that its rows belong to; or "
    "unheard=REFERENCE where migrations alone change them; or unheard=POLLED to have live queries read them every "
    "TRIPGATE_LIVE_POLL seconds"
)
PERSONS = replace(PEOPLE, scope=PERSON, scope_via="id", scope_path=("id",))
NOTES = mapped("Note", "person_id", scope=PERSON, via="person_id")
EVENTS = mapped("Event", "club_id", scope=CLUB, via="club_id")
COUNTRIES = mapped("Country")


def program(*tables: Table) -> Catalog:
    """A program with clubs and these tables."""
    return catalog_of([PERSON, CLUB], PERSONS, CLUBS, MEMBERS, *tables)


@pytest.mark.parametrize(
    "table",
    [
        NOTES,
        EVENTS,
        replace(COUNTRIES, unheard=REFERENCE),
        replace(COUNTRIES, unheard=POLLED),
        replace(NOTES, unheard=POLLED),
        replace(EVENTS, cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC, depends_on=("members",))),
        replace(COUNTRIES, read_only=True, cache=CacheControl(0, depends_on=("clubs",))),
    ],
    ids=["own", "shared", "reference", "polled", "own-polled", "cached", "view"],
)
def test_what_is_told_or_declared_otherwise_passes(table: Table) -> None:
    check_coverage(program(table))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (COUNTRIES, f"Country: no topic tells of its changes, so live queries would miss them. {ADVICE}."),
        (
            replace(COUNTRIES, read_only=True),
            f"Country: no topic tells of its changes, so live queries would miss them. {ADVICE}, or "
            'cache=CacheControl(0, depends_on=("…",)) with the tables behind it.',
        ),
        (
            replace(COUNTRIES, cache=CacheControl(30)),
            f"Country: no topic tells of its changes, so live queries would miss them. {ADVICE}.",
        ),
        (
            replace(NOTES, cache=CacheControl(30, InvalidatedBy.GATEWAY_WRITES)),
            "Note: more people see its rows, as GATEWAY_WRITES says, than hear of them on the topics of person. Say "
            "InvalidatedBy.SCOPE_TOPIC if it is not so, seen_in=(….through(relation),) where the others see them, or "
            "unheard=POLLED to have live queries read them every TRIPGATE_LIVE_POLL seconds.",
        ),
        (
            replace(EVENTS, unheard=REFERENCE),
            "Event: a topic tells of its changes, so leave unheard=REFERENCE out",
        ),
        (
            replace(NOTES, cache=CacheControl(30, InvalidatedBy.OWN_WRITES, depends_on=("pages",))),
            "Note: depends_on names pages, over which no type is declared",
        ),
        (
            replace(NOTES, field_caches={"sum": CacheControl(30, InvalidatedBy.OWN_WRITES, depends_on=("pages",))}),
            "Note: depends_on names pages, over which no type is declared",
        ),
    ],
)
def test_what_nobody_would_hear_of_fails_the_start(table: Table, message: str) -> None:
    with pytest.raises(ValueError, match=r"^") as failure:
        check_coverage(program(table))
    assert str(failure.value) == message


def test_the_place_of_the_declaration_is_told() -> None:
    with pytest.raises(ValueError, match=r"^") as failure:
        check_coverage(program(replace(COUNTRIES, declared_at="gql/types/countries.py, line 7")))
    assert failure.value.__notes__ == ["Declared in gql/types/countries.py, line 7"]


def test_rows_depend_on_those_by_which_people_take_part_where_they_are_told() -> None:
    events = {"events": Relation("events", "Event", "note_id", many=True)}
    told = replace(NOTES, relations=events, seen_in=(Through(CLUB, "events"),))
    known = program(EVENTS, told)
    assert looks_into(known, EVENTS) == ("clubs", "members")
    assert looks_into(known, CLUBS) == ("members",)
    assert looks_into(known, NOTES) == ()
    assert looks_into(known, told) == ("events", "clubs", "members")


def test_a_view_is_told_of_by_the_tables_behind_it() -> None:
    view = replace(COUNTRIES, read_only=True, cache=CacheControl(0, depends_on=("clubs",)))
    assert is_told(view)
    assert not is_told(replace(view, cache=CacheControl(0)))


def test_the_doctor_names_what_is_polled() -> None:
    (said,) = coverage(program(replace(COUNTRIES, unheard=POLLED)))
    assert said.text == ("Live queries of Country are read every TRIPGATE_LIVE_POLL seconds, as their tables declare.")
    (said,) = coverage(program(replace(COUNTRIES, unheard=REFERENCE)))
    assert said.text == "Live queries hear of every table's changes."


def test_of_the_products_tables_none_is_polled() -> None:
    schema()
    assert polled(catalog) == []


def test_a_value_says_which_tables_it_is_made_of() -> None:
    LiveRead(value_of("distance", returns=int, description="It.", depends_on=("places",)))
    LiveRead(value_of("now", returns=int, description="It.", depends_on=POLLED))
    with pytest.raises(ValueError, match=r"depends_on names pages, over which no type is declared$"):
        LiveRead(value_of("count", returns=int, description="It.", depends_on=("pages",)))


PROGRAM = """
import asyncio, json
import strawberry
from gql.catalog import catalog
from resolvers.declared.base import DeclaredField
from tripgate.gateway.schema import build_schema

class Guess(DeclaredField):
    async def run(self, context, selected, variables):
        return 1

@strawberry.type
class GuessQuery:
    guess = Guess("", lambda: int, list, "It.")

try:
    build_schema(queries=[GuessQuery])
except ValueError as error:
    print(json.dumps(str(error)))
"""


def test_a_read_of_unknown_tables_fails_the_start() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=root)
    assert json.loads(done.stdout) == (
        "guess: which tables it looks into is not declared, so live queries of it would miss their changes. Say "
        'depends_on=("…",) with their names, or depends_on=POLLED to have it read every TRIPGATE_LIVE_POLL seconds.'
    )
