"""The picture of the README: one trip in two browsers, as it is while Ada plans and Ben looks on.

`TRIPGATE_PICTURES=docs/images .venv/bin/python -m pytest tests/board/test_picture.py` makes it anew; without the
variable it is made all the same, and thrown away.
"""

import base64

from tests.board.people import Place, fill, open_as, press, says
from tests.browser.page import Browser, Page
from tests.pages.pages import save_picture
from tests.support import Person

PLAN = [
    ("Train in from Fiumicino", "TRANSPORT", 1),
    ("Room in Trastevere", "LODGING", 1),
    ("Cacio e pepe at Da Enzo", "FOOD", 1),
    ("Colosseum and Forum", "ACTIVITY", 2),
    ("Lunch at the Testaccio market", "FOOD", 2),
    ("Sunset from the Gianicolo", "ACTIVITY", 2),
    ("Pantheon before the crowd", "ACTIVITY", 3),
    ("Bernini at the Galleria Borghese", "ACTIVITY", 3),
]
FOR = {"ada": (0, 2, 3, 4, 6), "ben": (2, 4, 5, 6, 7)}
FRAME = """
<style>
  body { margin: 0; width: 1480px; height: 850px; background: #0f766e; }
  figure { position: absolute; margin: 0; overflow: hidden; box-shadow: 0 12px 32px rgb(0 0 0 / 0.35); }
  .window { left: 44px; top: 44px; width: 980px; border-radius: 12px; background: #e3e8e6; }
  .window::before { content: ""; display: block; height: 34px;
    background: radial-gradient(circle 6px at 22px 50%, #f87171 95%, transparent) no-repeat,
      radial-gradient(circle 6px at 44px 50%, #fbbf24 95%, transparent) no-repeat,
      radial-gradient(circle 6px at 66px 50%, #34d399 95%, transparent) no-repeat; }
  .telephone { right: 44px; top: 74px; border: 9px solid #0a0f0e; border-radius: 42px; background: #0f1614; }
  .telephone img { width: 361px; }
  img { display: block; }
</style>
<figure class="window"><img id="ada"></figure><figure class="telephone"><img id="ben"></figure>
"""


async def test_both_see_one_trip(
    place: Place, ada: Person, ben: Person, page: Page, other: Page, running: Browser
) -> None:
    items = [
        {"title": title, "kind": kind, "dayNumber": day, "orderIndex": index}
        for index, (title, kind, day) in enumerate(PLAN)
    ]
    trip = await ada.trip(
        title="A long weekend in Rome",
        destination="Rome, Italy",
        startDate="2027-04-09",
        endDate="2027-04-11",
        items=items,
    )
    await place.join(ada, trip, ben)
    listed = "query ($trip: UUID!) { trip(id: $trip) { items { nodes { id orderIndex } } } }"
    ids = {each["orderIndex"]: each["id"] for each in (await ada.ask(listed, trip=trip))["trip"]["items"]["nodes"]}
    for person, chosen in ((ada, FOR["ada"]), (ben, FOR["ben"])):
        for index in chosen:
            await person.ask(
                "mutation ($item: UUID!) { castVote(tripItemId: $item, value: UP) { id } }", item=ids[index]
            )

    await page.size(980, 728)
    await page.prefer("light")
    await open_as(page, place, ada, f"trips/{trip}")
    await other.size(390, 780)
    await other.prefer("dark")
    await open_as(other, place, ben, f"trips/{trip}")
    for each in (page, other):
        await each.until("document.querySelectorAll('.presence li').length === 2")
    await press(page, "+ Add to day 1")
    await fill(page, "New on day 1", "Gelato at Fatamorgana")
    await page.run("document.querySelector('[name=kind]').value = 'FOOD'")
    await press(page, "Add")
    await says(other, "Gelato at Fatamorgana is new on day 1.")
    await press(page, "Close")

    for each in (page, other):
        await each.run("scrollTo(0, 0)")
        await each.hover(2, 2)
        await each.run("Promise.allSettled(document.getAnimations().map((one) => one.finished)).then(() => 0)")
    pictures = {"ada": await page.picture(), "ben": await other.picture()}
    async with running.page() as frame:
        await frame.size(1480, 850)
        await frame.run(f"document.write({FRAME!r})")
        for name, picture in pictures.items():
            address = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
            await frame.run(f"(({name}.src = '{address}'), {name}.decode())")
        save_picture("board.png", await frame.picture())
