"""What nobody can sign in or up with is refused for what it is, and names its field."""

from typing import Any

import pytest

from tests.support import Person

SIGN_UP = """mutation (
  $email: String = "somebody@example.com", $password: String = "correct horse", $name: String = "A"
) {
  signUp(input: { email: $email, password: $password, displayName: $name }) { user { id } } }"""
SIGN_IN = """mutation ($email: String = "somebody@example.com", $password: String = "correct horse") {
  signIn(input: { email: $email, password: $password }) { user { id } } }"""
REFRESH = "mutation ($token: String!) { refreshSession(refreshToken: $token) { user { id } } }"
MAGIC_LINK = "mutation ($email: String!) { sendMagicLink(email: $email) }"
REQUEST_RESET = "mutation ($email: String!) { requestPasswordReset(email: $email) }"
RESET = """mutation ($email: String, $token: String, $hash: String, $new: String = "correct horse") {
  resetPassword(email: $email, token: $token, tokenHash: $hash, newPassword: $new) { user { id } } }"""
VERIFY = """mutation ($email: String, $token: String, $hash: String) {
  verifyOtp(email: $email, token: $token, tokenHash: $hash) { user { id } } }"""
CHANGE = """mutation ($current: String, $new: String = "battery staple") {
  changePassword(currentPassword: $current, newPassword: $new) { user { id } } }"""
DELETE = "mutation ($password: String) { deleteAccount(password: $password) }"
KNOWN = "ada@tripgate.example"


@pytest.mark.parametrize(
    ("document", "variables", "field"),
    [
        (SIGN_UP, {"email": "a\0b@example.com"}, "email"),
        (SIGN_UP, {"password": "correct\0horse"}, "password"),
        (SIGN_UP, {"name": "A\0da"}, "displayName"),
        (SIGN_IN, {"email": "a\0b@example.com"}, "email"),
        (SIGN_IN, {"password": "correct\0horse"}, "password"),
        (REFRESH, {"token": "a\0b"}, "refreshToken"),
        (MAGIC_LINK, {"email": "a\0b@example.com"}, "email"),
        (REQUEST_RESET, {"email": "a\0b@example.com"}, "email"),
        (RESET, {"email": "a\0b@example.com", "token": "123456"}, "email"),
        (RESET, {"email": KNOWN, "token": "123\000456"}, "token"),
        (RESET, {"hash": "a\0b"}, "tokenHash"),
        (RESET, {"email": KNOWN, "token": "123456", "new": "correct\0horse"}, "newPassword"),
        (VERIFY, {"email": "a\0b@example.com", "token": "123456"}, "email"),
        (VERIFY, {"email": KNOWN, "token": "123\000456"}, "token"),
        (VERIFY, {"hash": "a\0b"}, "tokenHash"),
        (CHANGE, {"current": "correct\0horse"}, "currentPassword"),
        (CHANGE, {"current": "correct horse", "new": "battery\0staple"}, "newPassword"),
        (DELETE, {"password": "correct\0horse"}, "password"),
    ],
)
async def test_no_text_holds_a_zero(newcomer: Person, document: str, variables: dict[str, Any], field: str) -> None:
    assert await newcomer.refused(document, **variables) == {
        "code": "BAD_USER_INPUT",
        "field": field,
        "message": f"{field} contains the character U+0000, which text cannot hold.",
    }


TOO_LONG = "A password has at most 72 bytes: as many plain letters and digits, fewer of others."
EMPTY = "A password is not empty."


@pytest.mark.parametrize(
    ("document", "variables", "field", "message"),
    [
        (SIGN_UP, {"password": "x" * 73}, "password", TOO_LONG),
        (SIGN_UP, {"password": "x" * 50_000}, "password", TOO_LONG),
        (SIGN_UP, {"password": "ö" * 37}, "password", TOO_LONG),
        (CHANGE, {"current": "correct horse", "new": "x" * 73}, "newPassword", TOO_LONG),
        (RESET, {"email": KNOWN, "token": "123456", "new": "x" * 73}, "newPassword", TOO_LONG),
        (SIGN_UP, {"password": ""}, "password", EMPTY),
        (CHANGE, {"current": "correct horse", "new": ""}, "newPassword", EMPTY),
        (RESET, {"hash": "guessed", "new": ""}, "newPassword", EMPTY),
        (SIGN_UP, {"name": "x" * 81}, "displayName", "A name has at most 80 characters."),
        (SIGN_UP, {"name": "x" * 50_000}, "displayName", "A name has at most 80 characters."),
        (
            SIGN_UP,
            {"email": f"{'x' * 250}@example.com"},
            "email",
            "An e-mail address has at most 255 characters.",
        ),
        *(
            (document, {"email": email}, "email", "This is no e-mail address.")
            for document in (SIGN_UP, MAGIC_LINK, REQUEST_RESET)
            for email in ("nope", "", " ", "a@", "@b.example", "a b@c.example", "a@b@c", "a@b..c", "<a@b.example>")
        ),
    ],
)  # fmt: skip
async def test_what_does_not_fit_names_its_field(
    newcomer: Person, document: str, variables: dict[str, Any], field: str, message: str
) -> None:
    assert await newcomer.refused(document, **variables) == {
        "code": "BAD_USER_INPUT",
        "field": field,
        "message": message,
    }


async def test_the_longest_name_is_stored_whole(anonymous: Person) -> None:
    data = await anonymous.ask(SIGN_UP, email="longest@example.com", name="ö" * 80)
    assert data["signUp"]["user"]["id"]
    person = await anonymous.sign_in("longest@example.com", "correct horse")
    assert await person.ask("{ viewer { displayName } }") == {"viewer": {"displayName": "ö" * 80}}


@pytest.mark.parametrize("token", ["", " ", "x", "guessed", "a" * 12, "A" * 12, "0" * 5_000, "ä" * 20, "v4.local.x"])
async def test_a_refresh_token_that_is_none_is_like_one_that_is_spent(anonymous: Person, token: str) -> None:
    assert await anonymous.refused(REFRESH, token=token) == {
        "code": "UNAUTHENTICATED",
        "message": "The session has ended. Sign in again.",
    }


@pytest.mark.parametrize(
    ("email", "password"), [("nope", "x"), (KNOWN, "x" * 73), (KNOWN, "x" * 50_000), ("x" * 300, "x")]
)
async def test_signing_in_says_no_more_than_that_it_is_wrong(anonymous: Person, email: str, password: str) -> None:
    assert await anonymous.refused(SIGN_IN, email=email, password=password) == {
        "code": "UNAUTHENTICATED",
        "message": "The e-mail address or the password is wrong.",
    }


@pytest.mark.parametrize("name", ["", " \n", "\u00a0"])
async def test_nobody_signs_up_without_a_name(anonymous: Person, name: str) -> None:
    error = await anonymous.refused(SIGN_UP, name=name)
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "displayName")
    assert error["message"] == "A name has 1 to 80 characters, and not all of them are blank."
