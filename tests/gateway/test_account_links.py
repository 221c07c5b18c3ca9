"""What follows from a mailed link, which is all that the platform's own mails hold, and for how long."""

# ruff: noqa: F401, F811 - fixtures are imported, and are arguments

import re
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import jwt
import psycopg
import pytest

from tests.gateway.test_accounts import (
    CHANGE,
    DELETE,
    MAGIC_LINK,
    NEW_PASSWORD,
    PASSWORD,
    REFRESH,
    REQUEST_RESET,
    SESSION,
    VIEWER,
    Account,
    account,
    inbox,
    lives,
    signed_in,
)
from tests.support import Person
from tripgate.local.stack import StackInfo
from tripgate.upstream.caller import Caller
from tripgate.upstream.credentials import signed_in_by_mail

RESET = f"""mutation ($hash: String, $email: String, $token: String, $new: String!) {{
  resetPassword(tokenHash: $hash, email: $email, token: $token, newPassword: $new) {SESSION} }}"""
VERIFY = f"""mutation ($hash: String, $email: String, $token: String, $type: OtpType! = EMAIL) {{
  verifyOtp(tokenHash: $hash, email: $email, token: $token, type: $type) {SESSION} }}"""
SET = f"mutation ($new: String!) {{ changePassword(newPassword: $new) {SESSION} }}"
LEAVE = "mutation { deleteAccount }"
WRONG_LINK = {"code": "UNAUTHENTICATED", "message": "The link is wrong, used or too old. Ask for a new one."}
NOT_BOTH = {"code": "BAD_USER_INPUT", "message": "Give `email` and `token`, or `tokenHash` alone."}
GIVE_IT = {
    "code": "BAD_USER_INPUT",
    "field": "currentPassword",
    "message": "Give the current password, or sign in by a mailed code or link: that counts for ten minutes.",
}
GIVE_IT_TO_LEAVE = {
    "code": "BAD_USER_INPUT",
    "field": "password",
    "message": "Give the password; without one, sign in by a mailed code or link: that counts for five minutes.",
}


async def link(account: Account) -> str:
    """The link of the newest mail."""
    found = re.search(r"http\S+/auth/v1/verify\?\S+", (await account.inbox(account.email))[0]["text"])
    assert found is not None
    return found[0]


async def token_hash(account: Account) -> str:
    """What the newest mail's link carries."""
    found = re.search(r"[?&]token=([\w-]+)", await link(account))
    assert found is not None
    return found[1]


async def followed(account: Account, http: aiohttp.ClientSession) -> Person:
    """A client with the session that whoever follows the newest mail's link gets, past the gateway."""
    async with http.get(await link(account), allow_redirects=False) as response:
        fragment = response.headers["Location"].partition("#")[2]
    found = dict(part.split("=", 1) for part in fragment.split("&"))
    return Person(account.anonymous.http, account.anonymous.url, found["access_token"], found["refresh_token"])


@pytest.fixture
def admin(seeded: StackInfo) -> Callable[..., None]:
    """Runs a statement as the database's owner."""

    def run(statement: str, *values: object) -> None:
        with psycopg.connect(seeded.admin_db_url) as connection:
            connection.execute(statement.encode(), values)

    return run


async def aged(person: Person, minutes: int, admin: Callable[..., None]) -> Person:
    """The same session as if it had begun so long ago, refreshed just now."""
    session = jwt.decode(str(person.token), options={"verify_signature": False})["session_id"]
    admin(
        "update auth.mfa_amr_claims set updated_at = updated_at - %s * interval '1 minute' where session_id = %s",
        minutes,
        session,
    )
    return signed_in(person, await person.ask(REFRESH, token=person.refresh_token))


# links instead of codes ----------------------------------------------------------------------------------------------


async def test_a_forgotten_password_is_reset_with_what_the_link_carries(account: Account) -> None:
    await account.anonymous.ask(REQUEST_RESET, email=account.email)
    carried = await token_hash(account)
    renewed = signed_in(account.anonymous, await account.anonymous.ask(RESET, hash=carried, new=NEW_PASSWORD))
    assert await renewed.ask(VIEWER) == {"viewer": {"id": account.here.id}}
    assert await account.can_sign_in(NEW_PASSWORD)
    assert [await lives(person) for person in (renewed, account.here, account.elsewhere)] == [True, False, False]
    assert await account.anonymous.refused(RESET, hash=carried, new="another one") == WRONG_LINK


async def test_a_link_signs_in_once(account: Account) -> None:
    await account.anonymous.ask(MAGIC_LINK, email=account.email)
    carried = await token_hash(account)
    again = signed_in(account.anonymous, await account.anonymous.ask(VERIFY, hash=carried))
    assert again.id == account.here.id
    assert await account.anonymous.refused(VERIFY, hash=carried) == WRONG_LINK
    assert await account.anonymous.refused(VERIFY, hash="0" * 56) == WRONG_LINK


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"email": "somebody@example.com"},
        {"token": "123456"},
        {"hash": "0" * 56, "token": "123456"},
        {"hash": "0" * 56, "email": "somebody@example.com"},
        {"hash": "0" * 56, "email": "somebody@example.com", "token": "123456"},
        {"hash": None, "email": "somebody@example.com", "token": None},
    ],
)
async def test_it_is_the_one_or_the_other(anonymous: Person, given: dict[str, Any]) -> None:
    assert await anonymous.refused(VERIFY, **given) == NOT_BOTH
    assert await anonymous.refused(RESET, new=NEW_PASSWORD, **given) == NOT_BOTH


# without the old password --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [REQUEST_RESET, MAGIC_LINK])
async def test_whoever_has_followed_a_mailed_link_sets_a_new_password(
    account: Account,
    http: aiohttp.ClientSession,
    request_: str,
) -> None:
    await account.anonymous.ask(request_, email=account.email)
    visitor = await followed(account, http)
    renewed = signed_in(visitor, await visitor.ask(SET, new=NEW_PASSWORD))
    assert await renewed.ask(VIEWER) == {"viewer": {"id": account.here.id}}
    assert await account.can_sign_in(NEW_PASSWORD)
    assert not await account.can_sign_in(PASSWORD)
    # As ever, all other sessions end, and the answer's begins.
    people = (renewed, visitor, account.here, account.elsewhere)
    assert [await lives(person) for person in people] == [True, False, False, False]


async def test_a_password_signed_in_with_is_to_be_given_again(account: Account) -> None:
    assert await account.here.refused(SET, new=NEW_PASSWORD) == GIVE_IT
    assert await account.can_sign_in(PASSWORD)
    assert [await lives(person) for person in (account.here, account.elsewhere)] == [True, True]


async def test_a_mailed_link_counts_for_ten_minutes(
    account: Account,
    http: aiohttp.ClientSession,
    admin: Callable[..., None],
) -> None:
    await account.anonymous.ask(MAGIC_LINK, email=account.email)
    visitor = await aged(await followed(account, http), 9, admin)
    refused = await visitor.refused(SET, new="short")
    assert refused["message"] == "The password is not accepted: Password should be at least 6 characters."
    visitor = await aged(visitor, 1, admin)
    assert await visitor.refused(SET, new=NEW_PASSWORD) == GIVE_IT
    # With the old password it goes on all the same.
    signed_in(visitor, await visitor.ask(CHANGE, current=PASSWORD, new=NEW_PASSWORD))


@pytest.mark.parametrize(
    ("amr", "counts"),
    [
        ([("otp", 0)], True),
        ([("recovery", 599)], True),
        ([("magiclink", 0)], True),
        ([("otp", 601)], False),
        ([("password", 0)], False),
        ([("oauth", 0)], False),
        ([("anonymous", 0)], False),
        # The newest counts, whatever the order.
        ([("password", 10), ("otp", 20)], False),
        ([("password", 20), ("otp", 10)], True),
        ([], False),
        (None, False),
    ],
)
def test_which_sign_ins_count(amr: list[tuple[str, int]] | None, counts: bool) -> None:
    now = int(time.time())
    claims = None if amr is None else [{"method": method, "timestamp": now - age} for method, age in amr]
    token = jwt.encode({"amr": claims}, "s" * 32, "HS256")
    assert signed_in_by_mail(Caller("id", token), 600) is counts


@pytest.mark.parametrize(
    "amr", ["otp", ["otp"], [{"method": "otp"}], [{"timestamp": 2e9}], [None], 7, {"method": "otp"}]
)
def test_what_says_no_time_does_not_count(amr: Any) -> None:
    assert not signed_in_by_mail(Caller("id", jwt.encode({"amr": amr}, "s" * 32, "HS256")), 600)


# leaving -------------------------------------------------------------------------------------------------------------


async def gone(account: Account) -> bool:
    """Whether the account is no more."""
    return not await lives(account.elsewhere)


async def test_an_account_without_a_password_is_deleted_by_a_mailed_code(
    account: Account,
    admin: Callable[..., None],
) -> None:
    admin("update auth.users set encrypted_password = '' where id = %s", account.here.id)
    assert await account.here.refused(LEAVE) == GIVE_IT_TO_LEAVE
    await account.anonymous.ask(MAGIC_LINK, email=account.email)
    visitor = await account.asks(VERIFY, token=await account.code())
    late = await aged(visitor, 5, admin)
    assert await late.refused(LEAVE) == GIVE_IT_TO_LEAVE
    assert not await gone(account)
    await account.anonymous.ask(MAGIC_LINK, email=account.email)
    visitor = await account.asks(VERIFY, token=await account.code())
    assert await visitor.ask(LEAVE) == {"deleteAccount": True}
    assert await gone(account)


async def test_an_account_with_a_password_wants_it(account: Account) -> None:
    assert await account.here.refused(LEAVE) == GIVE_IT_TO_LEAVE
    await account.anonymous.ask(MAGIC_LINK, email=account.email)
    visitor = await account.asks(VERIFY, token=await account.code())
    assert await visitor.refused(LEAVE) == {
        "code": "BAD_USER_INPUT",
        "field": "password",
        "message": "This account has a password. Give it.",
    }
    assert not await gone(account)
    assert await visitor.ask(DELETE, password=PASSWORD) == {"deleteAccount": True}
    assert await gone(account)


async def test_the_password_is_enough_however_old_the_session(
    account: Account,
    admin: Callable[..., None],
) -> None:
    old = await aged(account.here, 60 * 24, admin)
    assert await old.ask(DELETE, password=PASSWORD) == {"deleteAccount": True}
    assert await gone(account)


async def test_a_stolen_token_of_an_older_sign_in_deletes_nothing_past_the_gateway(
    account: Account,
    http: aiohttp.ClientSession,
    seeded: StackInfo,
    admin: Callable[..., None],
) -> None:
    stolen = await aged(account.here, 5, admin)
    headers = {"apikey": seeded.publishable_key, "Authorization": f"Bearer {stolen.token}"}
    async with http.post(f"{seeded.api_url}/rest/v1/rpc/delete_my_account", json={}, headers=headers) as response:
        assert response.status == 403
        assert (await response.json())["message"].startswith("This takes a sign-in of the last five minutes.")
    assert not await gone(account)


def sessions(seeded: StackInfo, account: Account) -> int:
    with psycopg.connect(seeded.admin_db_url) as connection:
        row = connection.execute("select count(*) from auth.sessions where user_id = %s", (account.here.id,)).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_deletion_that_fails_leaves_no_session_behind(
    account: Account,
    seeded: StackInfo,
    admin: Callable[..., None],
) -> None:
    function = "public.delete_my_account()"
    admin(f"revoke execute on function {function} from authenticated")
    try:
        assert await account.here.code(DELETE, password=PASSWORD) == "FORBIDDEN"
    finally:
        admin(f"grant execute on function {function} to authenticated")
    assert sessions(seeded, account) == 2
