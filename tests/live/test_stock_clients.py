"""Two people over the unmodified `graphql-ws` and `graphql-sse`, judged from the outside."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from tests.live.conftest import Party
from tripgate.local.binaries import deno, user_cache

SCRIPTS = Path(__file__).with_name("javascript")


async def ran(script: str, *arguments: str) -> Any:
    """What a script prints last."""
    process = await asyncio.create_subprocess_exec(
        *(deno(), "run", "--frozen", "--no-prompt", "--allow-env", "--allow-net=127.0.0.1", script, *arguments),
        cwd=SCRIPTS,
        env={**os.environ, "DENO_DIR": str(user_cache() / "deno"), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, problems = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, problems.decode()
    return json.loads(output.splitlines()[-1])


async def test_one_event_stream_carries_every_operation(party: Party) -> None:
    """As `graphql-sse` has it with `singleConnection`."""
    found = await ran("single.js", party.owner.url, str(party.owner.token), party.trip, party.item)
    heard = found["heard"]
    before, after = ({"trip": {"items": {"nodes": [{"title": title}]}}} for title in ("Boat", "By mutation"))
    assert heard["title"] == [before, after]
    assert heard["left"] == [before]
    assert heard["changes"] == [{"tripItemChanges": {"operation": "UPDATE", "tripItem": {"title": "By mutation"}}}]
    assert heard["mutation"] == [{"updateTripItem": {"title": "By mutation"}}]
    assert heard["mistake"] == ["GRAPHQL_VALIDATION_FAILED"]
    assert len(heard["query"]) == 1
    assert found["ends"] == dict.fromkeys(("left", "query", "mistake", "mutation", "title"), "complete")
    assert found["methods"] == {"PUT": 1, "GET": 1, "POST": 6, "DELETE": 2}


async def test_an_operation_that_cannot_run_says_so_on_its_own_event_stream(party: Party) -> None:
    """`graphql-sse` tries again whatever is answered with another status, and never says why."""
    found = await ran("distinct.js", party.owner.url, str(party.owner.token), party.trip)
    assert found["heard"] == {
        "query": [{"__typename": "Query"}],
        "syntax": [["GRAPHQL_PARSE_FAILED"]],
        "validation": [["GRAPHQL_VALIDATION_FAILED"]],
        "variables": [["BAD_USER_INPUT"]],
        "name": [["OPERATION_RESOLUTION_FAILURE"]],
        "cost": [["COST_LIMIT_EXCEEDED"]],
        "depth": [["QUERY_TOO_DEEP"]],
        "refused": [],
        "refreshed": [{"viewer": {"__typename": "Profile"}}],
    }
    refused = {"refused": [401] * 6, "refreshed": [401, 200]}
    assert found["requests"] == {name: [200] for name in found["heard"]} | refused
    ends = dict.fromkeys(found["heard"], "complete")
    assert found["ends"] == ends | {"refused": "error Server responded with 401: Unauthorized"}


async def test_the_other_receives_each_change_once_in_order_within_a_second(party: Party) -> None:
    people = str(party.owner.token), str(party.editor.token)
    found = await ran("follow.js", party.owner.url, *people, party.trip, party.item)
    made, boat = found["made"], party.item

    def item(operation: str, id_: str, **row: Any) -> dict[str, Any]:
        shown = {"cost": None, "place": None, "trip": {"title": "Shared"}, **row} if row else None
        return {"tripItemChanges": {"operation": operation, "id": id_, "tripItem": shown}}

    vote = {"value": "UP", "comment": "Yes"}
    for name, heard in found["heard"].items():
        items = [one for one in heard if "tripItemChanges" in one]
        assert items[:2] == [
            item("UPDATE", boat, title="Ferry", cost="12.30", orderIndex=0),
            item("INSERT", made, title="Tea", orderIndex=1),
        ], name
        # The move is one change of each of the two items, in either order.
        assert sorted(one["tripItemChanges"]["id"] for one in items[2:4]) == sorted([boat, made])
        assert items[4:] == [item("DELETE", made)]
        votes = [one["voteChanges"] for one in heard if "voteChanges" in one]
        expected = [] if name == "owner" else [("UPDATE", vote)]
        assert [(one["operation"], {key: one["vote"][key] for key in vote}) for one in votes] == expected
    assert found["slowest"] < 1000
