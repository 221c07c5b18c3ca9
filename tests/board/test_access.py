"""The board for everybody: by keyboard alone, on a narrow screen, with a screen reader, in light and in dark."""

import json

import pytest

from tests.board.conftest import Two
from tests.board.people import Place, fill, open_as, press, says, shows
from tests.browser.axe import violations
from tests.browser.page import Page
from tests.support import Person

FITS = "document.documentElement.scrollWidth <= innerWidth"


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element of this name has the focus."""
    for _ in range(80):
        await page.press("Tab")
        if await page.run("(document.activeElement.ariaLabel ?? document.activeElement.innerText).trim()") == name:
            return
    raise AssertionError(f"Tab never comes to {name}")


async def focused(page: Page) -> str:
    return str(await page.run("document.activeElement.ariaLabel ?? document.activeElement.innerText"))


async def test_all_can_be_done_by_keyboard(two: Two) -> None:
    await tab_to(two.ada, "+ Add to day 2")
    await two.ada.press("Enter")
    await two.ada.write("Lunch in Testaccio")
    await two.ada.press("Enter")
    for each in (two.ada, two.ben):
        await shows(each, [["Train in from Fiumicino", "Pantheon"], ["Colosseum", "Lunch in Testaccio"], []])
    await two.ada.press("Escape")
    assert await focused(two.ada) == "+ Add to day 2"

    await tab_to(two.ada, "Move Pantheon")
    await two.ada.press("ArrowRight")
    await shows(two.ada, [["Train in from Fiumicino"], ["Colosseum", "Pantheon", "Lunch in Testaccio"], []])
    assert await focused(two.ada) == "Move Pantheon"
    await says(two.ada, "Pantheon is on day 2 now.")
    await two.ada.press("ArrowUp")
    await shows(two.ben, [["Train in from Fiumicino"], ["Pantheon", "Colosseum", "Lunch in Testaccio"], []])
    assert await focused(two.ada) == "Move Pantheon"

    await two.ada.press("Tab")
    assert await focused(two.ada) == "Edit Pantheon"
    await two.ada.press("Enter")
    await tab_to(two.ada, "Move down")
    await two.ada.press("Enter")
    await shows(two.ben, [["Train in from Fiumicino"], ["Colosseum", "Pantheon", "Lunch in Testaccio"], []])
    await says(two.ada, "Pantheon is number 2 of day 2 now.")
    assert await focused(two.ada) == "Move down"
    await two.ada.run("document.querySelector('[name=title]').focus()")
    await two.ada.press("Enter")
    await two.ada.until("document.activeElement.ariaLabel === 'Edit Pantheon'")

    await tab_to(two.ben, "For Pantheon: 0")
    await two.ben.press("Space")
    await two.ada.until("document.querySelector('[aria-label=\"For Pantheon: 1\"]')")


async def test_each_page_names_the_tab_and_takes_the_focus_from_the_one_before(
    place: Place, ada: Person, trip: str, page: Page
) -> None:
    at_heading = "document.activeElement === document.querySelector('h1')"
    await open_as(page, place, ada)
    await page.until("document.title === 'Your trips · Tripgate board'")
    assert await page.run("document.activeElement === document.body")
    await page.click(f"[href$='/trips/{trip}']")
    await page.until("document.title === 'Rome · Tripgate board'")
    await page.until(at_heading)
    await ada.ask('mutation ($id: UUID!) { updateTrip(id: $id, patch: { title: "Roma" }) { id } }', id=trip)
    await page.until("document.title === 'Roma · Tripgate board'")
    await page.run("history.back()")
    await page.until("document.title === 'Your trips · Tripgate board'")
    await page.until(at_heading)
    await press(page, "Sign out")
    await page.until("document.title === 'Plan a trip together · Tripgate board'")
    await press(page, "Make an account")
    await page.until("document.title === 'Make an account · Tripgate board'")


async def test_nothing_is_wider_than_a_telephone(place: Place, ada: Person, trip: str, page: Page) -> None:
    await page.size(390, 844)
    await page.open(place.board)
    await page.until("document.querySelector('form')")
    assert await page.run(FITS)
    await open_as(page, place, ada)
    await page.until("document.querySelector('.trip')")
    assert await page.run(FITS)
    await page.open(f"{place.board}/trips/{trip}")
    await press(page, "Edit Pantheon")
    await press(page, "+ Add to day 1")
    assert await page.run(FITS)
    long = await ada.trip(title="Nowhere" * 20, items=[{"title": "Somewhere" * 20}])
    await page.open(f"{place.board}/trips/{long}")
    await page.until("document.querySelector('.card')")
    assert await page.run(FITS)
    # What is announced stays a few lines, however long a title.
    await press(page, "+ Add to day 1")
    await fill(page, "New on day 1", "Anywhere" * 25)
    await page.press("Enter")
    await says(page, "Anywhere")
    box = await page.run("document.querySelector('.announcer [role=status] p').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0
    assert box["right"] <= 390
    assert box["height"] < 140
    assert await page.run(FITS)


async def test_a_finger_moves_what_is_planned(place: Place, ada: Person, trip: str, page: Page) -> None:
    await page.size(390, 844)
    await open_as(page, place, ada, f"trips/{trip}")
    await shows(page, [["Train in from Fiumicino", "Pantheon"], ["Colosseum"], []])
    await page.drag("[aria-label='Move Pantheon']", "[data-day='2'] .card", finger=True)
    await says(page, "Pantheon is on day 2 now.")
    await shows(page, [["Train in from Fiumicino"], ["Pantheon", "Colosseum"], []])
    await page.drag("[aria-label='Move Pantheon']", "[data-day='1'] .card", finger=True)
    await shows(page, [["Pantheon", "Train in from Fiumicino"], ["Colosseum"], []])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_screen_readers_and_weak_eyes_find_their_way(
    place: Place, ada: Person, trip: str, page: Page, scheme: str
) -> None:
    await page.prefer(scheme)
    await page.open(place.board)
    await press(page, "Make an account")
    await press(page, "Make the account")
    await page.until("document.querySelector('[aria-invalid=true]')")
    assert await violations(page) == []
    await open_as(page, place, ada)
    await page.until("document.querySelector('.trip')")
    assert await violations(page) == []
    await page.open(f"{place.board}/trips/{trip}")
    await press(page, "For Pantheon: 0")
    await press(page, "Edit Pantheon")
    await press(page, "+ Add to day 1")
    await page.click("summary")
    await page.until("document.querySelector('.presence li')")
    assert await violations(page) == []


async def test_mistakes_stand_at_their_fields(place: Place, ada: Person, page: Page) -> None:
    async def problem(label: str) -> object:
        return await page.run(
            f"""(() => {{
              const labels = [...document.querySelectorAll('label')];
              const label = labels.find((one) => one.textContent === {json.dumps(label)});
              const field = document.getElementById(label.htmlFor);
              const words = document.getElementById(field.getAttribute('aria-describedby')).innerText;
              return [field.ariaInvalid, words, document.activeElement === field];
            }})()"""
        )

    await page.open(place.board)
    await fill(page, "E-mail address", str(ada.email))
    await fill(page, "Password", "wrong")
    await press(page, "Sign in")
    await page.until("document.body.innerText.includes('The e-mail address or the password is wrong.')")

    await press(page, "Make an account")
    await fill(page, "Your name", "Ada")
    await fill(page, "E-mail address", "gil@trips.example")
    await fill(page, "Password", "short")
    await press(page, "Make the account")
    await page.until("document.querySelector('[aria-invalid=true]')")
    wanted = "The password is not accepted: Password should be at least 6 characters."
    assert await problem("Password") == ["true", wanted, True]
    assert await problem("E-mail address") == ["false", "", False]

    await open_as(page, place, ada)
    await fill(page, "Title", " ")
    await press(page, "Begin")
    await page.until("document.querySelector('[aria-invalid=true]')")
    wanted = "A trip's title is 1 to 200 characters long, and not all of them are blank."
    assert await problem("Title") == ["true", wanted, True]
    await fill(page, "Title", "Backwards")
    await page.run("document.querySelector('[name=startDate]').value = '2027-02-02'")
    await page.run("document.querySelector('[name=endDate]').value = '2027-01-01'")
    await press(page, "Begin")
    await page.until("document.querySelector('[name=endDate][aria-invalid=true]')")
    said = "A trip ends by the year 9999, not before it starts, and takes at most 1,000 days."
    assert await problem("Last day") == ["true", said, True]
    assert await problem("Title") == ["false", "", False]
