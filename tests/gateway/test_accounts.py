"""Accounts end to end: codes are read from the inbox; old passwords, codes and sessions are of no more use."""

import itertools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.support import Person
from tripgate.local.stack import StackInfo

PASSWORD = "correct horse"
NEW_PASSWORD = "battery staple"
SESSION = "{ session { accessToken refreshToken } user { id email } }"
REQUEST_RESET = "mutation ($email: String!) { requestPasswordReset(email: $email) }"
RESET = f"""mutation ($email: String!, $token: String!, $new: String!) {{
  resetPassword(email: $email, token: $token, newPassword: $new) {SESSION} }}"""
MAGIC_LINK = "mutation ($email: String!) { sendMagicLink(email: $email) }"
VERIFY = f"""mutation ($email: String!, $token: String!, $type: OtpType! = EMAIL) {{
  verifyOtp(email: $email, token: $token, type: $type) {SESSION} }}"""
CHANGE = f"""mutation ($current: String!, $new: String!) {{
  changePassword(currentPassword: $current, newPassword: $new) {SESSION} }}"""
DELETE = "mutation ($password: String!) { deleteAccount(password: $password) }"
REFRESH = f"mutation ($token: String!) {{ refreshSession(refreshToken: $token) {SESSION} }}"
SIGN_UP = f"mutation ($input: SignUpInput!) {{ signUp(input: $input) {SESSION} }}"
VIEWER = "{ viewer { id } }"
WRONG_CODE = "The code is wrong, used or too old. Ask for a new one."

_numbers = itertools.count()


@dataclass
class Account:
    """Somebody with a session, a second one elsewhere, and the mail that comes to their address."""

    email: str
    here: Person
    elsewhere: Person
    anonymous: Person
    inbox: Callable[[str], Awaitable[list[dict[str, Any]]]]

    async def code(self) -> str:
        """The code of the newest mail."""
        newest = (await self.inbox(self.email))[0]
        found = re.search(r"Your code: (\d{6})\n", newest["text"])
        assert found is not None
        assert found[1] in newest["html"]
        return found[1]

    async def asks(self, document: str, **variables: Any) -> Person:
        """A client with the session that a mutation answers to somebody who is not signed in."""
        return signed_in(self.anonymous, await self.anonymous.ask(document, email=self.email, **variables))

    async def can_sign_in(self, password: str) -> bool:
        """Whether this is the password."""
        _, body = await self.anonymous.post(
            "mutation ($input: SignInInput!) { signIn(input: $input) { user { id } } }",
            input={"email": self.email, "password": password},
        )
        return "errors" not in body


def signed_in(client: Person, data: dict[str, Any]) -> Person:
    """The client with the session of the only mutation in `data`."""
    (payload,) = data.values()
    session = payload["session"]
    return Person(client.http, client.url, session["accessToken"], session["refreshToken"], payload["user"]["id"])


async def lives(person: Person) -> bool:
    """Whether the session can go on."""
    _, body = await person.post(REFRESH, token=person.refresh_token)
    if "errors" in body:
        assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        return False
    person.refresh_token = body["data"]["refreshSession"]["session"]["refreshToken"]
    return True


@pytest.fixture
async def inbox(http: aiohttp.ClientSession, seeded: StackInfo) -> Callable[[str], Awaitable[list[dict[str, Any]]]]:
    """The mails to an address, newest first."""

    async def read(address: str) -> list[dict[str, Any]]:
        async with http.get(seeded.inbox_url, params={"to": address}) as response:
            mails: list[dict[str, Any]] = await response.json()
            return mails

    return read


@pytest.fixture
async def account(anonymous: Person, inbox: Callable[[str], Awaitable[list[dict[str, Any]]]]) -> Account:
    """A new account with two sessions."""
    email = f"account{next(_numbers)}@example.com"
    data = await anonymous.ask(SIGN_UP, input={"email": email, "password": PASSWORD, "displayName": "Somebody"})
    elsewhere = await anonymous.sign_in(email, PASSWORD)
    return Account(email, signed_in(anonymous, data), elsewhere, anonymous, inbox)


# forgotten passwords -------------------------------------------------------------------------------------------------


async def test_a_forgotten_password_is_reset_with_the_mailed_code(account: Account) -> None:
    assert await account.anonymous.ask(REQUEST_RESET, email=account.email) == {"requestPasswordReset": True}
    code = await account.code()
    renewed = await account.asks(RESET, token=code, new=NEW_PASSWORD)
    assert renewed.id == account.here.id
    assert await renewed.ask(VIEWER) == {"viewer": {"id": account.here.id}}
    assert await account.can_sign_in(NEW_PASSWORD)
    assert not await account.can_sign_in(PASSWORD)
    # Whoever knew the old password is out; the new session goes on.
    assert [await lives(person) for person in (renewed, account.here, account.elsewhere)] == [True, False, False]
    refused = await account.anonymous.refused(RESET, email=account.email, token=code, new="another one")
    assert refused == {"code": "UNAUTHENTICATED", "message": WRONG_CODE}


async def test_a_wrong_code_resets_nothing(account: Account) -> None:
    await account.anonymous.ask(REQUEST_RESET, email=account.email)
    code = await account.code()
    wrong = {"code": "UNAUTHENTICATED", "message": WRONG_CODE}
    other = f"{(int(code) + 1) % 1_000_000:06}"
    assert await account.anonymous.refused(RESET, email=account.email, token=other, new=NEW_PASSWORD) == wrong
    # The right code, for somebody else and for an address that nobody has.
    for email in ("ada@tripgate.example", "nobody@example.com"):
        assert await account.anonymous.refused(RESET, email=email, token=code, new=NEW_PASSWORD) == wrong
    assert await account.can_sign_in(PASSWORD)
    assert await lives(account.elsewhere)
    # The code itself was not used up by that.
    await account.asks(RESET, token=code, new=NEW_PASSWORD)


@pytest.mark.parametrize("new", ["", "x" * 73, "ö" * 37, "correct\0horse"])
async def test_a_password_that_nobody_could_have_uses_no_code_up(account: Account, new: str) -> None:
    await account.anonymous.ask(REQUEST_RESET, email=account.email)
    code = await account.code()
    refused = await account.anonymous.refused(RESET, email=account.email, token=code, new=new)
    assert (refused["code"], refused["field"]) == ("BAD_USER_INPUT", "newPassword")
    await account.asks(RESET, token=code, new=NEW_PASSWORD)
    assert await account.can_sign_in(NEW_PASSWORD)


async def test_only_the_newest_code_works(account: Account) -> None:
    await account.anonymous.ask(REQUEST_RESET, email=account.email)
    first = await account.code()
    await account.anonymous.ask(REQUEST_RESET, email=account.email)
    second = await account.code()
    if first != second:
        assert await account.anonymous.code(VERIFY, email=account.email, token=first, type="RECOVERY") == (
            "UNAUTHENTICATED"
        )
    await account.asks(VERIFY, token=second, type="RECOVERY")


@pytest.mark.parametrize("document", [REQUEST_RESET, MAGIC_LINK])
async def test_an_unknown_address_is_answered_alike_and_gets_no_mail(
    anonymous: Person, inbox: Callable[[str], Awaitable[list[dict[str, Any]]]], document: str
) -> None:
    assert list((await anonymous.ask(document, email="nobody@example.com")).values()) == [True]
    assert await inbox("nobody@example.com") == []
    # Nor was an account made.
    assert await anonymous.code(VERIFY, email="nobody@example.com", token="123456") == "UNAUTHENTICATED"
    error = await anonymous.refused(document, email="no address")
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "email")


async def test_a_weak_password_is_refused_and_leaves_no_session_behind(account: Account, seeded: StackInfo) -> None:
    await account.anonymous.ask(REQUEST_RESET, email=account.email)
    error = await account.anonymous.refused(RESET, email=account.email, token=await account.code(), new="short")
    assert error == {
        "code": "BAD_USER_INPUT",
        "field": "newPassword",
        "message": "The password is not accepted: Password should be at least 6 characters. Ask for a new code.",
    }
    assert await account.can_sign_in(PASSWORD)
    with psycopg.connect(seeded.admin_db_url) as connection:
        row = connection.execute("select count(*) from auth.sessions where user_id = %s", (account.here.id,)).fetchone()
    # The two of the fixture and the one of `can_sign_in`.
    assert row == (3,)


# codes and links that sign in ----------------------------------------------------------------------------------------


async def test_a_mailed_code_signs_in_once(account: Account) -> None:
    assert await account.anonymous.ask(MAGIC_LINK, email=account.email) == {"sendMagicLink": True}
    code = await account.code()
    again = await account.asks(VERIFY, token=code)
    assert again.id == account.here.id
    assert await again.ask(VIEWER) == {"viewer": {"id": account.here.id}}
    # Signing in elsewhere ends nothing.
    assert [await lives(person) for person in (again, account.here, account.elsewhere)] == [True, True, True]
    refused = await account.anonymous.refused(VERIFY, email=account.email, token=code)
    assert refused == {"code": "UNAUTHENTICATED", "message": WRONG_CODE}


async def test_a_mailed_link_signs_in(account: Account, http: aiohttp.ClientSession) -> None:
    await account.anonymous.ask(MAGIC_LINK, email=account.email)
    (mail,) = await account.inbox(account.email)
    link = re.search(r"http\S+/auth/v1/verify\?\S+", mail["text"])
    assert link is not None
    async with http.get(link[0], allow_redirects=False) as response:
        assert response.status == 303
        fragment = dict(part.split("=", 1) for part in response.headers["Location"].partition("#")[2].split("&"))
    visitor = Person(account.anonymous.http, account.anonymous.url, fragment["access_token"])
    assert await visitor.ask(VIEWER) == {"viewer": {"id": account.here.id}}


async def test_a_code_of_one_kind_is_none_of_another(account: Account) -> None:
    await account.anonymous.ask(REQUEST_RESET, email=account.email)
    code = await account.code()
    for kind in ("SIGNUP", "INVITE", "EMAIL_CHANGE"):
        assert await account.anonymous.code(VERIFY, email=account.email, token=code, type=kind) == "UNAUTHENTICATED"
    await account.asks(VERIFY, token=code, type="RECOVERY")


# changing the password -----------------------------------------------------------------------------------------------


async def test_changing_the_password_ends_every_other_session(account: Account) -> None:
    renewed = signed_in(account.here, await account.here.ask(CHANGE, current=PASSWORD, new=NEW_PASSWORD))
    assert await renewed.ask(VIEWER) == {"viewer": {"id": account.here.id}}
    assert [await lives(person) for person in (renewed, account.here, account.elsewhere)] == [True, False, False]
    assert await account.can_sign_in(NEW_PASSWORD)
    assert not await account.can_sign_in(PASSWORD)


@pytest.mark.parametrize(
    ("current", "new", "field", "message"),
    [
        ("wrong", NEW_PASSWORD, "currentPassword", "The password is wrong."),
        ("", NEW_PASSWORD, "currentPassword", "The password is wrong."),
        (PASSWORD, "short", "newPassword", "The password is not accepted: Password should be at least 6 characters."),
        (
            PASSWORD,
            PASSWORD,
            "newPassword",
            "The password is not accepted: New password should be different from the old password.",
        ),
        (
            PASSWORD,
            "x" * 73,
            "newPassword",
            "A password has at most 72 bytes: as many plain letters and digits, fewer of others.",
        ),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(
    account: Account, current: str, new: str, field: str, message: str
) -> None:
    error = await account.here.refused(CHANGE, current=current, new=new)
    assert error == {"code": "BAD_USER_INPUT", "field": field, "message": message}
    assert await account.can_sign_in(PASSWORD)
    assert [await lives(person) for person in (account.here, account.elsewhere)] == [True, True]


async def test_nobody_changes_or_deletes_without_a_session(account: Account) -> None:
    assert await account.anonymous.code(CHANGE, current=PASSWORD, new=NEW_PASSWORD) == "UNAUTHENTICATED"
    assert await account.anonymous.code(DELETE, password=PASSWORD) == "UNAUTHENTICATED"
    await account.here.ask("mutation { signOut }")
    # The token is not expired yet, but its session has ended.
    assert await account.here.code(CHANGE, current=PASSWORD, new=NEW_PASSWORD) == "UNAUTHENTICATED"
    assert await account.here.code(DELETE, password=PASSWORD) == "UNAUTHENTICATED"


# leaving -------------------------------------------------------------------------------------------------------------


async def test_a_deleted_account_leaves_nothing_behind(account: Account, seeded: StackInfo) -> None:
    trip = await account.here.trip()
    await account.here.ask('mutation { createPlace(input: { name: "Home" }) { id } }')
    columns = {"auth.users": "id", "auth.sessions": "user_id", "profiles": "id", "user_preferences": "user_id"}
    columns |= {"trips": "user_id", "places": "user_id"}

    def rows_left() -> Any:
        with psycopg.connect(seeded.admin_db_url) as connection:
            counts = ", ".join(f"(select count(*) from {table} where {columns[table]} = %(id)s)" for table in columns)
            return connection.execute(f"select {counts}".encode(), {"id": account.here.id}).fetchone()

    assert rows_left() == (1, 2, 1, 1, 1, 1)
    error = await account.here.refused(DELETE, password="wrong")
    assert error == {"code": "BAD_USER_INPUT", "field": "password", "message": "The password is wrong."}
    assert rows_left() == (1, 2, 1, 1, 1, 1)

    assert await account.here.ask(DELETE, password=PASSWORD) == {"deleteAccount": True}
    assert rows_left() == (0, 0, 0, 0, 0, 0)
    # The tokens are good for a while still, but there is nothing to see with them and nobody to write as.
    for person in (account.here, account.elsewhere):
        assert not await lives(person)
        _, body = await person.post(
            "query ($id: UUID!) { viewer { id } trip(id: $id) { id } trips { totalCount } }", id=trip
        )
        assert body["data"] == {"viewer": None, "trip": None, "trips": {"totalCount": 0}}
        assert await person.code('mutation { createTrip(input: { title: "Ghost" }) { id } }') == "UNAUTHENTICATED"
    assert not await account.can_sign_in(PASSWORD)
    # The address is free again.
    await account.anonymous.ask(
        SIGN_UP, input={"email": account.email, "password": PASSWORD, "displayName": "Somebody new"}
    )
