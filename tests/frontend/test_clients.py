"""The guide's pages in a browser: one for Apollo Client, one for urql, one for Relay, all of them behave alike."""

import json
from pathlib import Path
from typing import Any

import psycopg

from tests.frontend.conftest import Visit
from tests.support import Person
from tests.tooling.deno import run_deno
from tripgate.local.stack import StackInfo

RENEWALS = "sent.filter(([name]) => name === '?grant_type=refresh_token')"
FILLED = "[...document.querySelectorAll('input')].map((it) => it.value)"
SCORE = "document.querySelector('output')?.innerText"


def test_all_of_it_is_typed(example: Path) -> None:
    entries = [str(path.relative_to(example)) for path in example.rglob("*.ts*") if "generated" not in path.parts]
    run_deno(example, "check", "--frozen", *(name for name in entries if name.endswith((".ts", ".tsx"))))


async def test_signing_in_shows_the_trips_by_pages_with_their_number(visit: Visit) -> None:
    for number in range(12):
        await visit.person.trip(title=f"Trip {number}")
    await visit.page.open(visit.url)
    await visit.shows("Password")
    await visit.fill("email", str(visit.person.email))
    await visit.fill("password", "wrong")
    await visit.click("Sign in")
    await visit.shows("Invalid login credentials")
    assert await visit.page.run(FILLED) == [visit.person.email, "wrong"]
    await visit.fill("password", "correct horse")
    await visit.click("Sign in")
    await visit.shows("12 trips")
    assert await visit.page.run("document.querySelectorAll('li').length") == 10
    await visit.click("More")
    await visit.shows("Trip 0")
    assert await visit.page.run("[...document.querySelectorAll('li')].map((it) => it.innerText)") == [
        f"Trip {number}" for number in reversed(range(12))
    ]
    assert (
        await visit.page.run("[...document.querySelectorAll('button')].some((it) => it.innerText === 'More')") is False
    )


async def test_an_open_trip_is_live_until_it_is_gone(visit: Visit, trip: dict[str, Any]) -> None:
    await visit.open()
    await visit.click("Rome")
    await visit.is_live(2)
    # As on another device.
    await visit.person.ask(
        "mutation ($item: UUID!) { castVote(tripItemId: $item, value: UP) { id } }", item=trip["item"]
    )
    await visit.page.until(f"{SCORE} === '1'")
    await visit.person.ask(
        'mutation ($item: UUID!) { updateTripItem(id: $item, patch: { title: "Garden" }) { id } }', item=trip["item"]
    )
    await visit.page.until("[...document.querySelectorAll('li')].some((it) => it.innerText.startsWith('Garden'))")
    await visit.person.ask(
        'mutation ($id: UUID!) { updateTrip(id: $id, patch: { title: "Roma" }) { id } }', id=trip["id"]
    )
    await visit.page.until("document.querySelector('h2').innerText === 'Roma'")
    # The list has it from the same cache.
    await visit.page.until("document.querySelector('li').innerText === 'Roma'")
    await visit.person.ask("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=trip["id"])
    await visit.shows("This trip is gone, or not shared with you any more.")
    await visit.shows("0 trips")


async def test_a_vote_shows_before_it_is_sent_and_is_taken_back_where_it_is_refused(
    visit: Visit, trip: dict[str, Any]
) -> None:
    await visit.open()
    await visit.click("Rome")
    await visit.is_live(2)
    await visit.page.run("globalThis.held = 'Vote'")
    await visit.click("UP")
    await visit.page.until(f"{SCORE} === '1'")
    await visit.page.until("globalThis.letGo")
    await visit.page.run("(globalThis.held = undefined, letGo(), letGo = undefined)")
    await visit.page.until("answered.some((name) => name.includes('Vote'))")
    await visit.page.run("globalThis.held = 'Vote'")
    await visit.click("DOWN")
    await visit.page.until(f"{SCORE} === '-1'")
    await visit.page.until("globalThis.letGo")
    await visit.page.run("(globalThis.cut = true, letGo())")
    await visit.shows("Failed to fetch")
    await visit.page.until(f"{SCORE} === '1'")


async def test_each_mistake_stands_at_its_field_and_a_new_item_comes_by_itself(
    visit: Visit, trip: dict[str, Any]
) -> None:
    await visit.open()
    await visit.click("Rome")
    await visit.is_live(2)
    for cost, message in (("-3", "A cost is zero or more."), ("much", "is not a finite decimal number")):
        await visit.fill("title", "Opera")
        await visit.fill("cost", cost)
        await visit.click("Add")
        await visit.page.until(f"document.querySelector('#cost-problem').innerText.includes('{message}')")
        assert await visit.page.run("document.querySelector('#title-problem').innerText") == ""
        # What was refused is still there, to be mended.
        assert await visit.page.run(FILLED) == ["Opera", cost]
    await visit.fill("cost", "42.50")
    await visit.click("Add")
    await visit.page.until("[...document.querySelectorAll('li')].some((it) => it.innerText.startsWith('Opera'))")
    assert await visit.page.run("document.querySelector('#cost-problem').innerText") == ""
    assert await visit.page.run(FILLED) == ["", ""]


async def test_the_list_is_live(visit: Visit, trip: dict[str, Any]) -> None:
    await visit.open()
    await visit.is_live(1)
    await visit.person.trip(title="Oslo")
    await visit.shows("2 trips")
    await visit.shows("Oslo")
    await visit.person.ask(
        'mutation ($id: UUID!) { updateTrip(id: $id, patch: { title: "Roma" }) { id } }', id=trip["id"]
    )
    await visit.shows("Roma")
    await visit.person.ask("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=trip["id"])
    await visit.shows("1 trips")


async def test_news_tell_what_happens_on_the_trip_and_to_oneself(
    visit: Visit, trip: dict[str, Any], address: str, seeded: StackInfo
) -> None:
    friend = await Person(visit.person.http, address).sign_up()
    theirs = await friend.trip(title="Utah")
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        connection.execute(
            "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')",
            (theirs, visit.person.id),
        )
        await visit.open("2 trips")
        await visit.click("Rome")

        async def rename() -> None:
            await visit.person.ask(
                'mutation ($item: UUID!) { updateTripItem(id: $item, patch: { title: "Garden" }) { id } }',
                item=trip["item"],
            )

        async def promote() -> None:
            connection.execute("update public.collaborators set role = 'editor' where trip_id = %s", (theirs,))

        await visit.hears("Garden was changed", rename)
        await visit.hears("Utah: you are EDITOR", promote)
        connection.execute("delete from public.collaborators where trip_id = %s", (theirs,))
        await visit.shows("You are on a trip no longer")
        await visit.shows("1 trips")


async def test_the_list_is_read_anew_after_a_broken_connection(visit: Visit, trip: dict[str, Any]) -> None:
    await visit.open()
    await visit.is_live(1)
    # While nobody listens, nobody hears.
    await visit.page.run("sockets.at(-1).close()")
    await visit.person.trip(title="Oslo")
    await visit.shows("2 trips")


async def test_a_token_that_is_refused_is_renewed_once_and_what_failed_is_asked_again(
    visit: Visit, trip: dict[str, Any]
) -> None:
    await visit.remember("nonsense")
    await visit.page.open(visit.url)
    await visit.shows("Rome")
    assert await visit.page.run(f"{RENEWALS}.length") == 1
    assert len(await visit.asked()) == 2


async def test_an_open_socket_is_told_the_next_token_and_kept(visit: Visit, trip: dict[str, Any]) -> None:
    await visit.open()
    await visit.click("Rome")
    await visit.is_live(2)
    await visit.remember(str(visit.person.token), seconds=30)
    # The page looks at the clock whenever it comes into sight.
    await visit.page.run("dispatchEvent(new Event('visibilitychange'))")
    await visit.page.until(f"{RENEWALS}.length === 1")
    await visit.page.until("sockets[0].sent.some(({ type, payload }) => type === 'ping' && payload?.Authorization)")
    await visit.person.ask(
        "mutation ($item: UUID!) { castVote(tripItemId: $item, value: UP) { id } }", item=trip["item"]
    )
    await visit.page.until(f"{SCORE} === '1'")
    assert await visit.sockets() == 1
    # What is asked from now on goes with it, too.
    await visit.click("DOWN")
    await visit.page.until(f"{SCORE} === '-1'")
    assert await visit.page.run(f"{RENEWALS}.length") == 1


async def test_what_is_followed_outlives_a_token_that_ends_unseen(visit: Visit, trip: dict[str, Any]) -> None:
    await visit.open(seconds=3)
    await visit.click("Rome")
    await visit.is_live(2)
    await visit.page.until(f"{RENEWALS}.length === 1")
    await visit.person.ask(
        "mutation ($item: UUID!) { castVote(tripItemId: $item, value: UP) { id } }", item=trip["item"]
    )
    await visit.page.until(f"{SCORE} === '1'")
    assert await visit.sockets() == 1


async def test_what_a_passing_outage_ended_begins_anew(visit: Visit, trip: dict[str, Any]) -> None:
    await visit.open()
    await visit.is_live(1)
    subscribed = "sockets[0].sent.filter((one) => one.payload?.query?.includes('Live')).map((one) => one.id)"
    (first,) = await visit.page.run(subscribed)
    # As the gateway says where Realtime is away for a moment.
    errors = [{"message": "Live changes are not available.", "extensions": {"code": "UPSTREAM_UNAVAILABLE"}}]
    message = json.dumps(json.dumps({"id": first, "type": "error", "payload": errors}))
    await visit.page.run(f"(live.clear(), sockets[0].onmessage({{ data: {message} }}))")
    await visit.is_live(1)
    (again,) = [each for each in await visit.page.run(subscribed) if each != first]
    assert again
    await visit.person.trip(title="Oslo")
    await visit.shows("2 trips")


async def test_signing_out_in_one_tab_signs_out_in_all(visit: Visit, trip: dict[str, Any]) -> None:
    await visit.open()
    await visit.page.run(
        f"document.body.append(Object.assign(document.createElement('iframe'), {{ src: '{visit.url}' }}))"
    )
    await visit.page.until("frames[0]?.document.body?.innerText.includes('1 trips')")
    await visit.page.run("globalThis.before = true")
    await visit.page.run(
        "[...frames[0].document.querySelectorAll('button')].find((it) => it.innerText === 'Sign out').click()"
    )
    await visit.shows("Password")
    # The page was loaded anew.
    assert await visit.page.run("globalThis.before") is None


async def test_two_tabs_renew_a_refused_token_and_stay_signed_in(visit: Visit, trip: dict[str, Any]) -> None:
    await visit.remember("nonsense")
    tab = f"Object.assign(document.createElement('iframe'), {{ src: '{visit.url}' }})"
    await visit.page.run(f"document.body.append({tab}, {tab})")
    both = "Array.from(frames).every((tab) => tab.document.body?.innerText.includes('1 trips'))"
    await visit.page.until(f"frames.length === 2 && {both}")
    await visit.page.run("Array.from(frames).forEach((tab) => tab.location.reload())")
    await visit.page.until(f"Array.from(frames).every((tab) => tab.live?.size) && {both}")
