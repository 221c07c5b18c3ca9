"""How long one stays signed in to the board, and what is left of it afterwards."""

import json
from dataclasses import replace

import pytest

from tests.board.cable import cable
from tests.board.conftest import Two
from tests.board.people import SESSION, Place, complains, open_as, press, says, shows
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


async def test_another_persons_session_from_another_tab_makes_it_their_page(
    place: Place, ada: Person, ben: Person, page: Page, other: Page
) -> None:
    await open_as(page, place, ada)
    await page.until("document.querySelector('.me').innerText === 'Ada Lindqvist'")
    await open_as(other, place, ben)
    theirs = json.dumps(json.dumps(await other.run(SESSION)))
    await page.run("globalThis.before = true")
    await page.run(
        f"""(localStorage.setItem('tripgate.session', {theirs}),
             dispatchEvent(new StorageEvent('storage', {{key: 'tripgate.session'}})))"""
    )
    await page.until("document.querySelector('.me')?.innerText === 'Ben Okafor'")
    # Loaded anew, with nothing of hers.
    assert await page.run("globalThis.before") is None


async def test_a_link_replaces_nobody_who_is_signed_in(
    place: Place, ada: Person, ben: Person, page: Page, other: Page
) -> None:
    await open_as(other, place, ben)
    theirs = await other.run(SESSION)
    link = f"#access_token={theirs['accessToken']}&refresh_token={theirs['refreshToken']}&expires_at=4102444800"
    await open_as(page, place, ada)
    await page.until("document.querySelector('.me').innerText === 'Ada Lindqvist'")
    await page.open(f"{place.board}/invitations{link}")
    await complains(page, "You are signed in already. To use the link, sign out first.")
    await page.until("document.querySelector('.me').innerText === 'Ada Lindqvist'")
    assert await page.run("location.hash") == ""

    await press(page, "Sign out")
    await page.until("document.querySelector('[name=password]')")
    await page.open(f"{place.board}{link}")
    await says(page, "The link of the mail has signed you in.")
    await page.until("document.querySelector('.me').innerText === 'Ben Okafor'")


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("error=x&error_description=Call+555+and+tell+your+password", "This link was used already, or is too old."),
        ("access_token=a.b.c&refresh_token=r&expires_at=soon", "This link is broken."),
        ("access_token=a.b.c&refresh_token=r&expires_at=1e300", "This link is broken."),
        ("access_token=a%0Ab&refresh_token=r&expires_at=1", "This link is broken."),
        ("access_token=a.b.c", "This link is broken."),
    ],
)
async def test_a_link_that_somebody_made_up_is_told_in_words_of_ones_own(
    place: Place, page: Page, fragment: str, words: str
) -> None:
    await page.open(f"{place.board}/invitations#{fragment}")
    await complains(page, words)
    assert await page.text(".announcer [role=alert]") == words
    assert await page.run("[localStorage.length, location.hash]") == [0, ""]
    assert await page.text("h1") == "Plan a trip together"


@pytest.mark.parametrize("kept", ["garbage", "{}", "7", '{"accessToken": "x", "refreshToken": null}', '"x"'])
async def test_what_is_no_session_is_nobodys(place: Place, page: Page, kept: str) -> None:
    await page.open(place.board)
    await page.until("document.querySelector('form')")
    await page.run(f"localStorage.setItem('tripgate.session', {json.dumps(kept)})")
    await page.reload()
    assert await page.text("h1") == "Plan a trip together"
