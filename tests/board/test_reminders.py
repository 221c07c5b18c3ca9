"""Reminders in the board: a number is linked, somebody is reminded of what is planned, and their phone shows it."""

import asyncio
import json
import re
import secrets
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.board.people import Place, fill, open_as, press, says
from tests.board.test_access import FITS, focused, tab_to
from tests.board.test_plan import Control, control, stands
from tests.browser.axe import violations
from tests.browser.page import Page
from tests.support import Person

__all__ = ["control"]  # a fixture

PHONE = "[...document.querySelectorAll('#list li')].map((one) => one.innerText).join('\\n')"
COMING = "document.querySelector('.reminders[aria-labelledby=coming]')"
OVER = "document.querySelector('.reminders[aria-labelledby=over]')"


def a_number() -> str:
    """Of a phone that nobody else has."""
    return f"+39333{secrets.randbelow(10**7):07}"


@pytest.fixture
async def phones(control: Control) -> Control:
    """Phones that take messages as fast as they come."""
    await control("meta/limits", {"pairSeconds": 0})
    return control


@pytest.fixture
async def uma(place: Place, phones: Control) -> tuple[Person, str]:
    """Somebody who has linked their number, and the number."""
    person, number = await place.person("Uma Rossi"), a_number()
    await person.ask("mutation ($phone: String!) { linkWhatsapp(phone: $phone) { id } }", phone=number)
    code = await code_on(phones, number)
    await person.ask("mutation ($code: String!) { verifyWhatsapp(code: $code) { verifiedAt } }", code=code)
    return person, number


async def code_on(phones: Control, number: str) -> str:
    """The code that has come to a phone, once it has."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        held = json.loads(await phones(f"meta/phones/{number}", None, "GET"))["messages"]
        if held:
            return str(re.findall(r"\b\d{6}\b", held[-1]["text"])[0])
        await asyncio.sleep(0.1)
    raise AssertionError("no code came")


async def look_at(page: Page, place: Place, number: str) -> None:
    """Open somebody's phone."""
    await page.open(place.inbox.replace("/inbox", f"/providers/meta/phone?number={number.replace('+', '%2B')}"))
    await page.until("document.querySelector('#list')")


async def reply(phone: Page, words: str) -> None:
    """Write on the phone that is open."""
    await phone.click("#reply [name=text]")
    await phone.write(words)
    await phone.press("Enter")


async def arrives(phone: Page, place: Place, words: str) -> None:
    """Wait until the phone shows this, without the minute that cron may take to look what is due."""
    deadline = time.monotonic() + 60
    while words not in str(await phone.run(PHONE)):
        assert time.monotonic() < deadline, await phone.run(PHONE)
        for function in ("schedule-reminder", "send-whatsapp-message"):
            url = place.inbox.replace("/inbox", f"/functions/v1/{function}")
            async with place.http.post(url, json={"wait": True}, headers={"apikey": place.secret_key}) as answer:
                assert answer.status < 300, await answer.text()
        await asyncio.sleep(0.2)


async def remind(page: Page, title: str) -> None:
    """Open the form that reminds of this."""
    await press(page, f"Remind me of {title}")
    await page.until("document.activeElement.name === 'input.text'")


async def choose(page: Page, name: str, value: str) -> None:
    """Take a value of a select, or write a moment, as a hand would."""
    await page.run(
        f"""(() => {{
          const field = document.querySelector('[name="{name}"]');
          field.value = {json.dumps(value)};
          field.dispatchEvent(new Event(field.options ? "change" : "input", {{bubbles: true}}));
        }})()"""
    )


async def test_a_number_is_linked_by_the_code_that_its_phone_shows(
    place: Place, page: Page, other: Page, phones: Control
) -> None:
    number = a_number()
    await open_as(page, place, await place.person("Vera Klein"))
    await page.click_found("[...document.querySelectorAll('.bar a')].find((one) => one.innerText === 'Reminders')")
    await page.until("document.title === 'Your reminders · Tripgate board'")
    await stands(page, "Link your WhatsApp number to be reminded there.")
    await fill(page, "Number, with its country", "333 1234567")
    await press(page, "Send me a code")
    await page.until("document.querySelector('[name=phone]').ariaInvalid === 'true'")
    await page.until("document.activeElement.name === 'phone'")
    await fill(page, "Number, with its country", f"{number[:3]} {number[3:]}")
    await press(page, "Send me a code")
    await says(page, "A code is on its way to you by WhatsApp.")

    label = f"The code that was sent to {number}"
    await fill(page, label, "12345")
    await press(page, "This number is mine")
    await page.until("document.querySelector('[name=code]').ariaInvalid === 'true'")
    await fill(page, label, await code_on(phones, number))
    await page.press("Enter")
    await stands(page, f"Reminders go to {number}.")
    await page.until("document.activeElement.id === 'phone'")

    await look_at(other, place, number)
    await reply(other, "STOP")
    await stands(page, f"You have asked for no more messages to {number}.")
    await reply(other, "start")
    await stands(page, f"Reminders go to {number}.")
    await press(page, "Unlink this number")
    await stands(page, "Link your WhatsApp number to be reminded there.")
    await page.until("document.activeElement.id === 'phone'")


async def test_what_one_asks_to_be_reminded_of_comes_to_the_phone(
    place: Place, uma: tuple[Person, str], page: Page, other: Page
) -> None:
    person, number = uma
    trip = await person.trip(title="Rome", startDate="2027-04-09", items=[{"title": "Pantheon", "dayNumber": 1}])
    await open_as(page, place, person, f"trips/{trip}")
    await remind(page, "Pantheon")
    await fill(page, "What to say", "The Pantheon closes at six")
    soon = datetime.now(UTC) + timedelta(seconds=3)
    await page.until("document.querySelector('[name=\"input.runAt\"]').value")
    offset = timedelta(minutes=int(await page.run("new Date().getTimezoneOffset()")))
    await choose(page, "input.runAt", (soon - offset).strftime("%Y-%m-%dT%H:%M:%S"))
    await press(page, "Remind me")
    await says(page, "You will be reminded of Pantheon.")
    await page.until("document.activeElement.ariaLabel === 'Remind me of Pantheon'")

    await look_at(other, place, number)
    await arrives(other, place, "Your reminder for “Rome”: The Pantheon closes at six")
    await page.open(f"{place.board}/reminders")
    await page.until(f"{OVER}?.innerText.includes('The Pantheon closes at six done')")
    assert (await other.run(PHONE)).count("The Pantheon closes") == 1


async def test_reminders_follow_the_trip_and_are_moved_and_cancelled(
    place: Place, uma: tuple[Person, str], page: Page
) -> None:
    person, _ = uma
    await person.ask('mutation { updateMyPreferences(patch: { timezone: "Europe/Rome" }) { id } }')
    trip = await person.trip(title="Rome", startDate="2027-04-09", items=[{"title": "Pantheon", "dayNumber": 1}])
    await open_as(page, place, person, f"trips/{trip}")
    await remind(page, "Pantheon")
    await choose(page, "input.daysBefore", "-1")
    await page.until("[...document.querySelectorAll('label')].some((one) => one.innerText === 'At, in Europe/Rome')")
    await choose(page, "input.localTime", "18:30")
    await press(page, "Remind me")
    await says(page, "You will be reminded of Pantheon.")
    zone = await page.run("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert zone == "UTC", "the browser's, in which moments are shown"

    await page.open(f"{place.board}/reminders")
    await page.until(f"{COMING}?.innerText.includes('Pantheon Apr 8, 2027, 16:30 (a day before) Rome')")
    later = 'mutation ($id: UUID!) { updateTrip(id: $id, patch: { startDate: "2027-05-09" }) { id } }'
    await person.ask(later, id=trip)
    await page.until(f"{COMING}.innerText.includes('May 8, 2027, 16:30 (a day before)')")

    await press(page, "Move “Pantheon”")
    await page.until("document.querySelector('[name=localTime]').value === '18:30'")
    await choose(page, "daysBefore", "-7")
    await press(page, "Save")
    await page.until(f"{COMING}.innerText.includes('May 2, 2027, 16:30 (7 days before)')")
    await page.until("document.activeElement.ariaLabel === 'Move “Pantheon”'")
    await page.press("Enter")
    await choose(page, "daysBefore", "")
    await page.until("document.querySelector('[name=runAt]')")
    await choose(page, "runAt", "2020-01-01T10:00")
    await press(page, "Save")
    await page.until("document.querySelector('[name=runAt]').ariaInvalid === 'true'")
    assert "This moment is past." in await page.text(".reminders form")
    await page.press("Escape")

    await press(page, "Take those of UTC")
    await page.until(f"{COMING}.innerText.includes('May 2, 2027, 18:30 (7 days before)')")
    await page.until(f"!{COMING}.innerText.includes('Take those of')")
    await press(page, "Cancel “Pantheon”")
    await page.until(f"{OVER}?.innerText.includes('Pantheon cancelled')")
    await page.until(f"document.activeElement === {COMING}")
    assert "None. Ask for one on what a trip has planned." in await page.text(".reminders")


async def test_without_a_number_it_is_said_where_to_link_one(place: Place, ada: Person, trip: str, page: Page) -> None:
    await open_as(page, place, ada, f"trips/{trip}")
    await remind(page, "Colosseum")
    await page.press("Enter")
    await page.until("document.querySelector('.card form .problem[role=alert]:not(:empty)')")
    assert "Link your number first." in await page.text(".card form")
    await page.click(".card form a")
    await stands(page, "Link your WhatsApp number to be reminded there.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_by_keyboard_on_a_telephone_and_read_aloud(
    place: Place, uma: tuple[Person, str], page: Page, scheme: str
) -> None:
    person, _ = uma
    trip = await person.trip(title="Rome", startDate="2027-04-09", items=[{"title": "Pantheon", "dayNumber": 1}])
    await page.prefer(scheme)
    await page.size(390, 844)
    await open_as(page, place, person, f"trips/{trip}")
    await page.until("document.querySelector('.card')")
    await tab_to(page, "Remind me of Pantheon")
    await page.press("Enter")
    await page.until("document.activeElement.name === 'input.text'")
    assert await violations(page) == []
    assert await page.run(FITS)
    await page.press("Tab")
    await page.press("ArrowDown")
    await page.press("ArrowDown")
    await page.until("document.querySelector('[name=\"input.localTime\"]')")
    await tab_to(page, "Remind me")
    await page.press("Enter")
    await says(page, "You will be reminded of Pantheon.")
    await page.until("document.activeElement.ariaLabel === 'Remind me of Pantheon'")

    # Back to the bar, which comes first.
    await page.run("document.querySelector('.brand').focus()")
    await tab_to(page, "Reminders")
    await page.press("Enter")
    await page.until(f"{COMING}?.innerText.includes('Apr 8, 2027')")
    await tab_to(page, "Move “Pantheon”")
    await page.press("Enter")
    await page.until("document.activeElement.name === 'daysBefore'")
    assert await violations(page) == []
    assert await page.run(FITS)
    await page.press("Escape")
    await page.until("!document.querySelector('[name=daysBefore]')")
    assert await focused(page) == "Move “Pantheon”"
    await page.press("Tab")
    assert await focused(page) == "Cancel “Pantheon”"
    await page.press("Enter")
    await page.until(f"document.activeElement === {COMING}")
    await page.until(f"{OVER}?.innerText.includes('Pantheon cancelled')")
    assert await violations(page) == []
