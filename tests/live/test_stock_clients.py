"""Two people over the unmodified `graphql-ws` and `graphql-sse`, judged from the outside."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from tests.live.conftest import Party
from tripgate.local.binaries import deno, user_cache

SCRIPTS = Path(__file__).with_name("javascript")


async def test_the_other_receives_each_change_once_in_order_within_a_second(party: Party) -> None:
    process = await asyncio.create_subprocess_exec(
        *(deno(), "run", "--frozen", "--no-prompt", "--allow-env", "--allow-net=127.0.0.1", "follow.js"),
        *(party.owner.url, str(party.owner.token), str(party.editor.token), party.trip, party.item),
        cwd=SCRIPTS,
        env={**os.environ, "DENO_DIR": str(user_cache() / "deno"), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, problems = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, problems.decode()
    found = json.loads(output.splitlines()[-1])
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
