"""`extensions: {"explain": true}`: in development an answer tells what it took, and nowhere else."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

import pytest

from tests.support import Person, Wire, serving
from tripgate.local.stack import StackInfo

TRIPS = "{ trips(first: 2) { nodes { title } } }"
PLAN = {
    "Read": {
        "table": "trips",
        "columns": [{"Pick": {"column": "title"}}],
        "order": [
            {"Sort": {"column": "created_at", "descending": True, "nulls_first": True}},
            {"Sort": {"column": "id"}},
        ],
        "limit": 2,
    }
}


@pytest.fixture(scope="module")
async def developer(seeded: StackInfo, wire: Wire, ada: Person) -> AsyncIterator[Person]:
    """Ada, over a gateway in development."""
    async with serving(seeded, rest_url=wire.url, development=True) as url:
        yield Person(ada.http, url, ada.token, id=ada.id)


async def answer(person: Person, query: str, **more: Any) -> dict[str, Any]:
    """The whole answer to a request that asks for its explanation."""
    body = {"query": query, "extensions": {"explain": True}, **more}
    headers = {"Authorization": f"Bearer {person.token}"} if person.token else {}
    async with person.http.post(person.url, json=body, headers=headers) as response:
        assert response.status == 200
        found: dict[str, Any] = await response.json()
        return found


async def explained(person: Person, query: str, **more: Any) -> dict[str, Any]:
    """What the explanation says of each root field."""
    fields: dict[str, Any] = (await answer(person, query, **more))["extensions"]["explain"]["fields"]
    return fields


async def test_the_plan_and_the_request_of_a_read(developer: Person, wire: Wire) -> None:
    wire.clear()
    (request,) = (await explained(developer, TRIPS))["trips"]["requests"]
    assert request.pop("ms") > 0
    assert request == {
        "method": "GET",
        "path": "/rest/v1/trips?select=title&order=created_at.desc,id.asc&limit=2",
        "status": 200,
        "rows": 2,
        "plan": PLAN,
    }
    assert wire.requests == [f"GET {unquote(request['path']).removeprefix('/rest/v1')}"]


async def test_a_document_seen_before_is_explained_like_a_new_one(developer: Person) -> None:
    await developer.ask(TRIPS)
    for _ in range(2):
        assert (await explained(developer, TRIPS))["trips"]["requests"][0]["plan"] == PLAN


async def test_timings_add_up(developer: Person) -> None:
    query = "{ a: trips { nodes { title } } b: trips { nodes { title items { nodes { title } } } } }"
    found = (await answer(developer, query))["extensions"]["explain"]
    assert list(found["timings"]) == ["parse", "total"]
    for name in ("a", "b"):
        took = found["fields"][name]["timings"]
        assert list(took) == ["plan", "upstream", "shape", "total"]
        assert min(took.values()) > 0
        assert took["plan"] + took["upstream"] + took["shape"] == pytest.approx(took["total"], abs=0.01)
        assert took["total"] + found["timings"]["parse"] <= found["timings"]["total"]


@pytest.mark.postgrest
async def test_each_root_field_has_its_own_requests(developer: Person) -> None:
    after = (await developer.ask("{ trips(first: 1) { pageInfo { endCursor } } }"))["trips"]["pageInfo"]["endCursor"]
    found = await explained(
        developer,
        """query ($after: String) {
             page: trips(first: 1, after: $after) { nodes { title } totalCount }
             viewer { displayName }
             nothing: trips { __typename }
           }""",
        variables={"after": after},
    )
    tables = {key: [each["plan"]["Read"]["table"] for each in field["requests"]] for key, field in found.items()}
    assert list(tables.items()) == [("page", ["trips", "trips"]), ("viewer", ["profiles"]), ("nothing", [])]


@pytest.mark.postgrest
async def test_a_write_and_what_is_read_behind_it(developer: Person, newcomer: Person) -> None:
    trip_id = await newcomer.trip()
    writer = Person(developer.http, developer.url, newcomer.token)
    found = await explained(
        writer,
        'mutation ($id: UUID!) { updateTrip(id: $id, patch: { title: "x" }) { title owner { displayName } } }',
        variables={"id": trip_id},
    )
    write, read = found["updateTrip"]["requests"]
    assert (write["method"], write["status"], write["rows"]) == ("PATCH", 200, 1)
    assert write["plan"] == {
        "Update": {
            "table": "trips",
            "match": [["id", trip_id]],
            "changes": {"title": "x"},
            "returning": [{"Pick": {"column": "id"}}],
        }
    }
    assert (read["method"], read["rows"], list(read["plan"])) == ("GET", 1, ["Read"])


async def test_a_failure_is_explained_beside_its_error(developer: Person) -> None:
    found = await answer(developer, 'mutation { createTrip(input: { title: "x", currency: "euro" }) { id } }')
    assert found["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    (request,) = found["extensions"]["explain"]["fields"]["createTrip"]["requests"]
    assert (request["method"], request["status"], request["rows"]) == ("POST", 400, None)


async def test_no_token_and_no_host_is_shown(developer: Person, wire: Wire, seeded: StackInfo) -> None:
    text = str(await answer(developer, "{ trips { nodes { title } } viewer { displayName } }"))
    for secret in (str(developer.token), seeded.publishable_key, wire.url.removeprefix("http://"), "127.0.0.1"):
        assert secret not in text


async def test_fields_with_a_body_are_not_among_them(developer: Person) -> None:
    assert list(await explained(developer, "{ __schema { queryType { name } } viewer { id } }")) == ["viewer"]


@pytest.mark.parametrize("extensions", [None, {}, {"explain": False}, {"explain": 1}, {"explain": "true"}])
async def test_only_true_asks(developer: Person, extensions: Any) -> None:
    assert list(await answer(developer, TRIPS, extensions=extensions)) == ["data"]


async def test_outside_development_the_answer_says_nothing(ada: Person) -> None:
    assert list(await answer(ada, TRIPS)) == ["data"]


async def test_requests_to_storage(developer: Person, anonymous: Person) -> None:
    person = await anonymous.sign_up()
    person.url = developer.url
    trip = await person.trip()
    query = f"""mutation {{ createTripImageUpload(tripId: "{trip}", input: {{ contentType: "image/png", size: "3" }}) {{
        path uploadUrl }} }}"""
    told = await answer(person, query)
    ticket = told["data"]["createTripImageUpload"]
    asked, signed = told["extensions"]["explain"]["fields"]["createTripImageUpload"]["requests"]
    assert signed.pop("ms") > 0
    assert "offer_upload" in asked["path"]
    assert signed == {
        "method": "POST",
        "path": f"/storage/v1/object/upload/sign/trip-images/{ticket['path']}",
        "status": 200,
        "rows": None,
        "plan": None,
    }
    async with person.http.put(ticket["uploadUrl"], data=b"png", headers={"Content-Type": "image/png"}) as put:
        assert put.status == 200
    # Addresses are signed behind the rows, for all fields together; those that are known are not asked for again.
    pictures = f"""{{ a: trip(id: "{trip}") {{ images {{ nodes {{ url }} }} }}
        b: trip(id: "{trip}") {{ images {{ nodes {{ url(transform: {{ width: 9 }}) }} }} }} }}"""
    explanation = (await answer(person, pictures))["extensions"]["explain"]
    assert {each["path"]: each["status"] for each in explanation["outside"]["requests"]} == {
        "/storage/v1/object/sign/trip-images": 200,
        f"/storage/v1/object/sign/trip-images/{ticket['path']}": 200,
    }
    assert "outside" not in (await answer(person, pictures))["extensions"]["explain"]
    # And those of what is deleted.
    find = f'{{ trip(id: "{trip}") {{ images {{ nodes {{ id }} }} }} }}'
    (picture,) = (await person.ask(find))["trip"]["images"]["nodes"]
    fields = await explained(person, f'mutation {{ deleteStoredFiles(ids: ["{picture["id"]}"]) }}')
    gone = fields["deleteStoredFiles"]["requests"][-1]
    assert (gone["method"], gone["path"], gone["status"]) == ("DELETE", "/storage/v1/object/trip-images", 200)
