"""Where the keyboard's focus is while something is at work and once it is done: never lost to the page's body."""

import re
from pathlib import Path

import pytest

from tests.board.conftest import Two
from tests.board.people import INVITE, fill, says, shows
from tests.board.test_access import focused, tab_to
from tests.board.test_assistant import ANSWER, SAID, script
from tests.board.test_pictures import WIDTHS, drop, jpeg
from tests.board.test_plan import Control, control
from tests.browser.page import Page
from tests.support import Person

__all__ = ["control"]  # a fixture

SOURCES = Path(__file__).parents[2] / "examples" / "board" / "src"
# What is asked waits until `answer` is called.
HOLD = """(() => {
  const send = fetch;
  const held = new Promise((resolve) => { globalThis.answer = resolve; });
  fetch = async (...how) => { await held; fetch = send; return send(...how); };
})()"""


async def pauses_and_keeps_the_focus(page: Page, name: str) -> None:
    """Press the button of this name, which is under way for a while and has the focus all the time."""
    await tab_to(page, name)
    await page.run(HOLD)
    await page.press("Enter")
    await page.until("document.activeElement.ariaDisabled === 'true'")
    assert await focused(page) == name
    await page.press("Enter")  # does nothing
    await page.run("answer()")
    await page.until("document.activeElement.ariaDisabled === 'false'")
    assert await focused(page) == name


async def test_a_button_at_work_keeps_it(two: Two, ada: Person, control: Control) -> None:
    page = two.ada
    await page.run("document.querySelector('summary').click()")
    await pauses_and_keeps_the_focus(page, "Save")
    await fill(page, "E-mail address", "gil@trips.example")
    await pauses_and_keeps_the_focus(page, "Invite")
    await says(page, "The invitation is on its way to gil@trips.example.")
    await script(control, contains="What now", text="A walk.")
    await fill(page, "Ask about this trip", "What now?")
    await pauses_and_keeps_the_focus(page, "Ask")
    await page.until(f"({SAID}).includes('A walk.')")
    sent = await ada.ask(
        "query ($trip: UUID!) { invitations(filter: { tripId: { eq: $trip } }) { nodes { email status } } }",
        trip=two.trip,
    )
    assert [one for one in sent["invitations"]["nodes"] if one["status"] == "PENDING"] == [
        {"email": "gil@trips.example", "status": "PENDING"}
    ]


async def test_a_button_with_nothing_left_to_do_keeps_it(two: Two) -> None:
    await tab_to(two.ada, "Edit Pantheon")
    await two.ada.press("Enter")
    await tab_to(two.ada, "Move up")
    await two.ada.press("Enter")
    await shows(two.ben, [["Pantheon", "Train in from Fiumicino"], ["Colosseum"], []])
    await two.ada.until("document.activeElement.ariaDisabled === 'true'")
    assert await focused(two.ada) == "Move up"
    await two.ada.press("Enter")
    await shows(two.ada, [["Pantheon", "Train in from Fiumicino"], ["Colosseum"], []])


async def test_a_button_that_goes_away_leaves_it_with_what_was_around_it(
    two: Two, ada: Person, control: Control
) -> None:
    page = two.ada
    around = "document.activeElement === document.querySelector('{}')"
    await drop(page, "pantheon.jpg", jpeg())
    await page.until(f"({WIDTHS}).join() === '320'")
    await tab_to(page, "Delete the picture by Ada Lindqvist")
    await page.press("Enter")
    await page.until(around.format(".pictures"))

    await ada.ask(INVITE, trip=two.trip, email="zoe@trips.example", role="VIEWER")
    await page.until("document.querySelector('.people').innerText.includes('zoe@trips.example')")
    await tab_to(page, "Revoke the invitation of zoe@trips.example")
    await page.press("Enter")
    await page.until(around.format(".people"))

    await script(control, contains="Never mind", text=ANSWER, chunksPerSecond=4)
    await fill(page, "Ask about this trip", "Never mind")
    await page.press("Enter")
    await page.until(f"({SAID}).length > 4")
    await page.run("document.querySelector('.assistant').focus()")
    await tab_to(page, "Stop")
    await page.press("Enter")
    await page.until(around.format(".assistant article"))
    assert await focused(page) == "Never mind"


@pytest.mark.parametrize("source", sorted(SOURCES.rglob("*.tsx")), ids=lambda path: path.name)
def test_nothing_is_disabled_in_a_way_that_loses_it(source: Path) -> None:
    assert re.findall(r"(?<!aria-)\bdisabled\b", re.sub(r"//.*|/\*[\s\S]*?\*/", "", source.read_text())) == []
