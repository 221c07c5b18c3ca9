"""People in the tables of another schema: they come along in one request, as far as policies show them."""

import json
import subprocess
import sys
import uuid
from typing import Any

import psycopg
import pytest

from tests.live.clients import live
from tests.scopes.conftest import Neighbours
from tests.support import backend
from tripgate.local.stack import StackInfo

OF_THE_VIEW = "nodeId __typename id displayName avatarPath"


@pytest.fixture
def couple(neighbours: Neighbours) -> Neighbours:
    """Both are a couple, whose books the one keeps, who asked the other to join."""
    one, other, key = neighbours.one, neighbours.other, neighbours.club
    join = "insert into household.couple_members (couple_id, user_id, invited_by) values (%s, %s, %s)"
    neighbours.sql("insert into household.couples (id, name, keeper_id) values (%s, 'Us', %s)", key, one.id)
    neighbours.sql(join, key, one.id, None)
    neighbours.sql(join, key, other.id, one.id)
    neighbours.sql("update public.profiles set display_name = 'One', avatar_path = 'one.png' where id = %s", one.id)
    neighbours.sql("update public.profiles set display_name = 'Other' where id = %s", other.id)
    return neighbours


async def asked(neighbours: Neighbours, query: str, **variables: Any) -> tuple[Any, list[str]]:
    """The data as the other person sees it, and the tables of the requests by which PostgREST was asked for people.

    It is asked for others by the cache, which lists whose changes to listen to.
    """
    neighbours.wire.clear()
    data = await neighbours.other.ask(query, **variables)
    tables = [each.split(" /")[1].partition("?") for each in neighbours.wire.requests]
    return data, [table for table, _, rest in tables if "people!" in rest or table == "profiles"]


def requests(*tables: str) -> list[str]:
    return [] if backend() == "postgres" else list(tables)


async def test_they_come_along_by_each_of_their_keys(couple: Neighbours) -> None:
    data, tables = await asked(
        couple,
        f"{{ householdCoupleMembers {{ nodes {{ user {{ {OF_THE_VIEW} }} invitedBy {{ displayName }} }} }} }}",
    )
    nodes = data["householdCoupleMembers"]["nodes"]
    assert [node["user"].pop("nodeId") is not None for node in nodes] == [True, True]
    one = {"__typename": "Profile", "id": couple.one.id, "displayName": "One", "avatarPath": "one.png"}
    other = {"__typename": "Profile", "id": couple.other.id, "displayName": "Other", "avatarPath": None}
    assert sorted(nodes, key=lambda each: each["user"]["displayName"]) == [
        {"user": one, "invitedBy": None},
        {"user": other, "invitedBy": {"displayName": "One"}},
    ]
    assert tables == requests("couple_members")


async def test_at_every_depth_and_in_lists_read_in_order(couple: Neighbours) -> None:
    query = """{ householdCouples(first: 5) { nodes { name keeper { displayName } members { nodes {
        user { displayName } couple { keeper { avatarPath } } } } } } }"""
    data, tables = await asked(couple, query)
    ((found),) = data["householdCouples"]["nodes"]
    assert (found["name"], found["keeper"]) == ("Us", {"displayName": "One"})
    assert [each["couple"] for each in found["members"]["nodes"]] == [{"keeper": {"avatarPath": "one.png"}}] * 2
    assert {each["user"]["displayName"] for each in found["members"]["nodes"]} == {"One", "Other"}
    assert tables == requests("couples_by_name")


async def test_one_row_by_its_key(couple: Neighbours) -> None:
    query = "query ($id: BigInt!) { householdCouple(id: $id) { keeper { displayName } } }"
    for _ in range(2):  # planned, and from the kept plan
        data, tables = await asked(couple, query, id=couple.club)
        assert data == {"householdCouple": {"keeper": {"displayName": "One"}}}
        assert tables == requests("couples")


async def test_what_the_view_does_not_have_is_one_request_more_for_all(couple: Neighbours) -> None:
    query = """{ householdCoupleMembers { nodes { user { displayName createdAt } invitedBy { displayName } } } }"""
    data, tables = await asked(couple, query)
    nodes = data["householdCoupleMembers"]["nodes"]
    assert {each["user"]["displayName"] for each in nodes} == {"One", "Other"}
    assert all(each["user"]["createdAt"] for each in nodes)
    assert tables == requests("couple_members", "profiles")


async def test_policies_decide_whom_one_sees_in_either_way(couple: Neighbours) -> None:
    """Each system shows the people in it, by a policy of its own beside those of others."""
    couple.sql("update public.profiles set display_name = 'Hidden' where id = %s", couple.one.id)
    for more in ("", "createdAt"):
        query = f"{{ householdCouples {{ nodes {{ keeper {{ displayName {more} }} }} }} }}"
        data, _ = await asked(couple, query)
        assert data["householdCouples"]["nodes"][0]["keeper"]["displayName"] == "Hidden"
    # Who keeps the books and is none of the couple is nobody whom its people see.
    couple.sql("delete from household.couple_members where user_id = %s", couple.one.id)
    for more in ("", "createdAt"):
        query = f"{{ householdCouples {{ nodes {{ name keeper {{ displayName {more} }} }} }} }}"
        data, _ = await asked(couple, query)
        assert data["householdCouples"]["nodes"] == [{"name": "Us", "keeper": None}]


async def test_they_cost_nothing_beside_the_row(couple: Neighbours) -> None:
    async def cost(selected: str) -> int:
        query = f"{{ householdCoupleMembers(first: 10) {{ nodes {{ id user {{ {selected} }} }} }} }}"
        headers = {"Authorization": f"Bearer {couple.other.token}"}
        body = {"query": query, "extensions": {"explain": True}}
        async with couple.other.http.post(couple.other.url, json=body, headers=headers) as response:
            return int((await response.json())["extensions"]["cost"]["requested"])

    assert await cost("displayName createdAt") == await cost("nodeId displayName") + 10


async def test_what_writes_answer_and_changes_tell(couple: Neighbours) -> None:
    rename = """mutation ($id: BigInt!) { updateHouseholdCouple(id: $id, patch: { name: "We" }) {
        name keeper { displayName } } }"""
    data, _ = await asked(couple, rename, id=couple.club)
    assert data["updateHouseholdCouple"] == {"name": "We", "keeper": {"displayName": "One"}}
    follow = """subscription ($couple: BigInt!) { householdCoupleMemberChanges(coupleId: $couple) {
        operation householdCoupleMember { user { displayName } invitedBy { displayName } } } }"""
    async with live(couple.other) as connection:
        members = await connection.subscribe(follow, couple=couple.club)
        for _ in range(40):
            couple.sql("update household.couple_members set invited_by = null where user_id = %s", couple.other.id)
            try:
                told = await connection.event(members, 0.3)
            except TimeoutError:
                continue
            break
        assert told == {
            "householdCoupleMemberChanges": {
                "operation": "UPDATE",
                "householdCoupleMember": {"user": {"displayName": "Other"}, "invitedBy": None},
            }
        }


PROGRAM = """
import asyncio
import json
import sys
import aiohttp
import psycopg
import tests.scopes.declared
from gql.catalog import catalog
from tripgate.commands.checks import features
from tripgate.commands.checks.root_fields import Offer
from tripgate.commands.doctor.data import Data
from tripgate.commands.doctor.probe import Probe
from tripgate.commands.pg_catalog import reading
from tripgate.gateway.settings import Settings

async def asked(settings, token):
    async with aiohttp.ClientSession() as http:
        probe = Probe(http, settings["SUPABASE_PUBLISHABLE_KEY"], deadline=5)
        return await Data(probe, Settings.model_validate(settings), token)._table(catalog["HouseholdCoupleMember"])

url, settings, token = json.load(sys.stdin)
with psycopg.connect(url) as connection:
    found = reading.read(connection, catalog.schemas())
for each in features.check(catalog["HouseholdCoupleMember"], Offer(), catalog, found):
    print("database", each.line)
for each in asyncio.run(asked(settings, token)):
    print("API", each.line)
"""


def test_a_view_of_people_that_shows_everybody_is_told(couple: Neighbours, shared: StackInfo) -> None:
    settings = {
        "SUPABASE_URL": shared.api_url,
        "SUPABASE_PUBLISHABLE_KEY": shared.publishable_key,
        "rest_url": shared.rest_url,
    }

    def told() -> list[str]:
        given = json.dumps([shared.admin_db_url, settings, couple.other.token])
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
        return [
            line.partition(" Run")[0].partition(" Push")[0] for line in done.stdout.splitlines() if "people" in line
        ]

    assert told() == []
    couple.sql("drop view household.people")
    try:
        keys = [
            f"view household.people for the foreign key household.couple_members.{column} to profiles"
            for column in ("user_id", "invited_by")
        ]
        assert told() == [
            "database Type HouseholdCoupleMember needs what is not there: view household.people.",
            f"API Type HouseholdCoupleMember needs what is not there: {' and '.join(keys)}.",
        ]
        couple.sql(
            "create view household.people as select id, display_name, avatar_path, created_at from public.profiles"
        )
        couple.sql("grant select on household.people to authenticated")
        assert told() == [
            "database household.people shows every row of profiles to everybody: it reads with its owner's rights.",
            "database The columns of view household.people are not those that Profile says.",
        ]
    finally:
        couple.sql("drop view if exists household.people")
        couple.sql(
            "create view household.people with (security_invoker = true) as"
            " select id, display_name, avatar_path from public.profiles"
        )
        couple.sql("grant select on household.people to authenticated")


class TestTopicsOfASystem:
    """Each scope of a system has policies of its own on channels, beside the helper of those that came before."""

    @pytest.mark.parametrize("extension", ["broadcast", "presence"])
    def test_who_listens(self, couple: Neighbours, extension: str) -> None:
        topics = [f"couple:{couple.club}", f"couple:{couple.club}0", "couple:", "couple:%", f"club:{couple.club}"]
        couple.sql("delete from household.couple_members where user_id = %s", couple.one.id)
        assert [listens(couple.database, couple.other.id, each, extension) for each in topics] == [True, *[False] * 4]
        assert [listens(couple.database, couple.one.id, each, extension) for each in topics] == [*[False] * 4, True]
        assert listens(couple.database, couple.one.id, f"user:{couple.one.id}", extension)

    def test_who_is_seen_and_that_nobody_tells_of_changes(self, couple: Neighbours) -> None:
        topic = f"couple:{couple.club}"
        assert says(couple.database, couple.other.id, topic, "presence")
        assert not says(couple.database, couple.other.id, topic, "broadcast")
        assert not says(couple.database, str(uuid.uuid4()), topic, "presence")


def listens(db: psycopg.Connection, person: str, topic: str, extension: str) -> bool:
    """Whether a person may join a topic, as Realtime asks."""
    with db.transaction(force_rollback=True):
        key = uuid.uuid4()
        db.execute(
            "insert into realtime.messages (id, topic, extension, private) values (%s, %s, %s, true)",
            (key, topic, extension),
        )
        become(db, person, topic)
        return db.execute("select from realtime.messages where id = %s", (key,)).rowcount == 1


def says(db: psycopg.Connection, person: str, topic: str, extension: str) -> bool:
    """Whether a person may send to a topic, as Realtime asks."""
    with db.transaction(force_rollback=True):
        become(db, person, topic)
        try:
            db.execute(
                "insert into realtime.messages (topic, extension, private) values (%s, %s, true)", (topic, extension)
            )
        except psycopg.errors.InsufficientPrivilege:
            return False
        return True


def become(db: psycopg.Connection, person: str, topic: str) -> None:
    db.execute(
        "select set_config('role', 'authenticated', true), set_config('realtime.topic', %s, true),"
        " set_config('request.jwt.claims', json_build_object('sub', %s::text)::text, true)",
        (topic, person),
    )
