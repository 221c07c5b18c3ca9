"""What people do with agents over GraphQL beside asking: search what they remember, and apply what they propose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import serving
from tripgate.gateway.schema import graphql_schema

if TYPE_CHECKING:
    from tests.functions.ai.conftest import Ai
    from tests.support import Person

SEARCH = "query ($text: String!, $first: Int) { searchAiMemories(text: $text, first: $first) { content user { id } } }"
OPTIMIZE = "mutation ($trip: UUID!) { optimizeItinerary(tripId: $trip) { id status agent { key } trip { id } } }"
APPLY = "mutation ($run: UUID!) { applyItinerary(runId: $run) { title trip { id } } }"
RUN = """query ($run: UUID!) { aiRun(id: $run) {
  status isApplicable totalCost messages { nodes { role } } usage { nodes { cost status } }
} }"""


async def remembered(ai: Ai, person: Person, *contents: str) -> None:
    """Keep these in mind, each by what the provider makes of it."""
    for content in contents:
        url = f"{ai.info.api_url}/providers/ai/v1/embeddings"
        body = {"model": "text-embedding-3-small", "input": [content], "dimensions": 1536, "encoding_format": "float"}
        async with ai.http.post(url, json=body, headers={"Authorization": "Bearer sk-of-a-test"}) as answer:
            (found,) = (await answer.json())["data"]
        ai.db.execute(
            "select public.remember_ai_memory(%s, null, 'note', %s, %s::extensions.vector)",
            (person.id, content, str(found["embedding"])),
        )


async def test_what_is_kept_in_mind_is_found_by_what_it_means(ai: Ai) -> None:
    person, other = await ai.account(), await ai.account()
    await remembered(ai, person, "I never eat fish", "Trains are better than planes")
    await remembered(ai, other, "Trains are dear")
    found = (await person.ask(SEARCH, text="Trains are better"))["searchAiMemories"]
    assert [memory["content"] for memory in found] == ["Trains are better than planes", "I never eat fish"]
    assert {memory["user"]["id"] for memory in found} == {person.id}
    assert len((await person.ask(SEARCH, text="fish", first=1))["searchAiMemories"]) == 1
    # Each was counted.
    assert len(ai.rows("select from public.ai_usage where user_id = %s and cost > 0", person.id)) == 2
    ai.assert_settled(person)


async def test_whoever_is_remembered_of_nothing_finds_nothing(ai: Ai) -> None:
    assert (await (await ai.account()).ask(SEARCH, text="Trains"))["searchAiMemories"] == []


async def test_wrong_searches_are_refused_before_they_cost(ai: Ai) -> None:
    person = await ai.account()
    for wrong, field in (({"text": " "}, "text"), ({"text": "x" * 1001}, "text"), ({"text": "x", "first": 0}, "first")):
        refused = await person.refused(SEARCH, **wrong)
        assert (refused["code"], refused["field"]) == ("BAD_USER_INPUT", field)
    assert ai.rows("select from public.ai_usage where user_id = %s", person.id) == []


async def test_a_search_needs_post(ai: Ai) -> None:
    person = await ai.account()
    async with serving(ai.info, get_queries=True) as url:
        for query, status in (
            ("{ viewer { id } }", 200),
            ('{ viewer { id } ... { a: searchAiMemories(text: "x") { id } } }', 405),
        ):
            headers = {"Authorization": f"Bearer {person.token}"}
            async with ai.http.get(url, params={"query": query}, headers=headers) as answer:
                assert answer.status == status, await answer.text()
    assert ai.rows("select from public.ai_usage where user_id = %s", person.id) == []


def test_nobody_follows_a_search() -> None:
    subscription = graphql_schema().subscription_type
    assert subscription is not None
    assert "aiMemories" in subscription.fields
    assert "searchAiMemories" not in subscription.fields


async def test_a_memory_is_deleted_by_its_person(ai: Ai) -> None:
    person, other = await ai.account(), await ai.account()
    await remembered(ai, person, "I never eat fish")
    (memory,) = (await person.ask("{ aiMemories { nodes { id content } } }"))["aiMemories"]["nodes"]
    delete = "mutation ($id: UUID!) { deleteAiMemory(id: $id) { content } }"
    refused = await other.refused(delete, id=memory["id"])
    assert refused == {"code": "NOT_FOUND", "message": "There is no such ai memory."}
    assert await person.ask(delete, id=memory["id"]) == {"deleteAiMemory": {"content": "I never eat fish"}}
    assert (await person.ask("{ aiMemories { totalCount } }"))["aiMemories"]["totalCount"] == 0


async def test_a_proposal_is_applied_once_and_as_long_as_the_trip_is_what_it_was(ai: Ai) -> None:
    person = await ai.account()
    trip = await person.trip(title="North")
    create = "mutation ($inputs: [CreateTripItemInput!]!) { createTripItems(inputs: $inputs) { id } }"
    await person.ask(create, inputs=[{"tripId": trip, "title": title} for title in ("Museum", "Lunch", "Opera")])
    asked = (await person.ask(OPTIMIZE, trip=trip))["optimizeItinerary"]
    assert (asked["agent"], asked["trip"]) == ({"key": "optimizer"}, {"id": trip})
    run = asked["id"]
    assert (await ai.ended(run))["status"] == "succeeded"
    answer = (await person.ask(RUN, run=run))["aiRun"]
    assert (answer["status"], answer["isApplicable"]) == ("SUCCEEDED", True)
    assert answer["totalCost"] == str(sum(each["cost"] for each in ai.usage(run)).normalize())
    assert answer["totalCost"] != "0"
    assert await (await ai.account()).code(APPLY, run=run) == "NOT_FOUND"
    items = (await person.ask(APPLY, run=run))["applyItinerary"]
    assert sorted(item["title"] for item in items) == ["Lunch", "Museum", "Opera"]
    assert {item["trip"]["id"] for item in items} == {trip}

    run = (await person.ask(OPTIMIZE, trip=trip))["optimizeItinerary"]["id"]
    await ai.ended(run)
    await person.ask(create, inputs=[{"tripId": trip, "title": "Walk"}])
    refused = await person.refused(APPLY, run=run)
    assert (refused["code"], refused["reason"]) == ("CONFLICT", "TRIP_CHANGED")
    assert (await person.ask(RUN, run=run))["aiRun"]["isApplicable"] is False


async def test_a_proposal_is_applicable_to_whoever_may_change_the_trip(ai: Ai) -> None:
    """Whoever may no longer see the trip is not told whether it has changed since either."""
    owner, guest = await ai.account(), await ai.account()
    trip = await owner.trip(title="North")
    await owner.ask(
        'mutation ($trip: UUID!) { createTripItem(input: { tripId: $trip, title: "Walk" }) { id } }', trip=trip
    )
    ai.db.execute(
        "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')", (trip, guest.id)
    )
    run = (await guest.ask(OPTIMIZE, trip=trip))["optimizeItinerary"]["id"]
    await ai.ended(run)
    assert (await guest.ask(RUN, run=run))["aiRun"]["isApplicable"] is True
    ai.db.execute("update public.collaborators set role = 'viewer' where user_id = %s", (guest.id,))
    assert (await guest.ask(RUN, run=run))["aiRun"]["isApplicable"] is False
    assert await guest.code(APPLY, run=run) == "FORBIDDEN"
    ai.db.execute("delete from public.collaborators where user_id = %s", (guest.id,))
    assert (await guest.ask(RUN, run=run))["aiRun"]["isApplicable"] is False
    assert await guest.code(APPLY, run=run) == "NOT_FOUND"


async def test_what_proposes_nothing_is_not_applicable(ai: Ai) -> None:
    person = await ai.account()
    trip = await person.trip(title="North")
    run = await ai.run(person, trip_id=trip)
    assert (await ai.ended(run))["status"] == "succeeded"
    assert (await person.ask(RUN, run=run))["aiRun"]["isApplicable"] is False
    assert await person.code(APPLY, run=run) == "BAD_USER_INPUT"


async def test_agents_are_listed_with_what_the_caller_asked_them(ai: Ai) -> None:
    person, other = await ai.account(), await ai.account()
    run = await ai.run(person)
    await ai.ended(run)
    query = """{
      aiAgents { nodes { key runs { nodes { id } totalCount } } }
      asked: aiAgents(filter: { runs: { some: { status: { eq: SUCCEEDED } } } }) { nodes { key } }
    }"""
    found = await person.ask(query)
    runs = {each["key"]: each["runs"] for each in found["aiAgents"]["nodes"]}
    assert runs["assistant"] == {"nodes": [{"id": run}], "totalCount": 1}
    assert runs["summarizer"] == {"nodes": [], "totalCount": 0}
    assert found["asked"] == {"nodes": [{"key": "assistant"}]}
    found = await other.ask(query)
    assert [each["runs"]["totalCount"] for each in found["aiAgents"]["nodes"]] == [0, 0, 0, 0]
    assert found["asked"] == {"nodes": []}
