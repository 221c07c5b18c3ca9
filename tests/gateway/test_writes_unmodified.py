"""`ifUnmodifiedSince`: nobody writes over what they have not read, to the microsecond."""

import asyncio
from datetime import datetime, timedelta, timezone

import psycopg
import pytest

from tests.gateway.conftest import Team
from tests.support import Person, Wire
from tripgate.gateway.schema import graphql_schema
from tripgate.local.stack import StackInfo

UPDATE = """mutation ($id: UUID!, $title: String! = "new", $since: DateTime) {
  updateTrip(id: $id, patch: { title: $title }, ifUnmodifiedSince: $since) { title updatedAt }
}"""
UPDATE_MANY = """mutation ($filter: TripFilter!, $since: DateTime) {
  updateTrips(filter: $filter, patch: { title: "new" }, atMost: 9, ifUnmodifiedSince: $since) { title }
}"""
LONG_AGO = "2001-01-01T00:00:00Z"


def conflict(updated_at: str) -> dict[str, str]:
    return {
        "code": "CONFLICT",
        "message": f"This trip has changed meanwhile, at {updated_at}. Read it anew, then decide.",
        "reason": "CHANGED_MEANWHILE",
        "updatedAt": updated_at,
    }


async def updated_at(person: Person, id_: str) -> str:
    data = await person.ask("query ($id: UUID!) { trip(id: $id) { updatedAt } }", id=id_)
    return str(data["trip"]["updatedAt"])


async def titles(person: Person) -> list[str]:
    data = await person.ask("{ trips(orderBy: [{ title: ASC }]) { nodes { title } } }")
    return [node["title"] for node in data["trips"]["nodes"]]


async def test_what_was_read_last_may_be_changed_and_then_no_more(newcomer: Person, wire: Wire) -> None:
    trip = await newcomer.trip(title="old")
    read = await updated_at(newcomer, trip)
    wire.clear()
    written = (await newcomer.ask(UPDATE, id=trip, since=read))["updateTrip"]
    assert written["title"] == "new"
    assert [request.split()[0] for request in wire.requests] == ["PATCH"]
    # Postgres leaves a last zero out, and it is put there again.
    assert f"&updated_at=lte.{datetime.fromisoformat(read).isoformat()}&" in wire.requests[0]
    wire.clear()
    assert await newcomer.refused(UPDATE, id=trip, title="newer", since=read) == conflict(written["updatedAt"])
    assert [request.split()[0] for request in wire.requests] == ["PATCH", "GET"]
    assert await titles(newcomer) == ["new"]
    assert (await newcomer.ask(UPDATE, id=trip, title="newer", since=written["updatedAt"]))["updateTrip"]
    assert await titles(newcomer) == ["newer"]


@pytest.mark.parametrize("fraction", ["000000", "000001", "120000", "123456", "999999"])
async def test_microseconds_count(newcomer: Person, seeded: StackInfo, fraction: str) -> None:
    trip = await newcomer.trip(title="old")
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")  # or the trigger would set the present time
        connection.execute(
            "update public.trips set updated_at = %s where id = %s", [f"2027-01-02 03:04:05.{fraction}+00", trip]
        )
    read = await updated_at(newcomer, trip)
    moment = datetime.fromisoformat(read)
    assert moment == datetime.fromisoformat(f"2027-01-02T03:04:05.{fraction}+00:00")
    earlier = (moment - timedelta(microseconds=1)).isoformat()
    assert await newcomer.refused(UPDATE, id=trip, since=earlier) == conflict(read)
    # The same instant may be spelled in any way.
    elsewhere = moment.astimezone(timezone(timedelta(hours=-9, minutes=-30))).isoformat()
    assert (await newcomer.ask(UPDATE, id=trip, since=elsewhere))["updateTrip"]["title"] == "new"


async def test_without_a_moment_nothing_is_compared(newcomer: Person) -> None:
    trip = await newcomer.trip(title="old")
    assert (await newcomer.ask(UPDATE, id=trip))["updateTrip"]["title"] == "new"
    assert await newcomer.code(UPDATE, id=trip, since="2027-01-01T00:00:00") == "BAD_USER_INPUT"


@pytest.mark.parametrize("document", [UPDATE, UPDATE_MANY])
async def test_a_moment_that_is_null_is_refused(newcomer: Person, document: str) -> None:
    trip = await newcomer.trip(title="old")
    which = {"id": trip} if document is UPDATE else {"filter": {"id": {"eq": trip}}}
    assert await newcomer.code(document, **which, since=None) == "BAD_USER_INPUT"
    assert await titles(newcomer) == ["old"]


async def test_whoever_may_not_change_it_is_refused(team: Team, anonymous: Person) -> None:
    read = await updated_at(team.viewer, team.trip)
    forbidden = {"code": "FORBIDDEN", "message": "You may see this trip but not change it."}
    assert await team.viewer.refused(UPDATE, id=team.trip, since=read) == forbidden
    assert await team.viewer.refused(UPDATE, id=team.trip, since=LONG_AGO) == conflict(read)
    for since in (read, LONG_AGO):
        assert await team.stranger.refused(UPDATE, id=team.trip, since=since) == {
            "code": "NOT_FOUND",
            "message": "There is no such trip.",
        }
        assert await anonymous.code(UPDATE, id=team.trip, since=since) == "UNAUTHENTICATED"
    assert (await team.editor.ask(UPDATE, id=team.trip, since=read))["updateTrip"]["title"] == "new"


async def test_of_several_who_read_the_same_one_writes(team: Team) -> None:
    read = await updated_at(team.owner, team.trip)
    people = [team.owner, team.editor] * 4
    answers = await asyncio.gather(
        *(person.post(UPDATE, id=team.trip, title=f"{number}", since=read) for number, person in enumerate(people))
    )
    codes = [body["errors"][0]["extensions"]["code"] for _, body in answers if "errors" in body]
    assert codes == ["CONFLICT"] * 7


async def test_of_several_rows_one_that_has_changed_saves_all(newcomer: Person, wire: Wire) -> None:
    first, second = await newcomer.trip(title="a"), await newcomer.trip(title="b")
    read = await updated_at(newcomer, second)
    touched = (await newcomer.ask(UPDATE, id=first, title="aa"))["updateTrip"]["updatedAt"]
    wire.clear()
    assert await newcomer.refused(UPDATE_MANY, filter={"id": {"isNull": False}}, since=read) == {
        "code": "CONFLICT",
        "message": f"One of these trips has changed meanwhile, at {touched}, so nothing was changed."
        " Read them anew, then decide.",
        "reason": "CHANGED_MEANWHILE",
        "updatedAt": touched,
    }
    assert [request.split()[0] for request in wire.requests] == ["GET"]
    assert await titles(newcomer) == ["aa", "b"]
    wire.clear()
    assert await newcomer.ask(UPDATE_MANY, filter={"title": {"eq": "b"}}, since=read) == {
        "updateTrips": [{"title": "new"}]
    }
    since = datetime.fromisoformat(read).isoformat()
    assert wire.requests[1].endswith(f"&title=eq.b&updated_at=lte.{since}&select=id,title")
    assert await newcomer.ask(UPDATE_MANY, filter={"title": {"eq": "b"}}, since=LONG_AGO) == {"updateTrips": []}


async def test_ones_own_profile_and_preferences(newcomer: Person) -> None:
    data = await newcomer.ask("{ viewer { updatedAt } myPreferences { updatedAt } }")
    for name, patch, read in (
        ("updateMyProfile", 'displayName: "Nia"', data["viewer"]["updatedAt"]),
        ("updateMyPreferences", 'locale: "fi"', data["myPreferences"]["updatedAt"]),
    ):
        update = f"""mutation ($since: DateTime) {{
          {name}(patch: {{ {patch} }}, ifUnmodifiedSince: $since) {{ updatedAt }}
        }}"""
        now = (await newcomer.ask(update, since=read))[name]["updatedAt"]
        refusal = await newcomer.refused(update, since=read)
        assert (refusal["code"], refusal["updatedAt"]) == ("CONFLICT", now)


def test_every_update_takes_it_where_the_type_says_when_it_changed() -> None:
    schema = graphql_schema()
    assert schema.mutation_type is not None
    updates = {name: field for name, field in schema.mutation_type.fields.items() if name.startswith("update")}
    assert len(updates) > 15
    types = {name: schema.type_map[field.type.__str__().strip("[]!")] for name, field in updates.items()}
    for name, field in updates.items():
        assert ("ifUnmodifiedSince" in field.args) == ("updatedAt" in types[name].fields), name  # type: ignore[attr-defined]
