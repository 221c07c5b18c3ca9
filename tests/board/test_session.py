"""How long one stays signed in to the board, and what is left of it afterwards."""

import json
from dataclasses import replace

from tests.board.cable import cable
from tests.board.conftest import Two
from tests.board.people import SESSION, Place, open_as, press, says, shows
from tests.browser.page import Browser, Page
from tests.support import Person

ITEMS = """query ($trip: UUID!) {
  trip(id: $trip) { items(filter: { title: { startsWith: "Train" } }) { nodes { id } } }
}"""
# As if the token ended in a moment, and another tab had said so.
ENDS_SOON = f"""(() => {{
  const session = {{...{SESSION}, expiresAt: new Date(Date.now() + 20_000).toISOString()}};
  localStorage.setItem('tripgate.session', JSON.stringify(session));
  dispatchEvent(new StorageEvent('storage', {{key: 'tripgate.session'}}));
}})()"""


async def test_the_token_is_refreshed_on_the_open_socket(two: Two, ben: Person) -> None:
    old = await two.ada.run(f"{SESSION}.accessToken")
    await two.ada.run(ENDS_SOON)
    await two.ada.until(f"{SESSION}.accessToken !== {json.dumps(old)}")
    new = await two.ada.run(f"{SESSION}.accessToken")
    sent = [json.loads(text) for text in two.ada.sent]
    assert {"type": "ping", "payload": {"Authorization": f"Bearer {new}"}} in sent

    await press(two.ben, "Edit Train in from Fiumicino")
    await press(two.ben, "Remove")
    await shows(two.ada, [["Pantheon"], ["Colosseum"], []])
    assert [each["type"] for each in map(json.loads, two.ada.sent)].count("connection_init") == 1


async def test_a_token_that_the_server_refuses_is_refreshed_whatever_the_clock_says(
    place: Place, ada: Person, trip: str, page: Page
) -> None:
    await open_as(page, place, ada)
    await page.until("document.querySelector('.trip')")
    refused = f"{{...{SESSION}, accessToken: 'refused', expiresAt: new Date(Date.now() + 86_400_000).toISOString()}}"
    await page.run(f"localStorage.setItem('tripgate.session', JSON.stringify({refused}))")
    await page.open(f"{place.board}/trips/{trip}")
    await shows(page, [["Train in from Fiumicino", "Pantheon"], ["Colosseum"], []])
    # A browser reports every 401, whatever the page makes of it.
    assert [each for each in page.complaints if "401" not in each] == []
    page.complaints.clear()


async def test_a_connection_that_is_lost_comes_back_with_what_was_missed(
    place: Place, ada: Person, ben: Person, trip: str, running: Browser
) -> None:
    async with cable(place.board) as (way, board), running.page() as page:
        await page.size(1100, 800)
        await open_as(page, replace(place, board=board), ada, f"trips/{trip}")
        await shows(page, [["Train in from Fiumicino", "Pantheon"], ["Colosseum"], []])
        way.cut()
        await says(page, "The connection is lost. Trying again…")
        (first, *_) = (await ben.ask(ITEMS, trip=trip))["trip"]["items"]["nodes"]
        await ben.ask(
            "mutation ($id: UUID!) { moveTripItem(id: $id, dayNumber: 3, position: 0) { id } }", id=first["id"]
        )
        way.mend()
        await shows(page, [["Pantheon"], ["Colosseum"], ["Train in from Fiumicino"]])


async def test_a_session_that_has_ended_elsewhere_asks_to_sign_in_again(place: Place, ada: Person, page: Page) -> None:
    await open_as(page, place, ada)
    await page.until("document.querySelector('h1').innerText === 'Your trips'")
    token = await page.run(f"{SESSION}.accessToken")
    await Person(place.http, place.graphql, token=token).ask("mutation { signOut }")
    await page.run(ENDS_SOON)
    await page.until("document.querySelector('[name=password]')")
    assert await page.run("localStorage.length") == 0


async def test_a_reload_keeps_it_and_signing_out_leaves_nothing(place: Place, ada: Person, page: Page) -> None:
    await open_as(page, place, ada)
    await page.until("document.querySelector('h1').innerText === 'Your trips'")
    await page.reload()
    assert await page.text(".me") == "Ada Lindqvist"
    session = await page.run(SESSION)
    await press(page, "Sign out")
    await page.until("document.querySelector('[name=password]')")
    assert await page.run("localStorage.length") == 0
    again = "mutation ($token: String!) { refreshSession(refreshToken: $token) { user { id } } }"
    assert await Person(place.http, place.graphql).code(again, token=session["refreshToken"]) == "UNAUTHENTICATED"
