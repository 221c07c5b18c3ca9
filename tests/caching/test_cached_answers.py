"""What is cached, for whom, and what ends it."""

import asyncio

import aiohttp
import pytest

from tests.caching.conftest import CachingGateway, until
from tests.support import Person

TAGS = "{ tags { nodes { name colour } totalCount } }"
TAG = "mutation ($name: String!) { createTag(input: { name: $name }) { id } }"
TRIPS = "{ trips { nodes { title items { nodes { title } } } } }"
ONE_TRIP = "query ($id: UUID!) { trip(id: $id) { title items { nodes { title place { name } } } } }"
ITEM = "mutation ($trip: UUID!, $title: String!) { createTripItem(input: { tripId: $trip, title: $title }) { id } }"


async def test_the_second_time_nobody_is_asked(caching: CachingGateway) -> None:
    person = await caching.newcomer()
    first = await caching.ask(person, TAGS)
    assert len(first.upstream) == 1
    second = await caching.ask(person, TAGS)
    assert second.cached
    assert second.data == first.data == {"tags": {"nodes": [], "totalCount": 0}}


async def test_other_words_and_other_values_are_other_questions(caching: CachingGateway) -> None:
    person = await caching.newcomer()
    await person.ask(TAG, name="quiet")
    query = "query ($name: String!) { tagByName(name: $name) { name } }"
    assert (await caching.ask(person, query, name="quiet")).data == {"tagByName": {"name": "quiet"}}
    other = await caching.ask(person, query, name="loud")
    assert not other.cached
    assert other.data == {"tagByName": None}
    assert not (await caching.ask(person, f"{query} # again", name="quiet")).cached
    assert (await caching.ask(person, query, name="quiet")).cached


@pytest.mark.parametrize(
    "query",
    [
        "{ tags { nodes { name } } myInvitations { email } }",
        "{ trips { nodes { title isOver } } }",
        "{ trips { nodes { title invitations { totalCount } } } }",
        "{ trips(filter: { invitations: { some: {} } }) { nodes { title } } }",
        '{ node(nodeId: "WyJUYWciLCIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDAiXQ") { nodeId } }',
    ],
)
async def test_what_does_not_opt_in_is_not_cached(caching: CachingGateway, query: str) -> None:
    person = await caching.newcomer()
    for _ in range(2):
        status, _ = await person.post(query)
        assert status == 200
    assert not (await caching.ask(person, "{ myInvitations { email } }")).cached
    assert not (await caching.ask(person, "{ myInvitations { email } }")).cached


async def test_an_answer_with_an_error_is_not_cached(caching: CachingGateway) -> None:
    person = await caching.newcomer()
    for _ in range(2):
        caching.wire.clear()
        assert await person.code('{ tags { totalCount } viewer { x: trips(first: 1, after: "") { totalCount } } }')
        assert caching.wire.requests


async def test_nobody_is_answered_with_what_is_anothers(caching: CachingGateway) -> None:
    one, other = await caching.newcomer(), await caching.newcomer()
    await one.ask(TAG, name="mine")
    await caching.until_cached(one, TAGS)
    assert (await caching.ask(other, TAGS)).data["tags"]["totalCount"] == 0
    stranger = Person(caching.http, caching.url)
    assert await stranger.code(TAGS) == "UNAUTHENTICATED"
    assert await stranger.code(TAGS) == "UNAUTHENTICATED"
    status, body = await Person(caching.http, caching.url, "made.up.token").post(TAGS)
    assert (status, body["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    tampered = f"{one.token}x"
    assert (await Person(caching.http, caching.url, tampered).post(TAGS))[0] == 401


async def test_a_token_is_answered_with_what_was_made_for_it_alone(caching: CachingGateway) -> None:
    person = await caching.newcomer()
    again = await Person(caching.http, caching.url).sign_in(person.email or "", "correct horse")
    await caching.until_cached(person, TAGS)
    assert not (await caching.ask(again, TAGS)).cached


async def test_signing_out_ends_all_that_is_cached_of_the_person(caching: CachingGateway) -> None:
    person = await caching.newcomer()
    other_device = await Person(caching.http, caching.url).sign_in(person.email or "", "correct horse")
    for device in (person, other_device):
        await caching.until_cached(device, TAGS)
    assert await person.ask("mutation { signOut }") == {"signOut": True}
    assert not (await caching.ask(other_device, TAGS)).cached


async def test_a_change_behind_the_gateways_back_is_seen_when_the_time_is_over(
    caching: CachingGateway,
) -> None:
    person = await caching.newcomer()
    await caching.until_cached(person, TAGS)
    caching.sql("insert into public.tags (user_id, name) values (%s, 'late')", person.id)
    assert (await caching.ask(person, TAGS)).data["tags"]["totalCount"] == 0, "nobody tells of it"


async def test_what_depends_on_trips_is_cached_once_their_topics_are_joined(caching: CachingGateway) -> None:
    person = await caching.newcomer()
    trip = await person.trip(title="Sea")
    first = await caching.ask(person, TRIPS)
    assert not first.cached
    assert await caching.until_cached(person, TRIPS) == first.data
    assert await caching.until_cached(person, ONE_TRIP, id=trip)


async def _share(caching: CachingGateway) -> tuple[Person, Person, str]:
    owner, guest = await caching.newcomer(), await caching.newcomer()
    trip = await owner.trip(title="Shared")
    await owner.ask(ITEM, trip=trip, title="Boat")
    caching.sql("insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')", trip, guest.id)
    return owner, guest, trip


async def test_a_change_by_somebody_else_on_the_trip_is_seen_within_a_second(caching: CachingGateway) -> None:
    owner, guest, trip = await _share(caching)
    for query in (TRIPS, ONE_TRIP):
        before = await caching.until_cached(guest, query, id=trip)
        title = f"Added after {len(str(before))}"
        await owner.ask(ITEM, trip=trip, title=title)

        async def seen(query: str = query, title: str = title) -> bool | None:
            return (title in str((await caching.ask(guest, query, id=trip)).data)) or None

        assert await until(seen, seconds=1.0)


async def test_a_change_behind_every_gateways_back_is_heard_of(caching: CachingGateway) -> None:
    _, guest, trip = await _share(caching)
    await caching.until_cached(guest, ONE_TRIP, id=trip)
    caching.sql("update public.trip_items set title = 'Ferry' where trip_id = %s", trip)

    async def seen() -> bool | None:
        return ("Ferry" in str((await caching.ask(guest, ONE_TRIP, id=trip)).data)) or None

    assert await until(seen, seconds=1.0)


@pytest.mark.parametrize("by", ["gateway", "sql"])
async def test_who_is_removed_from_a_trip_sees_nothing_of_it_within_a_second(caching: CachingGateway, by: str) -> None:
    owner, guest, trip = await _share(caching)
    names = "{ profiles { nodes { displayName } } }"
    for query in (TRIPS, ONE_TRIP, names):
        assert "[]" not in str(await caching.until_cached(guest, query, id=trip))
    if by == "sql":
        caching.sql("delete from public.collaborators where trip_id = %s and user_id = %s", trip, guest.id)
    else:
        await owner.ask(
            """mutation ($trip: UUID!, $user: UUID!) { removeCollaborators(
                 filter: { tripId: { eq: $trip }, userId: { eq: $user } }) { id } }""",
            trip=trip,
            user=guest.id,
        )

    async def gone() -> bool | None:
        answers = [(await caching.ask(guest, query, id=trip)).data for query in (TRIPS, ONE_TRIP, names)]
        return (
            answers[:2] == [{"trips": {"nodes": []}}, {"trip": None}] and len(answers[2]["profiles"]["nodes"]) == 1
        ) or None

    assert await until(gone, seconds=1.0)


async def test_a_place_that_a_companion_renames_is_seen_at_once(caching: CachingGateway) -> None:
    owner, guest, trip = await _share(caching)
    made = await owner.ask('mutation { createPlace(input: { name: "Pier" }) { id } }')
    place = made["createPlace"]["id"]
    await owner.ask(
        """mutation ($trip: UUID!, $place: UUID!) {
             createTripItem(input: { tripId: $trip, placeId: $place, title: "x" }) { id } }""",
        trip=trip,
        place=place,
    )
    await asyncio.sleep(0.3)
    assert "Pier" in str(await caching.until_cached(guest, ONE_TRIP, id=trip))
    await owner.ask('mutation ($id: UUID!) { updatePlace(id: $id, patch: { name: "Quay" }) { id } }', id=place)
    assert "Quay" in str((await caching.ask(guest, ONE_TRIP, id=trip)).data)


async def test_a_stranger_who_names_a_trip_makes_nobody_listen_to_it(caching: CachingGateway) -> None:
    owner, _, trip = await _share(caching)
    stranger = await caching.newcomer()
    for _ in range(5):
        asked = await caching.ask(stranger, ONE_TRIP, id=trip)
        assert asked.data == {"trip": None}
        assert not asked.cached
        await asyncio.sleep(0.1)
    assert (await owner.ask(ONE_TRIP, id=trip))["trip"]["title"] == "Shared"


async def test_the_entity_tag_of_an_answer_spares_its_body(
    caching: CachingGateway, http: aiohttp.ClientSession
) -> None:
    person = await caching.newcomer()
    await person.ask(TAG, name="quiet")
    url = f"{caching.url}?query={TAGS}"
    authorization = {"Authorization": f"Bearer {person.token}"}
    async with http.get(url, headers=authorization) as response:
        etag = response.headers["ETag"]
        assert response.status == 200
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert response.headers["Vary"] == "Accept, Authorization"
    for given, status in ((etag, 304), (f'"x", W/{etag}', 304), ("*", 304), ('"x"', 200)):
        async with http.get(url, headers={**authorization, "If-None-Match": given}) as response:
            assert (response.status, response.headers["ETag"]) == (status, etag)
            assert bool(await response.read()) is (status == 200)
    async with http.get(url, headers={"If-None-Match": etag, "Authorization": "Bearer ended"}) as response:
        assert (response.status, "ETag" in response.headers) == (401, False)
    async with http.get(url, headers={"If-None-Match": etag}) as response:
        assert (response.status, "ETag" in response.headers) == (200, False), "an anonymous caller's errors"
    other_type = {"Accept": "application/graphql-response+json", **authorization, "If-None-Match": etag}
    async with http.get(url, headers=other_type) as response:
        assert response.status == 200
        assert response.headers["ETag"] != etag
    body = {"query": TAGS}
    async with http.post(caching.url, json=body, headers={**authorization, "If-None-Match": etag}) as response:
        assert (response.status, response.headers["ETag"]) == (200, etag)
    await person.ask(TAG, name="loud")
    async with http.get(url, headers={**authorization, "If-None-Match": etag}) as response:
        assert response.status == 200
        assert response.headers["ETag"] != etag
