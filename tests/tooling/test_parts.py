"""Apollo Client and urql show each part of an answer as it comes, in the format that each of them speaks."""

import asyncio
import json

import pytest

from tests.support import Person
from tests.tooling.deno import FRONTEND, run_deno


@pytest.mark.parametrize(
    ("client", "handler"),
    [("apollo", "20220824"), ("apollo", "v0.2"), ("urql", "")],
)
async def test_a_view_shows_what_is_there_first_and_all_in_the_end(newcomer: Person, client: str, handler: str) -> None:
    for title in ("A", "B"):
        trip_id = await newcomer.trip(title=title)
        await newcomer.ask(
            "mutation ($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }",
            input={"tripId": trip_id, "title": f"Item of {title}"},
        )
    script = ("run", "--frozen", "--no-prompt", "--allow-env", "--allow-net=127.0.0.1", f"parts/{client}.js")
    printed = await asyncio.to_thread(run_deno, FRONTEND, *script, newcomer.url, str(newcomer.token), handler)
    views = json.loads(printed.splitlines()[-1])
    titles = [["A", None], ["B", None]]
    items = [["A", ["Item of A"]], ["B", ["Item of B"]]]
    assert views[0] == [*titles, None]
    assert views[-1] == [*items, 2]
    # Either part may come first, or both at once.
    assert all(view in ([*titles, 2], [*items, None]) for view in views[1:-1])
