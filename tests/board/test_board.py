"""Two people plan a trip, each in a browser of their own: what one does, the other sees without a reload."""

import pytest

from tests.board.conftest import Two
from tests.board.people import INVITE, Place, complains, fill, open_as, press, says, shows, votes
from tests.browser.page import Page
from tests.support import Person


async def test_from_nothing_to_a_trip_of_two(place: Place, page: Page, other: Page) -> None:
    await page.open(place.board)
    await press(page, "Make an account")
    await fill(page, "Your name", "Dora Meyer")
    await fill(page, "E-mail address", "dora@trips.example")
    await fill(page, "Password", "correct horse")
    await press(page, "Make the account")
    await page.until("document.querySelector('h1').innerText === 'Look into your mail'")
    await fill(page, "Code", await place.code("dora@trips.example"))
    await press(page, "Confirm")
    await page.until("document.querySelector('h1').innerText === 'Your trips'")

    await fill(page, "Title", "A long weekend in Rome")
    await press(page, "Begin")
    await page.until("document.querySelector('h1').innerText === 'A long weekend in Rome'")
    await press(page, "+ Add to day 1")
    await fill(page, "New on day 1", "Pantheon")
    await page.press("Enter")
    await shows(page, [["Pantheon"], []])
    await fill(page, "E-mail address", "emil@trips.example")
    await press(page, "Invite")
    await says(page, "The invitation is on its way to emil@trips.example.")
    await page.until("document.querySelector('.people').innerText.includes('emil@trips.example')")

    await other.open(await place.link("emil@trips.example"))
    assert "You are invited to a trip." in await other.text("main")
    await press(other, "Make an account")
    await fill(other, "Your name", "Emil Berg")
    await fill(other, "E-mail address", "emil@trips.example")
    await fill(other, "Password", "correct horse")
    await press(other, "Make the account")
    await other.until("document.querySelector('h1').innerText === 'Look into your mail'")
    await fill(other, "Code", await place.code("emil@trips.example"))
    await press(other, "Confirm")
    await press(other, "Join the trip")
    await shows(other, [["Pantheon"], []])

    await page.until("document.querySelector('.people').innerText.includes('Emil Berg')")
    await page.until("document.querySelector('.presence').innerText.includes('Emil')")


async def test_the_link_of_the_mail_confirms_an_address_and_signs_in(place: Place, page: Page) -> None:
    await page.open(place.board)
    await press(page, "Make an account")
    await fill(page, "Your name", "Finn")
    await fill(page, "E-mail address", "finn@trips.example")
    await fill(page, "Password", "correct horse")
    await press(page, "Make the account")
    await page.until("document.querySelector('h1').innerText === 'Look into your mail'")
    await page.open(await place.link("finn@trips.example"))
    await page.until("document.querySelector('h1')?.innerText === 'Your trips'")
    assert await page.run("location.href") == place.board
    assert await page.text(".me") == "Finn"

    await press(page, "Sign out")
    await page.until("document.querySelector('[name=password]')")
    await page.open(await place.link("finn@trips.example"))
    await complains(page, "This link was used already, or is too old.")


async def test_what_one_adds_moves_and_votes_the_other_sees(two: Two) -> None:
    await press(two.ada, "+ Add to day 3")
    await fill(two.ada, "New on day 3", "Galleria Borghese")
    await press(two.ada, "Add")
    await shows(two.ben, [["Train in from Fiumicino", "Pantheon"], ["Colosseum"], ["Galleria Borghese"]])
    await says(two.ben, "Galleria Borghese is new on day 3.")

    await two.ben.drag("[aria-label='Move Pantheon']", "[data-day='2'] .card")
    moved = [["Train in from Fiumicino"], ["Pantheon", "Colosseum"], ["Galleria Borghese"]]
    await shows(two.ben, moved)
    await shows(two.ada, moved)
    await says(two.ada, "Pantheon is on day 2 now.")

    await press(two.ada, "For Pantheon: 0")
    await two.ben.until("document.querySelector('[aria-label=\"For Pantheon: 1\"]')")
    await press(two.ben, "Against Pantheon: 0")
    await two.ada.until("document.querySelector('[aria-label=\"Against Pantheon: 1\"]')")
    assert await votes(two.ada, "Pantheon") == [1, 1, True, False]
    await press(two.ada, "For Pantheon: 1")
    await two.ben.until("document.querySelector('[aria-label=\"For Pantheon: 0\"]')")

    await press(two.ada, "Edit Colosseum")
    await fill(two.ada, "Title", "Colosseum and Forum")
    await press(two.ada, "Rename")
    await says(two.ben, "Colosseum is called Colosseum and Forum now.")
    await press(two.ada, "Edit Train in from Fiumicino")
    await press(two.ada, "Remove")
    await shows(two.ben, [[], ["Pantheon", "Colosseum and Forum"], ["Galleria Borghese"]])


async def test_ones_own_change_is_shown_before_the_server_has_it_and_taken_back_when_it_fails(two: Two) -> None:
    await two.ben.run(
        """(() => {
          const send = fetch, opened = new Promise((open) => { globalThis.release = open; });
          fetch = (...what) => opened.then(() => send(...what));
        })()"""
    )
    await press(two.ben, "For Pantheon: 0")
    await press(two.ben, "For Pantheon: 1")
    await press(two.ben, "Against Pantheon: 0")
    assert await votes(two.ben, "Pantheon") == [0, 1, False, True]
    assert await votes(two.ada, "Pantheon") == [0, 0, False, False]
    await two.ben.run("release()")
    await two.ada.until("document.querySelector('[aria-label=\"Against Pantheon: 1\"]')")


@pytest.mark.parametrize("late", [0, 50])
async def test_what_could_not_be_kept_is_told_and_passes_for_nobodys_change(two: Two, late: int) -> None:
    await two.ben.run(
        f"""(() => {{
          globalThis.said = {{status: [], alert: []}};
          for (const role in said) {{
            const watched = new MutationObserver((all) => {{
              for (const {{addedNodes}} of all) for (const each of addedNodes) said[role].push(each.textContent);
            }});
            watched.observe(document.querySelector(`.announcer [role=${{role}}]`), {{childList: true}});
          }}
          const send = fetch;
          fetch = async (...what) => {{
            await new Promise((go) => setTimeout(go, {late}));
            if (globalThis.away) throw new TypeError('away');
            return send(...what);
          }};
          globalThis.away = true;
        }})()"""
    )
    told = "That did not work. The server cannot be reached. Try again in a moment."
    before = [["Train in from Fiumicino", "Pantheon"], ["Colosseum"], []]
    await press(two.ben, "For Pantheon: 0")
    await two.ben.until("said.alert.length === 1")
    assert await votes(two.ben, "Pantheon") == [0, 0, False, False]
    await two.ben.run("document.querySelector('[aria-label=\"Move Pantheon\"]').focus()")
    await two.ben.press("ArrowRight")
    await two.ben.until("said.alert.length === 2")
    await shows(two.ben, before)
    await press(two.ben, "Edit Colosseum")
    await press(two.ben, "Remove")
    await two.ben.until("said.alert.length === 3")
    await shows(two.ben, before)
    # Another's change is told beside it, and is all that passes for one.
    await press(two.ada, "For Pantheon: 0")
    await says(two.ben, "Pantheon has 1 for and 0 against.")
    assert await two.ben.text(".announcer [role=alert]") == told
    assert await two.ben.run("said") == {"status": ["Pantheon has 1 for and 0 against."], "alert": [told] * 3}


async def test_an_invitation_that_could_not_be_revoked_is_told(two: Two, ada: Person) -> None:
    await ada.ask(INVITE, trip=two.trip, email="hana@trips.example", role="VIEWER")
    await two.ada.run("fetch = () => Promise.reject(new TypeError('away')); 0")
    await press(two.ada, "Revoke the invitation of hana@trips.example")
    await complains(two.ada, "That did not work. The server cannot be reached.")
    assert "hana@trips.example" in await two.ada.text(".people")


async def test_the_longest_trip_is_usable_and_mended(place: Place, ada: Person, page: Page) -> None:
    items = [{"title": "Never", "dayNumber": 1000}, {"title": "Soon", "dayNumber": 1}]
    trip = await ada.trip(title="A slip", startDate="2027-04-09", endDate="2030-01-02", items=items)
    await open_as(page, place, ada, f"trips/{trip}")
    await shows(page, [["Soon"], *[[]] * 30, ["Never"]])
    assert await page.text("[data-day='1000'] h2") == "Day 1000\nWed, Jan 2"
    await press(page, "Show more days")
    await shows(page, [["Soon"], *[[]] * 61, ["Never"]])
    await page.run("document.querySelector('[aria-label=\"Move Never\"]').focus()")
    await page.press("ArrowRight")
    await page.press("ArrowLeft")
    await shows(page, [["Soon"], *[[]] * 60, ["Never"]])

    # And its owner mends it.
    await page.click("summary")
    await page.run("document.querySelector('[name=endDate]').value = '2027-04-08'")
    await press(page, "Save")
    await page.until("document.querySelector('[name=endDate][aria-invalid=true]')")
    await page.run("document.querySelector('[name=endDate]').value = '2027-04-11'")
    await fill(page, "Title", "Rome after all")
    await press(page, "Save")
    await page.until("document.querySelector('h1').innerText === 'Rome after all'")
    await shows(page, [["Soon"], [], [], ["Never"]])
    assert await page.text("[data-day='62'] h2") == "Day 62\nWed, Jun 9"
    assert await page.run("document.querySelector('[name=endDate]').value") == "2027-04-11"


async def test_who_only_looks_votes_and_moves_nothing(place: Place, ada: Person, trip: str, page: Page) -> None:
    cleo = await place.person("Cleo Marchetti")
    await place.join(ada, trip, cleo, "VIEWER")
    await open_as(page, place, cleo, f"trips/{trip}")
    await press(page, "For Pantheon: 0")
    await page.until("document.querySelector('[aria-label=\"For Pantheon: 1\"]')")
    names = await page.run(
        """[...document.querySelectorAll('main button:not(.assistant button)')]
          .map((one) => one.ariaLabel ?? one.innerText)"""
    )
    assert {name.split(" ")[0] for name in names} == {"For", "Against", "Remind"}
    assert not await page.run("document.querySelector('summary')")


async def test_who_is_removed_sees_it_at_once(two: Two, ada: Person) -> None:
    people = "query ($trip: UUID!) { trip(id: $trip) { collaborators { nodes { id } } } }"
    (ben,) = (await ada.ask(people, trip=two.trip))["trip"]["collaborators"]["nodes"]
    await ada.ask("mutation ($id: UUID!) { removeCollaborator(id: $id) { id } }", id=ben["id"])
    await two.ben.until("document.querySelector('main').innerText === 'There is no such trip, or you are not on it.'")
    await two.ada.until("!document.querySelector('.people').innerText.includes('Ben')")


async def test_the_list_shows_a_trip_as_soon_as_one_is_on_it(
    place: Place, ada: Person, ben: Person, page: Page
) -> None:
    trip = await ada.trip(title="Lofoten by car")
    await open_as(page, place, ben)
    await page.until("document.querySelector('h1').innerText === 'Your trips'")
    await ada.ask(INVITE, trip=trip, email=ben.email, role="EDITOR")
    await page.until("document.querySelector('main').innerText.includes('You are invited to a trip.')")
    await place.accept(ben)
    await page.until("document.querySelector('.tiles').innerText.includes('Lofoten by car')")
    await ada.ask('mutation ($id: UUID!) { updateTrip(id: $id, patch: { title: "Lofoten by bus" }) { id } }', id=trip)
    await page.until("document.querySelector('.tiles').innerText.includes('Lofoten by bus')")


async def test_an_invitation_that_is_used_up_says_so(place: Place, ada: Person, ben: Person, page: Page) -> None:
    trip = await ada.trip(title="New Year in Lisbon")
    await ada.ask(INVITE, trip=trip, email=ben.email, role="EDITOR")
    link = await place.link(str(ben.email))
    await open_as(page, place, ben, link.rpartition("/")[2])
    await press(page, "Join the trip")
    await page.until("document.querySelector('h1').innerText === 'New Year in Lisbon'")
    await page.open(link)
    await press(page, "Join the trip")
    await page.until("document.querySelector('.problem')?.innerText.startsWith('This invitation is not open any more')")


async def test_an_invitation_to_what_the_board_does_not_show_says_so(place: Place, ben: Person, page: Page) -> None:
    await open_as(page, place, ben, "invitations/collection?token=x")
    await page.until("document.querySelector('h1')?.innerText === 'You are invited'")
    assert "trips are all that this board shows" in await page.text("main")
    assert not await page.run("document.querySelector('main button')")
