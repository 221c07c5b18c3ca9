"""Pictures of a trip in the board: dropped or chosen by one, seen as they come by the other, and deleted."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from tests.board.conftest import Two
from tests.board.people import Place, complains, open_as, press, says
from tests.board.test_access import FITS, tab_to
from tests.browser.axe import violations
from tests.browser.page import Page
from tests.support import Person

# How wide each picture is that is shown, once its bytes are there.
WIDTHS = "[...document.querySelectorAll('.pictures img')].map((one) => one.complete && one.naturalWidth)"
INPUT = "document.querySelector('[aria-label=\"Add pictures\"]')"


def jpeg(width: int = 800, colour: str = "teal") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, width * 3 // 4), colour).save(made, "JPEG")
    return made.getvalue()


async def drop(page: Page, name: str, content: bytes, content_type: str = "image/jpeg") -> None:
    """Let a file go over the pictures, as from a folder."""
    await page.until(f"{INPUT} && {INPUT}.ariaDisabled === 'false'")
    await page.run(
        f"""(() => {{
          const bytes = Uint8Array.from(atob("{base64.b64encode(content).decode()}"), (one) => one.charCodeAt());
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([bytes], "{name}", {{type: "{content_type}"}}));
          for (const kind of ["dragover", "drop"]) {{
            const event = new DragEvent(kind, {{dataTransfer, bubbles: true, cancelable: true}});
            document.querySelector(".pictures").dispatchEvent(event);
            if (!event.defaultPrevented) throw new Error("the browser would open the file in its place");
          }}
        }})()"""
    )


async def test_what_one_drops_on_a_trip_the_other_sees_come_and_go(two: Two) -> None:
    await drop(two.ada, "pantheon.jpg", jpeg())
    await says(two.ada, "pantheon.jpg is here.")
    for each in (two.ada, two.ben):
        # Made small by Storage.
        await each.until(f"({WIDTHS}).join() === '320'")
    await drop(two.ben, "forum.jpg", jpeg(colour="salmon"))
    for each in (two.ada, two.ben):
        await each.until(f"({WIDTHS}).join() === '320,320'")
    assert (
        await two.ben.run("[...document.querySelectorAll('.pictures img')].map((one) => one.alt).join()")
        == "Picture by Ben Okafor,Picture by Ada Lindqvist"
    )
    # As it was taken, for whoever opens it.
    full = "document.querySelector('.pictures a').href"
    assert await two.ada.run(f"fetch({full}).then((answer) => answer.blob()).then(({{size}}) => size)") == len(
        jpeg(colour="salmon")
    )

    # Ben deletes his own alone; Ada's trip is hers to tidy.
    buttons = "[...document.querySelectorAll('.pictures button')].map((one) => one.ariaLabel).join()"
    assert await two.ben.run(buttons) == "Delete the picture by Ben Okafor"
    await press(two.ben, "Delete the picture by Ben Okafor")
    await two.ada.until(f"({WIDTHS}).join() === '320'")
    await press(two.ada, "Delete the picture by Ada Lindqvist")
    for each in (two.ada, two.ben):
        await each.until("document.querySelector('.pictures') && !document.querySelector('.pictures img')")


async def test_what_is_no_picture_or_does_not_arrive_is_told(two: Two) -> None:
    await drop(two.ada, "plan.svg", b"<svg/>", "image/svg+xml")
    await complains(two.ada, "A picture is of the type image/jpeg, image/png, image/webp or image/avif.")
    await two.ada.run(
        """(() => {
          const send = fetch;
          fetch = (to, how) => how?.method === "PUT" ? Promise.reject(new TypeError("away")) : send(to, how);
        })()"""
    )
    await drop(two.ada, "pantheon.jpg", jpeg())
    await complains(two.ada, "pantheon.jpg could not be stored. Try again in a moment.")
    await two.ada.until(f"{INPUT}.ariaDisabled === 'false'")
    assert not await two.ada.run("document.querySelector('.pictures img')")


async def test_who_only_looks_sees_pictures_and_adds_none(place: Place, ada: Person, two: Two) -> None:
    cleo = await place.person("Clio Marchetti")
    await place.join(ada, two.trip, cleo, "VIEWER")
    await drop(two.ada, "pantheon.jpg", jpeg())
    await open_as(two.ben, place, cleo, f"trips/{two.trip}")
    await two.ben.until(f"({WIDTHS}).join() === '320'")
    assert not await two.ben.run("document.querySelector('.pictures :is(input, button)')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_they_are_chosen_by_keyboard_and_on_a_telephone(
    place: Place, ada: Person, trip: str, page: Page, tmp_path: Path, scheme: str
) -> None:
    files = [tmp_path / name for name in ("one.jpg", "two.jpg")]
    for number, file in enumerate(files):
        file.write_bytes(jpeg(400 + number))
    await page.prefer(scheme)
    await page.size(390, 844)
    await page.offer_files(*files)
    await open_as(page, place, ada, f"trips/{trip}")
    await page.until(INPUT)
    await tab_to(page, "Add pictures")
    await page.press("Enter")
    await page.until(f"({WIDTHS}).join() === '320,320'")
    await page.until(f"{INPUT}.ariaDisabled === 'false'")
    assert await violations(page) == []
    assert await page.run(FITS)
    await page.run("document.querySelector('h1').focus()")
    for left in ("320", ""):
        await tab_to(page, "Delete the picture by Ada Lindqvist")
        await page.press("Enter")
        await page.until(f"({WIDTHS}).join() === '{left}'")
