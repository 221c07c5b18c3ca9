"""What an agent says reaches whoever asked as it is said: each code point once, in order, and in the end the whole."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

from tests.functions.ai.conftest import Ai
from tests.live.clients import Live, live
from tests.live.following import at
from tests.support import Person, serving

SAID = """subscription ($run: UUID!) {
  aiMessageChanges(runId: $run) { operation id delta offset aiMessage { role status content } } }"""
RUN = "subscription ($run: UUID!) { aiRunChanges(runId: $run) { operation aiRun { status } } }"
AT = "2026-11-30T12:00:00Z"
RUNS, CHUNKS, PER_SECOND = 20, 150, 50


def text(number: int) -> str:
    """So many chunks, of which each is a token of the fake's: 4 bytes, which are one to four code points."""
    return "".join(("🏛", f"{number:02}{at % 10} ", "ÄÖ", f"{at:04}")[at % 4] for at in range(CHUNKS))


class Heard:
    """What one subscriber has been told of the messages of a run."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.pieces = 0
        self.finished: dict[str, dict[str, Any]] = {}

    def take(self, change: dict[str, Any]) -> None:
        """One event. A piece begins where the text ends; a row comes first, and at the end."""
        key, row = change["id"], change["aiMessage"]
        assert change["operation"] in {"INSERT", "UPDATE"}, change
        if row is None:
            assert key not in self.finished
            assert change["offset"] == len(self.texts[key])
            assert change["delta"]
            self.texts[key] += change["delta"]
            self.pieces += 1
            return
        assert change["delta"] is None
        if key in self.texts:
            # The complete row: all of it has been told.
            assert row["content"] == self.texts[key]
        self.texts[key] = row["content"]
        if row["status"] != "STREAMING":
            self.finished[key] = row

    def answer(self) -> str | None:
        """What the agent has said, once it has."""
        return next((each["content"] for each in self.finished.values() if each["role"] == "ASSISTANT"), None)


class Again(Exception):  # noqa: N818 - it is none of the gateway's
    """The gateway was too busy to begin, and said so: clients subscribe again."""


async def follow(person: Person, run: str, *, after: float = 0) -> Heard:
    """Follow a run until the agent has said all it says."""
    await asyncio.sleep(after)
    async with live(person) as connection:
        while True:
            with suppress(Again):
                return await hear_out(connection, await connection.subscribe(SAID, run=run))


async def hear_out(connection: Live, id_: str) -> Heard:
    heard = Heard()
    while heard.answer() is None:
        message = await connection.message(60)
        if message["type"] == "error":
            assert message["payload"][0]["extensions"]["code"] in {"UPSTREAM_UNAVAILABLE", "OVERLOADED"}, message
            raise Again
        if message.get("id") == id_:
            heard.take(message["payload"]["data"]["aiMessageChanges"])
    return heard


async def test_twenty_at_once_over_two_gateways_each_hear_all_of_theirs_once(ai: Ai) -> None:
    people = [await ai.account() for _ in range(RUNS)]
    await ai.scripted(
        *(
            {"contains": f"Question {number}.", "text": text(number), "chunksPerSecond": PER_SECOND}
            for number in range(RUNS)
        )
    )
    async with serving(ai.info) as other:

        async def asked(number: int) -> tuple[str, list[Heard]]:
            run = await ai.run(people[number], f"Question {number}.")
            elsewhere = at(people[number], other)
            followers = [follow(people[number], run), follow(elsewhere, run), follow(elsewhere, run, after=1.5)]
            return run, list(await asyncio.gather(*followers))

        pieces = 0
        for number, (run, heard) in enumerate(await asyncio.gather(*map(asked, range(RUNS)))):
            await ai.ended(run)
            question, answer = ai.messages(run)
            assert (question["content"], question["status"]) == (f"Question {number}.", "complete")
            assert (answer["content"], answer["status"]) == (text(number), "complete")
            for each in heard:
                assert each.texts == {str(row["id"]): row["content"] for row in (question, answer)}
                assert each.answer() == text(number)
                pieces += each.pieces
    assert pieces > 0


async def test_nobody_but_who_asked_follows_a_run_or_speaks_in_it(ai: Ai) -> None:
    asker, collaborator, stranger = [await ai.account() for _ in range(3)]
    trip = str(uuid4())
    ai.db.execute("insert into public.trips (id, user_id, title) values (%s, %s, 'Rome')", (trip, asker.id))
    ai.db.execute(
        "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'editor')", (trip, collaborator.id)
    )
    await ai.scripted({"text": text(1), "chunksPerSecond": PER_SECOND})
    run = await ai.run(asker, trip_id=trip)
    for person in (collaborator, stranger):
        async with live(person) as connection:
            for subscription in (SAID, RUN):
                assert await connection.failure(await connection.subscribe(subscription, run=run), 60) == (
                    "FORBIDDEN",
                    "You may not follow this run, or there is no such run.",
                )
    following = asyncio.create_task(follow(asker, run))
    # Whoever asked may listen to the channel, and yet not speak there; nor may others.
    (message,) = [each for each in ai.messages(run) if each["role"] == "assistant"] or [{"id": uuid4()}]
    forged = {"message_id": str(message["id"]), "sequence": 1, "offset": 0, "text": "forged", "at": AT}
    for person in (asker, collaborator, stranger):
        for private in (True, False):
            body = {"topic": f"ai_run:{run}", "event": "delta", "private": private, "payload": forged}
            headers = {"apikey": ai.info.publishable_key, "Authorization": f"Bearer {person.token}"}
            url = f"{ai.info.api_url}/realtime/v1/api/broadcast"
            async with ai.http.post(url, json={"messages": [body]}, headers=headers) as answer:
                assert answer.status == 202  # which the platform answers whether or not it passes anything on
    heard = await following
    await ai.ended(run)
    assert heard.answer() == text(1)


async def test_a_run_whose_function_dies_ends_with_what_was_kept(ai: Ai) -> None:
    asker = await ai.account()
    await ai.scripted({"text": text(2), "chunksPerSecond": 5})
    run = await ai.run(asker)
    heard = Heard()
    async with live(asker) as connection:
        id_ = await connection.subscribe(SAID, run=run)
        following = await connection.subscribe(RUN, run=run)
        while heard.pieces < 2:
            heard.take((await connection.event(id_, 60))["aiMessageChanges"])
        await ai.kill()
        await ai.lost(run)
        while True:
            change = (await connection.event(id_, 60))["aiMessageChanges"]
            if change["aiMessage"] is not None:
                break
            heard.take(change)
        assert change["aiMessage"] == {
            "role": "ASSISTANT",
            "status": "ABORTED",
            "content": ai.messages(run)[1]["content"],
        }
        assert heard.texts[change["id"]].startswith(change["aiMessage"]["content"])
        while (await connection.event(following, 60))["aiRunChanges"]["aiRun"] != {"status": "FAILED"}:
            pass
