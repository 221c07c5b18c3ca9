"""What each function of agents takes and what comes of it, with the provider that the embedded Supabase fakes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.functions.ai.conftest import Ai

if TYPE_CHECKING:
    from tests.support import Person

NOWHERE = "00000000-0000-4000-8000-000000000000"
RUN = "mutation ($input: RunAiAgentInput!) { runAiAgent(input: $input) { id } }"
SUMMARIZE = "mutation ($trip: UUID!) { summarizeTrip(tripId: $trip) { id } }"
SHARE = "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')"


@pytest.fixture
async def ada(ai: Ai) -> Person:
    return await ai.account()


@pytest.fixture
def trip(ai: Ai, ada: Person) -> str:
    """Of three days, with three items on two of them."""
    (made,) = ai.rows(
        "insert into public.trips (user_id, title, start_date, end_date) "
        "values (%s, 'Lofoten', '2026-06-01', '2026-06-03') returning id",
        ada.id,
    )
    for title, day in (("Reine", 1), ("Å", 1), ("Svolvær", 2)):
        ai.db.execute(
            "insert into public.trip_items (trip_id, title, day_number) values (%s, %s, %s)", (made["id"], title, day)
        )
    return str(made["id"])


def items(ai: Ai, trip: str) -> dict[str, str]:
    """The id of each item by its title."""
    found = ai.rows("select id, title from public.trip_items where trip_id = %s", trip)
    return {row["title"]: str(row["id"]) for row in found}


def place(ai: Ai, person: Person, name: str = "Lofotr") -> str:
    (made,) = ai.rows("insert into public.places (user_id, name) values (%s, %s) returning id", person.id, name)
    return str(made["id"])


async def begun(ai: Ai, person: Person, function: str, **body: Any) -> str:
    status, answer = await ai.call(person, function, body)
    assert status == 202, answer
    return str(answer["run"]["id"])


async def refused(ai: Ai, person: Person, function: str, **body: Any) -> tuple[int, str, Any]:
    """Status, code and extensions of a refusal."""
    status, answer = await ai.call(person, function, body)
    return status, answer["code"], answer["extensions"]


async def test_an_answer_about_a_trip_by_what_tools_read(ai: Ai, ada: Person, trip: str) -> None:
    run = await ai.run(ada, trip_id=trip)
    assert (await ai.ended(run))["status"] == "succeeded"
    asked, looked, said = ai.messages(run)
    assert (asked["role"], asked["sequence"], asked["content"]) == ("user", 0, "What is there to see?")
    assert {call["name"] for call in looked["tool_calls"]} == {"read_trip", "read_items", "read_votes"}
    assert (said["role"], said["status"], said["sequence"]) == ("assistant", "complete", 2)
    for title in ("Lofoten", "Reine", "Å", "Svolvær"):
        assert title in said["content"]
    ai.assert_settled(ada)


async def test_a_summary(ai: Ai, ada: Person, trip: str) -> None:
    ended = await ai.ended(await begun(ai, ada, "summarize-trip", trip_id=trip))
    assert ended["status"] == "succeeded"
    assert ended["result"].keys() == {"kind", "summary", "highlights"}
    assert "Lofoten" in ended["result"]["summary"]


async def test_a_category_of_a_place(ai: Ai, ada: Person) -> None:
    await ai.scripted({"text": '{"category": "museum", "reason": "Vikings lived there."}'})
    known = place(ai, ada)
    ended = await ai.ended(await begun(ai, ada, "classify-place", place_id=known))
    assert ended["result"] == {
        "kind": "category",
        "place_id": known,
        "category": "museum",
        "reason": "Vikings lived there.",
    }
    # It is for the person to take over.
    assert ai.rows("select category from public.places where id = %s", known) == [{"category": "other"}]


async def test_a_proposal_of_a_whole_trip_and_of_a_day(ai: Ai, ada: Person, trip: str) -> None:
    of = items(ai, trip)
    orders = [
        [{"ref": "i3", "day_number": 1}, {"ref": "i1", "day_number": 3}, {"ref": "i2", "day_number": 1}],
        [{"ref": "i2", "day_number": 1}, {"ref": "i1", "day_number": 1}],
    ]
    await ai.scripted(*({"text": json.dumps({"summary": "Shorter ways.", "items": order})} for order in orders))
    whole = await ai.ended(await begun(ai, ada, "optimize-itinerary", trip_id=trip))
    assert whole["result"] == {
        "kind": "itinerary",
        "summary": "Shorter ways.",
        "itinerary": {
            "day_number": None,
            "items": [
                {"item_id": of["Svolvær"], "day_number": 1},
                {"item_id": of["Reine"], "day_number": 3},
                {"item_id": of["Å"], "day_number": 1},
            ],
        },
    }
    day = await ai.ended(await begun(ai, ada, "optimize-itinerary", trip_id=trip, day_number=1))
    assert day["result"]["itinerary"] == {
        "day_number": 1,
        "items": [{"item_id": of["Å"], "day_number": 1}, {"item_id": of["Reine"], "day_number": 1}],
    }


async def test_what_does_not_fit_the_form_goes_back_to_the_model_and_is_paid_for(
    ai: Ai, ada: Person, trip: str
) -> None:
    good = {"summary": "As it is.", "items": [{"ref": f"i{number}", "day_number": 1} for number in (1, 2, 3)]}
    bad: list[Any] = ["no JSON", {**good, "items": good["items"][:2]}, {**good, "items": [*good["items"], 4]}]
    texts = [each if isinstance(each, str) else json.dumps(each) for each in [*bad, good]]
    await ai.scripted(*({"text": text} for text in texts))
    run = await begun(ai, ada, "optimize-itinerary", trip_id=trip)
    assert (await ai.ended(run))["status"] == "succeeded"
    assert [message["content"] for message in ai.messages(run)[1:]] == texts
    assert [call["status"] for call in ai.usage(run)] == ["settled"] * 4
    ai.assert_settled(ada)


async def test_a_model_that_never_fits_the_form_ends_after_eight_rounds(ai: Ai, ada: Person, trip: str) -> None:
    await ai.scripted({"text": "Certainly!", "times": 20})
    run = await begun(ai, ada, "summarize-trip", trip_id=trip)
    ended = await ai.ended(run)
    assert (ended["status"], ended["error_code"]) == ("failed", "AI_PROVIDER_ERROR")
    assert len(ai.usage(run)) == 8
    ai.assert_settled(ada)


async def test_arguments_of_tools_that_make_no_sense_go_back_to_the_model(ai: Ai, ada: Person, trip: str) -> None:
    wrong = [
        {"name": "read_trip", "arguments": '{"trip_id": '},
        {"name": "read_trip", "arguments": {"trip_id": NOWHERE}},
        {"name": "read_items", "arguments": {"day_number": "one"}},
        {"name": "drop_tables", "arguments": {}},
    ]
    await ai.scripted({"toolCalls": wrong, "interleave": True}, {"text": "{tool}", "fill": True})
    run = await ai.run(ada, trip_id=trip)
    assert (await ai.ended(run))["status"] == "succeeded"
    _, called, said = ai.messages(run)
    assert [call["name"] for call in called["tool_calls"]] == [each["name"] for each in wrong]
    # The last of its answers, which the model repeats.
    assert "There is no such tool" in said["content"]


async def test_a_cut_text_says_so(ai: Ai, ada: Person) -> None:
    await ai.scripted({"text": "And then", "finishReason": "length"})
    ended = await ai.ended(await ai.run(ada))
    assert (ended["status"], ended["result"]) == ("succeeded", {"kind": "text", "is_cut": True})


async def test_what_was_said_before_is_known_in_a_conversation(ai: Ai, ada: Person) -> None:
    await ai.scripted({"text": "Nice to meet you.", "times": 2})
    first = await ai.run(ada, "I am Ada, and like cod.")
    conversation = str((await ai.ended(first))["conversation_id"])
    await ai.ended(await ai.run(ada, "And now?", conversation_id=conversation))
    earlier, later = await ai.calls()
    assert later["promptTokens"] > earlier["promptTokens"]
    ben = await ai.account()
    body = {"agent_key": "assistant", "prompt": "Tell me", "conversation_id": conversation}
    assert (await refused(ai, ben, "run-ai-agent", **body))[:2] == (404, "NOT_FOUND")


async def test_what_is_remembered_is_found_by_whom_it_is_of_alone(ai: Ai, ada: Person) -> None:
    for wish in ("I like tea in the morning", "I never fly"):
        assert (await ai.ended(await ai.run(ada, f"Please remember that {wish}")))["status"] == "succeeded"
    status, found = await ai.call(ada, "search-ai-memories", {"text": "tea in the morning", "first": 1})
    assert status == 200, found
    assert [memory["content"] for memory in found["memories"]] == ["I like tea in the morning"]
    ben = await ai.account()
    assert (await ai.call(ben, "search-ai-memories", {"text": "tea"})) == (200, {"memories": []})
    ai.assert_settled(ada)
    ai.assert_settled(ben)
    # Paid for as any call: one outside of any run.
    (searched,) = ai.rows("select * from public.ai_usage where user_id = %s and run_id is null", ada.id)
    assert (searched["status"], searched["is_estimated"]) == ("settled", False)
    assert searched["prompt_tokens"] > 0


async def test_a_search_tells_how_the_provider_failed(ai: Ai, ada: Person) -> None:
    await ai.scripted(
        {"endpoint": "embeddings", "status": 429, "retryAfter": 60},
        {"endpoint": "embeddings", "status": 401},
    )
    assert await refused(ai, ada, "search-ai-memories", text="tea") == (429, "AI_RATE_LIMITED", {"retryAfter": 60})
    assert await refused(ai, ada, "search-ai-memories", text="tea") == (502, "AI_PROVIDER_ERROR", {})
    ai.assert_settled(ada)


@pytest.mark.parametrize(
    ("script", "code", "asked"),
    [
        ({"status": 400, "code": "context_length_exceeded"}, "CONTEXT_LENGTH_EXCEEDED", 1),
        ({"status": 401}, "AI_PROVIDER_ERROR", 1),
        ({"status": 429, "retryAfter": 600, "times": 3}, "AI_RATE_LIMITED", 1),
        ({"status": 429, "retryAfter": 0, "times": 3}, "AI_RATE_LIMITED", 3),
        ({"status": 500, "times": 3}, "AI_PROVIDER_ERROR", 3),
    ],
)
async def test_what_the_provider_refuses_is_told_by_the_run_and_costs_nothing(
    ai: Ai, ada: Person, script: dict[str, Any], code: str, asked: int
) -> None:
    await ai.scripted(script)
    run = await ai.run(ada)
    ended = await ai.ended(run)
    assert (ended["status"], ended["error_code"]) == ("failed", code)
    assert len(await ai.calls()) == asked
    assert [(call["status"], call["cost"]) for call in ai.usage(run)] == [("released", 0)]
    assert ai.messages(run)[-1]["status"] == "aborted"
    ai.assert_settled(ada)


async def test_a_moment_of_refusals_is_waited_for(ai: Ai, ada: Person) -> None:
    await ai.scripted({"status": 429, "retryAfter": 1}, {"status": 500}, {"text": "Here I am."})
    run = await ai.run(ada)
    assert (await ai.ended(run))["status"] == "succeeded"
    assert len(ai.usage(run)) == 1
    assert ai.messages(run)[-1]["content"] == "Here I am."


async def test_whoever_is_taken_off_the_trip_reads_nothing_more_of_it(ai: Ai, ada: Person, trip: str) -> None:
    ben = await ai.account()
    ai.db.execute(SHARE, (trip, ben.id))
    await ai.scripted({"toolCalls": [{"name": "read_trip"}]}, {"text": "{tool}", "fill": True})
    await ai.hold()
    run = await ai.run(ben, trip_id=trip)
    ai.db.execute("delete from public.collaborators where user_id = %s", (ben.id,))
    await ai.hold(hold=False)
    assert (await ai.ended(run))["status"] == "succeeded"
    said = ai.messages(run)[-1]["content"]
    assert "Lofoten" not in said
    assert "NOT_FOUND" in said


async def test_bad_input_of_an_agent(ai: Ai, ada: Person, trip: str) -> None:
    body = {"agent_key": "assistant", "prompt": "Hi"}
    for changes, field in (
        ({"prompt": " \n"}, "prompt"),
        ({"prompt": "é" * 8001}, "prompt"),
        ({"prompt": 3}, "prompt"),
        ({"prompt": "a\0b"}, "prompt"),
        ({"agent_key": "assistant\0"}, "agent_key"),
        ({"idempotency_key": "a\0b"}, "idempotency_key"),
        ({"agent_key": "classifier"}, "agent_key"),
        ({"agent_key": "optimizer"}, "trip_id"),
        ({"trip_id": "near"}, "trip_id"),
        ({"conversation_id": "old"}, "conversation_id"),
        ({"idempotency_key": ""}, "idempotency_key"),
    ):
        told = await refused(ai, ada, "run-ai-agent", **{**body, **changes})
        assert told == (400, "BAD_USER_INPUT", {"field": field}), changes
    for field, value in (("agent_key", "nobody"), ("trip_id", NOWHERE), ("conversation_id", NOWHERE)):
        told = await refused(ai, ada, "run-ai-agent", **{**body, field: value})
        assert told == (404, "NOT_FOUND", {"field": field})
    ben = await ai.account()
    assert (await refused(ai, ben, "run-ai-agent", **body, trip_id=trip))[:2] == (404, "NOT_FOUND")
    run = await ai.run(ada, "é" * 8000)
    await ai.ended(run)
    assert ai.rows("select count(*) from public.ai_runs") == [{"count": 1}]


async def test_the_api_names_arguments_as_it_calls_them(ai: Ai, ada: Person) -> None:
    good = {"agentKey": "assistant", "prompt": "Hi"}
    for changes, code, field in (
        ({"prompt": " "}, "BAD_USER_INPUT", "input.prompt"),
        ({"agentKey": "nobody"}, "NOT_FOUND", "input.agentKey"),
        ({"tripId": NOWHERE}, "NOT_FOUND", "input.tripId"),
        ({"conversationId": NOWHERE}, "NOT_FOUND", "input.conversationId"),
        ({"idempotencyKey": ""}, "BAD_USER_INPUT", "input.idempotencyKey"),
    ):
        told = await ada.refused(RUN, input={**good, **changes})
        assert (told["code"], told["field"]) == (code, field)
    told = await ada.refused(SUMMARIZE, trip=NOWHERE)
    assert (told["code"], told["field"]) == ("NOT_FOUND", "tripId")
    ai.limit(Decimal(0))
    told = await ada.refused(RUN, input=good)
    assert (told["code"], told["metric"]) == ("USAGE_LIMIT_EXCEEDED", "AI_COST")
    assert await ai.calls() == []


async def test_bad_input_of_the_others(ai: Ai, ada: Person, trip: str) -> None:
    ben = await ai.account()
    known = place(ai, ada)
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("summarize-trip", {}, "trip_id"),
        ("optimize-itinerary", {"trip_id": trip, "day_number": 0}, "day_number"),
        ("optimize-itinerary", {"trip_id": trip, "day_number": 3}, "day_number"),
        ("classify-place", {"place_id": 7}, "place_id"),
        ("search-ai-memories", {"text": ""}, "text"),
        ("search-ai-memories", {"text": "x" * 1001}, "text"),
        ("search-ai-memories", {"text": "a\0b"}, "text"),
        ("search-ai-memories", {"text": "x", "first": 101}, "first"),
    ]
    for function, body, field in wrong:
        assert await refused(ai, ada, function, **body) == (400, "BAD_USER_INPUT", {"field": field}), (function, body)
    unseen: list[tuple[str, dict[str, Any]]] = [
        ("summarize-trip", {"trip_id": trip}),
        ("optimize-itinerary", {"trip_id": trip}),
        ("classify-place", {"place_id": known}),
    ]
    for function, body in unseen:
        assert (await refused(ai, ben, function, **body))[:2] == (404, "NOT_FOUND"), function
    assert await ai.calls() == []
