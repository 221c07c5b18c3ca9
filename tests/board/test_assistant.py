"""The assistant beside the itinerary: its words are seen as they come, and a person alone applies what it proposes."""

import json
from typing import Any

import pytest

from tests.board.conftest import Two
from tests.board.people import Place, complains, fill, open_as, press, says, shows
from tests.board.test_access import FITS, tab_to
from tests.board.test_plan import Control, control
from tests.browser.axe import violations
from tests.browser.page import Page
from tests.support import Person

__all__ = ["control"]  # a fixture

QUESTION = "What could we do if it rains?"
WORDS = [f"Idea {number}: a museum 🏛️. " for number in range(60)]
ANSWER = "".join(WORDS)
SAID = "[...document.querySelectorAll('.assistant [role=log]')].at(-1)?.innerText ?? ''"


def proposal(*days: int) -> str:
    """What a model answers that puts the items, in their order, on these days."""
    items = [{"ref": f"i{number}", "day_number": day} for number, day in enumerate(days, start=1)]
    return json.dumps({"summary": "All of Rome in one day.", "items": items})


async def script(control: Control, **said: Any) -> None:
    """What the model does next."""
    await control("ai/scripts", [said])


async def test_an_answer_is_seen_as_it_is_written(two: Two, control: Control) -> None:
    await script(control, contains=QUESTION, text=ANSWER, chunksPerSecond=20)
    await fill(two.ada, "Ask about this trip", QUESTION)
    await press(two.ada, "Ask")
    # Of what is there some has come and some has not; what has come is how it begins.
    await two.ada.until(f"({SAID}).length > 40 && document.querySelector('.assistant article[aria-busy=true]')")
    begun = await two.ada.run(SAID)
    assert ANSWER.startswith(begun.strip())
    await two.ada.until(f"({SAID}).trim() === {json.dumps(ANSWER.strip())}")
    await two.ada.until("document.querySelector('.assistant article[aria-busy=false]')")
    assert await two.ada.run("document.querySelector('.assistant input').value") == ""
    # It is Ada's alone.
    assert "Idea 1" not in await two.ben.text("main")


async def test_a_proposal_is_applied_by_a_person_and_seen_by_the_other(two: Two, control: Control) -> None:
    await script(control, text=proposal(1, 1, 1))
    await press(two.ada, "Suggest a better order")
    await two.ada.until(f"({SAID}).includes('All of Rome in one day.')")
    assert "Day 1 Train in from Fiumicino, Pantheon, Colosseum" in await two.ada.text(".assistant article")
    # Nothing has changed until a person says so.
    await shows(two.ben, [["Train in from Fiumicino", "Pantheon"], ["Colosseum"], []])
    await press(two.ada, "Apply")
    for each in (two.ada, two.ben):
        await shows(each, [["Train in from Fiumicino", "Pantheon", "Colosseum"], [], []])
    await says(two.ada, "Colosseum is on day 1 now.")
    await two.ada.until("[...document.querySelectorAll('button')].some((one) => one.innerText === 'Applied')")


async def test_a_proposal_for_a_trip_that_has_changed_is_not_applied(two: Two, ada: Person, control: Control) -> None:
    await script(control, text=proposal(2, 2, 2))
    await press(two.ada, "Suggest a better order")
    await two.ada.until(
        "[...document.querySelectorAll('[aria-disabled=false]')].some((one) => one.innerText === 'Apply')"
    )
    await ada.ask(
        'mutation ($trip: UUID!) { createTripItem(input: { tripId: $trip, title: "Dinner", dayNumber: 3 }) { id } }',
        trip=two.trip,
    )
    await shows(two.ada, [["Train in from Fiumicino", "Pantheon"], ["Colosseum"], ["Dinner"]])
    if await two.ada.run(
        "[...document.querySelectorAll('[aria-disabled=false]')].some((one) => one.innerText === 'Apply')"
    ):
        await press(two.ada, "Apply")
        await complains(two.ada, "That did not work.")
    await shows(two.ada, [["Train in from Fiumicino", "Pantheon"], ["Colosseum"], ["Dinner"]])


async def test_it_is_stopped_and_what_fails_is_said(two: Two, control: Control) -> None:
    await script(control, contains="Never mind", text=ANSWER, chunksPerSecond=4)
    await fill(two.ada, "Ask about this trip", "Never mind")
    await press(two.ada, "Ask")
    await two.ada.until(f"({SAID}).length > 4")
    await press(two.ada, "Stop")
    await two.ada.until(
        "document.querySelector('.assistant article[aria-busy=false] .problem')?.innerText === 'Stopped.'"
    )

    await script(control, contains="Fail", times=10, status=401)
    await fill(two.ada, "Ask about this trip", "Fail, please")
    await press(two.ada, "Ask")
    await two.ada.until(
        "document.querySelector('.assistant').innerText.includes('The answer did not come. Ask again.')"
    )
    await fill(two.ada, "Ask about this trip", " ")
    await press(two.ada, "Ask")
    # At the field, which has the focus.
    await two.ada.until("document.querySelector('.assistant .field .problem').innerText !== ''")
    assert await two.ada.run("document.activeElement === document.querySelector('.assistant input')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_by_keyboard_on_a_telephone_and_read_aloud(
    place: Place, ada: Person, trip: str, page: Page, control: Control, scheme: str
) -> None:
    await page.prefer(scheme)
    await page.size(390, 844)
    await script(control, text=proposal(3, 3, 3))
    await open_as(page, place, ada, f"trips/{trip}")
    await page.until("document.querySelector('.assistant button')")
    await tab_to(page, "Suggest a better order")
    await page.press("Enter")
    await page.until(f"({SAID}).includes('All of Rome in one day.')")
    assert await page.run("document.querySelector('.assistant [role=log]').ariaBusy") == "false"
    assert await violations(page) == []
    assert await page.run(FITS)
    await page.run("document.querySelector('.assistant').scrollIntoView()")
    await page.run("document.querySelector('h1').focus()")
    await tab_to(page, "Apply")
    await page.press("Enter")
    await shows(page, [[], [], ["Train in from Fiumicino", "Pantheon", "Colosseum"]])
    # The button that was pressed has the focus still, though there is nothing left for it to do.
    await page.until("document.activeElement.innerText === 'Applied' && document.activeElement.ariaDisabled === 'true'")
