"""People with browsers of their own, and what tests do for them that is not what they try."""

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.browser.page import Page
from tests.support import Person

# What is shown of each day, in order.
_PLAN = """[...document.querySelectorAll('[data-day]')].map(
  (day) => [...day.querySelectorAll('h3')].map((one) => one.innerText))"""
SESSION = "JSON.parse(localStorage.getItem('tripgate.session'))"
INVITE = """mutation ($trip: UUID!, $email: String!, $role: CollaboratorRole!) {
  inviteCollaborator(tripId: $trip, email: $email, role: $role) { id }
}"""


@dataclass(frozen=True)
class Place:
    """Where everything is: the board, the gateway, Supabase and the inbox; and the key of the service."""

    board: str
    graphql: str
    supabase: str
    inbox: str
    secret_key: str
    http: aiohttp.ClientSession

    async def mail(self, to: str) -> str:
        """The newest mail to this address."""
        async with self.http.get(self.inbox, params={"to": to}) as response:
            mails: list[dict[str, str]] = await response.json()
        return mails[0]["text"]

    async def link(self, to: str) -> str:
        """The link in it."""
        (link,) = re.findall(r"http://\S+", await self.mail(to))
        return str(link)

    async def code(self, to: str) -> str:
        """The code in it."""
        (code,) = re.findall(r"\b\d{6}\b", await self.mail(to))
        return str(code)

    async def person(self, name: str) -> Person:
        """Somebody new, who has confirmed their address, signed in with this API alone."""
        email = f"{name.split(maxsplit=1)[0].lower()}-{secrets.token_hex(4)}@people.example"
        person = Person(self.http, self.graphql, email=email)
        await person.ask(
            "mutation ($input: SignUpInput!) { signUp(input: $input) { user { id } } }",
            input={"email": email, "password": "correct horse", "displayName": name},
        )
        await person.ask(
            """mutation ($email: String!, $code: String!) {
                 verifyOtp(email: $email, token: $code, type: SIGNUP) { user { id } } }""",
            email=email,
            code=await self.code(email),
        )
        return await person.sign_in(email, "correct horse")

    async def join(self, owner: Person, trip: str, guest: Person, role: str = "EDITOR") -> None:
        """The guest is invited and accepts."""
        await owner.ask(INVITE, trip=trip, email=guest.email, role=role)
        await self.accept(guest)

    async def accept(self, guest: Person) -> None:
        """The guest takes the newest invitation."""
        token = (await self.link(str(guest.email))).partition("token=")[2]
        await guest.ask("mutation ($token: String!) { acceptInvitation(token: $token) { id } }", token=token)


async def open_as(page: Page, place: Place, person: Person, path: str = "") -> None:
    """Open the board as somebody whose session the browser has kept."""
    assert person.email is not None
    fresh = await person.ask(
        "mutation ($input: SignInInput!) { signIn(input: $input) { session { accessToken refreshToken expiresAt } } }",
        input={"email": person.email, "password": "correct horse"},
    )
    kept = json.dumps(json.dumps(fresh["signIn"]["session"]))
    await page.open(place.board)
    await page.until("document.querySelector('form')")
    await page.run(f"localStorage.setItem('tripgate.session', {kept})")
    await page.open(f"{place.board}/{path}")


async def fill(page: Page, label: str, text: str) -> None:
    """Write into the field that has this label, in place of what it holds."""
    mark = f"""(() => {{
      const label = [...document.querySelectorAll('label')].find((one) => one.textContent === {json.dumps(label)});
      const field = label && document.getElementById(label.htmlFor);
      if (!field) return false;
      field.focus();
      field.select();
      return document.activeElement === field;
    }})()"""
    await page.until(mark)
    await page.write(text)


async def press(page: Page, name: str) -> None:
    """Click the button of this name, as it is read aloud."""
    await page.click_found(
        "[...document.querySelectorAll('button')]"
        f".find((one) => (one.ariaLabel ?? one.innerText).trim() === {json.dumps(name)})"
    )


async def shows(page: Page, wanted: list[list[str]]) -> None:
    """Wait until the plan is this one."""
    await page.until(f"JSON.stringify({_PLAN}) === JSON.stringify({json.dumps(wanted)})")


async def says(page: Page, words: str) -> None:
    """Wait until this is announced."""
    await page.until(f"document.querySelector('[role=status][aria-live]').innerText.includes({json.dumps(words)})")


async def complains(page: Page, words: str) -> None:
    """Wait until this is told as what went wrong."""
    await page.until(f"document.querySelector('.announcer [role=alert]').innerText.includes({json.dumps(words)})")


async def votes(page: Page, title: str) -> Any:
    """What is shown of the votes on it: for, against, and which is one's own."""
    return await page.run(
        f"""(() => {{
          const buttons = [...document.querySelector('[aria-label="Votes on {title}"]').querySelectorAll('button')];
          return [...buttons.map((one) => Number(one.innerText)), ...buttons.map((one) => one.ariaPressed === 'true')];
        }})()"""
    )
