"""Apollo Client, urql and Relay keep their caches right from the gateway's answers alone."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import Person
from tests.tooling.deno import FRONTEND, run_deno


async def printed(folder: Path, script: str, *arguments: str) -> dict[str, Any]:
    """What a script prints last, run while this process serves the gateway."""
    run = ("run", "--frozen", "--no-prompt", "--allow-env", "--allow-net=127.0.0.1", script)
    output = await asyncio.to_thread(run_deno, folder, *run, *arguments)
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


@pytest.mark.parametrize("client", ["apollo", "urql"])
async def test_a_list_grows_by_a_page_and_shows_a_new_title_without_asking_again(newcomer: Person, client: str) -> None:
    for title in ("A", "B", "C"):
        await newcomer.trip(title=title)
    found = await printed(FRONTEND, f"caches/{client}.js", newcomer.url, str(newcomer.token))
    assert found["views"][0] == ["A", "B"]
    assert ["A", "B", "C"] in found["views"]
    assert found["again"] == found["views"][-1] == ["Renamed", "B", "C"]
    assert found["asked"] == ["TripList", "TripList", "RenameTrip"]


async def test_relay_shows_a_new_title_and_fetches_more_of_a_trip_by_its_node_id(
    newcomer: Person, frontend: Path
) -> None:
    trip_id = await newcomer.trip(title="A")
    await newcomer.ask(
        'mutation ($id: UUID!) { createTripItem(input: { tripId: $id, title: "Museum" }) { id } }', id=trip_id
    )
    await asyncio.to_thread(run_deno, frontend, "task", "relay")
    assert await printed(frontend, "caches/relay.js", newcomer.url, str(newcomer.token), trip_id) == {
        "views": ["A", "Renamed"],
        "items": ["Museum"],
        "asked": ["documentsTripDetailQuery", "documentsRenameTripMutation", "documentsTripItemsQuery"],
    }


async def test_a_root_field_that_fails_leaves_the_other_its_answer_where_the_client_is_set_so(
    newcomer: Person, frontend: Path
) -> None:
    (name,) = (await newcomer.ask("{ viewer { displayName } }"))["viewer"].values()
    await asyncio.to_thread(run_deno, frontend, "task", "relay")
    there, path = {"viewer": name, "trips": None}, ["trips"]
    assert await printed(frontend, "caches/partial.js", newcomer.url, str(newcomer.token)) == {
        # By itself, and with errorPolicy "all".
        "apollo": [path, {**there, "path": path}],
        # Without and with its normalised cache.
        "urql": [{**there, "path": path}, {**there, "path": path}],
        # With @throwOnFieldError and without.
        "relay": ["Error", there],
    }
