"""One key, one run: however often and however fast it is asked for."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.functions.ai.conftest import Ai

RUN = """mutation ($input: RunAiAgentInput!) {
  runAiAgent(input: $input) { id status messages(orderBy: [{ sequence: ASC }]) { nodes { role content } } }
}"""


async def test_ten_times_at_once_is_one_run(ai: Ai) -> None:
    person = await ai.account()
    await ai.scripted({"text": "Once.", "times": 10})
    asked = {"agentKey": "assistant", "prompt": "What is there to see?", "idempotencyKey": str(uuid.uuid4())}
    answers = await asyncio.gather(*(person.ask(RUN, input=asked) for _ in range(10)))
    (run,) = {answer["runAiAgent"]["id"] for answer in answers}
    assert (await ai.ended(run))["status"] == "succeeded"
    assert [(row["id"], row["status"]) for row in ai.rows("select id, status from public.ai_runs")] == [
        (uuid.UUID(run), "succeeded")
    ]
    assert len(await ai.calls()) == len(ai.usage(run)) == 1
    assert [message["content"] for message in ai.messages(run)] == [asked["prompt"], "Once."]
    # And behind its end it is the same still.
    again = (await person.ask(RUN, input=asked))["runAiAgent"]
    assert (again["id"], again["status"]) == (run, "SUCCEEDED")
    assert [each["content"] for each in again["messages"]["nodes"]] == [asked["prompt"], "Once."]
    assert len(await ai.calls()) == 1
    ai.assert_settled(person)


async def test_the_same_key_for_something_else_is_a_conflict(ai: Ai) -> None:
    person, other = await ai.account(), await ai.account()
    asked = {"agentKey": "assistant", "prompt": "One", "idempotencyKey": "mine"}
    first = (await person.ask(RUN, input=asked))["runAiAgent"]["id"]
    refused = await person.refused(RUN, input={**asked, "prompt": "Another"})
    assert (refused["code"], refused["reason"]) == ("CONFLICT", "KEY_REUSED")
    # A key is its person's own.
    theirs = (await other.ask(RUN, input={**asked, "prompt": "Another"}))["runAiAgent"]["id"]
    assert theirs != first
    for run in (first, theirs):
        await ai.ended(run)
