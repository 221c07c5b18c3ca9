"""GraphiQL, used in a real browser: the page, its demo accounts, and what the gateway serves for it.

With environment variable TRIPGATE_PICTURES, a folder, the page after its first query is kept there as graphiql.png:
`TRIPGATE_PICTURES=docs/images .venv/bin/python -m pytest tests/pages/test_graphiql.py`.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.browser.axe import violations
from tests.browser.chromium import Chromium
from tests.browser.page import Page, browser_page
from tests.pages.pages import gateway_of, loaded, save_picture
from tests.support import PASSWORD, Person
from tripgate.gateway.app import application
from tripgate.gateway.settings import SettingsError

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
RESULT = "document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue()"
SESSION = "JSON.parse(sessionStorage.getItem('tripgate.session'))"


@pytest.fixture
async def page(browser: Chromium, url: str, tmp_path: Path) -> AsyncIterator[Page]:
    """The page in a fresh browser, ready; whatever a test does there, nothing foreign is asked and nothing fails."""
    async with browser_page(browser, tmp_path) as page:
        await page.size(1280, 800)
        await page.open(url)
        await page.until("document.querySelector('.graphiql-query-editor .CodeMirror')")
        yield page
        assert {URL(each).origin() for each in page.requests} == {URL(url).origin()}
        assert page.complaints == []


async def signed_in(page: Page, email: str) -> None:
    """Click the account's button and wait for its session."""
    await page.click(f"#bar button[data-email='{email}']")
    await page.until(f"document.querySelector(\"button[data-email='{email}'][aria-pressed=true]:enabled\")")


async def written(page: Page, query: str) -> None:
    """Put the operation, which has a name, into the editor."""
    editor = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
    await page.run(f"{editor}.setValue({json.dumps(query)})")
    # GraphiQL looks for names a moment later, and asks by the old one until then.
    await page.until(f"document.querySelector('.graphiql-tab-button').innerText === '{query.split()[1]}'")


async def answer(page: Page) -> dict[str, Any]:
    """What the response pane shows after a click on the run button."""
    await page.run("document.querySelector('.result-window .CodeMirror')?.CodeMirror.setValue('')")
    await page.click(".graphiql-execute-button")
    found: dict[str, Any] = json.loads(await page.value(RESULT))
    return found


async def trips(page: Page) -> list[dict[str, Any]]:
    """The trips that the first query shows the person who is signed in."""
    found: list[dict[str, Any]] = (await answer(page))["data"]["trips"]["nodes"]
    return found


async def refused(page: Page) -> bool:
    """Whether the first query is answered as to somebody who is not signed in."""
    (error,) = (await answer(page))["errors"]
    return bool(error["extensions"]["code"] == "UNAUTHENTICATED")


async def test_one_click_signs_in_and_the_first_query_shows_the_persons_trips(page: Page) -> None:
    assert await page.text("#status") == "Not signed in"
    assert await refused(page)

    await signed_in(page, "ada@tripgate.example")
    assert await page.text("#status") == "Signed in as Ada Lindqvist"
    shown = await trips(page)
    assert "Tokyo and Kyoto under the maples" in {trip["title"] for trip in shown}
    assert "Fushimi Inari Taisha" in json.dumps(shown)
    assert "Tokyo and Kyoto under the maples" in await page.text(".result-window")
    await page.hover(640, 24)
    save_picture("graphiql.png", await page.picture())

    await signed_in(page, "ben@tripgate.example")
    assert await page.text("#status") == "Signed in as Ben Okafor"
    assert "A long weekend in Rome" in {trip["title"] for trip in shown}
    assert "A long weekend in Rome" not in {trip["title"] for trip in await trips(page)}


async def test_signing_out_ends_the_session(page: Page, url: str, http: aiohttp.ClientSession) -> None:
    await signed_in(page, "ada@tripgate.example")
    session = await page.run(SESSION)
    await page.click("#sign-out")
    await page.until("document.getElementById('status').innerText === 'Not signed in'")
    await page.until("document.querySelector('#sign-out').hidden && !document.querySelector('#bar button:disabled')")
    assert await page.run("sessionStorage.length") == 0
    assert await refused(page)
    again = "mutation ($token: String!) { refreshSession(refreshToken: $token) { user { id } } }"
    request = {"query": again, "variables": {"token": session["refreshToken"]}}
    async with http.post(url, json=request) as response:
        assert (await response.json())["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_the_session_survives_a_reload_and_is_refreshed_before_it_ends(page: Page) -> None:
    await signed_in(page, "ada@tripgate.example")
    first = await page.run(SESSION)
    soon = "new Date(Date.now() + 20_000).toISOString()"
    await page.run(f"sessionStorage.setItem('tripgate.session', JSON.stringify({{...{SESSION}, expiresAt: {soon}}}))")
    await page.reload()
    await page.until(f"{SESSION}.refreshToken !== {json.dumps(first['refreshToken'])}")
    assert await page.text("#status") == "Signed in as Ada Lindqvist"
    assert await trips(page)


async def test_a_session_that_has_ended_elsewhere_is_dropped_and_said_so(page: Page) -> None:
    await signed_in(page, "ada@tripgate.example")
    gone = "{accessToken: 'x', refreshToken: 'y'}"
    await page.run(f"sessionStorage.setItem('tripgate.session', JSON.stringify({{...{SESSION}, ...{gone}}}))")
    await page.reload()
    await page.until("document.getElementById('status').innerText === 'The session has ended. Sign in again.'")
    # A browser reports every 401, whatever the page makes of it.
    assert [complaint for complaint in page.complaints if "401" not in complaint] == []
    page.complaints.clear()
    await page.until("document.querySelector('.graphiql-query-editor .CodeMirror')")
    assert await refused(page)


async def test_a_header_of_ones_own_goes_before_the_session(page: Page) -> None:
    await signed_in(page, "ada@tripgate.example")
    answer = await page.run("Session.send({query: '{ viewer { displayName } }'}, {authorization: 'Bearer x'})")
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "401" in page.complaints.pop()
    assert page.complaints == []
    assert await page.text("#status") == "Signed in as Ada Lindqvist"


async def test_a_stream_is_read_as_the_person_who_is_signed_in(page: Page) -> None:
    await signed_in(page, "ada@tripgate.example")
    answers = await page.run(
        """(async () => {
          const answers = [];
          for await (const answer of Session.stream({query: '{ viewer { displayName } }'})) answers.push(answer);
          return answers;
        })()"""
    )
    assert answers == [{"data": {"viewer": {"displayName": "Ada Lindqvist"}}}]


async def test_a_subscription_lists_all_changes_as_they_happen(
    page: Page, url: str, http: aiohttp.ClientSession
) -> None:
    cleo = await Person(http, url).sign_in("cleo@tripgate.example", "tripgate-demo")
    trip = await cleo.trip(title="Oslo")
    follow = f'subscription Follow {{ tripChanges(tripId: "{trip}") {{ operation trip {{ title }} }} }}'
    rename = "mutation ($id: UUID!, $title: String!) { updateTrip(id: $id, patch: { title: $title }) { id } }"
    running = "document.querySelector('.graphiql-execute-button').ariaLabel.startsWith('Stop')"

    async def titles() -> list[str]:
        """Of the events that are shown, the newest first."""
        shown = json.loads(await page.run(RESULT))
        assert shown["received"] == len(shown["events"])
        assert all(event["at"] and event["data"]["tripChanges"]["operation"] == "UPDATE" for event in shown["events"])
        return [event["data"]["tripChanges"]["trip"]["title"] for event in shown["events"]]

    await signed_in(page, "cleo@tripgate.example")
    await written(page, follow)
    await page.click(".graphiql-execute-button")
    for attempt in range(50):
        # Nothing is shown on subscribing, so knock until the first change is.
        await cleo.ask(rename, id=trip, title=f"Knock {attempt}")
        await asyncio.sleep(0.1)
        if "UPDATE" in (await page.run(RESULT) or ""):
            break
    for title in ("Bergen", "Tromsø"):
        await cleo.ask(rename, id=trip, title=title)
        await page.until(f"({RESULT}).includes({json.dumps(title)})")
    assert (await titles())[:2] == ["Tromsø", "Bergen"]
    assert (await titles())[2].startswith("Knock")
    save_picture("graphiql-subscription.png", await page.picture(), keep=False)

    assert await page.run(running)
    await page.click(".graphiql-execute-button")
    await page.until(f"!{running}")
    await cleo.ask(rename, id=trip, title="Unheard")
    await asyncio.sleep(0.3)
    assert (await titles())[0] == "Tromsø"
    await cleo.ask("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=trip)


async def test_any_account_signs_in_by_the_form_also_by_keyboard(
    page: Page, url: str, http: aiohttp.ClientSession
) -> None:
    somebody = await Person(http, url).sign_up()
    await page.click("#other")
    await page.until("document.activeElement.name === 'email'")
    await page.write(str(somebody.email))
    await page.press("Tab")
    await page.write("wrong horse")
    save_picture("graphiql-sign-in.png", await page.picture(), keep=False)
    await page.press("Enter")
    assert await page.text("#sign-in-wrong") == "The e-mail address or the password is wrong."
    assert await page.run("document.querySelector('#sign-in').open")

    await page.click("#sign-in [name=password]")
    await page.run("document.querySelector('#sign-in [name=password]').select()")
    await page.write(PASSWORD)
    await page.press("Enter")
    await page.until("!document.querySelector('#sign-in').open")
    await page.until("document.querySelector('#other[aria-pressed=true]:enabled')")
    assert await page.run("document.querySelector('#sign-in [name=password]').value") == ""
    assert await trips(page) == []
    await page.reload()
    await page.until("document.querySelector('#other[aria-pressed=true]')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_what_is_ours_of_the_page_breaks_no_rule_of_accessibility(page: Page, scheme: str) -> None:
    await page.prefer(scheme)
    await signed_in(page, "ada@tripgate.example")
    await written(page, "query One { trips(first: 1) { nodes { title } } }")
    await page.click("#explain")
    await answer(page)
    await page.until("document.querySelector('#explanation details')")
    # GraphiQL itself is others' work.
    assert await violations(page, "{ include: ['#bar', '#explanation'] }") == []
    await page.click("#other")
    assert await violations(page, "'#sign-in'") == []


async def test_an_explanation_is_shown_beside_the_answer_while_it_is_asked_for(page: Page) -> None:
    await signed_in(page, "ada@tripgate.example")
    await written(page, "query Two { trips(first: 2) { nodes { title } } viewer { displayName } }")
    without = await answer(page)
    assert await page.run("document.querySelector('#explanation').hidden")

    await page.click("#explain")
    assert await answer(page) == without
    await page.until("document.querySelectorAll('#explanation details').length === 2")
    shown = await page.text("#explanation")
    assert re.search(r"ms in all, .* costs \d+ of at most 10000", shown)
    assert "GET /rest/v1/trips?select=title" in shown
    assert "200 · 2 rows · " in shown
    await page.click("#explanation summary")
    assert '"table": "trips"' in await page.text("#explanation details[open] pre")
    save_picture("graphiql-explain.png", await page.picture(), keep=False)

    await written(page, "query Many { trips(first: 9999) { nodes { title } } }")
    assert (await answer(page))["errors"]
    assert "Nothing was asked of Supabase." in await page.text("#explanation")
    await written(page, "query Wrong { nothing }")
    assert (await answer(page))["errors"]
    assert "This answer is not explained" in await page.text("#explanation")
    # A browser reports every 400, whatever the page makes of it.
    assert "400" in page.complaints.pop()
    await page.click("#explain")
    assert await page.run("document.querySelector('#explanation').hidden")


async def test_an_answer_in_parts_is_put_together_as_it_comes(page: Page) -> None:
    await signed_in(page, "ada@tripgate.example")
    lists = "nodes @stream(initialCount: 1) { title ... @defer { items { totalCount } } }"
    await written(page, f"query Parts {{ trips {{ {lists} }} }}")
    await page.run("document.querySelector('.result-window .CodeMirror')?.CodeMirror.setValue('')")
    await page.click(".graphiql-execute-button")
    await page.until(f"(({RESULT}) || '').split('totalCount').length === 5")
    parts = json.loads(await page.run(RESULT))["data"]
    await written(page, "query Whole { trips { nodes { title items { totalCount } } } }")
    assert (await answer(page))["data"] == parts


async def test_where_answers_are_not_explained_no_button_says_so(
    variables: dict[str, str], browser: Chromium, tmp_path: Path
) -> None:
    public = {name: text for name, text in variables.items() if "DEMO" not in name and "DEVELOPMENT" not in name}
    async with gateway_of(public) as url, browser_page(browser, tmp_path) as page:
        await page.open(url)
        await page.until("document.querySelector('.graphiql-query-editor .CodeMirror')")
        assert await page.run("document.querySelector('#explain').hidden")
        assert await page.text("#accounts") == "Sign in as\nOther…"


async def test_the_page_fits_a_phone(page: Page) -> None:
    await page.size(390, 844)
    assert await page.run("document.querySelector('#bar').scrollWidth") <= 390
    save_picture("graphiql-phone.png", await page.picture(), keep=False)


async def test_the_schema_can_be_read_and_the_settings_opened(page: Page) -> None:
    await page.click("button[aria-label='Show Documentation Explorer']")
    await page.click(".graphiql-doc-explorer-content a.graphiql-doc-explorer-type-name")
    assert "trips" in await page.text(".graphiql-doc-explorer-content")
    await page.click("button[aria-label='Open settings dialog']")
    await page.until("document.querySelector('[role=dialog]')")
    await page.press("Escape")
    await page.until("!document.querySelector('[role=dialog]')")


async def test_the_page_is_for_browsers_and_never_cached(url: str, http: aiohttp.ClientSession) -> None:
    policies = set()
    for _ in range(2):
        async with http.get(url, headers=HTML) as response:
            assert response.status == 200
            assert response.content_type == "text/html"
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            policies.add(response.headers["Content-Security-Policy"])
    assert len(policies) == 2, "each answer has a nonce of its own"
    assert not any("unsafe" in policy for policy in policies)
    for accept in ("*/*", "application/json", ""):
        async with http.get(url, headers={"Accept": accept}) as response:
            assert (response.status, response.headers["Allow"]) == (405, "POST, PUT, DELETE")


async def test_files_may_be_cached_for_ever_and_nothing_else_is_served(url: str, http: aiohttp.ClientSession) -> None:
    async with http.get(url, headers=HTML) as response:
        addresses = sorted(set(re.findall(r'(?:src|href)="([^"]+)"', await response.text())))
    addresses.remove("/")
    assert len(addresses) == 9
    origin = URL(url).origin()
    for address in addresses:
        async with http.get(f"{origin}{address}") as response:
            assert response.status == 200
            assert "immutable" in response.headers["Cache-Control"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
    folder = addresses[0].rpartition("/")[0]
    outside = "%2e%2e%2f" * 12 + "etc%2fpasswd"
    for name in ("graphiql.html", "..%2fgraphiql.py", "../../../healthz%00", outside, "%2fetc%2fpasswd", ""):
        async with http.get(URL(f"{origin}{folder}/{name}", encoded=True)) as response:
            assert response.status == 404, name
    async with http.get(f"{origin}/graphql/assets/0000/page.js") as response:
        assert response.status == 404, "another version"


async def test_without_the_setting_there_is_no_page(gateway: str, http: aiohttp.ClientSession) -> None:
    async with http.get(gateway, headers=HTML) as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST, PUT, DELETE")
    async with http.get(f"{gateway}/assets/0000/page.js") as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TRIPGATE_DEVELOPMENT", "false", "TRIPGATE_GRAPHIQL_DEMO_ACCOUNTS hands passwords to every visitor"),
        ("TRIPGATE_GRAPHIQL_DEMO_ACCOUNTS", "ada@tripgate.example", "write each account as email:password"),
        ("TRIPGATE_GRAPHIQL_ASSETS", "/nowhere", "TRIPGATE_GRAPHIQL_ASSETS: Path does not point to a directory."),
    ],
)
def test_settings_that_do_not_fit_stop_the_start(
    variables: dict[str, str], variable: str, value: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        loaded({**variables, variable: value})


def test_a_folder_without_the_files_stops_the_start(variables: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"react\.production\.min\.js cannot be read"):
        application(loaded({**variables, "TRIPGATE_GRAPHIQL_ASSETS": str(tmp_path)}))
