"""Whose rows the doctor must not see follows from scopes: asked of the tables of `project`, by one who is in some."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from gql.schemas import bare, schema_of
from tests.scopes.conftest import Neighbours
from tests.scopes.test_declarations import CLUB, PERSON, mapped
from tripgate.commands.doctor.function_calls import _hidden
from tripgate.local.stack import StackInfo

PROGRAM = """
import json
from dataclasses import replace
import tests.scopes.declared
from tripgate.commands.doctor.function_calls import never_seen
print(json.dumps(never_seen()))
"""
OF_THE_CLUB = "select={key},of:clubs!club_number()&of=is.null"
OF_THE_ROOM = "select={key},of:rooms!room_code()&of=is.null"
QUERIES = {
    "clubs": "select=number,mine0:club_members!club_number()&mine0.user_id=eq.{me}&mine0=is.null&user_id=neq.{me}",
    "club_members": OF_THE_CLUB.replace("{key}", "id"),
    "club_events": OF_THE_CLUB.replace("{key}", "id"),
    "rooms": "select=code,mine0:room_guests!room_code()&mine0.user_id=eq.{me}&mine0=is.null",
    "room_guests": OF_THE_ROOM.replace("{key}", "id"),
    "room_notes": OF_THE_ROOM.replace("{key}", "code"),
    "reminders": "select=id&user_id=neq.{me}",
    "household.couples": ("select=id,mine0:couple_members!couple_id()&mine0.user_id=eq.{me}&mine0=is.null"),
    "household.couple_members": "select=id,of:couples!couple_id()&of=is.null",
}


@pytest.fixture(scope="module")
def queries() -> dict[str, str]:
    """What the doctor asks of the program of these tests."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_they_follow_from_the_declarations(queries: dict[str, str]) -> None:
    assert {table: query for table, query in queries.items() if table in QUERIES} == QUERIES


@pytest.mark.parametrize("table", QUERIES)
async def test_nobody_finds_a_row_and_a_table_without_policies_shows_some(
    neighbours: Neighbours, shared: StackInfo, table: str
) -> None:
    """The other's rows are there for each query to find."""
    couple, one, other = neighbours.club, neighbours.one, neighbours.other
    neighbours.sql("insert into household.couples (id, name) values (%s, 'Us')", couple)
    neighbours.sql("insert into household.couple_members (couple_id, user_id) values (%s, %s)", couple, other.id)
    neighbours.joins_club(one)
    neighbours.sql("insert into public.reminders (user_id, words) values (%s, 'Theirs')", other.id)
    # Each asks for what only the other of the two takes part in.
    asks = other if table.startswith("club") else one
    headers = {
        "apikey": shared.publishable_key,
        "Authorization": f"Bearer {asks.token}",
        "Accept-Profile": schema_of(table),
    }
    url = f"{shared.api_url}/rest/v1/{bare(table)}?{QUERIES[table].format(me=asks.id)}&limit=1"

    async def found() -> object:
        async with asks.http.get(url, headers=headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    qualified = f"{schema_of(table)}.{bare(table)}"
    assert await found() == []
    neighbours.sql(f"alter table {qualified} disable row level security")
    try:
        assert await found() != []
    finally:
        neighbours.sql(f"alter table {qualified} enable row level security")


def test_of_what_other_tables_tell_whose_it_is_nothing_is_asked() -> None:
    table = mapped("Note", "event_id", scope=CLUB)
    assert _hidden(replace(table, scope_path=("event_id", "club_id"))) is None
    assert _hidden(replace(table, scope=PERSON, scope_path=("event_id", "person_id"))) is None
