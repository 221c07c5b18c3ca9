"""Apollo Client and urql show each part of an answer as it comes, in the format that each of them speaks."""

import asyncio
import json
from typing import Any

import pytest

from tests.support import Person
from tests.tooling.deno import FRONTEND, run_deno

CLIENTS = pytest.mark.parametrize(("client", "handler"), [("apollo", "20220824"), ("apollo", "v0.2"), ("urql", "")])


async def views(person: Person, client: str, story: str, handler: str) -> list[Any]:
    """What a view of the client showed over time."""
    script = ("run", "--frozen", "--no-prompt", "--allow-env", "--allow-net=127.0.0.1", f"parts/{client}.js")
    printed = await asyncio.to_thread(run_deno, FRONTEND, *script, person.url, str(person.token), story, handler)
    found: list[Any] = json.loads(printed.splitlines()[-1])
    return found


async def trips(person: Person, items: int) -> None:
    """Two trips, A and B, with so many items each."""
    for title in ("A", "B"):
        await person.ask(
            "mutation ($input: CreateTripInput!) { createTrip(input: $input) { id } }",
            input={"title": title, "items": [{"title": f"{title}{number}"} for number in range(items)]},
        )


@CLIENTS
async def test_a_view_shows_what_is_there_first_and_all_in_the_end(newcomer: Person, client: str, handler: str) -> None:
    await trips(newcomer, 1)
    shown = await views(newcomer, client, "deferred", handler)
    titles = [["A", None], ["B", None]]
    items = [["A", ["A0"]], ["B", ["B0"]]]
    assert shown[0] == [*titles, None]
    assert shown[-1] == [*items, 2]
    # Either part may come first, or both at once.
    assert all(view in ([*titles, 2], [*items, None]) for view in shown[1:-1])


@CLIENTS
async def test_a_list_begins_with_its_first_rows_and_has_all_in_the_end(
    newcomer: Person, client: str, handler: str
) -> None:
    await trips(newcomer, 3)
    shown = await views(newcomer, client, "streamed", handler)
    begun = [["A", ["A0"]]]
    assert shown[0] == [*begun, 2]
    assert shown[-1] == [["A", ["A0", "A1", "A2"]], ["B", ["B0", "B1", "B2"]], 2]
    assert 2 <= len(shown) <= 4
