"""Whoever tries a stranger's account makes trying slower, and keeps its owner from nothing."""

from typing import Any

import pytest

from tests.rates.conftest import Answer, Client, Gateway
from tests.rates.test_attempts import sign_in, stranger
from tests.support import Person

RIGHT = 'mutation { signIn(input: { email: "%s", password: "correct horse" }) { user { id } } }'
CODE = 'mutation { verifyOtp(email: "%s", token: "000000") { user { id } } }'
NEW_PASSWORD = 'mutation { resetPassword(email: "%s", token: "000000", newPassword: "correct horse") { user { id } } }'
MAILS = ['mutation { requestPasswordReset(email: "%s") }', 'mutation { sendMagicLink(email: "%s") }']


def wrong(email: str) -> str:
    return f"mutation {{ {sign_in(email)} }}"


async def siege(client: Any, query: str, addresses: int, each: int = 1) -> list[int]:
    """The statuses of so many tries from each of so many addresses."""
    guessers = [client() for _ in range(addresses)]
    return [(await guesser.post(query)).status for guesser in guessers for _ in range(each)]


async def let_in(client: Client, email: str) -> bool:
    """Whether the owner is, with the right password."""
    answer = await client.post(RIGHT % email)
    assert answer.status == 200 or answer.codes == ["RATE_LIMITED"]
    return answer.status == 200 and not answer.codes


async def test_nobody_keeps_an_owner_out(gateway_of: Gateway, newcomer: Person) -> None:
    async with gateway_of(sign_in_attempts_per_account=2) as client:
        await siege(client, wrong(str(newcomer.email)), addresses=8, each=3)
        # From where nobody has signed in before, and there is nothing that keeps the owner waiting.
        assert await let_in(client(), str(newcomer.email))


async def test_each_try_counts_for_more_while_many_are_made_and_one_is_always_left(gateway_of: Gateway) -> None:
    async with gateway_of(sign_in_attempts_per_account=4) as client:
        email, left = stranger(), []
        for _ in range(4):
            left.append(sum(status == 200 for status in await siege(client, wrong(email), addresses=1, each=5)))
            await siege(client, wrong(email), addresses=6)
        assert left == [4, 2, 1, 1]
        last = client()
        answers = [await last.post(wrong(email)) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 429]
        assert (
            answers[1]
            .body["errors"][0]["message"]
            .startswith("Too many attempts to sign in to this account, and each counts for 4 while so many are made: ")
        )
        assert 1 <= int(answers[1].headers["Retry-After"]) <= 120
        assert await siege(client, wrong(stranger()), addresses=1, each=5) == [200, 200, 200, 200, 429]


@pytest.mark.parametrize("begin", ["signIn", "refreshSession"])
async def test_where_the_owner_has_signed_in_before_others_do_not_matter(
    gateway_of: Gateway, newcomer: Person, begin: str
) -> None:
    async with gateway_of(sign_in_attempts_per_account=3) as client:
        home, email = client(), str(newcomer.email)
        if begin == "signIn":
            assert await let_in(home, email)
        else:
            query = f'mutation {{ refreshSession(refreshToken: "{newcomer.refresh_token}") {{ user {{ id }} }} }}'
            assert not (await home.post(query)).codes
            await home.post(wrong(email))  # as many tries as above
        await siege(client, wrong(email), addresses=12)
        assert await siege(client, wrong(email), addresses=1, each=2) == [200, 429]
        # One typing error is forgiven.
        assert (await home.post(wrong(email))).codes == ["UNAUTHENTICATED"]
        assert await let_in(home, email)
        # That address has no more tries than any other has in peace.
        assert (await home.post(wrong(email))).codes == ["RATE_LIMITED"]


async def test_an_attempt_that_failed_makes_no_address_known(gateway_of: Gateway, newcomer: Person) -> None:
    async with gateway_of(sign_in_attempts_per_account=2) as client:
        guesser, email = client(), str(newcomer.email)
        await guesser.post(wrong(email))
        # Nor does one that succeeded elsewhere, or for another account.
        own = await newcomer.sign_up()
        assert await let_in(guesser, str(own.email))
        await siege(client, wrong(email), addresses=4)
        assert (await guesser.post(wrong(email))).codes == ["RATE_LIMITED"]


async def test_whether_there_is_an_account_makes_no_difference(gateway_of: Gateway, newcomer: Person) -> None:
    async with gateway_of(sign_in_attempts_per_account=2) as client:

        async def seen(email: str) -> list[Any]:
            found: list[Answer] = []
            for guesser in [client() for _ in range(6)]:
                found += [await guesser.post(query) for query in (wrong(email), wrong(email), CODE % email)]
            return [(answer.status, answer.codes, answer.headers.get("RateLimit-Policy")) for answer in found]

        known, unknown = await seen(str(newcomer.email)), await seen(stranger())
        assert known == unknown


@pytest.mark.parametrize("query", [CODE, NEW_PASSWORD])
async def test_codes_can_be_found_and_so_all_other_addresses_together_have_an_end(
    gateway_of: Gateway, newcomer: Person, query: str
) -> None:
    async with gateway_of(sign_in_attempts_per_account=1) as client:
        home, email = client(), str(newcomer.email)
        assert await let_in(home, email)
        assert await siege(client, query % email, addresses=12) == [200] * 10 + [429] * 2
        refused = await client().post(query % email)
        assert refused.headers["RateLimit-Policy"] == '"sign-in-codes";q=10;w=60'
        # Passwords are not touched by that.
        assert await let_in(client(), email)


async def test_a_code_is_taken_where_its_owner_has_signed_in_before(gateway_of: Gateway, newcomer: Person) -> None:
    async with gateway_of(sign_in_attempts_per_account=2) as client:
        home, email = client(), str(newcomer.email)
        assert await let_in(home, email)
        await siege(client, CODE % email, addresses=21)
        assert (await client().post(CODE % email)).codes == ["RATE_LIMITED"]
        assert (await home.post(CODE % email)).codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("query", MAILS)
async def test_mails_to_one_account_are_counted_from_anywhere(
    gateway_of: Gateway, newcomer: Person, query: str
) -> None:
    async with gateway_of(sign_in_attempts_per_account=2) as client:
        email = str(newcomer.email)
        assert await siege(client, query % email, addresses=3) == [200, 200, 429]
        refused = await client().post(query % email)
        assert refused.headers["RateLimit-Policy"] == '"sign-in-mails";q=2;w=60'
        # Nobody is kept from signing in by that, nor by tries from asking for a mail.
        assert await let_in(client(), email)
        other = stranger()
        await siege(client, wrong(other), addresses=6)
        assert await siege(client, query % other, addresses=1) == [200]
