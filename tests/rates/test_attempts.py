"""Attempts to sign in are counted one by one, by address and by account."""

import itertools

import pytest

from tests.rates.conftest import Gateway
from tests.support import Person

_numbers = itertools.count(1)


def sign_in(email: str, key: str = "signIn") -> str:
    """A field that tries a wrong password."""
    return f'{key}: signIn(input: {{ email: "{email}", password: "wrong password" }}) {{ user {{ id }} }}'


def stranger() -> str:
    """An address that nobody has."""
    return f"nobody{next(_numbers)}@rates.example"


async def test_an_address_may_try_so_often(gateway_of: Gateway) -> None:
    async with gateway_of(sign_in_attempts_per_address=3) as client:
        guesser = client()
        for _ in range(3):
            answer = await guesser.post(f"mutation {{ {sign_in(stranger())} }}")
            assert (answer.status, answer.codes) == (200, ["UNAUTHENTICATED"])
        refused = await guesser.post(f"mutation {{ {sign_in(stranger())} }}")
        assert (refused.status, refused.codes) == (429, ["RATE_LIMITED"])
        assert "data" not in refused.body
        assert refused.headers["RateLimit-Policy"] == '"sign-in-address";q=3;w=60'
        assert int(refused.headers["Retry-After"]) >= 1
        assert (await client().post(f"mutation {{ {sign_in(stranger())} }}")).codes == ["UNAUTHENTICATED"]
        assert await guesser.statuses(1) == [200]  # everything else goes on


async def test_an_account_may_be_tried_so_often_from_one_address_in_any_case(gateway_of: Gateway) -> None:
    async with gateway_of(sign_in_attempts_per_account=3) as client:
        email, guesser = stranger(), client()
        for spelt in (email, email.upper(), f" {email} "):
            assert (await guesser.post(f"mutation {{ {sign_in(spelt)} }}")).status == 200
        refused = await guesser.post(f"mutation {{ {sign_in(email)} }}")
        assert (refused.status, refused.codes) == (429, ["RATE_LIMITED"])
        assert refused.headers["RateLimit-Policy"] == '"sign-in-account";q=3;w=60'
        # Whether there is such an account makes no difference; other accounts and other addresses are not touched.
        assert (await guesser.post(f"mutation {{ {sign_in(stranger())} }}")).status == 200
        assert (await client().post(f"mutation {{ {sign_in(email)} }}")).status == 200


@pytest.mark.parametrize(
    "document",
    [
        "mutation {{ {fields} }}",
        "mutation {{ ...F }} fragment F on Mutation {{ {fields} }}",
        "mutation {{ ... on Mutation {{ ...F }} }} fragment F on Mutation {{ ... {{ {fields} }} }}",
        "mutation {{ ... @include(if: true) {{ {fields} }} }}",
    ],
)
async def test_aliases_and_fragments_hide_no_attempt(gateway_of: Gateway, document: str) -> None:
    async with gateway_of(sign_in_attempts_per_address=5) as client:
        guesser = client()
        six = document.format(fields=" ".join(sign_in(stranger(), f"a{number}") for number in range(6)))
        refused = await guesser.post(six)
        assert (refused.status, refused.codes) == (429, ["RATE_LIMITED"])
        five = document.format(fields=" ".join(sign_in(stranger(), f"a{number}") for number in range(5)))
        assert (await guesser.post(five)).status == 200
        assert (await guesser.post(f"mutation {{ {sign_in(stranger())} }}")).status == 429


async def test_many_guesses_at_one_account_in_a_request_are_as_many(gateway_of: Gateway) -> None:
    async with gateway_of(sign_in_attempts_per_account=5) as client:
        email = stranger()
        fields = " ".join(sign_in(email, f"a{number}") for number in range(6))
        assert (await client().post(f"mutation {{ {fields} }}")).status == 429


@pytest.mark.parametrize("quota", ["account", "address"])
async def test_more_attempts_than_a_minute_holds_are_told_to_split_and_not_to_wait(
    gateway_of: Gateway, quota: str
) -> None:
    async with gateway_of(**{f"sign_in_attempts_per_{quota}": 5}) as client:
        email, guesser = stranger(), client()
        six = f"mutation {{ {' '.join(sign_in(email, f'a{number}') for number in range(6))} }}"
        for _ in range(2):
            refused = await guesser.post(six)
            where = "to this account" if quota == "account" else "from this address"
            message = (
                f"Too many attempts to sign in {where}: at most 5 a minute, and this alone asks for 6. "
                "Split it into several requests."
            )
            assert refused.body == {"errors": [{"message": message, "extensions": {"code": "RATE_LIMITED"}}]}
            assert (refused.status, "Retry-After" in refused.headers) == (429, False)
        assert (await guesser.post(six.replace(sign_in(email, "a5"), ""))).status == 200, "none of those counted"


async def test_what_is_skipped_is_no_attempt(gateway_of: Gateway) -> None:
    async with gateway_of(sign_in_attempts_per_address=1) as client:
        guesser = client()
        field = sign_in(stranger()).replace(") {", ") @include(if: $yes) {")
        query = f"mutation ($yes: Boolean!) {{ {field} __typename }}"
        for _ in range(3):
            assert (await guesser.post(query, variables={"yes": False})).body == {"data": {"__typename": "Mutation"}}
        assert (await guesser.post(query, variables={"yes": True})).status == 200
        assert (await guesser.post(query, variables={"yes": True})).status == 429


ATTEMPTS = [
    'signUp(input: { email: "%s", password: "a", displayName: "A" }) { user { id } }',
    'signIn(input: { email: "%s", password: "a" }) { user { id } }',
    'requestPasswordReset(email: "%s")',
    'resetPassword(email: "%s", token: "000000", newPassword: "correct horse") { user { id } }',
    'sendMagicLink(email: "%s")',
    'verifyOtp(email: "%s", token: "000000") { user { id } }',
]


@pytest.mark.parametrize("field", ATTEMPTS)
async def test_every_way_in_counts_for_its_account(gateway_of: Gateway, field: str) -> None:
    async with gateway_of(sign_in_attempts_per_account=1) as client:
        query, guesser = f"mutation {{ {field % stranger()} }}", client()
        assert [(await guesser.post(query)).status for _ in range(2)] == [200, 429]


async def test_a_refreshed_session_counts_for_its_address(gateway_of: Gateway) -> None:
    async with gateway_of(sign_in_attempts_per_address=1) as client:
        guesser = client()
        query = 'mutation { refreshSession(refreshToken: "guessed") { user { id } } }'
        assert [(await guesser.post(query)).status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    "field",
    [
        'changePassword(currentPassword: "guessed", newPassword: "correct horse") { user { id } }',
        'deleteAccount(password: "guessed")',
    ],
)
async def test_a_stolen_token_is_no_way_to_guess_the_password(
    gateway_of: Gateway, newcomer: Person, field: str
) -> None:
    async with gateway_of(sign_in_attempts_per_account=2) as client:
        thief = client(newcomer)
        answers = [await thief.post(f"mutation {{ {field} }}") for _ in range(3)]
        assert [answer.codes for answer in answers] == [["BAD_USER_INPUT"], ["BAD_USER_INPUT"], ["RATE_LIMITED"]]
        assert answers[2].status == 429
        assert newcomer.email is not None
        # Nor is signing in, from there.
        query = f"mutation {{ {sign_in(newcomer.email)} }}"
        assert [(await one.post(query)).status for one in (thief, client())] == [429, 200]


async def test_variables_hide_no_account(gateway_of: Gateway) -> None:
    async with gateway_of(sign_in_attempts_per_account=1) as client:
        query = "mutation ($input: SignInInput!) { signIn(input: $input) { user { id } } }"
        given, guesser = {"input": {"email": stranger(), "password": "guessed"}}, client()
        assert [(await guesser.post(query, variables=given)).status for _ in range(2)] == [200, 429]


async def test_what_does_not_fit_answers_as_ever(gateway_of: Gateway) -> None:
    async with gateway_of(sign_in_attempts_per_address=1) as client:
        answer = await client().post(
            "mutation ($input: SignInInput!) { signIn(input: $input) { user { id } } }", variables={"input": {}}
        )
        assert answer.codes[0] == "BAD_USER_INPUT"
